# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Augment a version with mirrored, turned, brighter or darker copies.

Makes a new version: everything that is in the version, and beside each image of the scope one copy for each change
that is asked for. Every shape of an image goes along, moved exactly as the pixels are: boxes, rotated boxes, polygons,
masks, lines, points and keypoints, with their Labels, scores and attributes. Rejected shapes get no copy.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal

import numpy as np

from pixmill.annotations.symmetries import Symmetry
from pixmill.authoring import Asset, Batch, Between, Change, RgbImage, processing
from pixmill.errors import InvalidInput

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
SAME: Final = Symmetry()
QUARTERS: Final = {"none": (), "90": (1,), "180": (2,), "270": (3,), "all": (1, 2, 3)}


@processing(kind="augmentation", batch_size=8, new_version="fork", reads_annotations=True)
class Augment:
    """Makes copies; a JPEG's copy is a JPEG of quality 95, a PNG's or WebP's has every pixel, others become PNG.

    flip: A copy with left and right exchanged. Keypoints keep their names: a left hand is still called left.
    flip_vertically: A copy that is upside down.
    rotate: A copy turned clockwise by so many degrees; all makes three.
    brightness: A copy whose pixels are multiplied by this; 1 makes none.
    folder: Where the copies lie in the new version.
    """

    def __init__(
        self,
        *,
        flip: bool = True,
        flip_vertically: bool = False,
        rotate: Literal["none", "90", "180", "270", "all"] = "none",
        brightness: Annotated[float, Between(0.1, 10)] = 1.0,
        folder: str = "augmented",
    ) -> None:
        changes = {"flip": Symmetry(mirrored=True)} if flip else {}
        if flip_vertically:
            changes["flip-vertically"] = Symmetry(mirrored=True, quarter_turns=2)
        changes |= {f"rotate-{90 * quarters}": Symmetry(quarter_turns=quarters) for quarters in QUARTERS[rotate]}
        self.changes = changes
        self.levels = np.clip(np.rint(np.arange(256) * brightness), 0, 255).astype(np.uint8)
        self.brightness = brightness
        self.folder = folder.strip("/")
        if not changes and brightness == 1:
            raise InvalidInput("No copy is asked for.", hint="Set flip, flip_vertically, rotate or brightness.")

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset, image in zip(batch.assets, batch.images, strict=True):
            for name, symmetry in self.changes.items():
                yield self._copy(asset, image, name, symmetry)
            if self.brightness != 1:
                yield self._copy(asset, self.levels[image], f"brightness-{self.brightness:g}", SAME)

    def _copy(self, asset: Asset, image: RgbImage, name: str, symmetry: Symmetry) -> Change:
        height, width = image.shape[:2]
        moved = [
            replace(each, shape=symmetry.shape(each.shape, width=width, height=height)) for each in asset.annotations
        ]
        path = f"{self.folder}/{_named(asset.path, name)}" if self.folder else _named(asset.path, name)
        return asset.derive(path, symmetry.image(image), annotations=moved, tags=asset.tags)


def _named(path: str, change: str) -> str:
    """`a/b.flip.jpg` of `a/b.jpg`; of what cannot be written again, `a/b.tif.flip.png`."""
    suffix = PurePosixPath(path).suffix
    return f"{path.removesuffix(suffix)}.{change}{suffix}" if suffix.lower() in SUFFIXES else f"{path}.{change}.png"
