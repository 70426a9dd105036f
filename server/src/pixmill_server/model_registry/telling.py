"""What an uploaded file says of itself: read by a process of its own, because it is somebody's file."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import JsonValue, TypeAdapter, ValidationError

from pixmill.errors import ModelError
from pixmill_server.model_registry.records import Framework
from pixmill_server.storage.objects import Digest, Objects

_TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Said:
    """A model file's own words; None or empty where it does not say.

    The names are those of `pixmill.inference.metadata.ModelMetadata`, as which another process tells them.
    """

    framework: Framework
    task: str | None
    labels: tuple[str, ...]
    """Class names, by class index."""
    input_size: tuple[int, int] | None
    """Height and width in pixels."""
    batch: int | None
    """How many images at once it is fixed to; None for any number."""
    family: str | None
    """How its head is decoded; None where the shapes alone do not decide."""
    family_choices: tuple[str, ...]
    """All that fit the shapes."""
    licence: str
    output_shapes: str | None
    """Of one image, for people."""
    families: Mapping[str, str]
    """Every family that there is, with its title."""

    @property
    def parameters(self) -> dict[str, JsonValue]:
        """What is kept with a ModelVersion beside its description."""
        found: dict[str, JsonValue] = {}
        if self.input_size is not None:
            found["input_size"] = list(self.input_size)
        if self.batch is not None:
            found["batch"] = self.batch
        return found


_SAID = TypeAdapter(Said)


def read_said(objects: Objects, digest: Digest, *, name: str, labels: Sequence[str] = ()) -> Said:
    """The words of an uploaded file; `labels` are class names that somebody gave, and help to find the family.

    Raises `ModelError` for pickles, for what is neither ONNX nor TFLite, and for what cannot be read as such.
    """
    with TemporaryDirectory() as folder:
        # Under its own name: the suffix says what it claims to be.
        file = Path(folder) / Path(name).name
        lying = objects.local_path(digest)
        if lying is not None:
            file.symlink_to(lying)
        else:
            with file.open("wb") as out:
                out.writelines(objects.stream(digest))
        answer = _ask(file, labels)
    if "refused" in answer:
        raise ModelError(str(answer["refused"]), hint=str(answer.get("hint", "")), field="file")
    told = answer["said"]
    try:
        return _SAID.validate_python({**told, "families": answer["families"]} if isinstance(told, dict) else told)
    except ValidationError as error:
        raise _unreadable(name, "") from error


def _ask(file: Path, labels: Sequence[str]) -> dict[str, JsonValue]:
    command = [sys.executable, "-m", "pixmill.inference.telling", str(file)]
    # Never the server's own environment: it may hold the database's password.
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command,
            input=json.dumps([*labels]).encode(),
            capture_output=True,
            env=environment,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise _unreadable(file.name, f"reading it took more than {_TIMEOUT_SECONDS} seconds") from error
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise _unreadable(file.name, last) from error
    return dict(json.loads(done.stdout))


def _unreadable(name: str, why: str) -> ModelError:
    return ModelError(
        f"'{name}' cannot be read{': ' if why else ''}{why}.", hint="Export the model again, to .onnx or .tflite."
    )
