"""Draws the sample: `python -m sample.draw OUT_DIR` writes OUT_DIR/images/*.jpg and OUT_DIR/annotations.json (COCO).

The same split, count and seed give the same files. Polygons are those of what is visible.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sample.street.layouts import Split, layouts_of, seeds_of
from sample.street.plan import Label
from sample.street.scene import Scene, draw_scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sample.street.layout import Layout

COUNT = 64
JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to be drawn."""

    seed: int
    layout: Layout


def shots(split: Split, count: int, offset: int = 0) -> list[Shot]:
    """The pictures of a split, its layouts in turn; `offset` starts at another of the split's seeds."""
    layouts = layouts_of(split)
    seeds = seeds_of(split)[offset : offset + count]
    return [Shot(seed, layouts[i % len(layouts)]) for i, seed in enumerate(seeds)]


def write_sample(folder: Path, drawn: Iterator[tuple[Shot, Scene]]) -> int:
    """Write pictures and their annotations; gives the number of pictures."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    numbers = {label: number for number, label in enumerate(Label, start=1)}
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for image_id, (shot, scene) in enumerate(drawn, start=1):
        name = f"images/{scene.layout.replace(' ', '-')}-{shot.seed}.jpg"
        scene.image.save(folder / name, quality=JPEG_QUALITY)
        images.append({"id": image_id, "file_name": name, "width": scene.image.width, "height": scene.image.height})
        for truth in scene.truths:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": numbers[truth.label],
                    "bbox": [round(value, 2) for value in truth.box],
                    "area": round(truth.area, 2),
                    "segmentation": [[round(v, 2) for point in polygon for v in point] for polygon in truth.polygons],
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": str(label)} for label, number in numbers.items()]
    document = {
        "info": {"description": "Drawn street scenes of Pixmill", "version": "1"},
        "licenses": [{"id": 1, "name": "Apache-2.0"}],
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }
    (folder / "annotations.json").write_text(json.dumps(document, indent=None) + "\n", encoding="utf-8")
    return len(images)


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(
        prog="python -m sample.draw", description="Draw street scenes with their true annotations."
    )
    parser.add_argument("out", type=Path, help="the folder to write into")
    parser.add_argument("--count", type=int, default=COUNT, help="how many pictures (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=0, help="where to start among the split's seeds (default: %(default)s)"
    )
    parser.add_argument(
        "--split", type=Split, choices=list(Split), default=Split.SAMPLE, help="which seeds and layouts"
    )
    options = parser.parse_args()
    wanted = shots(options.split, options.count, options.seed)
    drawn = ((shot, draw_scene(shot.seed, shot.layout)) for shot in wanted)
    print(f"Drew {write_sample(options.out, drawn)} pictures into {options.out}.")


if __name__ == "__main__":
    main()
