"""Processings: public ones and one's own."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import httpx2
from pydantic import JsonValue

from pixmill.client.connection import Connection, items_of
from pixmill.environments import pack_files, read_archive, read_code_folder
from pixmill.errors import InvalidInput
from pixmill.parameters import ParameterSpec, spec_from_json, values_from_text
from pixmill.wire.processings import (
    ARCHIVE,
    CopyProcessing,
    Processing,
    ProcessingPage,
    PushImage,
    PushProcessing,
    SetProcessing,
)

_PUSH_SECONDS = 1800.0


class Processings:
    """`client.processings`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Iterator[Processing]:
        """By name."""
        return items_of(self._connection.pages("/processings", ProcessingPage))

    def show(self, name: str) -> Processing:
        """By name or id."""
        return self._connection.ask("GET", f"/processings/{name}", Processing)

    def source(self, name: str, number: int) -> str:
        """The file as it was pushed. Raises `InvalidInput` where it is a folder."""
        answer = self._source(name, number)
        if _is_archive(answer):
            raise InvalidInput(f"'{name}' is a folder.", hint="Ask for its files().")
        return answer.text

    def files(self, name: str, number: int) -> dict[str, bytes]:
        """The files of the folder as it was pushed, by their path. Raises `InvalidInput` where it is one file."""
        answer = self._source(name, number)
        if not _is_archive(answer):
            raise InvalidInput(f"'{name}' is no folder.", hint="Ask for its source().")
        return read_archive(answer.content)

    def push(self, file: Path) -> Processing:
        """Send a file, or a folder with a `pyproject.toml`; the same again changes nothing.

        The server builds its environment, which may take minutes the first time.
        """
        if file.is_dir():
            return self._send(pack_files(read_code_folder(file)))
        try:
            source = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise InvalidInput(f"'{file}' cannot be read: {why}.", hint="Give a Python file.") from error
        send = PushProcessing(file_name=file.name, source=source).model_dump_json().encode()
        answer = self._connection.raw("POST", "/processings", content=send, timeout_seconds=_PUSH_SECONDS)
        return Processing.model_validate_json(answer.content)

    def copy(self, name: str, *, to: str) -> Processing:
        """A private Processing with the code and packages of another, called `to`."""
        send = CopyProcessing(to=to).model_dump_json().encode()
        answer = self._connection.raw("POST", f"/processings/{name}/copy", content=send, timeout_seconds=_PUSH_SECONDS)
        return Processing.model_validate_json(answer.content)

    def push_image(self, image: str, *, flags: Sequence[str] = (), about: Path | None = None) -> Processing:
        """Take a container image in. `about`: its declaration, a TOML file; None: the image carries it as a label."""
        try:
            declaration = None if about is None else about.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"'{about}' cannot be read: {error}.", hint="Give a TOML file.") from error
        send = PushImage(image=image, flags=[*flags], declaration=declaration).model_dump_json().encode()
        answer = self._connection.raw("POST", "/processings/images", content=send, timeout_seconds=_PUSH_SECONDS)
        return Processing.model_validate_json(answer.content)

    def set(
        self, name: str, *, parameters: Mapping[str, JsonValue] | None = None, compute: str | None = None
    ) -> Processing:
        """Defaults of one's own for launches to come; None takes a Parameter back to its author's default."""
        wish = SetProcessing(parameters=dict(parameters or {}), compute=compute)
        return self._connection.ask("PATCH", f"/processings/{name}", Processing, send=wish)

    def specs(self, name: str) -> "tuple[ParameterSpec, ...]":
        """The Parameters of the newest version."""
        return specs_of(self.show(name))

    def values_from_text(self, name: str, texts: Mapping[str, str]) -> dict[str, JsonValue]:
        """`confidence=0.3` as a number: each text as a value of its Parameter's type."""
        return cast("dict[str, JsonValue]", values_from_text(self.specs(name), texts))

    def _source(self, name: str, number: int) -> httpx2.Response:
        return self._connection.raw("GET", f"/processings/{name}/versions/{number}/source")

    def _send(self, archive: bytes) -> Processing:
        answer = self._connection.raw(
            "POST", "/processings/folders", content=archive, media_type=ARCHIVE, timeout_seconds=_PUSH_SECONDS
        )
        return Processing.model_validate_json(answer.content)


def _is_archive(answer: httpx2.Response) -> bool:
    return str(answer.headers.get("Content-Type", "")).startswith(ARCHIVE)


def specs_of(processing: Processing) -> tuple[ParameterSpec, ...]:
    """Its Parameters, in the order they are shown."""
    return tuple(spec_from_json(written) for written in processing.code_schema.parameters)
