"""Ids of rows: a prefix that says of what, and a UUIDv7 in Crockford's base 32, sortable by the time it was made."""

from pixmill.annotations import new_id as new_uuid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_DIGITS = 26
_BITS_PER_DIGIT = 5
_DIGIT_MASK = 31


def new_id(prefix: str) -> str:
    """A fresh id such as `ds_01jd3kz7w8e1v9q4n2m6x5t0cb`; later ones of the same prefix sort after it."""
    number = int(new_uuid(), 16)
    digits = [
        _ALPHABET[(number >> shift) & _DIGIT_MASK] for shift in range(0, _DIGITS * _BITS_PER_DIGIT, _BITS_PER_DIGIT)
    ]
    return f"{prefix}_{''.join(reversed(digits))}"
