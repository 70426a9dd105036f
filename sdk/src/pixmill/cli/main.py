"""The command `pixmill`: finds its nouns, and turns errors into one message and an exit code.

A module of this package with `app: typer.Typer` is a noun of its name; `NOUN_more.py` adds its commands to NOUN.
A module with a function `command` is a command of its name. Adding one needs no second edit.
"""

import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import Annotated

import typer
from rich.console import Console

import pixmill
from pixmill import cli
from pixmill.errors import PixmillError, ServerUnreachable


class ExitCode(IntEnum):
    """How a command ended."""

    WORKED = 0
    FAILED = 1
    WRONG_USE = 2
    CANCELLED = 3
    UNREACHABLE = 4


_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command (None: this process's); errors that Pixmill knows become one message on stderr."""
    talk = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        build(only=given[0] if given else "")(args=given, prog_name="pixmill")
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(bool(ending.code))
        return ExitCode.CANCELLED if code == _INTERRUPTED else code
    except ServerUnreachable as error:
        _say(talk, error)
        return ExitCode.UNREACHABLE
    except PixmillError as error:
        _say(talk, error)
        return ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.CANCELLED
    except BrokenPipeError:
        # Whoever read our output has had enough; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    return ExitCode.WORKED


def build(*, only: str = "") -> typer.Typer:
    """The command line, put together from the modules of this package.

    `only` names the noun that is asked for, so that the others need not be imported; where there is none of this name,
    all are there.
    """
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        rich_markup_mode=None,
        help="Run code over image datasets, on demand.",
    )
    app.callback()(_root)
    nouns: dict[str, typer.Typer] = {}
    names = sorted(module.name for module in pkgutil.iter_modules(cli.__path__))
    wanted = [name for name in names if _noun_of(name) == only] or names
    for name in wanted:
        module = importlib.import_module(f"{cli.__name__}.{name}")
        if isinstance(part := getattr(module, "app", None), typer.Typer):
            noun = nouns.setdefault(_noun_of(name), typer.Typer(no_args_is_help=True))
            noun.registered_commands.extend(part.registered_commands)
            noun.registered_groups.extend(part.registered_groups)
            if isinstance(part.info.help, str):
                noun.info.help = part.info.help
        elif callable(command := getattr(module, "command", None)):
            app.command(name)(command)
    for name, noun in nouns.items():
        app.add_typer(noun, name=name)
    return app


def _noun_of(module: str) -> str:
    return module.partition("_")[0]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"pixmill {pixmill.__version__}")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the release and end.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    pass


def _say(talk: Console, error: PixmillError) -> None:
    talk.print(f"pixmill: {error}", markup=False, style="red" if talk.is_terminal else "")
