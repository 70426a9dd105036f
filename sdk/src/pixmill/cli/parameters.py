"""`-p NAME=VALUE`, on every command that takes Parameters of a Processing."""

from typing import Annotated

import typer

from pixmill.errors import InvalidInput

ParameterOptions = Annotated[
    list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="A Parameter; may be given again and again.")
]


def parameters_of(given: list[str] | None) -> dict[str, str]:
    """Name to text; raises `InvalidInput` for what is not NAME=VALUE, or given twice."""
    texts: dict[str, str] = {}
    for one in given or []:
        name, equals, text = one.partition("=")
        if not equals or not name.strip():
            raise InvalidInput(f"'-p {one}' is not understood.", hint="Write it as -p confidence=0.3.", field=name)
        if name.strip() in texts:
            raise InvalidInput(f"Parameter '{name.strip()}' is given twice.", hint="Give it once.", field=name.strip())
        texts[name.strip()] = text.strip()
    return texts
