"""Starts the child in its room, with three pipes and nothing else: to it, from it, and its log."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from msgspec.msgpack import Decoder

from pixmill.environments import Cgroup, Limits, Room, Tier
from pixmill.runtime.containers import PlacedImage, child_command
from pixmill.runtime.frames import FrameReader, FrameWriter, widen
from pixmill.runtime.messages import FromChild
from pixmill.runtime.plan import RunPlan
from pixmill.runtime.process_tree import descendants, keeper_command, terminate

_SIGNALLED: Final = 128


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A running child. Start it from the main thread: it dies with the thread that started it."""

    process: "subprocess.Popen[bytes]"
    writer: FrameWriter
    reader: FrameReader[FromChild]
    log: int
    """The descriptor to read its log from."""
    is_kept: bool
    """Whether the process is a keeper, and what is in the room is below it."""

    def how_it_ended(self, tier: Tier) -> tuple[int | None, int | None]:
        """Its exit code, or else the signal that ended it: bubblewrap and containers tell of it as 128 + its number."""
        code = self.process.wait()
        if code < 0:
            return None, -code
        if tier.has_paths_of_its_own and code > _SIGNALLED:
            return None, code - _SIGNALLED
        return code, None

    def ask_to_end(self, tier: Tier) -> None:
        """All that is inside; bubblewrap itself would take the child along without asking it."""
        below = descendants(self.process.pid)
        inside = below[1:] if tier is Tier.BUBBLEWRAP and self.is_kept else below
        terminate(inside if tier is Tier.BUBBLEWRAP else [*inside, self.process.pid])

    def innermost_pid(self) -> int:
        """The child's own process, below those of the sandbox; as seen from outside."""
        below = descendants(self.process.pid)
        return below[-1] if below else self.process.pid


def start_child(room: Room, tier: Tier, *, threads: int, cgroup: Cgroup | None = None) -> ChildProcess:
    """The child waits for its `Setup`. In the cgroup, if there is one, from the beginning."""
    is_kept = tier is not Tier.BUBBLEWRAP or cgroup is not None

    def start(to_child: int, from_child: int, log: int) -> "subprocess.Popen[bytes]":
        command = room.command(tier, ["-m", "pixmill.runtime.child", str(to_child), str(from_child)])
        if is_kept:
            command = keeper_command(cgroup.folder if cgroup else None, command)
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=room.scratch,
            env=room.variables(tier, threads=threads),
            pass_fds=[to_child, from_child],
            start_new_session=tier is not Tier.BUBBLEWRAP,
        )

    return _start(start, is_kept=is_kept)


def start_container(image: PlacedImage, room: Room, plan: RunPlan, limits: Limits) -> ChildProcess:
    """The same in a container; the process is its client's, outside any sandbox, and the container ends with it."""

    def start(*descriptors: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            child_command(image, room, plan, limits, descriptors),
            stdin=subprocess.DEVNULL,
            stdout=descriptors[2],
            stderr=descriptors[2],
            cwd=room.scratch,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            pass_fds=descriptors,
            start_new_session=True,
        )

    return _start(start, is_kept=False)


def _start(start: Callable[[int, int, int], "subprocess.Popen[bytes]"], *, is_kept: bool) -> ChildProcess:
    to_child, writing = os.pipe()
    reading, from_child = os.pipe()
    log, log_end = os.pipe()
    widen(log)
    try:
        process = start(to_child, from_child, log_end)
    finally:
        for descriptor in (to_child, from_child, log_end):
            os.close(descriptor)
    return ChildProcess(process, FrameWriter(writing), FrameReader(reading, Decoder(FromChild)), log, is_kept)
