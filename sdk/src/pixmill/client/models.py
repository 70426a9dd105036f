"""Models of one's own, and the Hub."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from pixmill.client.connection import Connection, items_of
from pixmill.client.refusals import error_of
from pixmill.client.uploads import Progress, digest_of_file, pieces_of_file
from pixmill.errors import InvalidInput, NotFound
from pixmill.wire.models import (
    FrameworkName,
    HubModel,
    HubPage,
    Model,
    ModelPage,
    ModelVersion,
    PullEvent,
    PullModel,
    PushedFile,
    PushModelVersion,
    UploadedFile,
)

__all__ = ["FrameworkName", "Hub", "ModelDescription", "Models"]


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What is known of a model beside its bytes; `pixmill.inference.metadata` reads what a file says of itself."""

    task: str
    """`detection`, ..."""
    framework: FrameworkName
    labels: Sequence[str] = ()
    """Class names, by class index."""
    family: str | None = None
    """How its head is decoded; None: told from its shapes when it is used."""
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    licence: str | None = None
    """None: not known."""


class Models:
    """`client.models`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Iterator[Model]:
        """By name, each with its versions, newest first."""
        return items_of(self._connection.pages("/models", ModelPage))

    def show(self, name: str) -> Model:
        """By name or id."""
        return self._connection.ask("GET", f"/models/{name}", Model)

    def version(self, address: str) -> ModelVersion:
        """`smart-city-yolo/1`, or the newest of `smart-city-yolo`."""
        return self._connection.ask("GET", "/model-versions", ModelVersion, parameters={"address": address})

    def push(
        self, path: Path, to: str, description: ModelDescription, *, progress: Progress | None = None
    ) -> ModelVersion:
        """Register a file, or a folder (SavedModel), as `model/version` (`model`: the next number).

        Files that the server has already are not sent again, so a push that was cut off can simply be repeated.
        """
        model, _, version = to.partition("/")
        files = []
        for name, file in files_of(path).items():
            digest = digest_of_file(file)
            self._upload(file, digest, progress)
            files.append(PushedFile(name=name, digest=digest))
        wish = PushModelVersion(
            model=model,
            version=version or None,
            task=description.task,
            framework=description.framework,
            family=description.family,
            labels=list(description.labels),
            parameters=dict(description.parameters),
            licence=description.licence,
            files=files,
        )
        return self._connection.ask("POST", "/model-versions", ModelVersion, send=wish)

    def _upload(self, file: Path, digest: str, progress: Progress | None) -> None:
        try:
            known = self._connection.ask("GET", f"/model-files/{digest}", UploadedFile)
        except NotFound:
            self._connection.raw(
                "PUT",
                f"/model-files/{digest}",
                content=pieces_of_file(file, progress),
                media_type="application/octet-stream",
            )
        else:
            if progress is not None:
                progress(known.size_bytes)


class Hub:
    """`client.hub`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Iterator[HubModel]:
        """The signed-off list, by name."""
        return items_of(self._connection.pages("/hub", HubPage))

    def show(self, name: str) -> HubModel:
        """One of the list."""
        return self._connection.ask("GET", f"/hub/{name}", HubModel)

    def pull(
        self, name: str, *, to: str | None = None, progress: Callable[[int, int], None] | None = None
    ) -> ModelVersion:
        """Have the server bring it in; `progress` is told the bytes so far and in all."""
        send = PullModel(to=to).model_dump_json().encode()
        with self._connection.stream(f"/hub/{name}/pull", method="POST", content=send) as answer:
            for line in answer.iter_lines():
                event = PullEvent.model_validate_json(line)
                if event.problem is not None:
                    raise error_of(event.problem)
                if event.model_version is not None:
                    return event.model_version
                if progress is not None:
                    progress(event.received_bytes, event.total_bytes)
        raise error_of(None)


def files_of(path: Path) -> dict[str, Path]:
    """A file by its name; what is in a folder by its path in it."""
    if path.is_file():
        return {path.name: path}
    if path.is_dir():
        found = {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*")) if file.is_file()}
        if found:
            return found
        raise InvalidInput(f"The folder '{path}' is empty.", hint="Give a model file, or the folder of a SavedModel.")
    raise InvalidInput(f"There is no file '{path}'.", hint="Give a model file, or the folder of a SavedModel.")
