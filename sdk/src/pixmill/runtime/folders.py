"""`python -m pixmill.runtime.folders IN OUT CLIENT...`: a child for images that know nothing of Pixmill.

Writes the Run's images into the input folder, has the client run the container once, and reads what it left in the
output folder. What it reads is not believed: by then it has given up everything but its scratch folder.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec.msgpack import Decoder

from pixmill.authoring import Asset
from pixmill.errors import EnvironmentFailed, PixmillError
from pixmill.runtime.confinement import confine
from pixmill.runtime.containers import OUTPUT, input_of
from pixmill.runtime.folder_output import read_output
from pixmill.runtime.frames import FrameReader, FrameWriter
from pixmill.runtime.ledger import Ledger
from pixmill.runtime.messages import (
    AssetComes,
    ChunkBegins,
    Ended,
    ErrorText,
    Hello,
    SeenConfinement,
    SeenLandlock,
    Setup,
    ToChild,
    Want,
)
from pixmill.runtime.results import LabelMap

_DIE_WITH_PARENT: Final = 1
_SIGNALLED: Final = 128
_REPORT_EVERY: Final = 64
"""Assets: what is whole of them is staged."""


@dataclass(slots=True)
class _Given:
    """The assets of the Run, by their path."""

    assets: dict[str, tuple[Asset, int]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


def main(arguments: Sequence[str]) -> int:
    """0: the container ended well, and what it left was taken; 1: not."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    # The client is asked to end, too, and takes the container along; whoever waits for it must not be gone before.
    signal.signal(signal.SIGTERM, lambda *_: None)
    writer = FrameWriter(int(arguments[1]))
    reader: FrameReader[ToChild] = FrameReader(int(arguments[0]), Decoder(ToChild))
    for descriptor in arguments[:2]:
        os.set_inheritable(int(descriptor), False)  # noqa: FBT003 - it takes no names
    writer.send(Hello(os.getpid()))
    received = reader.receive()
    if received is None or not isinstance(received[0], Setup):
        return 1
    setup = received[0]
    scratch = Path(setup.scratch)
    labels = LabelMap(tuple(setup.labels), setup.label_map)
    ledger = Ledger(writer, labels, setup.failures_allowed, setup.new_version)
    given = _write_input(setup, input_of(scratch), reader, writer, ledger)
    code = subprocess.run(arguments[2:], check=False).returncode
    if code:
        how = f"signal {code - _SIGNALLED}" if code > _SIGNALLED else f"exit code {code}"
        error = ErrorText("CommandFailed", f"The image's command ended with {how}.", "")
        writer.send(Ended(returned=False, error=error))
        return code
    _shut_in(scratch)
    try:
        _read_output(scratch / OUTPUT, given, ledger)
    except PixmillError as refusal:
        writer.send(Ended(returned=False, error=ErrorText(type(refusal).__name__, str(refusal), "")))
        return 1
    ledger.report()
    writer.send(Ended(returned=True))
    return 0


def _write_input(
    setup: Setup, folder: Path, reader: "FrameReader[ToChild]", writer: FrameWriter, ledger: Ledger
) -> _Given:
    """`images/` as the version has them, `parameters.json` and `labels.json`."""
    given = _Given()
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    (folder / "parameters.json").write_text(json.dumps(setup.parameters))
    (folder / "labels.json").write_text(json.dumps(setup.labels))
    position = 0
    while True:
        writer.send(Want(0, position, images=True))
        received = reader.receive()
        if received is None or not isinstance(received[0], ChunkBegins):
            return given
        ledger.begin_chunk(received[0].index, received[0].size)
        for _ in range(received[0].size):
            arrived = reader.receive()
            if arrived is None or not isinstance(arrived[0], AssetComes):
                return given
            _write_image(arrived[0], arrived[1], images, received[0].index, given)
        position += 1


def _write_image(coming: AssetComes, encoded: bytes, images: Path, chunk: int, given: _Given) -> None:
    asset = Asset(coming.id, coming.path, coming.width, coming.height, tuple(coming.tags))
    given.assets[coming.path] = asset, chunk
    target = images / coming.path
    if coming.unreadable or not target.resolve().is_relative_to(images.resolve()):
        given.unreadable[coming.path] = coming.unreadable or "its path leads out of the folder of images"
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(encoded)


def _read_output(folder: Path, given: _Given, ledger: Ledger) -> None:
    """Settle every asset of the Run."""
    assets = {path: asset for path, (asset, _) in given.assets.items()}
    output = read_output(folder, assets, ledger.new_version)
    output.say_what_is_left_out(ledger)
    for number, (path, (asset, chunk)) in enumerate(given.assets.items(), 1):
        if path in given.unreadable:
            ledger.fail_unreadable(asset, chunk, given.unreadable[path])
        else:
            output.settle(asset, chunk, ledger)
        if number % _REPORT_EVERY == 0:
            ledger.report()


def _shut_in(scratch: Path) -> None:
    """From here on, what user code wrote is read; where the kernel has no Landlock, at least without a network."""
    readable = ["/usr", "/lib", "/lib64", "/proc", sys.prefix, sys.base_prefix, *sys.path]
    landlock = SeenLandlock([path for path in readable if path], [str(scratch), "/dev/null"], network=False)
    with suppress(EnvironmentFailed):
        confine(SeenConfinement(landlock))
    with suppress(EnvironmentFailed):
        confine(SeenConfinement(drop_capabilities=True, refuse_sockets=True))


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
