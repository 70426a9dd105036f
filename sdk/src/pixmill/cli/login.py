"""`pixmill login`: which server, and as whom."""

from typing import Annotated

import typer

from pixmill.cli.output import Json, print_json, talk
from pixmill.client import Client
from pixmill.client.credentials import Credentials, find_credentials, keep_credentials


def command(
    url: Annotated[str | None, typer.Argument(help="The server's address; the one in use unless said.")] = None,
    *,
    token: Annotated[str | None, typer.Option(help="An API token; asked for unless given.")] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Print an address that signs a browser in, once.")] = False,
    json: Json = False,
) -> None:
    """Keep a server's address and a token of yours, in a file that only you can read."""
    if browser:
        with Client(url, token) as client:
            address = client.signin_url()
        print_json({"signin_url": address}) if json else typer.echo(address)
        return
    where = find_credentials(url).url
    given = token or typer.prompt("API token", hide_input=True, err=True)
    with Client(where, given) as client:
        me = client.me()
    keep_credentials(Credentials(where, given))
    if json:
        print_json(me)
    else:
        talk().print(f"Signed in to {where} as {me.name} ({me.role} of {me.organization}).")
