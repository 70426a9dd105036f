"""How many assets may fail before a Run does: `stop`, `continue` or `N%`, as it was said at launch. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from pixmill.errors import InvalidInput

STOP: Final = "stop"
CONTINUE: Final = "continue"
_PERCENT: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3})?) ?%")
_ALL: Final = 100.0


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """What failed assets mean for their Run."""

    percent: float | None
    """The Run fails when more of its assets do than this; 0: at the first; None: only when all do."""

    @classmethod
    def parse(cls, text: str) -> "FailurePolicy":
        """From how it is written; raises `InvalidInput`."""
        match text.strip():
            case "stop":
                return cls(0.0)
            case "continue":
                return cls(None)
        found = _PERCENT.fullmatch(text.strip())
        if found is None or float(found[1]) > _ALL:
            raise InvalidInput(
                f"'{text}' does not say what failed assets mean for the Run.",
                hint="Give stop (at the first), continue, or a share that may fail, as in 5%.",
                field="on_failure",
            )
        return cls(float(found[1]))

    def __str__(self) -> str:
        """As it is written."""
        if self.percent is None:
            return CONTINUE
        return STOP if self.percent == 0 else f"{self.percent:g}%"

    def failures_allowed(self, assets: int) -> int | None:
        """How many of so many assets may fail; None: any number."""
        return None if self.percent is None else int(self.percent * assets / _ALL + 1e-9)

    def verdict(self, *, failed: int, assets: int) -> str:
        """Why the Run has failed by this policy; empty where it has not."""
        allowed = self.failures_allowed(assets)
        if allowed is None or failed <= allowed:
            return ""
        limit = "it stops at the first failure" if self.percent == 0 else f"no more than {self} may fail"
        return f"{failed} of {assets} assets failed, and by its launch {limit}"
