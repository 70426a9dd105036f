"""A million log lines: from print in a Run's child to stored, and read back by who follows the log.

The baseline is the same printing into a pipe that `cat` copies to a file, and both take turns. The first line that is
printed holds the time, so that starting Python, the Run and its environment count for neither.
"""

import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from PIL import Image

from bench.installation import Installation, install
from bench.report import Better, Figure, MemoryHighWater
from pixmill.client.jobs import LogBytes

LINES = 1_000_000
LINE_BYTES = 80
ROUNDS = 3
LEAST_RATIO = 0.7
MOST_GROWTH_MB = 50
REST = "epoch 3 of 9: loss 0.4382 after a step of 12 images".ljust(LINE_BYTES - 9, ".")
PRINT_LINES = f'''
import sys
import time


def print_lines(buffer_bytes):
    """The first line is the time; each has {LINE_BYTES} bytes. 0: unbuffered, -1: in Python's blocks."""
    out = open(1, "w", buffering=buffer_bytes, closefd=False) if buffer_bytes else sys.stdout
    print(f"{{time.monotonic():.6f}}".ljust({LINE_BYTES - 1}), file=out)
    for number in range(1, {LINES}):
        print(f"{{number:07}} {REST}", file=out)
    out.flush()
'''
PROCESSING = '''"""Print a million lines."""
{print_lines}

from pixmill.authoring import Context, DatasetVersion, processing


@processing(kind="tagging")
def print_a_million(ctx: Context, dataset: DatasetVersion, *, buffer_bytes: int = 0) -> None:
    """Prints, and changes nothing."""
    print_lines(buffer_bytes)
'''
MANNERS = {"block-buffered": -1, "unbuffered": 0}


def measure() -> Iterable[Figure]:
    """Lines per second, and by how much the server's memory grows meanwhile."""
    with install() as pixmill:
        _bring_in(pixmill)
        _follow(pixmill, 0)
        for manner, buffer_bytes in MANNERS.items():
            with MemoryHighWater(pixmill.pid, alone=True) as memory:
                before = memory.bytes
                rounds = [(_follow(pixmill, buffer_bytes), _copy(buffer_bytes)) for _ in range(ROUNDS)]
            yield Figure(
                name=f"log, {LINES:,} lines of {LINE_BYTES} bytes, {manner}",
                value=median(ours for ours, _ in rounds),
                unit="lines/s",
                baseline=median(theirs for _, theirs in rounds),
                baseline_name="print | cat > file",
                ratio_floor=LEAST_RATIO,
            )
            yield Figure(
                name=f"log, memory that the server takes more, {manner}",
                value=(memory.bytes - before) / 1e6,
                unit="MB",
                better=Better.LOWER,
                floor=MOST_GROWTH_MB,
            )


def _bring_in(pixmill: Installation) -> None:
    images, source = pixmill.folder / "images", pixmill.folder / "print_a_million.py"
    images.mkdir()
    Image.new("RGB", (64, 48), (90, 120, 150)).save(images / "1.png")
    source.write_text(PROCESSING.format(print_lines=PRINT_LINES))
    pixmill.pixmill("datasets", "import", str(images), "--to", "street/v1")
    pixmill.pixmill("processings", "push", str(source))


def _follow(pixmill: Installation, buffer_bytes: int) -> float:
    """Lines a second from the first print until the follower has the last byte; every byte is looked at."""
    parameters = {"buffer_bytes": buffer_bytes}
    job = pixmill.client.jobs.launch("print-a-million", "street/v1", parameters=parameters)
    total, first = 0, b""
    for message in pixmill.client.jobs.follow(job.id, 1):
        if isinstance(message, LogBytes):
            if len(first) < LINE_BYTES:
                first += message.written[: LINE_BYTES - len(first)]
            assert message.offset == total
            total += len(message.written)
            if total >= LINES * LINE_BYTES:
                break
    taken = time.monotonic() - float(first)
    assert pixmill.client.jobs.wait(job.id, timeout_seconds=60).status == "succeeded"
    stored = b"".join(pixmill.client.jobs.log(job.id, 1))
    lines = b"".join(b"%07d %s\n" % (number, REST.encode()) for number in range(1, LINES))
    assert stored == first + lines, "the log is not what was printed"
    return LINES / taken


def _copy(buffer_bytes: int) -> float:
    with TemporaryDirectory(prefix="pixmill-bench-") as folder:
        path = Path(folder) / "log"
        code = f"{PRINT_LINES}\nprint_lines({buffer_bytes})"
        arguments = [sys.executable, *([] if buffer_bytes else ["-u"]), "-c", code]
        with path.open("wb") as file, subprocess.Popen(arguments, stdout=subprocess.PIPE) as printing:
            subprocess.run(["cat"], stdin=printing.stdout, stdout=file, check=True)
        taken = time.monotonic() - float(path.open("rb").read(LINE_BYTES))
    return LINES / taken
