"""`pixmill datasets` that change a Dataset or a version as a whole, and what differs between two."""

from typing import Annotated

import typer

from pixmill.cli.connect import connect
from pixmill.cli.datasets import Address
from pixmill.cli.output import Json, print_json, print_rows, talk
from pixmill.errors import InvalidInput

app = typer.Typer()

Target = Annotated[
    str, typer.Argument(metavar="DATASET[/VERSION]", help="street is the Dataset, street/v1 one version of it.")
]


@app.command("create")
def create(target: Target, *, json: Json = False) -> None:
    """Make an empty version (with its Dataset, where there is none), or a Dataset without versions."""
    with connect() as client:
        made = client.versions.create(target) if "/" in target else client.datasets.create(target)
    if json:
        print_json(made)


@app.command("rename")
def rename(
    target: Target,
    to: Annotated[str, typer.Argument(metavar="NAME", help="Of a version its own name, such as v2.")],
    *,
    json: Json = False,
) -> None:
    """Give a Dataset or a version another name; its address changes with it."""
    with connect() as client:
        done = client.versions.rename(target, to) if "/" in target else client.datasets.rename(target, to)
    if json:
        print_json(done)


@app.command("lock")
def lock(address: Address, *, json: Json = False) -> None:
    """Let nothing change a version any more: no save, no import, no Run."""
    with connect() as client:
        version = client.versions.lock(address)
    if json:
        print_json(version)


@app.command("unlock")
def unlock(address: Address, *, json: Json = False) -> None:
    """Let a locked version be changed again."""
    with connect() as client:
        version = client.versions.unlock(address)
    if json:
        print_json(version)


@app.command("rm")
def remove(target: Target, *, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Delete a version, or a Dataset with all its versions; a locked one stays."""
    with connect() as client:
        if "@" in target:
            raise InvalidInput("One Revision cannot be deleted.", hint="Give the version: DATASET/VERSION.")
        versions = [client.versions.show(target)] if "/" in target else client.datasets.show(target).versions
        images = max((version.counts.assets for version in versions), default=0)
        many = "" if "/" in target else f"{len(versions)} version{'' if len(versions) == 1 else 's'}, "
        what = f"{target} ({many}{images} images)"
        if not yes and not typer.confirm(f"Delete {what}?", err=True):
            raise typer.Exit(1)
        if "/" in target:
            client.versions.delete(target)
        else:
            client.datasets.delete(target)
    talk().print(f"Deleted {what}.")


@app.command("diff")
def show_difference(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="Like street/v1@3, or street/v1 for its newest.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Of the same Dataset.")],
    *,
    json: Json = False,
) -> None:
    """Say what came, went and changed from one version or Revision to another, by Label."""
    with connect() as client:
        found = client.versions.diff(before, after)
    if json:
        print_json(found)
        return
    lines = [("images", found.assets), ("shapes", found.annotations)]
    lines += [
        (f"  {_name(label.name, label.old_name, is_gone=label.is_gone)}", label.annotations) for label in found.labels
    ]
    rows = [[name, str(one.added), str(one.removed), str(one.changed)] for name, one in lines]
    print_rows(["FROM " + found.before + " TO " + found.after, "ADDED", "REMOVED", "CHANGED"], rows)


def _name(name: str, old_name: str | None, *, is_gone: bool) -> str:
    if is_gone:
        return f"{name} (removed)"
    if old_name is None:
        return f"{name} (new)"
    return name if old_name == name else f"{name} (was {old_name})"
