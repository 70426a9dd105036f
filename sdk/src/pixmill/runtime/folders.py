"""`python -m pixmill.runtime.folders IN OUT CLIENT...`: a child for images that know nothing of Pixmill.

Writes the Run's images into the input folder, has the client run the container once, and reads what it left in the
output folder. What it reads is not believed: by then it has given up everything but its scratch folder.
"""

import ctypes
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from msgspec.msgpack import Decoder

from pixmill.annotations import rows_of
from pixmill.authoring import Asset, Change
from pixmill.errors import EnvironmentFailed, PixmillError
from pixmill.formats.coco.format import CocoFormat
from pixmill.formats.files import is_image_name, open_files
from pixmill.runtime.confinement import confine
from pixmill.runtime.containers import OUTPUT, input_of
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
_LARGEST_TAGS_BYTES: Final = 64 << 20


class OutputRefused(PixmillError):
    """What the image left in its output folder cannot be taken."""


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
    ledger = Ledger(writer, LabelMap(tuple(setup.labels), setup.label_map), setup.failures_allowed)
    given = _write_input(setup, input_of(scratch), reader, writer, ledger)
    code = subprocess.run(arguments[2:], check=False).returncode
    if code:
        how = f"signal {code - _SIGNALLED}" if code > _SIGNALLED else f"exit code {code}"
        error = ErrorText("CommandFailed", f"The image's command ended with {how}.", "")
        writer.send(Ended(returned=False, error=error))
        return code
    _shut_in(scratch)
    try:
        changes = _read_output(scratch / OUTPUT, given, ledger)
    except PixmillError as refusal:
        writer.send(Ended(returned=False, error=ErrorText(type(refusal).__name__, str(refusal), "")))
        return 1
    for path, (asset, chunk) in given.assets.items():
        if path in given.unreadable:
            ledger.fail_unreadable(asset, chunk, given.unreadable[path])
        else:
            ledger.finish_asset(asset, chunk, changes.get(path, []))
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


def _shut_in(scratch: Path) -> None:
    """From here on, what user code wrote is read; where the kernel has no Landlock, at least without a network."""
    readable = ["/usr", "/lib", "/lib64", "/proc", sys.prefix, sys.base_prefix, *sys.path]
    landlock = SeenLandlock([path for path in readable if path], [str(scratch), "/dev/null"], network=False)
    with suppress(EnvironmentFailed):
        confine(SeenConfinement(landlock))
    with suppress(EnvironmentFailed):
        confine(SeenConfinement(drop_capabilities=True, refuse_sockets=True))


def _read_output(folder: Path, given: _Given, ledger: Ledger) -> Mapping[str, Sequence[Change]]:
    """Changes by path: the shapes of one COCO file, and the tags of `tags.json`."""
    _refuse_links(folder)
    changes: dict[str, list[Change]] = {}
    left_out = 0
    with closing(open_files(folder)) as found:
        if CocoFormat().recognizes(found):
            with CocoFormat().open(found) as source:
                for _ in source.images():
                    pass
                for columns in source.annotations():
                    for row in rows_of(columns):
                        if row.asset not in given.assets:
                            left_out += 1
                            continue
                        asset = given.assets[row.asset][0]
                        change = asset.annotate(row.shape, label=row.label, score=row.score, attributes=row.attributes)
                        changes.setdefault(row.asset, []).append(change)
        pictures = sum(1 for name in found.names() if is_image_name(name))
    for path, tags in _tags(folder).items():
        if path in given.assets:
            changes.setdefault(path, []).append(given.assets[path][0].tag(*tags))
        else:
            left_out += 1
    if left_out:
        ledger.say("output-left-out", f"{left_out} results are of images that are not in this Run.", count=left_out)
    if pictures:
        ledger.say("images-not-taken", f"{pictures} images in the output are not taken: a Run adds none yet.")
    return changes


def _refuse_links(folder: Path) -> None:
    """A link would be followed here, to files that the image itself never saw."""
    for below, folders, files in os.walk(folder):
        for name in (*folders, *files):
            mode = (Path(below) / name).lstat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise OutputRefused(f"'{name}' in the output is a link, or no file.", hint="Write plain files.")


def _tags(folder: Path) -> dict[str, list[str]]:
    """`tags.json`: path to tags; nothing where there is none."""
    path = folder / "tags.json"
    if not path.is_file():
        return {}
    if path.is_symlink() or path.stat().st_size > _LARGEST_TAGS_BYTES:
        raise OutputRefused("'tags.json' is a link, or larger than 64 MiB.", hint="Write a plain file: path to tags.")
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, list[str]])
    except msgspec.DecodeError as error:
        raise OutputRefused(
            f"'tags.json' is not what it should be: {error}.", hint="Path to a list of tags."
        ) from error


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
