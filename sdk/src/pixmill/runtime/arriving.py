"""What comes into the child, whichever version it is of."""

from dataclasses import dataclass

from pixmill.annotations import AnnotationColumns, rows_of
from pixmill.annotations.images import RgbImage
from pixmill.authoring import Asset, LabeledShape
from pixmill.errors import PixmillError


class SupervisorGone(PixmillError):
    """The pipe ended: nobody wants the results any more."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An asset, with its image, or with the reason why there is none."""

    asset: Asset
    chunk: int
    image: RgbImage | None
    unreadable: str


def annotations_by_asset(packed: bytes) -> dict[str, list[LabeledShape]]:
    """By asset id; nothing where none were sent."""
    found: dict[str, list[LabeledShape]] = {}
    for row in rows_of(AnnotationColumns.from_bytes(packed)) if packed else ():
        found.setdefault(row.asset, []).append(LabeledShape(row.shape, row.label, row.score, row.attributes))
    return found
