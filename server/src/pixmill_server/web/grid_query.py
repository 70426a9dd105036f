"""What the address of the Assets grid says: which assets, how sorted, from which page on. The viewer reads the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from pixmill_server.datasets.filter_text import NAMES, SORT, filter_of_pairs, order_of, pairs_of, text_of
from pixmill_server.datasets.filters import AssetFilter
from pixmill_server.datasets.orders import Order

PAGE_TILES: Final = 60
_PAGE: Final = "page"


@dataclass(frozen=True, slots=True)
class GridQuery:
    """The state of a grid."""

    where: AssetFilter
    order: Order
    page: int
    """From 1 on, of `PAGE_TILES` assets."""

    @property
    def start(self) -> int:
        """The rank of the page's first asset."""
        return (self.page - 1) * PAGE_TILES

    @property
    def text(self) -> str:
        """The query without its `?` and without the page: what the viewer is given."""
        return text_of(self.where, self.order)

    def after(self, path: str, *, page: int = 1) -> str:
        """The address of this state at a path."""
        query = "&".join(filter(None, [self.text, f"{_PAGE}={page}" if page > 1 else ""]))
        return f"{path}?{query}" if query else path

    def without(self, path: str, name: str, value: str) -> str:
        """The address without one thing that the filter says."""
        pairs = [pair for pair in pairs_of(self.where) if pair != (name, value)]
        sort = [] if self.order is Order.PATH else [(SORT, str(self.order))]
        return f"{path}?{urlencode(pairs + sort)}" if pairs or sort else path


def grid_query(pairs: Iterable[tuple[str, str]]) -> GridQuery:
    """Of the names and values of an address; names of others are passed over. Raises `InvalidInput` for bad values."""
    said = list(pairs)
    last = dict(said)
    page = last.get(_PAGE, "")
    return GridQuery(
        where=filter_of_pairs((name, value) for name, value in said if name in NAMES),
        order=order_of(last.get(SORT, "").strip()),
        page=max(1, int(page)) if page.isdecimal() and len(page) <= len("1000000") else 1,
    )
