"""Images that a registry has: pulled and pinned by a Run, found anew by a re-run, and all that goes wrong between."""

import os
import time
from collections.abc import Iterator

import pytest

from pixmill.wire.jobs import LogEvent, Run
from tests.e2e.places import Place, placed_in
from tests.podman import Podman, pack_shell
from tests.registry import Blobs, Registry

PATIENCE_SECONDS = 240
IMAGES = 3
BALLAST_BYTES = 4 << 20
DECLARATION = """
name = "{name}"
command = ["/bin/sh", "/run.sh"]
"""
COMMAND = """
cd /pixmill/input/images
echo release {release}
{{
  printf '{{'
  between=
  for image in *; do
    printf '%s"%s": ["release-{release}"]' "$between" "$image"
    between=,
  done
  printf '}}'
}} > /pixmill/output/tags.json
"""


@pytest.fixture(scope="module")
def place(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PIXMILL_CONTAINER_ENGINE", podman.address)
        with placed_in(tmp_path_factory.mktemp("registry")) as placed:
            yield placed


def release(registry: Registry, podman: Podman, name: str, number: int) -> str:
    """A new image under the name; nothing of its largest layer is here already."""
    files = {"/run.sh": COMMAND.format(release=number).encode(), "/ballast": os.urandom(BALLAST_BYTES)}
    return registry.push(podman, name, pack_shell(files))


def declare(place: Place, image: str, name: str) -> None:
    about = place.folder.parent / f"{name}.toml"
    about.write_text(DECLARATION.format(name=name))
    pushed = place.installation.pixmill("processings", "push", "--image", image, "--about", str(about))
    assert pushed.returncode == 0, pushed.stderr


def launch(place: Place, name: str) -> tuple[str, str]:
    """The Job and the version."""
    address = place.version(images=IMAGES, labels=["bright"])
    return place.installation.client().jobs.launch(name, address).id, address


def pulling(place: Place, job: str) -> str:
    """What the Run waits for, once it says how much of its image is here."""
    until = time.monotonic() + PATIENCE_SECONDS
    while " MiB" not in (waits := place.installation.client().jobs.show(job).runs[0].waits_for or ""):
        assert time.monotonic() < until, waits
        time.sleep(0.05)
    return waits


def ended(place: Place, job: str) -> Run:
    return place.installation.client().jobs.wait(job, timeout_seconds=PATIENCE_SECONDS).runs[0]


def said(place: Place, job: str, number: int) -> dict[str, list[str]]:
    """What Pixmill says in a Run's log, by kind."""
    found: dict[str, list[str]] = {}
    for each in place.installation.client().jobs.follow(job, number):
        if isinstance(each, LogEvent):
            found.setdefault(each.kind, []).append(each.message)
    return found


def image_changes(run: Run) -> list[str]:
    return [each for each in run.differs if each.startswith("image: ")]


def tags(place: Place, address: str) -> list[str]:
    assets = place.installation.client().assets.list(address)
    return sorted({tag for asset in assets for tag in asset.tags})


def test_a_pull_says_how_far_it_is_and_the_run_pins_the_digest(
    place: Place, podman: Podman, registry: Registry
) -> None:
    image = release(registry, podman, "progress:1", 1)
    declare(place, image, "progress")
    registry.blobs = Blobs.SLOW
    job, address = launch(place, "progress")
    assert pulling(place, job).startswith("its image to be pulled: ")
    registry.blobs = Blobs.WHOLE
    run = ended(place, job)
    assert run.status == "succeeded", run.outcome
    digest = registry.digest("progress:1")
    assert run.facts["image"] == f"{image.rpartition(':')[0]}@{digest}"
    assert tags(place, address) == ["release-1"]
    events = said(place, job, 1)
    assert f"Pulls the image {image}: " in events["image-pulling"][0]
    assert f"The image {image} is {digest.removeprefix('sha256:')[:12]}. " in events["image-found"][0]


def test_a_run_that_is_cancelled_while_its_image_is_pulled_is_over_and_the_pull_ends(
    place: Place, podman: Podman, registry: Registry
) -> None:
    declare(place, release(registry, podman, "given-up:1", 1), "given-up")
    registry.blobs = Blobs.SLOW
    job, address = launch(place, "given-up")
    pulling(place, job)
    place.installation.client().jobs.cancel(job)
    assert ended(place, job).status == "cancelled"
    assert registry.given_up.wait(PATIENCE_SECONDS)
    assert tags(place, address) == []


def test_a_rerun_takes_what_the_tag_means_now_and_says_so(place: Place, podman: Podman, registry: Registry) -> None:
    image = release(registry, podman, "moving:latest", 1)
    declare(place, image, "moving")
    job, address = launch(place, "moving")
    assert ended(place, job).status == "succeeded"
    jobs = place.installation.client().jobs
    jobs.rerun(job)
    assert image_changes(ended(place, job)) == []
    before = registry.digest("moving:latest")
    release(registry, podman, "moving:latest", 2)
    after = registry.digest("moving:latest")
    jobs.rerun(job)
    newest = ended(place, job)
    assert newest.status == "succeeded", newest.outcome
    assert str(newest.facts["image"]).endswith(after)
    change = f"{before[7:19]} -> {after[7:19]}"
    assert image_changes(newest) == [f"image: {change}"]
    assert f"The Run before had another: {change}." in said(place, job, 3)["image-found"][0]
    assert tags(place, address) == ["release-1", "release-2"]
    release(registry, podman, "moving:latest", 3)
    registry.blobs = Blobs.CUT
    jobs.rerun(job)
    # The image of the Run before lies here still: it is not what the tag means.
    assert ended(place, job).status == "failed"
    assert tags(place, address) == ["release-1", "release-2"]


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("tag", "its registry has no image of that name and tag"),
        ("away", "its registry does not answer"),
        (Blobs.CUT, "what its registry sends is damaged or not whole"),
        (Blobs.WRONG, "what its registry sends is damaged or not whole"),
    ],
)
def test_a_run_whose_image_cannot_be_had_fails_with_the_reason_and_leaves_the_version_as_it_is(
    trouble: str, why: str, place: Place, podman: Podman, registry: Registry
) -> None:
    name = f"trouble-{trouble}"
    image = release(registry, podman, f"{name}:1", 1)
    if trouble == "tag":
        image = f"{image}-unknown"
    elif trouble == "away":
        image = image.replace(str(registry.front), "9")
    else:
        registry.blobs = Blobs(trouble)
    declare(place, image, name)
    job, address = launch(place, name)
    run = ended(place, job)
    assert (run.status, run.reason) == ("failed", "placement")
    assert f"The image '{image}' cannot be pulled: {why} (" in run.outcome
    assert why in b"".join(place.installation.client().jobs.log(job, 1)).decode()
    assert tags(place, address) == []
    assert run.result_revision is None
