"""`pixmill labels`: the classes of a DatasetVersion."""

from typing import Annotated

import typer

from pixmill.cli.connect import connect
from pixmill.cli.datasets import Address
from pixmill.cli.output import Json, print_json, print_list, talk

app = typer.Typer(help="The Labels of a DatasetVersion: only what is set here is annotated.")

Names = Annotated[list[str], typer.Argument(metavar="LABEL...", help="In this order.")]
DeleteAnnotations = Annotated[
    bool, typer.Option("--delete-annotations", help="Annotations of Labels that go, go too; else one in use stays.")
]


@app.command("ls")
def list_labels(address: Address, *, json: Json = False) -> None:
    """List Labels, with the annotations that have each."""
    with connect() as client:
        print_list(
            client.labels.list(address),
            {
                "LABEL": lambda label: label.name,
                "SHAPES": lambda label: label.annotations,
                "COLOR": lambda label: label.color,
            },
            as_json=json,
            empty=f"No Labels: `pixmill labels set {address} person car` sets them.",
        )


@app.command("set")
def set_labels(
    address: Address, names: Names, *, delete_annotations: DeleteAnnotations = False, json: Json = False
) -> None:
    """Set exactly these Labels."""
    with connect() as client:
        labels = client.labels.set(address, names, delete_annotations=delete_annotations)
    if json:
        print_json(labels)


@app.command("add")
def add_labels(address: Address, names: Names, *, json: Json = False) -> None:
    """Add Labels to those there are."""
    with connect() as client:
        labels = client.labels.add(address, names)
    if json:
        print_json(labels)


@app.command("rename")
def rename_label(address: Address, name: str, to: str, *, json: Json = False) -> None:
    """Call a Label something else; its annotations keep it."""
    with connect() as client:
        labels = client.labels.rename(address, name, to)
    if json:
        print_json(labels)


@app.command("color")
def recolor_label(address: Address, name: str, color: str, *, json: Json = False) -> None:
    """Give a Label another colour, #rrggbb."""
    with connect() as client:
        labels = client.labels.recolor(address, name, color)
    if json:
        print_json(labels)


@app.command("merge")
def merge_labels(
    address: Address,
    names: Annotated[list[str], typer.Argument(metavar="LABEL...", help="Those that go.")],
    *,
    into: Annotated[str, typer.Option(metavar="LABEL", help="The one that their annotations get.")],
    json: Json = False,
) -> None:
    """Make one Label of several: annotations stay, and get the one that stays."""
    with connect() as client:
        before = {label.name: label.annotations for label in client.labels.list(address)}
        labels = client.labels.merge(address, names, into)
    if json:
        print_json(labels)
    else:
        moved = sum(before.get(name, 0) for name in dict.fromkeys(names) if name != into)
        talk().print(f"{into}: {moved} annotations came to it.")


@app.command("rm")
def remove_label(
    address: Address, name: str, *, delete_annotations: DeleteAnnotations = False, json: Json = False
) -> None:
    """Remove a Label."""
    with connect() as client:
        labels = client.labels.remove(address, name, delete_annotations=delete_annotations)
    if json:
        print_json(labels)
