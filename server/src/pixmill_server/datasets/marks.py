"""Tags, metadata and images of assets that are there already: their rows are written anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import pyarrow as pa

from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.existing import one_of
from pixmill_server.datasets.revise import Draft
from pixmill_server.datasets.schemas import ASSETS
from pixmill_server.datasets.stores import Step

ROWS_AT_ONCE: Final = 2000
_IMAGE_COLUMNS = ("digest", "size_bytes", "width", "height", "orientation", "media_type", "source_uri")


@dataclass(slots=True)
class Marks:
    """What is to be set, by asset id."""

    tags: dict[str, list[str]] = field(default_factory=dict)
    untags: dict[str, list[str]] = field(default_factory=dict)
    metadata: dict[str, dict[str, object]] = field(default_factory=dict)
    images: dict[str, Mapping[str, object]] = field(default_factory=dict)

    def collect(self, part: ChangePart) -> None:
        """Add a part's tags and metadata."""
        for asset_id, tags in part.tags.items():
            self.add_tags(asset_id, tags)
        for asset_id, values in part.metadata.items():
            self.metadata.setdefault(asset_id, {}).update(values)

    def add_tags(self, asset_id: str, tags: Sequence[str]) -> None:
        """Tags the asset is to have, beside those it has."""
        self.tags.setdefault(asset_id, []).extend(tags)

    def remove_tags(self, asset_id: str, tags: Sequence[str]) -> None:
        """Tags the asset is not to have."""
        self.untags.setdefault(asset_id, []).extend(tags)

    def replace_image(self, asset_id: str, row: pa.RecordBatch) -> None:
        """Another image for the same asset."""
        values = row.to_pylist()[0]
        self.images[asset_id] = {name: values[name] for name in _IMAGE_COLUMNS}

    def apply(self, draft: Draft) -> dict[str, int]:
        """Rewrite the rows of the marked assets that the head has; how many changed, and in what."""
        table = draft.datasets.tables.open(draft.head.assets)
        ids = list(dict.fromkeys([*self.tags, *self.untags, *self.metadata, *self.images]))
        step = {"changed_assets": 0, "replaced_images": 0}
        for start in range(0, len(ids), ROWS_AT_ONCE):
            where = one_of("id", ids[start : start + ROWS_AT_ONCE])
            found = table.scanner(filter=where, with_row_address=True).to_table()
            rows = found.drop_columns(["_rowaddr"]).to_pylist()
            changed = [self._marked(row) for row in rows]
            differing = [place for place, row in enumerate(rows) if changed[place] != row]
            if not differing:
                continue
            write = draft.assets()
            draft.datasets.at_step(Step.STAGE)
            write.delete(found["_rowaddr"].take(differing).to_numpy())
            batch = pa.RecordBatch.from_pylist([changed[place] for place in differing], schema=ASSETS)
            write.append([batch], ASSETS)
            draft.stay_alive()
            step["changed_assets"] += len(differing)
            step["replaced_images"] += sum(rows[place]["id"] in self.images for place in differing)
        return step

    def _marked(self, row: Mapping[str, object]) -> dict[str, object]:
        asset_id = str(row["id"])
        marked = {**row, **self.images.get(asset_id, {})}
        gone = self.untags.get(asset_id, ())
        had = row["tags"]
        tags = [*had, *self.tags.get(asset_id, ())] if isinstance(had, list) else []
        marked["tags"] = [tag for tag in dict.fromkeys(tags) if tag not in gone]
        if asset_id in self.metadata:
            had_metadata = msgspec.json.decode(str(row["metadata"]) or "{}", type=dict[str, object])
            marked["metadata"] = msgspec.json.encode(had_metadata | self.metadata[asset_id]).decode()
        return marked
