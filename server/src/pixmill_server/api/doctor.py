"""What the server's machine can do, and what it lacks."""

from collections.abc import Iterable

from fastapi import APIRouter

from pixmill.wire.doctor import Doctor, Finding
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.computes import findings as feature

router = APIRouter(prefix="/doctor", tags=["server"])


@router.get("")
def show_findings(services: Services, _actor: CurrentActor) -> Doctor:
    """What was found when the server started, or was last asked to look."""
    return _doctor(feature.kept_findings(services.computes))


@router.post("")
def examine(services: Services, _actor: CurrentActor) -> Doctor:
    """Look again, now."""
    return _doctor(feature.examine(services.computes, services.probes()))


def _doctor(kept: Iterable[feature.KeptFinding]) -> Doctor:
    found = [
        Finding(
            name=one.finding.name,
            verdict=one.finding.verdict.value,
            summary=one.finding.summary,
            hint=one.finding.hint,
            facts=dict(one.finding.facts),
            found_at=one.found_at,
        )
        for one in kept
    ]
    return Doctor(healthy=all(one.verdict != "missing" for one in found), findings=found)
