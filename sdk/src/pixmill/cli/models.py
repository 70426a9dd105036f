"""`pixmill models`: the registry."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from pixmill.cli.connect import connect
from pixmill.cli.output import Json, print_facts, print_json, print_list, size_text, talk, transfer_progress
from pixmill.client.models import FrameworkName, ModelDescription, files_of
from pixmill.errors import InvalidInput, ModelError
from pixmill.inference.metadata import ModelMetadata, read_metadata, require_family, require_not_pickle

app = typer.Typer(help="Models and their versions.")

_READABLE = {".onnx", ".tflite"}


@app.command("push")
def push_model(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="An .onnx or .tflite file, or a SavedModel's folder.")],
    *,
    to: Annotated[str, typer.Option(help="MODEL/VERSION; MODEL alone takes the next number.")],
    labels: Annotated[Path | None, typer.Option(help="A file with the class names, one a line.")] = None,
    task: Annotated[str | None, typer.Option(help="What it does: detection, ...")] = None,
    framework: Annotated[FrameworkName | None, typer.Option(help="What it is run with.")] = None,
    family: Annotated[str | None, typer.Option(help="How its head is decoded: yolox, yolov8, ...")] = None,
    licence: Annotated[str | None, typer.Option(help="Its licence, like Apache-2.0.")] = None,
    json: Json = False,
) -> None:
    """Register a model file; what it does not say of itself has to be given."""
    total = _size_of_safe_files(path)
    given = _read_labels(labels) if labels else ()
    said = read_metadata(path, labels=given) if path.suffix.lower() in _READABLE and path.is_file() else None
    names = given or (said.labels if said else ())
    kind = task or (said.task if said else None)
    if kind is None:
        raise ModelError(f"'{path.name}' does not say what it does.", hint="Give --task, like --task detection.")
    if not names:
        raise ModelError(
            f"'{path.name}' does not name its classes.", hint="Give a file, one name a line: --labels FILE."
        )
    if kind == "detection" and family is None and said is not None:
        require_family(path, said)
    description = ModelDescription(
        task=kind,
        framework=framework or _framework(path, said),
        labels=names,
        family=family or (said.family if said else None),
        parameters=_parameters(said),
        licence=licence or (said.licence if said else None) or None,
    )
    with connect() as client, transfer_progress(path.name, total) as progress:
        version = client.models.push(path, to, description, progress=progress)
    if json:
        print_json(version)
    else:
        talk().print(f"{version.address}: {version.task}, {version.framework}, {len(version.labels)} classes.")


@app.command("ls")
def list_models(*, json: Json = False) -> None:
    """List Models and their versions."""
    with connect() as client:
        models = list(client.models.list())
    if json:
        print_json(models)
        return
    print_list(
        [version for model in models for version in model.versions],
        {
            "MODEL": lambda version: version.address,
            "TASK": lambda version: version.task,
            "FRAMEWORK": lambda version: version.framework,
            "FAMILY": lambda version: version.family or "-",
            "CLASSES": lambda version: len(version.labels),
            "SIZE": lambda version: size_text(sum(file.size_bytes for file in version.files)),
            "LICENCE": lambda version: version.licence or "-",
            "FROM": lambda version: version.source,
        },
        as_json=False,
        empty="No Models yet: `pixmill models push FILE --to NAME/1`, or `pixmill hub ls` for well-known ones.",
    )


@app.command("show")
def show_model(
    address: Annotated[str, typer.Argument(metavar="MODEL/VERSION", help="MODEL alone: its newest version.")],
    *,
    json: Json = False,
) -> None:
    """Show one ModelVersion."""
    with connect() as client:
        version = client.models.version(address)
    facts = {
        "model": version.address,
        "id": version.id,
        "task": version.task,
        "framework": version.framework,
        "family": version.family or "told from its shapes",
        "parameters": ", ".join(f"{name} {value}" for name, value in version.parameters.items()) or "-",
        "licence": version.licence or "not known",
        "from": version.source,
        "pushed": f"{version.created_at:%Y-%m-%d %H:%M} UTC",
        "files": "\n".join(f"{file.name}  {size_text(file.size_bytes)}  {file.digest}" for file in version.files),
        f"{len(version.labels)} classes": ", ".join(version.labels) or "-",
    }
    print_facts(facts, as_json=version if json else None)


def _size_of_safe_files(path: Path) -> int:
    """In bytes, of all files together; raises `ModelError` where one is pickled."""
    files = files_of(path).values()
    for file in files:
        require_not_pickle(file)
    return sum(file.stat().st_size for file in files)


def _read_labels(file: Path) -> tuple[str, ...]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"'{file}' cannot be read as class names: {error}.", hint="Give a text file, one name a line."
        ) from error
    return tuple(line.strip() for line in lines if line.strip())


def _framework(path: Path, said: ModelMetadata | None) -> FrameworkName:
    if said is not None:
        return "tflite" if said.framework == "tflite" else "onnx"
    if path.is_dir() and (path / "saved_model.pb").is_file():
        return "tensorflow"
    raise ModelError(
        f"What '{path.name}' is run with is not known.", hint="Give --framework onnx, tflite, tensorflow or other."
    )


def _parameters(said: ModelMetadata | None) -> dict[str, JsonValue]:
    if said is None:
        return {}
    found: dict[str, JsonValue] = {}
    if said.input_size is not None:
        found["input_size"] = list(said.input_size)
    if said.batch is not None:
        found["batch"] = said.batch
    return found
