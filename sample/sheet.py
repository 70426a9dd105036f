"""Makes the picture that the documentation shows: `python -m sample.sheet docs/pictures/sample.jpg`."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageOps

from sample.draw import COUNT, shots
from sample.street.layouts import Split
from sample.street.scene import draw_scene

CHOSEN = (0, 26, 13, 44, 52, 12, 43, 19)
COLUMNS, CELL, GAP = 4, (400, 300), 6


def main() -> None:
    """Draw the chosen pictures of the sample side by side."""
    every = shots(Split.SAMPLE, COUNT)
    rows = len(CHOSEN) // COLUMNS
    sheet = Image.new("RGB", (COLUMNS * (CELL[0] + GAP) - GAP, rows * (CELL[1] + GAP) - GAP), "white")
    for place, number in enumerate(CHOSEN):
        image = draw_scene(every[number].seed, every[number].layout).image
        fitted = ImageOps.fit(image, CELL, Image.Resampling.LANCZOS)
        sheet.paste(fitted, (place % COLUMNS * (CELL[0] + GAP), place // COLUMNS * (CELL[1] + GAP)))
    sheet.save(Path(sys.argv[1]), quality=86, optimize=True)


if __name__ == "__main__":
    main()
