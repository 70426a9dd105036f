"""Write the reference of the command line from the commands themselves; the documentation's build calls it."""

from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from pixmill.cli.main import ExitCode, build

INTRODUCTION = """\
# The command line

`pixmill NOUN VERB`. What a command prints to stdout is data, what it says goes to stderr. `--json` prints one object
(an array for `ls`). This page is made from the commands' own help.

"""


def render() -> str:
    """The whole page, in Markdown."""
    lines = [INTRODUCTION, "| exit code | means |", "| --- | --- |"]
    lines += [f"| {code.value} | {code.name.lower().replace('_', ' ')} |" for code in ExitCode]
    for path, command in commands():
        lines += ["", *_section(path, command)]
    return "\n".join(lines) + "\n"


def commands() -> Iterator[tuple[str, TyperCommand]]:
    """Every command with its path (`pixmill jobs ls`), in order of the path."""
    yield from _below("pixmill", typer.main.get_command(build()))


def options(command: TyperCommand) -> Iterator[tuple[str, str]]:
    """Every argument and option of a command with its help, which is empty where nobody wrote any."""
    for parameter in command.params:
        if isinstance(parameter, TyperArgument):
            yield parameter.metavar or (parameter.name or "").upper(), parameter.help or ""
        elif isinstance(parameter, TyperOption) and not parameter.hidden:
            yield ", ".join(parameter.opts + parameter.secondary_opts), _help(parameter)


def _below(path: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for name in sorted(command.commands):
            yield from _below(f"{path} {name}", command.commands[name])
    elif isinstance(command, TyperCommand):
        yield path, command


def _section(path: str, command: TyperCommand) -> Iterator[str]:
    arguments = [str(parameter.name).upper() for parameter in command.params if isinstance(parameter, TyperArgument)]
    yield f"## `{path}`"
    yield ""
    yield f"`{' '.join([path, *arguments])}`"
    yield ""
    yield (command.help or "").strip()
    rows = [(name, text) for name, text in options(command) if text]
    if rows:
        yield ""
        yield "| option | what it is |"
        yield "| --- | --- |"
        yield from (f"| `{name}` | {text} |".replace("\n", " ") for name, text in rows)


def _help(option: TyperOption) -> str:
    text = option.help or ""
    shown = isinstance(option.default, str | int | float) and option.default not in ("", False)
    return f"{text} Default: `{option.default}`." if shown and text else text


if __name__ == "__main__":
    (Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md").write_text(render())
