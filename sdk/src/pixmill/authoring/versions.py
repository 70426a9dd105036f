"""What a whole-version function gets: the DatasetVersion it works on, and its Context."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pixmill.annotations.images import RgbImage
from pixmill.authoring.assets import Asset, Batch, Change


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """The assets of the Run's scope, in the order of their paths; may be read several times.

    An asset counts as done once it was read or changed; one that never was is listed as skipped.

    As a Parameter it is another version, or another Revision of the same one: all of its assets, each with its
    annotations (but for those that a human rejected). It can only be read: nothing of it counts, and what is staged for
    its assets is refused.
    """

    name: str
    """`street/v1@17`."""
    labels: tuple[str, ...]
    size: int
    """How many assets."""
    open_assets: Callable[[], Iterator[Asset]]
    open_images: Callable[[], Iterator[tuple[Asset, RgbImage]]]

    def __len__(self) -> int:
        return self.size

    def assets(self) -> Iterator[Asset]:
        """Every asset, without its image."""
        return self.open_assets()

    def images(self) -> Iterator[tuple[Asset, RgbImage]]:
        """Every asset with its image, decoded ahead. One that cannot be decoded is left out and listed as failed.

        Of a Parameter one at a time, and what is left out is named in the log.
        """
        return self.open_images()

    def batches(self, size: int = 8) -> Iterator[Batch]:
        """The same as `images`, `size` at a time."""
        pairs = self.images()
        while taken := list(islice(pairs, size)):
            yield Batch(tuple(asset for asset, _ in taken), tuple(image for _, image in taken))


@dataclass(frozen=True, slots=True)
class Context:
    """What a whole-version function may use beside its DatasetVersion."""

    scratch: Path
    """A folder to write in; gone after the Run."""
    stage: Callable[[Change], None]
    """Stages a Change. Yielding Changes from the function does the same."""
