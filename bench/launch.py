"""How long a user looks at an empty log: from the launch to its first line, in a warm environment."""

import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from PIL import Image

from bench.installation import PIXMILL, Installation, install
from bench.report import Better, Figure
from pixmill.client.jobs import LogBytes

TIMES = 7
PROCESSING = '''"""Say hello."""

from pixmill.authoring import Batch, processing

print("hello", flush=True)


@processing(kind="tagging")
class SayHello:
    """Says hello and tags nothing."""

    def __call__(self, batch: Batch):
        return [asset.tag("seen") for asset in batch.assets]
'''


def measure() -> Iterable[Figure]:
    """Seconds; the first launch builds the environment and is not counted."""
    with install() as pixmill:
        _bring_in(pixmill)
        _first_line(pixmill)
        yield Figure(
            name="launch to first log line, from Python",
            value=median(_first_line(pixmill) for _ in range(TIMES)),
            unit="s",
            better=Better.LOWER,
            baseline=median(_bare() for _ in range(TIMES)),
            baseline_name="python -c print",
            floor=2,
        )
        yield Figure(
            name="launch to first log line, `jobs launch --follow`",
            value=median(_first_line_of_command(pixmill) for _ in range(TIMES)),
            unit="s",
            better=Better.LOWER,
            floor=2,
        )


def _bring_in(pixmill: Installation) -> None:
    images, source = pixmill.folder / "images", pixmill.folder / "say_hello.py"
    images.mkdir()
    for number in range(20):
        Image.new("RGB", (640, 480), (number, 90, 120)).save(images / f"{number:02d}.jpg")
    source.write_text(PROCESSING)
    pixmill.pixmill("datasets", "import", str(images), "--to", "street/v1")
    pixmill.pixmill("processings", "push", str(source))


def _first_line(pixmill: Installation) -> float:
    start = time.perf_counter()
    job = pixmill.client.jobs.launch("say-hello", "street/v1")
    for message in pixmill.client.jobs.follow(job.id, 1):
        if isinstance(message, LogBytes):
            taken = time.perf_counter() - start
            assert pixmill.client.jobs.wait(job.id, timeout_seconds=60).status == "succeeded"
            return taken
    raise RuntimeError(_log_of_server(pixmill.folder))


def _first_line_of_command(pixmill: Installation) -> float:
    start = time.perf_counter()
    command = [str(PIXMILL), "jobs", "launch", "say-hello", "street/v1", "--follow"]
    with subprocess.Popen(
        command, env=pixmill.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        taken = time.perf_counter() - start
        process.stdout.read()
    assert b"hello" in line, line
    return taken


def _bare() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "print('hello')"], check=True, capture_output=True)
    return time.perf_counter() - start


def _log_of_server(folder: Path) -> str:
    return (folder / "server.log").read_text()
