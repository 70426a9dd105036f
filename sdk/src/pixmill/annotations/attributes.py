"""Attributes as they are packed: what came over the wire need not be what it says it is."""

from typing import Any

import msgspec
import numpy as np

from pixmill.annotations.columns import AnnotationColumns

# Made once: it takes longer to make than a text takes to be read.
_OBJECT = msgspec.json.Decoder(dict[str, Any])


def require_attributes(columns: AnnotationColumns) -> None:
    """Raise `ValueError` where the attributes of an annotation are neither empty nor one JSON object.

    Equal ones are looked at once.
    """
    packed, offsets = columns.attributes.tobytes(), columns.attribute_offsets
    rows = np.flatnonzero(np.diff(offsets))
    starts, ends = offsets[rows].tolist(), offsets[rows + 1].tolist()
    for text in {packed[start:end] for start, end in zip(starts, ends, strict=True)}:
        if not is_json_object(text):
            raise ValueError(f"attributes are no JSON object: {text[:100].decode(errors='replace')!r}")


def is_json_object(text: bytes) -> bool:
    """Whether it is exactly one, and can be read."""
    try:
        _OBJECT.decode(text)
    except (ValueError, RecursionError):
        return False
    return True
