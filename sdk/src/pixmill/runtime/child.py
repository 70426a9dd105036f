"""`python -m pixmill.runtime.child IN OUT`: the process that holds user code. It knows two pipes and what came by.

In a container, `--connect SOCKET` stands in place of the pipes: they come by that socket.

Its standard output and error are one pipe, the Run's log. It imports little: no HTTP, no command line, no server.
"""

import ctypes
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from inspect import isclass
from pathlib import Path
from typing import Any, Final

from msgspec.msgpack import Decoder

from pixmill.authoring import DatasetVersion, ModelVersion
from pixmill.authoring.schema import BATCH_SIZE, find_processing
from pixmill.runtime.batches import BatchWork
from pixmill.runtime.bootstrap import Trouble, attempt, load_module
from pixmill.runtime.confinement import confine
from pixmill.runtime.decoding import use_threads
from pixmill.runtime.frames import FrameReader, FrameWriter
from pixmill.runtime.intake import Intake
from pixmill.runtime.ledger import Ledger, print_to_log
from pixmill.runtime.messages import Ended, ErrorText, Hello, Setup, ToChild
from pixmill.runtime.results import LabelMap
from pixmill.runtime.whole_version import VersionWork

_DIE_WITH_PARENT: Final = 1
_MAX_DECODERS: Final = 4
CONNECT: Final = "--connect"


def main(arguments: list[str]) -> int:
    """0: the Processing came to its end; 1: it failed. What that means for the Run is the server's to say."""
    incoming, outgoing = map(int, arguments) if arguments[0] != CONNECT else _connect(arguments[1])
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for descriptor in (incoming, outgoing):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - it takes no names
    writer = FrameWriter(outgoing)
    reader: FrameReader[ToChild] = FrameReader(incoming, Decoder(ToChild))
    writer.send(Hello(os.getpid()))
    received = reader.receive()
    if received is None or not isinstance(received[0], Setup):
        return 1
    setup = received[0]
    confine(setup.confinement)
    use_threads(setup.threads)
    os.environ.update(setup.secrets)
    trouble = _work(setup, reader, writer)
    if trouble is not None:
        if not trouble.is_in_log:
            print_to_log(trouble.traceback)
        writer.send(Ended(returned=False, error=ErrorText(trouble.type, trouble.message, trouble.traceback)))
        return 1
    writer.send(Ended(returned=True))
    return 0


def _connect(path: str) -> tuple[int, int]:
    """In a container the pipes come by a socket; the log is the third, and takes the place of the engine's own."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    incoming, outgoing, log = descriptors
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
    return incoming, outgoing


def _work(setup: Setup, reader: FrameReader[ToChild], writer: FrameWriter) -> Trouble | None:
    loaded = attempt(lambda: find_processing(load_module(Path(setup.source), setup.module))[1])
    if isinstance(loaded, Trouble):
        return loaded
    labels = LabelMap(tuple(setup.labels), setup.label_map)
    ledger = Ledger(writer, labels, setup.failures_allowed, setup.new_version, setup.mark)
    intake = Intake(reader, writer, threads=min(setup.threads, _MAX_DECODERS))
    if isclass(loaded):
        return _work_by_batch(setup, loaded, intake, ledger)
    work = VersionWork(intake, ledger)
    version = DatasetVersion(setup.version, tuple(setup.labels), setup.total, work.open_assets, work.open_images)
    arguments = _arguments(setup, intake)
    return work.run(lambda ctx, dataset: loaded(ctx, dataset, **arguments), Path(setup.scratch), version)


def _work_by_batch(setup: Setup, code: Callable[..., Any], intake: Intake, ledger: Ledger) -> Trouble | None:
    # The first images come and are decoded while the Processing loads its model.
    arriving = intake.start_reading(ledger.begin_chunk)
    made = attempt(lambda: code(**_arguments(setup, intake)))
    if isinstance(made, Trouble):
        return made
    ledger.state(getattr(made, "facts", None))
    trouble = BatchWork(made, ledger, setup.batch_size).run(arriving)
    ledger.report_rest()
    return trouble


def _arguments(setup: Setup, intake: Intake) -> Mapping[str, Any]:
    given = {name: value for name, value in setup.parameters.items() if name != BATCH_SIZE}
    given |= {seen.parameter: intake.others.version(seen) for seen in setup.versions}
    if setup.model is not None and setup.model_parameter is not None:
        seen = setup.model
        given[setup.model_parameter] = ModelVersion(
            name=seen.name,
            task=seen.task,
            framework=seen.framework,
            family=seen.family,
            labels=tuple(seen.labels),
            parameters=seen.parameters,
            files={name: Path(path) for name, path in seen.files.items()},
            wanted=None if seen.wanted is None else frozenset(seen.wanted),
            threads=setup.threads,
        )
    return given


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
    # The work is told. Threads that the Processing left, and engines that crash as Python is torn down, change nothing.
    os._exit(code)
