"""Place one claimed Run: build its environment, and have the executor start its supervisor."""

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import JsonValue

from pixmill.environments import Environment
from pixmill.errors import EnvironmentFailed, PixmillError
from pixmill_server.db.engine import DatabaseFault
from pixmill_server.executors.contract import LaunchSpec
from pixmill_server.jobs.errors import RunIsOver, StaleFence
from pixmill_server.jobs.lifecycle import Reason, RunStatus
from pixmill_server.jobs.queue import HEARTBEAT_SECONDS, ClaimedRun, end, fail, held, placed, renew
from pixmill_server.jobs.workers import Order, order_for
from pixmill_server.worker.images import place_image
from pixmill_server.worker.workplace import Workplace

_PATH = "/usr/local/bin:/usr/bin:/bin"
"""All that a supervisor gets of an environment: never this process's own, which may hold passwords."""

SERVER_SILENCE_SECONDS = 120.0
"""How long a supervisor whose worker is gone bears with a server that does not answer; while that worker lives, for as
long as it takes. Longer than the lease, on purpose: after a restart of server and worker all leases are given their
whole length again, and Runs that went on meanwhile are theirs still."""
BUILDING = "its environment to be built"
PULLING = "its image to be pulled"

logger = logging.getLogger(__name__)


def place(workplace: Workplace, run: ClaimedRun) -> None:
    """From claimed to placed; a Run that cannot be placed fails, with the reason in its log and on it."""
    try:
        with workplace.database.reading() as session:
            order = order_for(session, run.run_id)
        if order.cancel_requested:
            _cancelled(workplace, run)
            return
        image: Mapping[str, JsonValue] | None = None
        environment: Environment | None = None
        is_image = order.processing.image is not None
        with _kept_alive(workplace, run, PULLING if is_image else BUILDING) as waiting:
            if is_image:
                image = place_image(workplace, run, order, on_progress=waiting.note)
            else:
                environment = workplace.environment_of(order)
        _start(workplace, run, order, environment, image)
    except EnvironmentFailed as error:
        _failed(workplace, run, Reason.ENVIRONMENT, str(error))
    except (StaleFence, RunIsOver):
        # Somebody else has it, or it was ended: say nothing more about it.
        return
    except PixmillError as error:
        _failed(workplace, run, Reason.PLACEMENT, str(error))
    except OSError as error:
        logger.exception("could not place a Run", extra={"run_id": run.run_id})
        _failed(workplace, run, Reason.PLACEMENT, f"this machine could not start it: {error}")


@dataclass(slots=True)
class _Waiting:
    """What a Run that is being placed waits for."""

    why: str
    over: RunIsOver | StaleFence | None = None
    """Why nobody waits for it any more."""

    def note(self, why: str) -> None:
        """Raises where whoever makes it ready may stop."""
        if self.over is not None:
            raise self.over
        self.why = why


@contextmanager
def _kept_alive(workplace: Workplace, run: ClaimedRun, why: str) -> Iterator[_Waiting]:
    """Renew the lease while the block takes its time, and say what it waits for."""
    done, waiting = threading.Event(), _Waiting(why)

    def beat() -> None:
        while True:
            try:
                with workplace.database.transaction() as session:
                    renew(session, run.run_id, run.fence, now=workplace.clock.now(), waits_for=waiting.why)
            except (StaleFence, RunIsOver) as error:
                waiting.over = error
                return
            except DatabaseFault:
                logger.exception("the database is away", extra={"run_id": run.run_id})
            if done.wait(HEARTBEAT_SECONDS):
                return

    thread = threading.Thread(target=beat, name=f"{run.run_id}-lease", daemon=True)
    thread.start()
    try:
        yield waiting
    finally:
        done.set()
        thread.join()


def _start(
    workplace: Workplace,
    run: ClaimedRun,
    order: Order,
    environment: Environment | None,
    image: Mapping[str, JsonValue] | None,
) -> None:
    executor = workplace.executor(order.executor)
    scratch = workplace.scratch_of(run.run_id)
    spec = LaunchSpec(
        command=[sys.executable, "-m", "pixmill.runtime"],
        stdin_bytes=_configuration(workplace, run, order, environment, image),
        environment={"PATH": _PATH},
        scratch=scratch,
        cpus=order.cpus,
        memory_bytes=order.memory_bytes,
    )
    handle = executor.launch(spec)
    try:
        with workplace.database.transaction() as session:
            placed(session, run.run_id, run.fence, handle=handle, now=workplace.clock.now())
    except (StaleFence, RunIsOver):
        executor.stop(handle, 0)
        raise


def _configuration(
    workplace: Workplace,
    run: ClaimedRun,
    order: Order,
    environment: Environment | None,
    image: Mapping[str, JsonValue] | None,
) -> bytes:
    """By standard input, never by arguments or variables: others on the machine could read those."""
    configuration = {
        "server_url": workplace.server_url,
        "run_id": run.run_id,
        "token": run.token,
        "fence": run.fence,
        "environment": str(environment.folder) if environment else "",
        "scratch": str(workplace.scratch_of(run.run_id)),
        "sandbox": workplace.sandbox,
        "lease_seconds": SERVER_SILENCE_SECONDS,
        "worker_pid": os.getpid(),
        "source": str(workplace.source_of(order)) if environment else None,
        "image": image,
        "reference_networks": list(workplace.reference_networks),
    }
    return json.dumps(configuration).encode()


def _failed(workplace: Workplace, run: ClaimedRun, reason: Reason, message: str) -> None:
    logger.warning("could not place a Run", extra={"run_id": run.run_id, "why": message})
    workplace.remove_scratch(run.run_id)
    try:
        workplace.logs.append(run.run_id, workplace.logs.length(run.run_id), f"{message}\n".encode())
        with workplace.database.transaction() as session:
            fail(session, run.run_id, run.fence, now=workplace.clock.now(), reason=reason, message=message)
    except (StaleFence, RunIsOver):
        return
    workplace.logs.seal(run.run_id)


def _cancelled(workplace: Workplace, run: ClaimedRun) -> None:
    with workplace.database.transaction() as session:
        held_run = held(session, run.run_id, run.fence)
        message = "cancelled before it began"
        now = workplace.clock.now()
        end(session, held_run, RunStatus.CANCELLED, now=now, reason=Reason.CANCELLED, message=message)
