"""Gets a container image by its name: from the registry that the name says, or as it lies on this machine."""

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from docker.errors import APIError, ImageNotFound, NotFound
from requests.exceptions import RequestException

from pixmill_server.executors.container.engine import (
    DockerClient,
    EngineFailed,
    connect,
    find_engine,
    why_no_engine,
)
from pixmill_server.executors.contract import FoundImage

SILENCE_SECONDS: Final = 600
"""After which a pull is given up: an engine says nothing while it unpacks a layer of many gigabytes."""
_NOT_HERE: Final = (ImageNotFound, NotFound)
_WHYS: Final = (
    (r"no space left", "there is no room for it on this machine"),
    (r"blob|digest did not match|checksum|unexpected EOF", "what its registry sends is damaged or not whole"),
    (r"manifest unknown|name unknown|not found|\b404\b", "its registry has no image of that name and tag"),
    (r"unauthorized|denied|authentication required|\b40[13]\b", "its registry does not give it to this machine"),
    (r"refused|no such host|timed? ?out|unreachable|pinging|reset by peer|EOF", "its registry does not answer"),
)
"""What engines say, in our words; the first that fits."""


@dataclass(slots=True)
class PullProgress:
    """Adds up what an engine says of a pull, layer by layer."""

    _layers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """What is here of each, and all of it, in bytes; both 0 where the engine says no sizes."""
    _complete: set[str] = field(default_factory=set)

    def note(self, line: Mapping[str, Any]) -> str:
        """How far the pull is after this line; empty where the line says nothing of it."""
        status, layer, detail = str(line.get("status", "")), str(line.get("id", "")), line.get("progressDetail") or {}
        if not layer or status.startswith("Pulling from"):
            return ""
        here, whole = self._layers.get(layer, (0, 0))
        if status == "Downloading":
            here, whole = int(detail.get("current", here)), int(detail.get("total", whole))
        elif status in {"Already exists", "Download complete", "Pull complete"}:
            here = whole
            self._complete.add(layer)
        self._layers[layer] = here, whole
        size = sum(whole for _, whole in self._layers.values())
        words = f"{len(self._complete)} of {len(self._layers)} layers"
        return f"{words}, {sum(here for here, _ in self._layers.values()) >> 20} of {size >> 20} MiB" if size else words


def find_image(engine: str, image: str, on_progress: Callable[[str], None]) -> FoundImage:
    """What the name means now.

    A digest is taken as it lies here where it does. A name with a registry in it is asked for there each time; one
    without is taken as it lies here where no registry has it. Raises `EngineFailed`.
    """
    with closing(connect(engine, timeout_seconds=SILENCE_SECONDS)) as client:
        if image.startswith("sha256:"):
            if not _is_here(client, image):
                raise EngineFailed(f"The image '{image}', which no registry has, is not on this machine any more.")
            return FoundImage(image, came_from_registry=False)
        if "@" in image and _is_here(client, image):
            return FoundImage(image, came_from_registry=False)
        why = "" if _is_of_this_machine(image) else _pull(client, image, on_progress)
        if why and (_names_registry(image) or not _is_here(client, image)):
            raise EngineFailed(f"The image '{image}' cannot be pulled: {_in_our_words(why)}")
        if "@" in image:
            return FoundImage(image, came_from_registry=True)
        if why or _is_of_this_machine(image):
            return FoundImage(_id(client, image), came_from_registry=False)
        return FoundImage(_digest(client, image), came_from_registry=True)


def pull_labels(engine: str, image: str) -> dict[str, str]:
    """What the author of an image wrote on it; the image is pulled. Raises `EngineFailed`."""
    if why := why_no_engine(engine):
        raise EngineFailed(why)
    engine = find_engine(engine)
    found = find_image(engine, image, lambda _: None)
    with closing(connect(engine)) as client:
        try:
            return dict(client.images.get(found.digest).labels)
        except (APIError, RequestException) as error:
            raise EngineFailed(f"The image '{image}' cannot be looked at: {error}") from error


def _pull(client: DockerClient, image: str, on_progress: Callable[[str], None]) -> str:
    """Why it cannot be pulled, as the engine says it; empty: it was."""
    why, progress = "", PullProgress()
    try:
        # Closed at once where `on_progress` raises: an engine that is hung up on stops pulling.
        with closing(client.api.pull(image, stream=True, decode=True)) as lines:
            for line in lines:
                why = str(line.get("error", "")) or why
                if said := progress.note(line):
                    on_progress(said)
    except (APIError, RequestException) as error:
        return str(error) or type(error).__name__
    return why


def _names_registry(image: str) -> bool:
    """As engines read it: what is before the first slash is an address if it looks like one."""
    first, slash, _ = image.partition("/")
    return bool(slash) and ("." in first or ":" in first)


def _is_of_this_machine(image: str) -> bool:
    """Podman calls so what was built here; no registry is asked for it."""
    return image.startswith("localhost/")


def _is_here(client: DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except _NOT_HERE:
        return False
    except (APIError, RequestException) as error:
        raise EngineFailed(f"The image '{image}' cannot be looked at: {error}") from error
    return True


def _id(client: DockerClient, image: str) -> str:
    try:
        return str(client.images.get(image).id)
    except _NOT_HERE as error:
        raise EngineFailed(f"The image '{image}' is not on this machine, and names no registry to ask.") from error
    except (APIError, RequestException) as error:
        raise EngineFailed(f"The image '{image}' cannot be looked at: {error}") from error


def _digest(client: DockerClient, image: str) -> str:
    """`NAME@sha256:...` of an image that was just pulled; its id where the engine keeps no digests."""
    name = image.rpartition(":")[0] if ":" in image.rpartition("/")[2] else image
    found = client.images.get(image)
    digests = [str(each) for each in found.attrs.get("RepoDigests") or () if str(each).startswith(f"{name}@")]
    if len(digests) > 1:
        # An image that was built here has a digest of this machine's own beside that of the registry.
        digests = [each for each in digests if not _pull(client, each, lambda _: None)] or digests
    return digests[0] if digests else str(found.id)


def _in_our_words(why: str) -> str:
    words = next((words for pattern, words in _WHYS if re.search(pattern, why, re.IGNORECASE)), "")
    return f"{words} ({why})" if words else why
