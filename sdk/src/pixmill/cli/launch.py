"""`pixmill jobs launch`: what to run, on which assets, and how."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import JsonValue

from pixmill.cli.connect import connect
from pixmill.cli.job_following import FollowOption, after_launch
from pixmill.cli.job_text import plan_lines
from pixmill.cli.output import Json, talk
from pixmill.cli.parameters import ParameterOptions, parameters_of
from pixmill.cli.timeouts import PriorityOption, TimeoutOption
from pixmill.client import Client
from pixmill.client.jobs import Existing, JobScope, LaunchJob
from pixmill.errors import InvalidInput
from pixmill.parameters.timeouts import parse_timeouts

POLICY: Final = "stop|continue|N%"
ModelOption = Annotated[str | None, typer.Option(help="The ModelVersion, as in smart-city-yolo/1.")]
MapOption = Annotated[
    list[str] | None, typer.Option("--map", metavar="CLASS=LABEL", help="Send a model class to a Label.")
]
ToOption = Annotated[
    str | None,
    typer.Option(metavar="DATASET/VERSION", help="The version to make, by a Processing that makes one."),
]
AssetsOption = Annotated[str | None, typer.Option(metavar="FILE|-", help="Only these assets: one path or id a line.")]
FilterOption = Annotated[
    str, typer.Option("--filter", metavar="QUERY", help="Only assets of this filter, as in the grid's address.")
]
ExistingOption = Annotated[Existing, typer.Option(help="What becomes of annotations that are there.")]
OnFailureOption = Annotated[
    str,
    typer.Option(metavar=POLICY, help="Failed assets: stop at the first, continue, or fail when more than N% fail."),
]


def launch_job(
    processing: Annotated[str, typer.Argument(metavar="PROCESSING")],
    version: Annotated[str, typer.Argument(metavar="DATASET/VERSION")],
    *,
    model: ModelOption = None,
    p: ParameterOptions = None,
    mapping: MapOption = None,
    to: ToOption = None,
    assets: AssetsOption = None,
    label: Annotated[str | None, typer.Option(help="Only assets with a shape of this Label.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only assets with this tag.")] = None,
    unannotated: Annotated[bool, typer.Option("--unannotated", help="Only assets without annotations.")] = False,
    where: FilterOption = "",
    existing: ExistingOption = Existing.KEEP,
    on_failure: OnFailureOption = "continue",
    priority: PriorityOption = 0,
    timeout: TimeoutOption = None,
    compute: Annotated[str | None, typer.Option(help="Where it goes.")] = None,
    follow: FollowOption = False,
    json: Json = False,
) -> None:
    """Launch a Processing on a DatasetVersion."""
    texts = parameters_of(p)
    with connect() as client:
        wish = LaunchJob(
            processing=processing,
            version=version,
            model=model,
            parameters=values_of(client, processing, texts),
            map=_map(mapping or []),
            scope=JobScope(assets=_listed(assets), label=label, tag=tag, unannotated=unannotated, filter=where),
            existing=existing,
            on_failure=on_failure,
            priority=priority,
            timeouts=parse_timeouts(timeout or []),
            compute=compute,
            to=to,
        )
        for line in plan_lines(client.jobs.plan(wish)):
            talk().print(line)
        after_launch(client, client.jobs.send(wish), follow=follow, json=json)


def values_of(client: Client, processing: str, texts: Mapping[str, str]) -> dict[str, JsonValue]:
    """Parameters as they were typed, with the types that the Processing gives them."""
    return client.processings.values_from_text(processing.partition("@")[0], texts) if texts else {}


def _map(pairs: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, label = pair.partition("=")
        if not (equals and name.strip() and label.strip()):
            raise InvalidInput(f"'--map {pair}' is not understood.", hint="Write it as --map pedestrian=person.")
        given[name.strip()] = label.strip()
    return given


def _listed(file: str | None) -> list[str] | None:
    if file is None:
        return None
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The list of assets '{file}' cannot be read: {error}.", field="assets") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
