"""`pixmill secrets`: values that only the Runs of Processings which name them are told."""

import sys

import typer

from pixmill.cli.connect import connect
from pixmill.cli.output import Json, print_json, print_list, talk

app = typer.Typer(help="Secrets for Processings that name them: set, list, remove.")


@app.command("set")
def set_secret(name: str, *, json: Json = False) -> None:
    """Keep a value, asked for, or read from standard input; never give it on the command line."""
    value = typer.prompt(f"Value of {name}", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    with connect() as client:
        # `echo` and editors end a value with a newline that is no part of it.
        kept = client.secrets.set(name, value.rstrip("\r\n"))
    if json:
        print_json(kept)
    else:
        talk().print(f"{kept.name} is set: Processings that name it get it as an environment variable.")


@app.command("ls")
def list_secrets(*, json: Json = False) -> None:
    """List secrets by name; no value is ever shown."""
    with connect() as client:
        print_list(
            client.secrets.list(),
            {"NAME": lambda secret: secret.name, "SET": lambda secret: f"{secret.set_at:%Y-%m-%d %H:%M:%S} UTC"},
            as_json=json,
            empty="No secret is set. Set one with: pixmill secrets set NAME",
        )


@app.command("rm")
def remove_secret(name: str) -> None:
    """Forget a secret; Processings that name it cannot be launched then."""
    with connect() as client:
        client.secrets.remove(name)
    talk().print(f"{name} is removed.")
