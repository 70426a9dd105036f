"""What a Run, an import or a program wants to change, as a stream of parts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa

from pixmill.annotations import AnnotationColumns, Origin


class Existing(StrEnum):
    """What is done where an asset has annotations already. What a human edited or accepted stays, always."""

    KEEP = "keep"
    """The asset is skipped, with that reason."""
    REPLACE = "replace"
    """The shapes that the same Processing and Model wrote go, unless a human edited or accepted them."""
    ADD = "add"


class AssetKey(StrEnum):
    """How a change names assets."""

    ID = "id"
    PATH = "path"


class OtherDigest(StrEnum):
    """What is done with an asset whose path the version has with another digest."""

    REFUSE = "refuse"
    """It is skipped, with that reason, and so are its annotations."""
    REPLACE = "replace"
    """The asset keeps its id, tags and metadata, and gets the new image."""


@dataclass(frozen=True, slots=True)
class ChangePart:
    """A piece of a change that fits in memory; a thousand assets or some ten thousand annotations are good sizes."""

    assets: pa.RecordBatch | None = None
    """New assets, in the columns of `schemas.ASSETS`. The same path and digest again is skipped silently."""
    annotations: AnnotationColumns | None = None
    """Of assets of the version or of this or an earlier part; `labels` are names."""
    done: Sequence[str] = ()
    """Assets that were looked at even if nothing was found: `replace` clears them too. Keys as the source says."""
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Tags to add, by asset id."""
    metadata: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Metadata to set, by asset id: keys that are not named stay."""


@dataclass(frozen=True, slots=True)
class ChangeSource:
    """A change that can be read more than once: it is read again where somebody else's commit came in between."""

    parts: Callable[[], Iterable[ChangePart]]
    origin: Origin
    assets_by: AssetKey = AssetKey.ID
    """How `annotations.assets` and `done` name assets."""
    new_labels: Sequence[str] = ()
    """Labels to make where the version has none of this name; annotations of other unknown names are dropped."""
    label_ids: Mapping[str, str] = field(default_factory=dict)
    """Ids of the Labels by the names that the change calls them; those that were renamed since are found by these."""
    other_digest: OtherDigest = OtherDigest.REFUSE
    other_runs: Sequence[str] = ()
    """Those of the same Job: what they wrote on the assets of this change, and no human edited or accepted, goes.
    Under `keep` nothing goes."""
