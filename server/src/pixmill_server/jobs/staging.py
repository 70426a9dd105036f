"""Results of a Run before they are committed: one object for each chunk, seen by nobody until the commit."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from pixmill.annotations import AnnotationColumns, require_attributes
from pixmill_server.jobs.added import AddedAsset
from pixmill_server.jobs.errors import ChunkMismatch
from pixmill_server.storage.objects import Objects


class StagedResults(msgspec.Struct, frozen=True):
    """What a chunk adds: shapes, tags and metadata; assets by id, Labels by name."""

    done: list[str] = []
    """Assets that were looked at, also those where nothing was found."""
    annotations: bytes = b""
    """`AnnotationColumns.to_bytes()`; empty for none."""
    tags: dict[str, list[str]] = {}
    metadata: dict[str, dict[str, Any]] = {}
    added: list[AddedAsset] = []
    """To the version that the Run makes; their shapes are among the annotations."""

    def columns(self) -> AnnotationColumns | None:
        """The shapes; None for none."""
        return AnnotationColumns.from_bytes(self.annotations) if self.annotations else None


def checked_columns(packed: bytes, *, done: Collection[str], labels: Collection[str]) -> int:
    """How many shapes there are.

    Raises `ChunkMismatch` where they cannot be read, or name an asset that was not done or a Label that is not there.
    """
    if not packed:
        return 0
    try:
        columns = AnnotationColumns.from_bytes(packed)
        require_attributes(columns)
    except (msgspec.DecodeError, ValueError) as error:
        raise ChunkMismatch(f"The staged annotations cannot be read: {error}.") from error
    _require_done(columns.assets, done)
    require_labels(columns, labels)
    return len(columns)


def require_labels(columns: AnnotationColumns, labels: Collection[str]) -> None:
    """Raise `ChunkMismatch` where a shape is under a Label that is not there."""
    if unknown := set(columns.labels) - set(labels):
        raise ChunkMismatch(f"The version has no Label '{min(unknown)}'.")


def require_results_of_done(done: Collection[str], *results: Mapping[str, object]) -> None:
    """Raise `ChunkMismatch` where tags or metadata are given to an asset that was not done."""
    for result in results:
        _require_done(result, done)


def _require_done(named: Iterable[str], done: Collection[str]) -> None:
    if strangers := set(named) - set(done):
        raise ChunkMismatch(f"Asset '{min(strangers)}' has results, and is not among those of the chunk that are done.")


def stage(objects: Objects, files_id: str, index: int, attempt: str, results: StagedResults) -> str:
    """Store the results of a chunk; the key they lie under, which is another for another attempt at it."""
    key = f"runs/{files_id}/chunks/{index:08d}-{attempt}"
    objects.put_named(key, msgspec.msgpack.encode(results))
    return key


def read_staged(objects: Objects, keys: list[str]) -> Iterator[StagedResults]:
    """The results of chunks, one at a time."""
    for key in keys:
        yield msgspec.msgpack.decode(objects.get_named(key), type=StagedResults)


def drop_staged(objects: Objects, run_id: str) -> None:
    """Forget all staged results of a Run; the second time nothing happens."""
    for staged in list(objects.list_named(f"runs/{run_id}/chunks")):
        objects.delete_named(staged.key)
