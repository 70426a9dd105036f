"""Puts into a child's room what its Run needs, and tells the child where it finds it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pixmill.environments import Environment, Room, Tier
from pixmill.runtime.messages import SeenConfinement, SeenLandlock, SeenModel, Setup
from pixmill.runtime.plan import RunPlan
from pixmill.runtime.server import RunServer

_SOURCE: Final = "processing"
_DATA_FACTOR: Final = 2
_DATA_BESIDE_BYTES: Final = 2 << 30
"""One process may ask for so much more than all of them may use: engines reserve what they never touch."""


def furnish(server: RunServer, plan: RunPlan, environment: Environment, scratch: Path) -> Room:
    """Fetch what does not lie on this machine; raises `ServerRefused` for a file that is not what was pinned."""
    inside, outside = scratch / "inside", scratch / "files"
    for folder in (inside, outside):
        folder.mkdir(parents=True, exist_ok=True)
    source = server.source(plan, outside).resolve()
    files = {f"{_SOURCE}/{source.name}": source}
    for file in plan.model.files if plan.model else ():
        files[f"models/{file.name}"] = server.model_file(file, outside / "models").resolve()
    network, memory = plan.processing.requires_network, plan.limits.memory_bytes
    return Room(environment, inside, files, network=network, memory_bytes=memory)


def setup_of(plan: RunPlan, room: Room, tier: Tier, threads: int, held_by: Mapping[str, str]) -> Setup:
    """The first message to the child."""
    return Setup(
        source=str(next(room.seen(name, tier) for name in room.files if name.startswith(f"{_SOURCE}/"))),
        form=plan.processing.form,
        batch_size=plan.processing.batch_size,
        parameters=plan.parameters,
        labels=plan.labels,
        version=plan.version,
        scratch=str(room.seen_scratch(tier)),
        threads=threads,
        total=plan.totals.assets,
        label_map=plan.label_map,
        failures_allowed=plan.failures_allowed,
        model=_seen_model(plan, room, tier),
        model_parameter=plan.model_parameter,
        confinement=_confinement(plan, room, tier, held_by),
        secrets=plan.secrets,
    )


def _confinement(plan: RunPlan, room: Room, tier: Tier, held_by: Mapping[str, str]) -> SeenConfinement:
    """What no namespace does, the child does to itself."""
    rules, limits = room.landlock_rules(), plan.limits
    landlock = SeenLandlock(list(rules.readable), list(rules.writable), rules.network)
    return SeenConfinement(
        landlock=landlock if tier is Tier.LANDLOCK else None,
        drop_capabilities=tier is not Tier.BUBBLEWRAP,
        refuse_sockets=tier is not Tier.BUBBLEWRAP and not room.network,
        data_bytes=_DATA_FACTOR * limits.memory_bytes + _DATA_BESIDE_BYTES if limits.memory_bytes else 0,
        file_bytes=limits.scratch_bytes,
        tasks=limits.processes if held_by.get("processes") == "rlimit" else 0,
    )


def _seen_model(plan: RunPlan, room: Room, tier: Tier) -> SeenModel | None:
    model = plan.model
    if model is None:
        return None
    files = {file.name: str(room.seen(f"models/{file.name}", tier)) for file in model.files}
    facts: dict[str, Any] = dict(model.parameters)
    return SeenModel(
        model.name, model.task, model.framework, model.family, model.labels, facts, files, plan.wanted_classes
    )
