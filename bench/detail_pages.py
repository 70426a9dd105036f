"""Pages of one asset, Job, Processing and ModelVersion, from a server with 10 000 assets and 100 000 boxes."""

import random
from collections.abc import Iterable, Sequence

import psutil

from bench.browsing import ask_each, p95, requests_of_browser
from bench.coco_file import CocoSize, write_coco_file
from bench.coco_import import make_images
from bench.installation import Installation, install
from bench.report import ROOT, Better, Figure

SIZE = CocoSize(images=10_000, boxes=100_000)
MODEL = ROOT / "sample" / "street_yolo.onnx"
REQUESTS = 40
FLOOR_MS = 100.0
VERSION = "street/v1"
PROCESSING = '''"""Tag every hundredth asset."""

from pixmill.authoring import Context, DatasetVersion, processing


@processing(kind="tagging")
def tag_some(ctx: Context, dataset: DatasetVersion, *, every: int = 100):
    """Says what it does, line by line."""
    for number, asset in enumerate(dataset.assets()):
        if number % every == 0:
            print(f"tags {asset.path}")
            yield asset.tag("seen")
'''


def measure() -> Iterable[Figure]:
    """Milliseconds from the request to the whole answer, over loopback, 95th percentile.

    Beside it what the server computed for one: it says the same on a machine that is not idle.
    """
    with install(PIXMILL_REFERENCE_ROOTS="/tmp") as pixmill:  # noqa: S108 - where this benchmark's images are
        job = _bring_in(pixmill)
        environment = pixmill.environment
        with requests_of_browser(environment["PIXMILL_URL"], environment["PIXMILL_TOKEN"]) as browser:
            server = psutil.Process(pixmill.pid)
            for name, addresses in _pages(pixmill, job).items():
                ask_each(browser, addresses[:3])
                before = _computed(server)
                answers = ask_each(browser, addresses)
                computed = _computed(server) - before
                yield Figure(
                    name=f"{name}, p95",
                    value=p95(answer.whole for answer in answers),
                    unit="ms",
                    better=Better.LOWER,
                    baseline=computed / len(addresses),
                    baseline_name="computing of the server, mean",
                    floor=FLOOR_MS,
                )


def _computed(server: psutil.Process) -> float:
    """Milliseconds of processor time since it began."""
    times = server.cpu_times()
    return 1000 * float(times.user + times.system)


def _bring_in(pixmill: Installation) -> str:
    """The id of a Job that is over."""
    source, code = pixmill.folder / "coco", pixmill.folder / "tag_some.py"
    make_images(source, SIZE)
    write_coco_file(source / "annotations.json", SIZE)
    pixmill.pixmill("datasets", "import", str(source / "annotations.json"), "--to", VERSION, "--by-reference")
    code.write_text(PROCESSING)
    pixmill.pixmill("processings", "push", str(code))
    pixmill.pixmill("models", "push", str(MODEL), "--to", "street-network/1")
    job = pixmill.client.jobs.launch("tag-some", VERSION)
    assert pixmill.client.jobs.wait(job.id, timeout_seconds=300).status == "succeeded"
    return job.id


def _pages(pixmill: Installation, job: str) -> dict[str, Sequence[str]]:
    version, places = f"/datasets/{VERSION}", random.Random(5)
    ids = [asset.id for asset in pixmill.client.assets.list(VERSION)]
    viewed = [f"{version}/assets/{places.choice(ids)}" for _ in range(REQUESTS)]
    filtered = [f"{page}?min_score=0.5&sort=lowest-score" for page in viewed]
    one = {
        "Process, a Processing chosen": f"{version}/process?processing=tag-some",
        "Job": f"/jobs/{job}",
        "what changes of a Job's page": f"/jobs/{job}/state?run=1",
        "table of Jobs": "/live/jobs",
        "review": f"{version}/review",
        "Processing": "/processings/tag-some",
        "Processing, edited": "/processings/tag-some/edit",
        "Processing, its defaults": "/processings/tag-some/defaults",
        "Model": "/models/street-network",
        "ModelVersion": "/models/street-network/1",
    }
    return {
        "viewer, any asset": viewed,
        "viewer, any asset of a filter": filtered,
        **{name: [address] * REQUESTS for name, address in one.items()},
    }
