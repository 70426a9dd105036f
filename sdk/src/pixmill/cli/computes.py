"""`pixmill computes`: where Runs go."""

import re
from typing import Annotated

import typer

from pixmill.cli.connect import connect
from pixmill.cli.output import Json, print_facts, print_json, print_list, size_text
from pixmill.cli.timeouts import TimeoutOption, timeouts_text
from pixmill.errors import InvalidInput
from pixmill.parameters.timeouts import parse_timeouts

app = typer.Typer(help="Where Runs go: CPUs, memory, Runs at once, price.")

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)?", re.IGNORECASE)
_FACTORS = {"b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_FACTORS |= {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


@app.command("ls")
def list_computes(*, json: Json = False) -> None:
    """List Computes."""
    with connect() as client:
        print_list(
            client.computes.list(),
            {
                "NAME": lambda compute: compute.name,
                "EXECUTOR": lambda compute: compute.executor,
                "CPUS": lambda compute: f"{compute.cpus:g}",
                "MEMORY": lambda compute: size_text(compute.memory_bytes),
                "AT ONCE": lambda compute: compute.concurrency,
                "PRICE/HOUR": lambda compute: f"{compute.price_per_hour:g}",
            },
            as_json=json,
            empty="No Compute: `local` is made when the server starts.",
        )


@app.command("show")
def show_compute(name: str, *, json: Json = False) -> None:
    """Show one Compute."""
    with connect() as client:
        compute = client.computes.show(name)
    facts = {
        "name": compute.name,
        "executor": compute.executor,
        "cpus": f"{compute.cpus:g} for each Run",
        "memory": f"{size_text(compute.memory_bytes)} for each Run" if compute.memory_bytes else "no limit",
        "processes": f"{compute.processes} for each Run" if compute.processes else "no limit",
        "scratch": f"{size_text(compute.scratch_bytes)} for each Run" if compute.scratch_bytes else "no limit",
        "runs at once": compute.concurrency,
        "time-outs": timeouts_text(compute.timeouts),
        "price per hour": f"{compute.price_per_hour:g}",
    }
    print_facts(facts, as_json=compute if json else None)


@app.command("set")
def set_compute(
    name: str,
    *,
    cpus: Annotated[float | None, typer.Option(help="CPUs for each Run.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory for each Run, like 8GiB; 0: no limit.")] = None,
    processes: Annotated[
        int | None, typer.Option(help="Processes and threads at once, for each Run; 0: no limit.")
    ] = None,
    scratch: Annotated[str | None, typer.Option(help="What each Run may write, like 20GiB; 0: no limit.")] = None,
    runs: Annotated[int | None, typer.Option(help="Runs at once.")] = None,
    price: Annotated[float | None, typer.Option(help="Price of an hour of a running Run.")] = None,
    timeout: TimeoutOption = None,
    json: Json = False,
) -> None:
    """Set what Runs get and cost from now on."""
    memory_bytes = None if memory is None else _bytes(memory, "memory")
    scratch_bytes = None if scratch is None else _bytes(scratch, "scratch")
    with connect() as client:
        compute = client.computes.set(
            name,
            cpus=cpus,
            memory_bytes=memory_bytes,
            processes=processes,
            scratch_bytes=scratch_bytes,
            concurrency=runs,
            price_per_hour=price,
            timeouts=parse_timeouts(timeout or []),
        )
    if json:
        print_json(compute)


def _bytes(text: str, option: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"'{text}' is no size.", hint="Give one like 8GiB or 512MiB.", field=option)
    return int(float(found[1]) * _FACTORS[(found[2] or "B").lower()])
