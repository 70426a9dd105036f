"""`pixmill up`: a server and a worker on this machine."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from pixmill.cli.output import Json, print_json, talk
from pixmill.cli.server_process import RunningServer, start_server
from pixmill.client import Client
from pixmill.client.credentials import Credentials, forget_current, keep_credentials
from pixmill.client.doctor import findings_of_server
from pixmill.errors import PixmillError


def command(
    *,
    data: Annotated[Path | None, typer.Option(help="The data folder; ~/.local/share/pixmill unless said.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8760,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    json: Json = False,
) -> None:
    """Start a server and a worker on this machine, and print the address to open, signed in."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    server = start_server(data=data, host=host, port=port)
    before = keep_credentials(Credentials(server.url, server.token))
    try:
        with Client(server.url, server.token) as client:
            client.health()
            address = client.signin_url()
            _say_what_is_amiss(client)
        if json:
            print_json({"url": server.url, "signin_url": address, "data": str(server.data)})
        else:
            talk().print(f"Pixmill listens on {server.url}, its data is in {server.data}. Open, signed in:")
            sys.stdout.write(address + "\n")
            sys.stdout.flush()
            talk().print("Ctrl-C ends it.")
        code = server.process.wait()
    except KeyboardInterrupt:
        _say_what_becomes_of_runs(server)
        code = server.stop()
        talk().print("Pixmill has ended.")
    finally:
        forget_current(server.url, before=before)
        if server.process.poll() is None:
            server.stop()
    if code:
        talk().print(f"The server ended with exit code {code}; what it said is above.")
    raise typer.Exit(int(code != 0))


def _say_what_is_amiss(client: Client) -> None:
    for finding in findings_of_server(client.connection).findings:
        if finding.verdict != "ok":
            talk().print(f"{finding.name}: {finding.summary}. {finding.hint}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say_what_becomes_of_runs(server: RunningServer) -> None:
    """Ending is not held up where the server has nothing to say any more."""
    try:
        with Client(server.url, server.token) as client:
            running = list(client.jobs.list(status="running"))
            waiting = list(client.jobs.list(status="pending"))
    except PixmillError:
        return
    for job in running:
        what = f"{job.id} ({job.processing} on {job.version})"
        talk().print(f"{what} is stopped; run it again with `pixmill jobs rerun {job.id}`.")
    for job in waiting:
        talk().print(f"{job.id} ({job.processing} on {job.version}) waits, and begins when Pixmill is up again.")
