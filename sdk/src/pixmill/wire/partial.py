"""Partial results in JSON: what a failed or cancelled Run had done before it ended."""

from typing import Literal

from pydantic import Field, JsonValue

from pixmill.wire.base import WireModel

PartialStateName = Literal["kept", "resumed", "committed", "dropped", "superseded"]


class PartialResults(WireModel):
    """In numbers; `done + failed + skipped + not_reached` is the scope of the Run."""

    state: PartialStateName | None = None
    """`kept`: they can be looked at, committed, dropped or gone on with. None: the Run is not over, or succeeded."""
    revision: int | None = None
    """The Revision they were committed as."""
    done: int
    failed: int
    skipped: int
    not_reached: int
    shapes: int
    by_label: dict[str, int] = Field(default_factory=dict)
    """Shapes, by Label."""
    assets_added: int = 0
    """For the version that the Run makes."""


class StagedShape(WireModel):
    """One shape that is not committed; display pixels, as `pixmill.annotations.columns` lays them out."""

    kind: str
    label: str
    bbox: list[float] | None = None
    """x, y, width, height; null for a class of the whole image."""
    score: float | None = None
    coordinates: list[float] = Field(default_factory=list)
    rings: list[int] = Field(default_factory=list)
    mask: str = ""
    """COCO's compressed run lengths."""
    attributes: dict[str, JsonValue] = Field(default_factory=dict)


class StagedNewAsset(WireModel):
    """One for the version that the Run makes, which is not committed."""

    path: str
    width: int
    height: int
    shapes: list[StagedShape]
    tags: list[str] = Field(default_factory=list)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class StagedAsset(WireModel):
    """One asset that was done, and what the Run found."""

    asset_id: str
    path: str
    shapes: list[StagedShape]
    tags: list[str] = Field(default_factory=list)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    added: list[StagedNewAsset] = Field(default_factory=list)
    """What was made of it."""


class StagedAssetPage(WireModel):
    """Assets in the order of the Run; empty once the results are gone."""

    items: list[StagedAsset]
    next_cursor: str | None = None
