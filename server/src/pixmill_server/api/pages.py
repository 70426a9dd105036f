"""Cursor pages: how lists are cut, everywhere."""

import base64
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from pixmill.errors import InvalidInput

DEFAULT_LIMIT = 100
HIGHEST_LIMIT = 1000
_LONGEST_NUMBER = 10

Limit = Annotated[int, Query(ge=1, le=HIGHEST_LIMIT, description="Items on a page.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before; none: the first page.")]

T = TypeVar("T")


def encode_cursor(key: str) -> str:
    """An opaque cursor after the item with this key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """The key that a cursor stands for; raises `InvalidInput` for what is none of ours."""
    if cursor is None:
        return None
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise InvalidInput(
            f"The cursor '{cursor}' is none of this list's.", hint="Begin without one.", field="cursor"
        ) from error


def number_cursor(cursor: str | None) -> int | None:
    """As `decode_cursor`, where keys are numbers."""
    text = decode_cursor(cursor)
    if text is not None and not (text.isdecimal() and len(text) < _LONGEST_NUMBER):
        raise InvalidInput(f"The cursor '{cursor}' is none of this list's.", hint="Begin without one.", field="cursor")
    return None if text is None else int(text)


def cut(
    items: Sequence[T], *, key: Callable[[T], str], limit: int, cursor: str | None, descending: bool = False
) -> tuple[list[T], str | None]:
    """The page of a list that is short enough to be read whole (names, not assets), and the cursor of the next.

    `items` are in the order of `key`, ascending unless said otherwise.
    """
    after = decode_cursor(cursor)
    if after is not None:
        items = [item for item in items if (key(item) < after if descending else key(item) > after)]
    page = list(items[:limit])
    return page, encode_cursor(key(page[-1])) if len(items) > limit else None
