"""`pixmill doctor`: what this machine can do, and what is missing."""

import json as json_format
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from pixmill.cli.output import Json, print_json, print_rows
from pixmill.cli.server_process import ServerEnded, require_server
from pixmill.client.doctor import doctor_of


def command(
    *,
    data: Annotated[Path | None, typer.Option(help="The data folder; ~/.local/share/pixmill unless said.")] = None,
    json: Json = False,
) -> None:
    """Say what this machine can do, and what is missing; exit code 1 where something is."""
    require_server()
    arguments = [sys.executable, "-m", "pixmill_server", "doctor", *(["--data", str(data)] if data else [])]
    asked = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=False)
    if asked.returncode:
        raise ServerEnded("The machine could not be looked at.", hint="What went wrong is said above.")
    doctor = doctor_of(json_format.loads(asked.stdout))
    if json:
        print_json(doctor)
    else:
        print_rows(
            ["WHAT", "VERDICT", "FOUND", "WHAT TO DO"],
            ((one.name, one.verdict, one.summary, one.hint or "-") for one in doctor.findings),
        )
    raise typer.Exit(0 if doctor.healthy else 1)
