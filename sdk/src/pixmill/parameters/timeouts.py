"""Time-outs of Runs as they are written: `running=2h`. Pure."""

import re
from collections.abc import Iterable
from typing import Final, Literal, get_args

from pixmill.errors import InvalidInput

TimeoutName = Literal["queue", "start", "running", "progress"]
"""Waiting for a worker; from there to the first sign of life; running; running without an asset done."""

Timeouts = dict[TimeoutName, float | None]
"""Seconds; None: no limit. What is not named is as the Compute says, else the server's settings."""

NONE: Final = "none"
_NAMES: Final = {str(name): name for name in get_args(TimeoutName)}
_FACTORS: Final = {"d": 86400, "h": 3600, "m": 60, "min": 60, "s": 1}
_TIME: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|min|m|s)?")


def parse_timeouts(texts: Iterable[str]) -> Timeouts:
    """From `running=2h`, `start=90s`, `progress=none`; raises `InvalidInput`."""
    given: Timeouts = {}
    for text in texts:
        name, equals, written = (part.strip() for part in text.partition("="))
        found = _TIME.fullmatch(written)
        if not equals or name not in _NAMES or not (written == NONE or (found and float(found[1]) > 0)):
            raise InvalidInput(
                f"The time-out '{text}' is not understood.",
                hint=f"Write it as running=2h, with one of {', '.join(_NAMES)}, and s, m, h or d; none takes one away.",
                field="timeouts",
            )
        given[_NAMES[name]] = float(found[1]) * _FACTORS[found[2] or "s"] if found else None
    return given


def time_text(seconds: float) -> str:
    """`90 s`, `10 min`, `2 h`: in the largest unit that it is whole in."""
    for unit, factor in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= factor and seconds % factor == 0:
            return f"{seconds / factor:g} {unit}"
    return f"{seconds:g} s"
