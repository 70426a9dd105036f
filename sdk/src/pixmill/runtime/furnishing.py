"""Puts into a child's room what its Run needs, and tells the child where it finds it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pixmill.environments import Environment, Room, Tier
from pixmill.runtime.containers import SDK, PlacedImage
from pixmill.runtime.messages import SeenConfinement, SeenLandlock, SeenModel, SeenVersion, Setup
from pixmill.runtime.plan import RunPlan
from pixmill.runtime.server import RunServer

_SOURCE: Final = "processing"
_DATA_FACTOR: Final = 2
_DATA_BESIDE_BYTES: Final = 2 << 30
"""One process may ask for so much more than all of them may use: engines reserve what they never touch."""
_TASKS_BESIDE: Final = 64
"""Granted by the kernel beyond the limit, so that the watch sees who goes past it, and ends them with the reason."""


def furnish(
    server: RunServer, plan: RunPlan, environment: Environment, scratch: Path, *, with_source: bool = True
) -> Room:
    """Fetch what does not lie on this machine; raises `ServerRefused` for a file that is not what was pinned."""
    inside, outside = scratch / "inside", scratch / "files"
    for folder in (inside, outside):
        folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Path] = {}
    if with_source:
        source = server.source(plan, outside).resolve()
        files[f"{_SOURCE}/{source.name}"] = source
    for file in plan.model.files if plan.model else ():
        files[f"models/{file.name}"] = server.model_file(file, outside / "models").resolve()
    network, memory = plan.processing.requires_network, plan.limits.memory_bytes
    return Room(environment, inside, files, network=network, memory_bytes=memory)


def setup_of(
    plan: RunPlan,
    room: Room,
    tier: Tier,
    threads: int,
    held_by: Mapping[str, str],
    image: PlacedImage | None = None,
    *,
    mark: str = "",
) -> Setup:
    """The first message to the child. Of an image that knows nothing of Pixmill, the child is ours, and outside.

    `mark`: the word of the marks in its log.
    """
    has_own_paths = image is None or image.contract == SDK
    source = next((room.seen(name, tier) for name in room.files if name.startswith(f"{_SOURCE}/")), Path())
    folder = plan.processing.folder
    return Setup(
        source=image.source if image else str(source / folder.root if folder else source),
        module=folder.module if folder else "",
        form=plan.processing.form,
        batch_size=plan.processing.batch_size,
        parameters=plan.parameters,
        labels=plan.labels,
        version=plan.version,
        scratch=str(room.seen_scratch(tier) if has_own_paths else room.scratch),
        threads=threads,
        total=plan.totals.assets,
        label_map=plan.label_map,
        failures_allowed=plan.failures_allowed,
        model=_seen_model(plan, room, tier),
        model_parameter=plan.model_parameter,
        versions=[SeenVersion(each.parameter, each.name, each.labels, each.assets) for each in plan.versions],
        confinement=_confinement(plan, room, tier, held_by),
        secrets=plan.secrets,
        new_version=plan.processing.new_version,
        mark=mark,
    )


def _confinement(plan: RunPlan, room: Room, tier: Tier, held_by: Mapping[str, str]) -> SeenConfinement:
    """What no namespace does, the child does to itself."""
    limits, landlock = plan.limits, None
    if tier is Tier.LANDLOCK:
        rules = room.landlock_rules()
        landlock = SeenLandlock(list(rules.readable), list(rules.writable), rules.network)
    return SeenConfinement(
        landlock=landlock,
        drop_capabilities=not tier.has_paths_of_its_own,
        refuse_sockets=not tier.has_paths_of_its_own and not room.network,
        data_bytes=_DATA_FACTOR * limits.memory_bytes + _DATA_BESIDE_BYTES if limits.memory_bytes else 0,
        file_bytes=limits.scratch_bytes,
        tasks=limits.processes + _TASKS_BESIDE if "rlimit" in held_by.get("processes", "") else 0,
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
