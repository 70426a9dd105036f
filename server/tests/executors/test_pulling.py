"""What a name of an image means: asked of a real registry, and of an engine that has it already."""

import pytest

from pixmill_server.executors.container.engine import EngineFailed
from pixmill_server.executors.container.pulling import PullProgress, find_image
from pixmill_server.executors.contract import FoundImage
from tests.podman import Podman, load, pack_shell
from tests.registry import Registry


def silent(_: str) -> None:
    """Nobody asks how far it is."""


def test_a_pinned_digest_is_pulled_though_its_tag_has_moved_and_taken_as_it_lies_afterwards(
    podman: Podman, registry: Registry
) -> None:
    image = registry.push(podman, "pinned:1", pack_shell({"/release": b"1"}))
    pinned = f"{image.removesuffix(':1')}@{registry.digest('pinned:1')}"
    registry.push(podman, "pinned:1", pack_shell({"/release": b"2"}))
    assert find_image(podman.address, image, silent).digest != pinned
    assert find_image(podman.address, pinned, silent) == FoundImage(pinned, came_from_registry=True)
    assert find_image(podman.address, pinned, silent) == FoundImage(pinned, came_from_registry=False)


def test_an_image_that_was_built_here_is_pinned_by_the_digest_that_its_registry_has(
    podman: Podman, registry: Registry
) -> None:
    archive = pack_shell({"/release": b"1"})
    image = f"127.0.0.1:{registry.front}/both:1"
    load(podman.client, archive, image)
    here = podman.client.images.get(image)
    here.tag(f"127.0.0.1:{registry.port}/both", "1")
    list(podman.client.api.push(f"127.0.0.1:{registry.port}/both", tag="1", stream=True, decode=True))
    found = find_image(podman.address, image, silent)
    # One image with two digests of that name: as it lies here, and as it was pushed.
    assert len(podman.client.images.get(image).attrs["RepoDigests"]) > 1
    assert found.digest.endswith(registry.digest("both:1"))


def test_an_image_of_this_machine_is_known_by_its_id(podman: Podman) -> None:
    found = find_image(podman.address, podman.plain_image, silent)
    assert found == FoundImage(podman.client.images.get(podman.plain_image).id, came_from_registry=False)
    assert find_image(podman.address, found.digest, silent) == found


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (f"sha256:{'0' * 64}", "which no registry has, is not on this machine any more"),
        ("localhost/nothing:1", "is not on this machine, and names no registry to ask"),
        ("nothing:1", "cannot be pulled"),
    ],
)
def test_an_image_that_nobody_has_is_refused(image: str, why: str, podman: Podman) -> None:
    with pytest.raises(EngineFailed, match=why):
        find_image(podman.address, image, silent)


def test_progress_adds_up_the_layers() -> None:
    progress = PullProgress()
    said = [
        progress.note(line)
        for line in (
            {"status": "Pulling from library/box", "id": "latest"},
            {"status": "Pulling fs layer", "id": "a", "progressDetail": {}},
            {"status": "Already exists", "id": "b", "progressDetail": {}},
            {"status": "Downloading", "id": "a", "progressDetail": {"current": 3 << 20, "total": 8 << 20}},
            {"status": "Extracting", "id": "a", "progressDetail": {"current": 1, "total": 8 << 20}},
            {"status": "Pull complete", "id": "a", "progressDetail": {}},
            {"status": "Digest: sha256:00"},
        )
    ]
    assert said == [
        "",
        "0 of 1 layers",
        "1 of 2 layers",
        "1 of 2 layers, 3 of 8 MiB",
        "1 of 2 layers, 3 of 8 MiB",
        "2 of 2 layers, 8 of 8 MiB",
        "",
    ]
