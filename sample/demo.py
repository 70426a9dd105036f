"""`make demo`: draws the sample, starts Pixmill on it, pre-annotates it and serves it until Ctrl-C.

Everything is done by the commands a user would type; each is shown as it is run. ONCE=1 ends after the summary, with
exit code 0 only if the Job succeeded. The data folder `demo-data/` is made anew each time.
"""

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DATA = ROOT / "demo-data"
EMPTY = ROOT / "build" / "empty-data"
WEIGHTS = ROOT / "sample" / "street_yolo.onnx"
USUAL_PORT = 8760
START_SECONDS = 60
VERSION = "street/v1"


@dataclass(frozen=True, slots=True)
class Commands:
    """Runs the `pixmill` that belongs to this Python against the demo's own server."""

    url: str
    token_file: Path

    def show(self, *words: str) -> int:
        """Run one command in sight; its exit code."""
        print(f"\n$ pixmill {' '.join(words)}", flush=True)
        return subprocess.run([*_pixmill(), *words], env=self._environment(), check=False).returncode

    def require(self, *words: str) -> None:
        """Like `show`, but the demo ends where it fails."""
        code = self.show(*words)
        if code:
            sys.exit(f"The demo ends: `pixmill {' '.join(words)}` ended with exit code {code}.")

    def ask_for_list(self, *words: str) -> list[dict[str, Any]]:
        """What an `ls` answers with `--json`, out of sight."""
        command = [*_pixmill(), *words, "--json"]
        done = subprocess.run(command, env=self._environment(), check=True, stdout=subprocess.PIPE)
        return list(json.loads(done.stdout))

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PIXMILL_URL": self.url, "PIXMILL_TOKEN": self.token_file.read_text().strip()}


def main() -> None:
    """Draw, start, import, launch, follow, sum up, serve."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with annotated_sample() as (commands, code):
        _print_summary(commands)
        if os.environ.get("ONCE") == "1":
            sys.exit(code)
        _serve_until_interrupted(commands.url)


@contextmanager
def annotated_sample() -> Iterator[tuple[Commands, int]]:
    """A server with the sample, pre-annotated, and the exit code of the launch; both end with the block."""
    shutil.rmtree(DATA, ignore_errors=True)
    pictures = DATA / "pictures"
    print("Drawing the sample: street scenes of our own.", flush=True)
    subprocess.run([sys.executable, "-m", "sample.draw", str(pictures)], cwd=ROOT, check=True)
    with _server(_free_port(USUAL_PORT), DATA / "server") as commands:
        commands.require("datasets", "import", str(pictures / "images"), "--to", VERSION)
        commands.require("labels", "set", VERSION, "person", "car")
        commands.require("models", "push", str(WEIGHTS), "--to", "street-yolo/1")
        launch = ("jobs", "launch", "yolo-preannotation", VERSION, "--model", "street-yolo/1", "--follow")
        yield commands, commands.show(*launch)


@contextmanager
def empty_server() -> Iterator[Commands]:
    """A server with nothing of anybody's in it, beside the sample's; ends with the block."""
    shutil.rmtree(EMPTY, ignore_errors=True)
    with _server(_free_port(0), EMPTY) as commands:
        yield commands


@contextmanager
def _server(port: int, data: Path) -> Iterator[Commands]:
    command = [*_pixmill(), "up", "--data", str(data), "--port", str(port)]
    print(f"\n$ pixmill {' '.join(command[-5:])}", flush=True)
    # In a session of its own: Ctrl-C is for the demo, which then ends the server.
    server = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(url, server)
        yield Commands(url, data / "local-token")
    finally:
        server.terminate()
        server.wait()


def _wait_until_it_answers(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"The demo ends: the server ended with exit code {server.returncode}; what it said is above.")
        try:
            with urllib.request.urlopen(f"{url}/api/v1/health", timeout=5):  # noqa: S310 - our own address
                return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"The demo ends: the server did not answer at {url} within {START_SECONDS} seconds.")


def _print_summary(commands: Commands) -> None:
    out = DATA / "export"
    commands.require("datasets", "export", VERSION, "--format", "coco", "--out", str(out))
    coco = json.loads((out / "annotations.json").read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    per_label = Counter(names[annotation["category_id"]] for annotation in coco["annotations"])
    scores = [annotation["score"] for annotation in coco["annotations"]]
    jobs = commands.ask_for_list("jobs", "ls")
    run = jobs[0]["runs"][0]
    seconds, assets = run["running_seconds"], run["counts"]["done"]
    print(f"\n  Job            {jobs[0]['id']}: {run['status']}")
    print(f"  Assets         {assets}")
    for name, count in per_label.most_common():
        print(f"  Shapes         {count} {name}")
    print(f"  Median score   {statistics.median(scores):.2f}" if scores else "  Median score   none")
    print(f"  Running time   {seconds:.1f} s, {assets / seconds:.1f} images/s" if seconds else "  Running time   0 s")
    print(f"  Open           {commands.url}/datasets/{VERSION}\n", flush=True)


def _serve_until_interrupted(url: str) -> None:
    print(f"Pixmill serves the annotated sample at {url} until Ctrl-C.", flush=True)
    print("The address that signs a browser in was printed when it started, above.", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        print("\nThe demo ends.", flush=True)


def _free_port(usual: int) -> int:
    for port in (usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                print(f"Port {port} is taken: another one is used.", flush=True)
                continue
            return int(probe.getsockname()[1])
    raise AssertionError("The system gives no free port.")


def _pixmill() -> list[str]:
    return [str(Path(sys.executable).with_name("pixmill"))]


if __name__ == "__main__":
    main()
