"""Numbers and times as a person reads them."""

from datetime import UTC, datetime

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
TEN = 10
KIBI = 1024
NOTHING = "\u2013"


def duration(seconds: float | None) -> str:
    """'0.4 s', '12 s', '3 min 05 s', '2 h 07 min'; a dash for None."""
    if seconds is None:
        return NOTHING
    if seconds < TEN:
        return f"{seconds:.1f} s"
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE:.0f} min {seconds % MINUTE:02.0f} s"
    return f"{seconds // HOUR:.0f} h {seconds % HOUR // MINUTE:02.0f} min"


def age(moment: datetime, now: datetime | None = None) -> str:
    """'just now', '5 min ago', '3 h ago', '2 days ago', then the date; `now` None means the present."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{seconds // MINUTE:.0f} min ago"
    if seconds < DAY:
        return f"{seconds // HOUR:.0f} h ago"
    days = int(seconds // DAY)
    if days < TEN:
        return f"{days} day{'s' if days > 1 else ''} ago"
    return f"{moment:%Y-%m-%d}"


def count_of(number: int) -> str:
    """With thin thousands separators: 1 234 567."""
    return f"{number:,}".replace(",", "\u202f")


def size(size_bytes: int) -> str:
    """'812 bytes', '4.3 MiB', '1.2 GiB'."""
    amount = float(size_bytes)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < KIBI or unit == "GiB":
            break
        amount /= KIBI
    return f"{amount:.0f} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
