"""What the server's machine can do and what it lacks: found out by probes, and kept so that anyone can look."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue
from sqlalchemy import delete, select

from pixmill_server.computes.computes import Computes
from pixmill_server.computes.tables import FindingRow


class Verdict(StrEnum):
    """How good it is."""

    OK = "ok"
    WARNING = "warning"
    """Pixmill works, but worse than it could."""
    MISSING = "missing"
    """Something does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    summary: str
    hint: str = ""
    """What to do; empty where there is nothing to do."""
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptFinding:
    """A Finding, and when it was made."""

    finding: Finding
    found_at: datetime


Probe = Callable[[], Finding]


def examine(computes: Computes, probes: Iterable[Probe]) -> list[KeptFinding]:
    """Look at everything now, and keep what is found in place of what was found before."""
    found = [probe() for probe in probes]
    now = computes.clock.now()
    with computes.database.transaction() as session:
        session.execute(delete(FindingRow))
        session.add_all(
            FindingRow(
                name=one.name,
                position=position,
                verdict=one.verdict.value,
                summary=one.summary,
                hint=one.hint,
                facts=dict(one.facts),
                found_at=now,
            )
            for position, one in enumerate(found)
        )
    return [KeptFinding(one, now) for one in found]


def kept_findings(computes: Computes) -> list[KeptFinding]:
    """What was found the last time, in the order of the probes."""
    with computes.database.reading() as session:
        rows = session.scalars(select(FindingRow).order_by(FindingRow.position))
        return [
            KeptFinding(Finding(row.name, Verdict(row.verdict), row.summary, row.hint, row.facts), row.found_at)
            for row in rows
        ]
