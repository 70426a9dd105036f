"""Rounds of chaos: a Run begins, things die at named points or at any moment, and every promise is looked at."""

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from pixmill_server.jobs.lifecycle import RunStatus
from tests.chaos.holds import COMMIT, ENDPOINTS, POINTS
from tests.chaos.table import ANY_MOMENT, VICTIMS, Table
from tests.chaos.world import LOOK_SECONDS, World, let_go, order, wait_until

LONGEST_SECONDS = 2.0
"""Between a kill at any moment and what came before: about as long as a whole Run takes."""
STARTED_AGAIN = {"server", "worker"}
"""A Run goes on without them."""
MOST_KILLS = 8
"""Of one Run."""
SEEN_AHEAD = 16
"""How far into the queue the next point for the same Run is looked for."""
OFTEN = {"claim": 4, "stage": 4, "log": 3}
"""How often a Run makes these calls at least; others come once."""
MOST_TRIES = 10
"""How often a point that did not come is tried again, for each time that it was asked for."""
RANKS = {"plan": 0, "started": 1, "heartbeat": 2, "claim": 2, "stage": 2, "log": 2, "finish": 3}
"""In which order a Run comes to the points; those of one rank may follow each other either way."""


def passes(chance: random.Random, *, each: int, at_any_moment: int) -> deque[str]:
    """Every named point once, in any order, and so on `each` times; kills at any moment in between."""
    queue: deque[str] = deque()
    for number in range(each):
        share = at_any_moment * (number + 1) // each - at_any_moment * number // each
        points = [*POINTS, *[ANY_MOMENT] * share]
        queue.extend(chance.sample(points, len(points)))
    return queue


def rounds(
    world: World,
    queue: deque[str],
    chance: random.Random,
    table: Table,
    told: Callable[[str], None] = print,
) -> None:
    """Rounds until the queue is empty; the seed of `chance` chooses the victims.

    A point that did not come is tried again, at the end. Raises `BrokenPromiseError`, with the rest still in the queue.
    """
    while queue:
        one_round(world, queue, chance, table, told)


def one_round(
    world: World, queue: deque[str], chance: random.Random, table: Table, told: Callable[[str], None]
) -> None:
    """One Run, and kills for as long as it survives them."""
    address, point = world.fresh_version(), queue.popleft()
    if point != ANY_MOMENT:
        order(world, point, _which_time(point, chance))
    job_id = world.launch(address)
    kills = _kill_again_and_again(world, job_id, point, queue, chance, table)
    ended = world.require_all_kept(address, job_id)
    table.ended[ended] += 1
    load = f"load {psutil.getloadavg()[0]:.1f}, waits for a CPU {_pressure()}"
    words = "; ".join(f"{victim} at {point}" for victim, point in kills)
    line = f"{world.rounds}: killed {words or 'nobody'}: {ended}"
    if kills:
        line += f" {world.last_seconds:.1f} s after the restart, which took {world.last_start_seconds:.1f} s ({load})"
        table.note_seconds(world.last_seconds, f"{job_id} {line}")
    told(line)
    if ended != RunStatus.SUCCEEDED and STARTED_AGAIN.issuperset(victim for victim, _ in kills):
        run = world.run(job_id)
        table.fallen.append(f"{job_id} {line}: {run.reason}, {run.message}")
        told(f"FALLEN: {run.reason}, {run.message}")


def _kill_again_and_again(
    world: World, job_id: str, point: str, queue: deque[str], chance: random.Random, table: Table
) -> list[tuple[str, str]]:
    """Who was killed at which point, in the order of the kills."""
    kills: list[tuple[str, str]] = []
    for _ in range(MOST_KILLS):
        victim = _kill_at(world, job_id, point, chance)
        if victim is None:
            _try_again(point, queue, table)
            return kills
        kills.append((victim, point))
        table.kills[point, victim] += 1
        following = _following(point, queue) if victim in STARTED_AGAIN else None
        if following is None:
            let_go(world)
            world.start_again(victim)
            return kills
        point = following
        _go_on(world, victim, point, chance)
    let_go(world)
    queue.append(point)
    return kills


def _try_again(point: str, queue: deque[str], table: Table) -> None:
    table.missed[point] += 1
    if table.missed[point] <= MOST_TRIES * max(1, sum(table.kills[point, victim] for victim in VICTIMS)):
        queue.append(point)


def _following(point: str, queue: deque[str]) -> str | None:
    """The next in the queue that can come after the point in the same Run; taken out of the queue."""
    for ahead in list(queue)[:SEEN_AHEAD]:
        if _rank(ahead, _rank(point, 0)) >= _rank(point, 0):
            queue.remove(ahead)
            return ahead
    return None


def _rank(point: str, of_any_moment: int) -> int:
    if point == ANY_MOMENT:
        return of_any_moment
    if point in COMMIT:
        return len(RANKS)
    return len(RANKS) + 1 if point == "finish done" else RANKS[point.split(" ", maxsplit=1)[0]]


def _go_on(world: World, victim: str, point: str, chance: random.Random) -> None:
    """Whoever was held may go on, up to the next point."""
    held = world.orders
    if point != ANY_MOMENT:
        order(world, point, 1 if chance.random() < 0.5 else _which_time(point, chance))
    (world.line / f"go-{held}").touch()
    world.start_again(victim)


def _kill_at(world: World, job_id: str, point: str, chance: random.Random) -> str | None:
    """Who was killed; None: the Run had ended before, or was not there to be killed any more."""
    if point == ANY_MOMENT:
        time.sleep(chance.uniform(0, LONGEST_SECONDS))
        if world.run(job_id).state.is_over:
            return None
    elif not _wait_for_the_point(world, job_id):
        let_go(world)
        return None
    # In a commit only the server is at work: the others wait for its answer.
    only_server = point in COMMIT and chance.random() < 0.7
    victim = _some_victim(world, job_id, chance, among=("server",) if only_server else VICTIMS)
    if _kill(world, job_id, victim):
        return victim
    let_go(world)
    return None


def _kill(world: World, job_id: str, victim: str) -> bool:
    """Whether it was still there to be killed."""
    process = world.victim(victim, world.run(job_id))
    with suppress(psutil.NoSuchProcess):
        if process is not None:
            process.kill()
            return True
    return False


def _some_victim(world: World, job_id: str, chance: random.Random, *, among: Sequence[str]) -> str:
    """Of those that are there now."""
    run = world.run(job_id)
    world.remember_family(run)
    return chance.choice([name for name in among if world.victim(name, run) is not None])


def _which_time(point: str, chance: random.Random) -> int:
    endpoint = point.split(" ", maxsplit=1)[0]
    return chance.randint(1, OFTEN.get(endpoint, 1)) if endpoint in ENDPOINTS else 1


def _wait_for_the_point(world: World, job_id: str) -> bool:
    reached = world.line / "reached"
    wait_until(
        lambda: reached.exists() or _is_over_and_left(world, job_id),
        "the point or the end comes",
        look_seconds=LOOK_SECONDS,
    )
    return reached.exists() and world.run(job_id).state is not RunStatus.CANCELLED


def _is_over_and_left(world: World, job_id: str) -> bool:
    """Points may come after the end too, as long as somebody waits for the answer to it."""
    run = world.run(job_id)
    return run.state.is_over and world.supervisor(run) is None


def _pressure() -> str:
    """The share of the last ten seconds in which some process of the machine waited for a CPU."""
    try:
        words = Path("/proc/pressure/cpu").read_text().split()
    except OSError:
        return "unknown"
    return f"{float(words[1].removeprefix('avg10=')):.0f} %"
