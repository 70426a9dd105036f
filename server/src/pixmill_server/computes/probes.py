"""The probes: each looks at one thing of this machine, by trying it where that is possible."""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import uv
from pydantic import JsonValue
from sqlalchemy import text

from pixmill.environments import (
    Limits,
    Tier,
    choose_tier,
    held_by,
    landlock_version,
    make_cgroup,
    walls,
    why_not_bubblewrap,
    why_not_cgroup,
)
from pixmill_server.computes.computes import available_cpus
from pixmill_server.computes.findings import Finding, Verdict
from pixmill_server.db.engine import Database

_GIB = 1 << 30
_LITTLE_DISK_BYTES = 5 * _GIB
_LITTLE_MEMORY_BYTES = 4 * _GIB
_TELLING_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def look_at_machine() -> Finding:
    """CPUs and memory."""
    memory = psutil.virtual_memory().total
    facts: dict[str, JsonValue] = {"cpus": available_cpus(), "memory_bytes": memory, "system": platform.platform()}
    summary = f"{available_cpus()} CPUs, {memory / _GIB:.1f} GiB of memory, {platform.machine()}"
    if memory < _LITTLE_MEMORY_BYTES:
        return Finding("machine", Verdict.WARNING, summary, "Larger models may not fit into the memory.", facts)
    return Finding("machine", Verdict.OK, summary, facts=facts)


def look_at_cpu_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> Finding:
    """What engines can use: wide vectors, and 16-bit floats in hardware."""
    flags: set[str] = set()
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith(("flags", "Features")):
                flags = set(line.partition(":")[2].split())
                break
    found = [feature for feature in _TELLING_FEATURES if feature in flags]
    bf16 = bool({"avx512_bf16", "amx_bf16"} & flags)
    facts: dict[str, JsonValue] = {"features": [*found], "bf16": bf16}
    words = f"{', '.join(found) or 'no wide vectors'}; precision bf16 {'works' if bf16 else 'does not work'} here"
    return Finding("cpu features", Verdict.OK, words, facts=facts)


def look_at_sandbox(policy: str) -> Finding:
    """By what user code is shut in; tried."""
    tier, why = choose_tier(policy), why_not_bubblewrap()
    landlock = landlock_version()
    kept_from = walls(tier, network=False, landlock=landlock)
    facts: dict[str, JsonValue] = {"tier": tier.value, "policy": policy, "bubblewrap": why or "works"}
    facts |= {"landlock": landlock, "walls": dict(kept_from)}
    match tier:
        case Tier.BUBBLEWRAP:
            return Finding("sandbox", Verdict.OK, "Processings are shut in by bubblewrap", facts=facts)
        case Tier.LANDLOCK:
            open_walls = ", ".join(name for name, by in kept_from.items() if by == "open")
            hint = f"{why} With it they would see no other process, and could share memory among themselves."
            hint += f" Not kept from: {open_walls}." if open_walls else ""
            return Finding("sandbox", Verdict.WARNING, "Processings are shut in by Landlock only", hint, facts)
        case _:
            hint = f"{why} They can read and change what Pixmill can, its database too. Run only code that you trust."
            return Finding("sandbox", Verdict.MISSING, "Processings are not shut in", hint, facts)


def look_at_limits(policy: str) -> Finding:
    """By what a Run is held to what its Compute grants; tried."""
    why, cgroup = why_not_cgroup(), make_cgroup()
    some = Limits(cpus=1, memory_bytes=1, processes=1, scratch_bytes=1)
    controllers = cgroup.controllers if cgroup else ()
    holding = held_by(some, choose_tier(policy), cgroup=controllers, is_root=os.getuid() == 0)
    if cgroup is not None:
        cgroup.remove()
    facts: dict[str, JsonValue] = {"held_by": dict(holding), "cgroup": why or "works"}
    summary = "; ".join(f"{name} by {mechanism}" for name, mechanism in holding.items())
    if not why:
        return Finding("limits", Verdict.OK, summary, facts=facts)
    hint = f"{why} Until then a Run may go past its limits for moments, and takes as many CPUs as it starts threads."
    return Finding("limits", Verdict.WARNING, summary, hint, facts)


def look_at_containers(why_not: Callable[[], str | None]) -> Finding:
    """What runs Processings that are images; `why_not` asks the engine."""
    why = why_not()
    if why is None:
        return Finding("containers", Verdict.OK, "Docker or Podman answers")
    hint = f"Only Processings that are images need it: {why}."
    return Finding("containers", Verdict.WARNING, "Processings that are images cannot run", hint)


def look_at_uv() -> Finding:
    """What builds environments."""
    try:
        said = subprocess.run([uv.find_uv_bin(), "--version"], capture_output=True, check=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        hint = f"Install it: pip install uv ({error})."
        return Finding("uv", Verdict.MISSING, "Environments cannot be built", hint)
    return Finding("uv", Verdict.OK, said.stdout.strip(), facts={"version": said.stdout.split()[1]})


def look_at_database(database: Database) -> Finding:
    """Which one, and its version."""
    query = "SELECT sqlite_version()" if database.dialect == "sqlite" else "SHOW server_version"
    with database.reading() as session:
        version = str(session.execute(text(query)).scalar_one())
    name = "SQLite" if database.dialect == "sqlite" else "PostgreSQL"
    return Finding("database", Verdict.OK, f"{name} {version}", facts={"name": name, "version": version})


def look_at_disk(data: Path) -> Finding:
    """Where the data folder lies."""
    free = shutil.disk_usage(data).free
    facts: dict[str, JsonValue] = {"free_bytes": free, "folder": str(data)}
    summary = f"{free / _GIB:.1f} GiB free for {data}"
    if free < _LITTLE_DISK_BYTES:
        return Finding("disk", Verdict.WARNING, summary, "Imports and environments need more: free some space.", facts)
    return Finding("disk", Verdict.OK, summary, facts=facts)


def look_at_bundle(bundle: Path, wheels: Sequence[Path]) -> Finding:
    """What Pixmill carries."""
    names = sorted(file.stem.replace("_", "-") for file in (bundle / "processings").glob("*.json"))
    facts: dict[str, JsonValue] = {"processings": [*names], "sdk": [wheel.name for wheel in wheels]}
    if not names:
        hint = "Install Pixmill again; from its sources, run `make setup`."
        return Finding("built-in Processings", Verdict.MISSING, "None is there", hint, facts)
    return Finding("built-in Processings", Verdict.OK, ", ".join(names), facts=facts)
