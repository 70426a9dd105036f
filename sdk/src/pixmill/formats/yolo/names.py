"""Class names of a YOLO folder: the few forms of YAML that data.yaml comes in, classes.txt, obj.names."""

import json
import re

from pixmill.errors import FormatError

CONFIG_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
LIST_NAMES = ("classes.txt", "obj.names")

_TOP_KEY = re.compile(r"([A-Za-z_]\w*)\s*:\s*(.*)$")
_NUMBERED = re.compile(r"(\d+)\s*:\s*(.+)$")


def names_from_config(text: str, title: str) -> list[str]:
    """The `names` of a data.yaml: `[a, b]`, `{0: a, 1: b}`, or one a line (`- a`, `0: a`); by class number."""
    lines = [line for raw in text.splitlines() if (line := _without_comment(raw)).strip()]
    for at, line in enumerate(lines):
        key = _TOP_KEY.match(line)
        if key and key.group(1) == "names":
            return _numbered(_entries(key.group(2).strip(), lines[at + 1 :]), title)
    raise FormatError(f"'{title}' has no 'names'.", hint="List the classes there: names: [person, car].")


def names_from_list(text: str) -> list[str]:
    """One name a line, as in classes.txt."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def has_keypoints(text: str) -> bool:
    """Whether a data.yaml says that its labels are poses."""
    return any(line.startswith("kpt_shape") for line in text.splitlines())


def write_config(names: list[str], *, images: str) -> str:
    """A data.yaml; every name is quoted, for a name may be any text."""
    lines = ["path: .", f"train: {images}", f"val: {images}", "names:"]
    return (
        "\n".join([*lines, *(f"  {place}: {json.dumps(name, ensure_ascii=False)}" for place, name in enumerate(names))])
        + "\n"
    )


def _entries(value: str, following: list[str]) -> list[tuple[int | None, str]]:
    if value.startswith(("[", "{")):
        inline = value
        for line in following:
            if inline.rstrip().endswith(("]", "}")):
                break
            inline += " " + line.strip()
        return [_entry(part) for part in _split(inline.strip()[1:-1])]
    indented = []
    for line in following:
        if _TOP_KEY.match(line):
            break
        indented.append(line.strip().removeprefix("- ") if line.strip().startswith("- ") else line.strip())
    return [_entry(line) for line in indented]


def _entry(text: str) -> tuple[int | None, str]:
    numbered = _NUMBERED.match(text.strip())
    return (int(numbered.group(1)), _unquote(numbered.group(2))) if numbered else (None, _unquote(text))


def _numbered(entries: list[tuple[int | None, str]], title: str) -> list[str]:
    places = {place if place is not None else at: name for at, (place, name) in enumerate(entries)}
    if not entries or sorted(places) != list(range(len(entries))):
        raise FormatError(
            f"The 'names' of '{title}' are not numbered from 0 without gaps.", hint="Give each class a name."
        )
    return [places[place] for place in range(len(entries))]


def _split(text: str) -> list[str]:
    """At commas outside of quotes."""
    return [part for part in re.findall(r"""(?:[^,"']|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')+""", text) if part.strip()]


def _unquote(text: str) -> str:
    text = text.strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        try:
            return str(json.loads(text))
        except json.JSONDecodeError:
            return text[1:-1]
    if text.startswith("'") and text.endswith("'") and len(text) > 1:
        return text[1:-1].replace("''", "'")
    return text


def _without_comment(line: str) -> str:
    """A `#` begins a comment outside of quotes, at the line's start or after a space."""
    kept = re.match(r"""(?:[^"'#]|(?<=\S)#|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|['"])*""", line)
    return kept.group(0) if kept else line
