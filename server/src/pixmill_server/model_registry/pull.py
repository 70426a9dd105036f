"""Brings a model of the Hub in: streamed, bounded, verified by SHA-256; all of it or nothing."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2

from pixmill_server.accounts.actor import Actor
from pixmill_server.model_registry.errors import DownloadFailed
from pixmill_server.model_registry.hub import HubModel
from pixmill_server.model_registry.push import push
from pixmill_server.model_registry.records import ModelVersion, NewModelVersion
from pixmill_server.model_registry.registry import ModelRegistry

Progress = Callable[[int, int], None]
"""Is told how many bytes have come, and how many there are."""

_PIECE_BYTES = 1 << 20
_TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
_TRY_AGAIN = "Nothing of it was kept. Try again, or push the file yourself with `pixmill models push`."


def pull(
    registry: ModelRegistry, actor: Actor, name: str, *, progress: Progress, to: str | None = None
) -> ModelVersion:
    """The Hub's model as a ModelVersion, called by its own name and digest unless `to` says another Model name."""
    model = registry.hub.find(name)
    with _download(model, progress) as pieces:
        digest = registry.objects.put(pieces)
    wish = NewModelVersion(
        model=to or model.name,
        version=model.sha256[:8],
        task=model.task,
        framework=model.framework,
        family=model.family,
        labels=registry.hub.labels_of(model),
        files=((model.file, digest),),
        parameters=model.parameters,
        licence=model.licence,
        source=f"hub:{model.name}",
    )
    return push(registry, actor, wish)


@contextmanager
def _download(model: HubModel, progress: Progress) -> Iterator[Iterator[bytes]]:
    try:
        with (
            httpx2.Client(follow_redirects=True, timeout=_TIMEOUT) as http,
            http.stream("GET", model.address, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if not answer.is_success:
                raise DownloadFailed(
                    f"{model.address} answered {answer.status_code} {answer.reason_phrase}.", hint=_TRY_AGAIN
                )
            yield _verified(model, answer, progress)
    except httpx2.HTTPError as error:
        why = str(error) or type(error).__name__
        raise DownloadFailed(
            f"'{model.name}' could not be read from {model.address}: {why}.", hint=_TRY_AGAIN
        ) from error


def _verified(model: HubModel, answer: httpx2.Response, progress: Progress) -> Iterator[bytes]:
    """The pieces as they come; raises before the last is given on where they are not the bytes of the list."""
    hasher, received = hashlib.sha256(), 0
    progress(0, model.size_bytes)
    for piece in answer.iter_raw(_PIECE_BYTES):
        received += len(piece)
        if received > model.size_bytes:
            raise DownloadFailed(
                f"{model.address} sends more than the {model.size_bytes} bytes that '{model.name}' has.",
                hint=_TRY_AGAIN,
            )
        hasher.update(piece)
        progress(received, model.size_bytes)
        yield piece
    if received < model.size_bytes:
        raise DownloadFailed(f"{model.address} ended after {received} of {model.size_bytes} bytes.", hint=_TRY_AGAIN)
    if hasher.hexdigest() != model.sha256:
        raise DownloadFailed(
            f"What {model.address} sent has the SHA-256 {hasher.hexdigest()}, not {model.sha256}.",
            hint="It is not the file that was signed off, and nothing of it was kept.",
        )
