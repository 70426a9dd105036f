"""Ids of assets, annotations and labels: UUIDv7, written as 32 lower-case hexadecimal digits, sortable by time."""

import secrets
from datetime import UTC, datetime
from typing import NewType

AssetId = NewType("AssetId", str)
AnnotationId = NewType("AnnotationId", str)
LabelId = NewType("LabelId", str)

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_A_BITS = 12
_RANDOM_B_BITS = 62


def new_id(now: datetime | None = None) -> str:
    """A fresh UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, 74 bits of chance; None means the present."""
    milliseconds = int((now or datetime.now(UTC)).timestamp() * 1000)
    random_a = secrets.randbits(_RANDOM_A_BITS)
    random_b = secrets.randbits(_RANDOM_B_BITS)
    return f"{(milliseconds << 80) | _VERSION_7 | (random_a << 64) | _VARIANT | random_b:032x}"
