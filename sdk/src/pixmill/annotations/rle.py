"""COCO's run-length code: runs of zeros and ones in turn, beginning with zeros, down each column, then the next column.

The compressed form writes the runs (from the third on as the difference to the one two before) in groups of five bits
with a continuation bit, as ASCII from '0' on. Source: COCO API, `common/maskApi.c` (rleToString, rleFrString).
"""

import numpy as np
from numpy.typing import NDArray

from pixmill.errors import AnnotationError

_FIRST_LETTER = 48
_GROUP_BITS = 5
_CONTINUES = 0x20
_SIGN = 0x10
_DIFFERENCES_FROM = 3
"""Runs 0, 1 and 2 are written as they are."""
_LONGEST_NUMBER = 12
"""Groups of a number: sixty bits, which no image needs."""


def decompress(counts: bytes) -> NDArray[np.int64]:
    """The run lengths of a compressed string. Raises `AnnotationError` where it ends in the middle of a number."""
    groups = np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - _FIRST_LETTER
    is_last = (groups & _CONTINUES) == 0
    if not len(groups):
        return groups
    starts = np.concatenate(([0], np.flatnonzero(is_last)[:-1] + 1))
    lengths = np.diff(np.append(starts, len(groups)))
    if not is_last[-1] or groups.min() < 0 or groups.max() >= 2 * _CONTINUES or lengths.max() > _LONGEST_NUMBER:
        raise _broken()
    shifts = (np.arange(len(groups)) - np.repeat(starts, lengths)) * _GROUP_BITS
    runs = np.add.reduceat((groups & 0x1F) << shifts, starts)
    negative = (groups[is_last] & _SIGN) != 0
    runs[negative] -= np.int64(1) << (lengths[negative] * _GROUP_BITS)
    # Each is the difference to the one two before: sums along every second one.
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    if (runs < 0).any():
        raise _broken()
    return runs


def _broken() -> AnnotationError:
    return AnnotationError("A mask's run-length code is broken.", hint="Write it again as COCO's compressed RLE.")


def compress(runs: NDArray[np.int64] | list[int]) -> bytes:
    """The inverse of `decompress`."""
    letters = bytearray()
    lengths = [int(run) for run in runs]
    for index, length in enumerate(lengths):
        value = length - lengths[index - 2] if index >= _DIFFERENCES_FROM else length
        while True:
            group = value & 0x1F
            value >>= _GROUP_BITS
            is_last = value == (-1 if group & _SIGN else 0)
            letters.append(_FIRST_LETTER + (group if is_last else group | _CONTINUES))
            if is_last:
                break
    return bytes(letters)


def strips(counts: bytes, *, height: int) -> list[tuple[int, int, int]]:
    """The ones as vertical strips (x, y, length), one pixel wide; a run over a column's end becomes several."""
    ends = np.cumsum(decompress(counts))
    found: list[tuple[int, int, int]] = []
    for start, end in zip(ends[0::2].tolist(), ends[1::2].tolist(), strict=False):
        at = start
        while at < end:
            x, y = divmod(at, height)
            length = min(height - y, end - at)
            found.append((x, y, length))
            at += length
    return found
