"""The Hub: well-known models that one call brings in."""

import queue
import threading
from collections.abc import Iterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from pixmill.errors import PixmillError
from pixmill.wire.models import HubModel, HubPage, PullEvent, PullModel
from pixmill.wire.problems import Problem
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.models import model_version
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, cut
from pixmill_server.api.problems import problem_of
from pixmill_server.model_registry import hub as feature
from pixmill_server.model_registry.pull import pull

router = APIRouter(prefix="/hub", tags=["models"])


@router.get("")
def list_hub(services: Services, _actor: CurrentActor, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> HubPage:
    """The signed-off list, by name."""
    page, following = cut(services.registry.hub.models, key=lambda model: model.name, limit=limit, cursor=cursor)
    return HubPage(items=[_hub_model(services.registry.hub, model) for model in page], next_cursor=following)


@router.get("/{name}")
def show_hub_model(services: Services, _actor: CurrentActor, name: str) -> HubModel:
    """One of the list."""
    return _hub_model(services.registry.hub, services.registry.hub.find(name))


@router.post(
    "/{name}/pull",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": PullEvent.model_json_schema()}}}},
)
def pull_hub_model(services: Services, actor: CurrentActor, name: str, request: PullModel) -> StreamingResponse:
    """Bring it in. The answer is a JSON line each time bytes came; the last has the ModelVersion, or the problem."""
    services.registry.hub.find(name)
    return StreamingResponse(_pull_events(services, actor, name, request), media_type="application/x-ndjson")


def _pull_events(services: wiring.Services, actor: Actor, name: str, request: PullModel) -> Iterator[str]:
    said: queue.SimpleQueue[PullEvent] = queue.SimpleQueue()

    def progress(received: int, total: int) -> None:
        said.put(PullEvent(received_bytes=received, total_bytes=total))

    def work() -> None:
        try:
            done = pull(services.registry, actor, name, progress=progress, to=request.to)
            said.put(PullEvent(model_version=model_version(done)))
        except PixmillError as error:
            said.put(PullEvent(problem=problem_of(error)))
        finally:
            said.put(PullEvent(problem=Problem(title="Pixmill has made a mistake", status=500)))

    # A thread of its own: the download goes on to its end even where nobody listens any more.
    threading.Thread(target=work, name=f"pull {name}").start()
    while True:
        event = said.get()
        yield event.model_dump_json() + "\n"
        if event.model_version is not None or event.problem is not None:
            return


def _hub_model(hub: feature.Hub, model: feature.HubModel) -> HubModel:
    return HubModel(
        name=model.name,
        title=model.title,
        task=model.task,
        framework=model.framework.value,
        family=model.family,
        licence=model.licence,
        licence_url=model.licence_url,
        address=model.address,
        sha256=model.sha256,
        size_bytes=model.size_bytes,
        labels=list(hub.labels_of(model)),
        parameters=model.parameters,
        note=model.note,
    )
