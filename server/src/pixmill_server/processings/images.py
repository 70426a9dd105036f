"""What is said of a Processing that is a container image: its declaration, and the flags it may be run with. Pure."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from pixmill.errors import InvalidInput, ProcessingError
from pixmill.parameters import ParameterSpec, ParameterType, spec_from_json, spec_to_json

LABEL = "io.pixmill.processing"
"""Where an image carries its declaration."""
CONTRACTS = ("folders", "sdk")
FORMS = ("batch", "version")
NEW_VERSIONS = ("", "fork", "empty")
"""How the version begins that each Run makes; "": it makes none."""
_KEYS = {"name", "title", "description", "kind", "contract", "command", "source"}
_KEYS |= {"network", "form", "batch_size", "new_version", "reads_annotations", "parameters"}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_IMAGE = re.compile(r"[a-z0-9][a-zA-Z0-9._/:@-]{0,254}")
_SIZE = re.compile(r"(\d+)([kmg]?)b?", re.IGNORECASE)
_USER = re.compile(r"(?!0+(:|$))\d{1,9}(:\d{1,9})?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_BATCH_SIZE = 4096
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def schema_of_image(image: str, flags: Sequence[str], declaration: str) -> dict[str, JsonValue]:
    """As `pixmill.authoring.schema` writes it, with `image` beside. Raises `ProcessingError` and `InvalidInput`."""
    if not _IMAGE.fullmatch(image):
        raise InvalidInput(f"'{image}' is no name of an image.", hint="Write it as NAME:TAG.", field="image")
    told = _read(declaration)
    name, contract = str(told.get("name", "")), str(told.get("contract", "folders"))
    if not _NAME.fullmatch(name):
        raise ProcessingError(f"'{name}' is no name of a Processing.", hint="Use small letters, digits and hyphens.")
    if contract not in CONTRACTS:
        raise ProcessingError(f"There is no contract '{contract}'.", hint="Write folders or sdk.")
    source = str(told.get("source", ""))
    if contract == "sdk" and not source.startswith("/"):
        raise ProcessingError("An image with the SDK says where its Processing is.", hint='source = "/app/my.py"')
    form, new_version = "version" if contract == "folders" else _form(told), _new_version(told)
    batch_size = _batch_size_of(told) if form == "batch" else 0
    specs = [*map(_spec, _list(told, "parameters")), *([_batch_size(batch_size)] if form == "batch" else [])]
    if contract == "folders":
        _require_images_alone(told, specs)
    title = str(told.get("title", "")) or name
    return {
        "name": name,
        "title": title,
        "description": str(told.get("description", "")) or title,
        "kind": str(told.get("kind", "augmentation" if new_version else "pre-annotation")),
        "form": form,
        "entry": "",
        "batch_size": batch_size,
        "takes": _takes(specs),
        "parameters": [_json(spec) for spec in specs],
        "requires_network": told.get("network") is True,
        "new_version": new_version,
        "reads_annotations": told.get("reads_annotations") is True,
        "image": {
            "name": image,
            "contract": contract,
            "source": source,
            "command": [str(part) for part in _list(told, "command")],
            **read_flags(flags),
        },
    }


def _require_images_alone(told: Mapping[str, Any], specs: Iterable[ParameterSpec]) -> None:
    if told.get("reads_annotations"):
        raise ProcessingError("A folder of images comes without annotations.", hint='Write contract = "sdk".')
    if any(spec.type is ParameterType.DATASET_VERSION for spec in specs):
        raise ProcessingError("A command reads no version but its own.", hint='Write contract = "sdk".')


def read_flags(flags: Sequence[str]) -> dict[str, JsonValue]:
    """`--env=NAME=VALUE`, `--shm-size=1g`, `--user=1000:1000`, `--workdir=/app`; no other one, and not root."""
    environment: dict[str, JsonValue] = {}
    found: dict[str, JsonValue] = {"environment": environment}
    for flag in flags:
        option, _, value = flag.removeprefix("--").partition("=")
        match option:
            case "env" if _VARIABLE.fullmatch(value.partition("=")[0]):
                environment[value.partition("=")[0]] = value.partition("=")[2]
            case "shm-size" if size := _SIZE.fullmatch(value):
                found["shared_memory_bytes"] = int(size[1]) * _FACTORS[size[2].lower()]
            case "user" if _USER.fullmatch(value):
                found["user"] = value
            case "workdir" if value.startswith("/"):
                found["working_folder"] = value
            case _:
                raise InvalidInput(
                    f"The flag '{flag}' is not allowed.",
                    hint="These are: --env=NAME=VALUE, --shm-size=1g, --user=1000:1000, --workdir=/app.",
                    field="flags",
                )
    return found


def _read(declaration: str) -> Mapping[str, Any]:
    try:
        told = json.loads(declaration) if declaration.lstrip().startswith("{") else tomllib.loads(declaration)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProcessingError(
            f"The declaration is neither TOML nor JSON: {error}.", hint="See the container contract."
        ) from error
    if unknown := sorted(told.keys() - _KEYS):
        raise ProcessingError(
            f"The declaration says '{unknown[0]}', which means nothing.", hint=f"It may say {', '.join(sorted(_KEYS))}."
        )
    return told


def _list(told: Mapping[str, Any], key: str) -> list[Any]:
    value = told.get(key, [])
    if not isinstance(value, list):
        raise ProcessingError(f"'{key}' is no list.", hint=f"Write {key} = [...].")
    return value


def _spec(written: object) -> ParameterSpec:
    if not isinstance(written, dict) or not isinstance(written.get("name"), str):
        raise ProcessingError("A Parameter has no name.", hint="Write [[parameters]] and name = ... below it.")
    try:
        return spec_from_json({"required": "default" not in written, **written})
    except (KeyError, ValueError) as error:
        types = ", ".join(one.value for one in ParameterType)
        raise ProcessingError(
            f"The Parameter '{written['name']}' has no type that there is.", hint=f"Types: {types}."
        ) from error


def _takes(specs: Sequence[ParameterSpec]) -> dict[str, JsonValue]:
    return {
        spec.name: {"type": "model", "task": spec.task, "frameworks": list(spec.frameworks)}
        for spec in specs
        if spec.type is ParameterType.MODEL
    }


def _form(told: Mapping[str, Any]) -> str:
    form = str(told.get("form", "batch"))
    if form not in FORMS:
        raise ProcessingError(f"There is no form '{form}'.", hint="Write batch or version.")
    return form


def _new_version(told: Mapping[str, Any]) -> str:
    beginning = str(told.get("new_version", ""))
    if beginning not in NEW_VERSIONS:
        raise ProcessingError(f"A new version cannot begin as '{beginning}'.", hint="Write fork or empty.")
    return beginning


def _batch_size_of(told: Mapping[str, Any]) -> int:
    size = told.get("batch_size", 8)
    if type(size) is not int or not 1 <= size <= _MAX_BATCH_SIZE:
        raise ProcessingError(
            f"A batch cannot have {size!r} images.", hint=f"Write batch_size = 1 to {_MAX_BATCH_SIZE}."
        )
    return size


def _batch_size(default: int) -> ParameterSpec:
    return ParameterSpec(
        "batch_size",
        ParameterType.INT,
        default=default,
        minimum=1,
        maximum=_MAX_BATCH_SIZE,
        help="Images given to the Processing at once.",
    )


def _json(spec: ParameterSpec) -> dict[str, JsonValue]:
    written: dict[str, Any] = spec_to_json(spec)
    return written
