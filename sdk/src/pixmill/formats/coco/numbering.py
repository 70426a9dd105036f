"""Ids for an export: imported ones are kept, the rest are numbered above the highest."""

from dataclasses import dataclass, field

_PAGE_IDS = 4096


@dataclass(slots=True)
class Numbering:
    """Hands out each id once; an imported id that comes a second time gets a new number. One bit for each id."""

    highest: int
    """No imported id is above it."""
    renumbered: int = 0
    _pages: dict[int, bytearray] = field(default_factory=dict)

    def number(self, imported: int) -> int:
        """The id to write; `imported` is negative where there is none."""
        if imported >= 0 and self._is_new(imported):
            return imported
        self.renumbered += imported >= 0
        self.highest += 1
        return self.highest

    def _is_new(self, number: int) -> bool:
        page, at = divmod(number, _PAGE_IDS)
        bits = self._pages.get(page)
        if bits is None:
            bits = self._pages[page] = bytearray(_PAGE_IDS // 8)
        byte, mask = at >> 3, 1 << (at & 7)
        is_new = not bits[byte] & mask
        bits[byte] |= mask
        return is_new
