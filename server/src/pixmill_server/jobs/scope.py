"""The assets of a Run, pinned: their ids in the order of their paths, as one object, 16 bytes each."""

from collections.abc import Iterable, Iterator

from pixmill_server.storage.objects import Objects

_ID_BYTES = 16
_SMALLEST_CHUNK = 32
_MOST_CHUNKS = 8192


def chunk_size(assets: int, *, batch_size: int) -> int:
    """Assets for each chunk: whole batches, about 32 images, and more where there would be too many chunks."""
    batch = max(batch_size, 1)
    size = batch * -(-_SMALLEST_CHUNK // batch)
    while -(-assets // size) > _MOST_CHUNKS:
        size *= 2
    return size


def chunk_ranges(assets: int, size: int) -> Iterator[tuple[int, int, int]]:
    """(index, first row, size) of every chunk."""
    for index, first in enumerate(range(0, assets, size)):
        yield index, first, min(size, assets - first)


def pin_scope(objects: Objects, run_id: str, asset_ids: Iterable[str]) -> int:
    """Store the ids as a stream; how many there are."""
    counted = 0

    def packed() -> Iterator[bytes]:
        nonlocal counted
        piece = bytearray()
        for asset_id in asset_ids:
            piece += bytes.fromhex(asset_id)
            counted += 1
            if len(piece) >= 1 << 20:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)

    objects.put_named(_key(run_id), packed())
    return counted


def read_scope(objects: Objects, run_id: str, first: int, size: int) -> list[str]:
    """The ids of `size` assets from row `first` on."""
    packed = objects.get_named_range(_key(run_id), first * _ID_BYTES, (first + size) * _ID_BYTES)
    return [packed[at : at + _ID_BYTES].hex() for at in range(0, len(packed), _ID_BYTES)]


def drop_scope(objects: Objects, run_id: str) -> None:
    """Forget the list; the second time nothing happens."""
    objects.delete_named(_key(run_id))


def _key(run_id: str) -> str:
    return f"runs/{run_id}/scope"
