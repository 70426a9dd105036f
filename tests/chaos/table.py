"""What the rounds of chaos did on one database, and how it ended."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.chaos.holds import POINTS

VICTIMS = ("server", "worker", "supervisor", "child")
ANY_MOMENT = "any moment"
PROMISED_SECONDS = 30.0
"""From the restart of what was killed to the Run's end."""


@dataclass
class Table:
    """Kills by point and victim, and everything that was not as promised."""

    database: str = ""
    each: int = 0
    """How often every named point was to be hit."""
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    """The Run ended before the point came; it was tried again."""
    seconds: list[float] = field(default_factory=list)
    """Of each Run with a kill, from the restart to its end."""
    late: list[str] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)
    """Runs that failed though nothing of their own was killed."""
    broken: list[str] = field(default_factory=list)

    def note_seconds(self, seconds: float, line: str) -> None:
        self.seconds.append(seconds)
        if seconds > PROMISED_SECONDS:
            self.late.append(line)

    @property
    def too_rare(self) -> list[str]:
        """The named points that were hit less often than asked."""
        return [f"{point}: {hits}" for point in POINTS if (hits := self._hits(point)) < self.each]

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept, in time, and every point hit often enough."""
        return not (self.broken or self.fallen or self.late or self.too_rare)

    def _hits(self, point: str) -> int:
        return sum(self.kills[point, victim] for victim in VICTIMS)

    def lines(self) -> Iterable[str]:
        yield f"{self.database:<52}" + "".join(f"{victim:>12}" for victim in (*VICTIMS, "all", "missed"))
        for point in (*POINTS, ANY_MOMENT):
            row = [self.kills[point, victim] for victim in VICTIMS]
            yield f"{point:<52}" + "".join(f"{count:>12}" for count in (*row, sum(row), self.missed[point]))
        columns = [sum(self.kills[point, victim] for point in (*POINTS, ANY_MOMENT)) for victim in VICTIMS]
        yield f"{'all':<52}" + "".join(f"{count:>12}" for count in (*columns, sum(columns), self.missed.total()))
        yield "Runs: " + ", ".join(f"{n} {how}" for how, n in self.ended.items())
        if self.seconds:
            ordered = sorted(self.seconds)
            yield (
                f"from the restart to the Run's end: median {ordered[len(ordered) // 2]:.1f} s, "
                f"at most {ordered[-1]:.1f} s"
            )
        for title, found in (
            (f"hit less than {self.each} times", self.too_rare),
            ("later than promised", self.late),
            ("failed though nothing of their own was killed", self.fallen),
            ("PROMISES BROKEN", self.broken),
        ):
            yield f"{title}: {len(found)}"
            yield from found
