"""`pixmill processings`: what can be run."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from pixmill.cli.connect import connect
from pixmill.cli.output import Json, print_facts, print_json, print_list, talk
from pixmill.cli.parameters import ParameterOptions, parameters_of
from pixmill.client.processings import specs_of
from pixmill.environments import starter_source
from pixmill.errors import InvalidInput
from pixmill.parameters import ParameterSpec

app = typer.Typer(help="Code that runs over a DatasetVersion.")


@app.command("ls")
def list_processings(*, json: Json = False) -> None:
    """List Processings: public ones and one's own."""
    with connect() as client:
        print_list(
            client.processings.list(),
            {
                "NAME": lambda one: one.name,
                "KIND": lambda one: one.kind,
                "WHAT": lambda one: one.title,
                "TAKES": lambda one: (
                    ", ".join(f"{taken.task or 'any'} model" for taken in one.code_schema.takes.values()) or "-"
                ),
                "FROM": lambda one: "Pixmill" if one.public else "us",
                "VERSION": lambda one: one.number,
            },
            as_json=json,
            empty="No Processings: `pixmill processings push FILE` (or FOLDER) adds one of your own.",
        )


@app.command("show")
def show_processing(name: str, *, json: Json = False) -> None:
    """Show what is inside: description, code, Parameters, versions."""
    with connect() as client:
        found = client.processings.show(name)
    if json:
        print_json(found)
        return
    folder = found.code_schema.folder
    facts: dict[str, object] = {
        "name": found.name,
        "from": "Pixmill" if found.public else "us",
        "kind": found.kind,
        "description": found.description,
        "version": f"{found.number}, {found.versions[0].created_at:%Y-%m-%d %H:%M} UTC",
        "code": found.code_digest,
        **({"folder": f"its module {folder.module} is the Processing"} if folder else {}),
        "runs": "per batch" if found.code_schema.form == "batch" else "on the whole version",
        "requires": _requirements(found.requires),
        "compute": found.compute,
    }
    print_facts(facts, as_json=None)
    typer.echo("parameters")
    for spec in specs_of(found):
        typer.echo("  " + _parameter_line(spec, found.defaults))


@app.command("push")
def push_processing(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A Python file, or a folder with a pyproject.toml.")
    ] = None,
    *,
    image: Annotated[str | None, typer.Option(help="A container image instead, as NAME:TAG.")] = None,
    flag: Annotated[list[str] | None, typer.Option(help="How the image is run, like --flag=--shm-size=1g.")] = None,
    about: Annotated[Path | None, typer.Option(help="The image's declaration; else its label says it.")] = None,
    json: Json = False,
) -> None:
    """Push a Processing of one's own; its environment is built, which may take minutes the first time."""
    if (file is None) == (image is None):
        raise InvalidInput("A Processing is a file, a folder or an image.", hint="Give FILE, or --image NAME:TAG.")
    console = talk()
    with connect() as client:
        if file is not None:
            with console.status(f"Building the environment of {file.resolve().name} ..."):
                found = client.processings.push(file)
        else:
            with console.status(f"Looking at {image} ..."):
                found = client.processings.push_image(image or "", flags=flag or (), about=about)
    if json:
        print_json(found)
    else:
        console.print(f"{found.name}@{found.number}: {found.title}.")


@app.command("new")
def new_processing(
    name: Annotated[str, typer.Argument(help="Like tag-dark-images.")],
    *,
    out: Annotated[Path, typer.Option(help="The folder that the file is written into.")] = Path(),
    json: Json = False,
) -> None:
    """Write a commented file to begin a Processing with; no server is asked."""
    file = out / f"{name.replace('-', '_')}.py"
    source = starter_source(name)
    try:
        # Never over a file that is there.
        with file.open("x", encoding="utf-8") as opened:
            opened.write(source)
    except OSError as error:
        raise InvalidInput(
            f"'{file}' cannot be written: {error.strerror}.", hint="Give another name or --out."
        ) from error
    if json:
        print_json({"name": name, "file": str(file)})
        return
    talk().print(f"Wrote {file}. Try it: pixmill processings test {file} FOLDER")


@app.command("copy")
def copy_processing(
    name: str, *, to: Annotated[str, typer.Option(help="What the copy is called.")], json: Json = False
) -> None:
    """Copy a Processing, public or not, into a private one."""
    console = talk()
    with connect() as client, console.status(f"Copying {name} ..."):
        found = client.processings.copy(name, to=to)
    if json:
        print_json(found)
    else:
        console.print(f"{found.name}@{found.number}: a private copy of {name}.")


@app.command("set")
def set_processing(
    name: str,
    *,
    p: ParameterOptions = None,
    compute: Annotated[str | None, typer.Option(help="Where launches go that name no Compute.")] = None,
    json: Json = False,
) -> None:
    """Set defaults of one's own for launches to come; `-p NAME=` goes back to the author's default."""
    texts = parameters_of(p)
    with connect() as client:
        values: dict[str, JsonValue] = dict.fromkeys(name for name, text in texts.items() if not text)
        values |= client.processings.values_from_text(name, {key: text for key, text in texts.items() if text})
        found = client.processings.set(name, parameters=values, compute=compute)
    if json:
        print_json(found)


def _requirements(requires: dict[str, JsonValue]) -> str:
    listed = requires.get("dependencies")
    names = [str(one) for one in listed] if isinstance(listed, list) else []
    return ", ".join([f"Python {requires.get('python', '')}".strip(), *names])


def _parameter_line(spec: ParameterSpec, defaults: dict[str, JsonValue]) -> str:
    bounds = [f"{bound:g}" if bound is not None else "" for bound in (spec.minimum, spec.maximum)]
    may_be = f" {' to '.join(bounds)}" if any(bounds) else ""
    if spec.choices:
        may_be = " " + "|".join(str(choice) for choice in spec.choices)
    value = "required" if spec.required else f"default {spec.default}"
    ours = f", set to {defaults[spec.name]}" if spec.name in defaults else ""
    return f"{spec.name}: {spec.type.value}{may_be}, {value}{ours}.  {spec.help}".rstrip()
