"""`pixmill datasets`: what there is, and its history. Import and export are in `datasets_transfer.py`."""

from typing import Annotated

import typer

from pixmill.cli.connect import connect
from pixmill.cli.output import Json, print_facts, print_json, print_list, talk

app = typer.Typer(help="Datasets, their versions, and the history of each.")

Address = Annotated[str, typer.Argument(metavar="DATASET/VERSION", help="Like street/v1, or street/v1@17.")]


@app.command("ls")
def list_versions(*, json: Json = False) -> None:
    """List DatasetVersions."""
    with connect() as client:
        print_list(
            client.versions.list(),
            {
                "VERSION": lambda one: one.address,
                "REVISION": lambda one: one.revision,
                "IMAGES": lambda one: one.counts.assets,
                "ANNOTATED": lambda one: one.counts.annotated_assets,
                "SHAPES": lambda one: one.counts.annotations,
                "LABELS": lambda one: len(one.labels),
                "CHANGED": lambda one: f"{one.changed_at:%Y-%m-%d %H:%M}",
                "LOCKED": lambda one: "locked" if one.locked else "-",
            },
            as_json=json,
            empty="No Datasets yet: `pixmill datasets import PATH --to street/v1` makes one.",
        )


@app.command("show")
def show_version(address: Address, *, json: Json = False) -> None:
    """Show one DatasetVersion, with its Labels."""
    with connect() as client:
        version = client.versions.show(address)
        labels = [] if json else client.labels.list(address)
    width = max((len(label.name) for label in labels), default=0)
    facts = {
        "version": f"{version.address}@{version.revision}",
        "id": version.id,
        "images": f"{version.counts.assets}, {version.counts.annotated_assets} of them annotated",
        "shapes": version.counts.annotations,
        "changed": f"{version.changed_at:%Y-%m-%d %H:%M} UTC",
        "forked from": version.forked_from or "-",
        "locked": "yes" if version.locked else "no",
        "labels": "\n".join(f"{label.name:<{width}}  {label.annotations}" for label in labels)
        or f"none: `pixmill labels set {version.address} person car` sets them",
    }
    print_facts(facts, as_json=version if json else None)


@app.command("fork")
def fork_version(
    source: Address,
    to: Annotated[str, typer.Argument(metavar="DATASET/NEW", help="In the same Dataset.")],
    *,
    json: Json = False,
) -> None:
    """Make a new version that begins as another one is."""
    with connect() as client:
        version = client.versions.fork(source, to)
    if json:
        print_json(version)
    else:
        talk().print(f"{version.address} begins as {version.forked_from}: {version.counts.assets} images.")


@app.command("history")
def show_history(address: Address, *, json: Json = False) -> None:
    """List the Revisions of a version, newest first."""
    with connect() as client:
        print_list(
            client.versions.history(address),
            {
                "REVISION": lambda one: one.number,
                "WHEN": lambda one: f"{one.created_at:%Y-%m-%d %H:%M}",
                "WHO": lambda one: one.author or one.run_id or "Pixmill",
                "IMAGES": lambda one: one.counts.assets,
                "SHAPES": lambda one: one.counts.annotations,
                "WHAT": lambda one: one.summary,
            },
            as_json=json,
            empty="No history.",
        )


@app.command("revert")
def revert_version(
    address: Address,
    number: Annotated[int, typer.Argument(metavar="REVISION", help="See `pixmill datasets history`.")],
    *,
    json: Json = False,
) -> None:
    """Go back to an old Revision; that is a new Revision, so nothing is lost."""
    with connect() as client:
        version = client.versions.revert(address, number)
    if json:
        print_json(version)
    else:
        talk().print(f"{version.address}@{version.revision} is as {number} was: {version.counts.annotations} shapes.")
