"""Rounds of chaos: a Run begins, something dies at a named point or at any moment, and every promise is looked at."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pixmill_server.jobs.lifecycle import RunStatus
from tests.chaos.holds import COMMIT, ENDPOINTS, POINTS
from tests.chaos.world import LOOK_SECONDS, World, let_go, order, wait_until

VICTIMS = ("server", "worker", "supervisor", "child")
ANY_MOMENT = "any moment"
LONGEST_SECONDS = 2.5
"""About as long as a whole Run takes; a kill at any moment comes within it."""
OFTEN = {"claim": 4, "stage": 4, "log": 3}
"""How often a Run makes these calls at least; others come once."""


@dataclass
class Table:
    """What was done, and how it ended."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By point and victim."""
    ended: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    """The Run ended before the point came, or the victim was not there."""

    def lines(self) -> Iterable[str]:
        yield f"{'point':<52}" + "".join(f"{victim:>12}" for victim in VICTIMS) + f"{'missed':>10}"
        for point in (*POINTS, ANY_MOMENT):
            row = "".join(f"{self.kills[point, victim]:>12}" for victim in VICTIMS)
            yield f"{point:<52}{row}{self.missed[point]:>10}"
        yield f"{sum(self.kills.values())} kills; Runs: " + ", ".join(f"{n} {how}" for how, n in self.ended.items())


def rounds(
    world: World, points: Sequence[str], *, seed: int, table: Table, told: Callable[[str], None] = print
) -> None:
    """One round for each point, in an order and with victims that the seed chooses."""
    chance = random.Random(seed)
    for point in chance.sample(points, len(points)):
        one_round(world, point, chance, table, told)


def one_round(world: World, point: str, chance: random.Random, table: Table, told: Callable[[str], None]) -> None:
    """One Run, and at most one kill."""
    # In a commit only the server is at work: the others wait for its answer.
    victim = "server" if point in COMMIT and chance.random() < 0.7 else chance.choice(VICTIMS)
    is_named = point != ANY_MOMENT
    address = world.fresh_version()
    if is_named:
        order(world, point, _which_time(point, chance))
    job_id = world.launch(address)
    came = _wait_for_the_point(world, job_id) if is_named else _wait_some_time(chance)
    process = world.victim(victim, world.run(job_id).id) if came else None
    if process is None:
        table.missed[point] += 1
        let_go(world)
    else:
        table.kills[point, victim] += 1
        if victim != "server":
            process.kill()
            let_go(world)
        world.kill(process, victim)
    ended = world.require_all_kept(address, job_id)
    table.ended[ended] += 1
    told(f"{world.rounds}: {point}, {victim if process else 'nobody'} killed: {ended}")


def _which_time(point: str, chance: random.Random) -> int:
    endpoint = point.split(" ", maxsplit=1)[0]
    return chance.randint(1, OFTEN.get(endpoint, 1)) if endpoint in ENDPOINTS else 1


def _wait_for_the_point(world: World, job_id: str) -> bool:
    reached = world.line / "reached"
    wait_until(lambda: reached.exists() or world.run(job_id).state.is_over, "the point or the end comes")
    return reached.exists() and world.run(job_id).state is not RunStatus.CANCELLED


def _wait_some_time(chance: random.Random) -> bool:
    give_up = time.monotonic() + chance.uniform(0, LONGEST_SECONDS)
    while time.monotonic() < give_up:
        time.sleep(LOOK_SECONDS)
    return True
