"""What my Organization's Runs took and cost."""

from fastapi import APIRouter

from pixmill.wire.usage import Usage, UsageLine
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.jobs import usage as feature

router = APIRouter(prefix="/usage", tags=["jobs"])


@router.get("")
def show_usage(services: Services, actor: CurrentActor) -> Usage:
    """By Processing, Dataset and month."""
    with services.database.reading() as session:
        found = feature.usage(session, actor.organization_id, now=services.clock.now())
    return Usage(
        total=_line(found.total),
        by_processing=[_line(line) for line in found.by_processing],
        by_dataset=[_line(line) for line in found.by_dataset],
        by_month=[_line(line) for line in found.by_month],
    )


def _line(line: feature.UsageLine) -> UsageLine:
    return UsageLine(name=line.name, runs=line.runs, seconds=line.seconds, cost=line.cost)
