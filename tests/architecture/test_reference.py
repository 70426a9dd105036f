"""The reference names all there is, and nothing that is not."""

import re
from pathlib import Path
from types import ModuleType

import pixmill.authoring
from pixmill import Client
from pixmill.authoring.schema import ProcessingSchema, read_schema
from pixmill.formats import format_names
from tools.cli_reference import commands, options

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# Of the tests and tools, not of the product.
NOT_SETTINGS = {"PIXMILL_TEST_DATA", "PIXMILL_REQUIRED_SERVICES"}


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    sources = [path for folder in ("sdk/src", "server/src") for path in (ROOT / folder).rglob("*.py")]
    read = {name for path in sources for name in re.findall(r"\bPIXMILL_[A-Z_]+\b", path.read_text())}
    documented = set(re.findall(r"^\| `(PIXMILL_[A-Z_]+)`", (DOCS / "reference/settings.md").read_text(), re.MULTILINE))
    assert read - NOT_SETTINGS - documented == set()


def test_everything_a_processing_may_import_is_documented() -> None:
    page = (DOCS / "reference/processing-api.md").read_text()
    missing = [name for name in pixmill.authoring.__all__ if not re.search(rf"\b{name}\b", page)]
    assert not missing


def test_the_processings_of_the_guide_are_some() -> None:
    page = (DOCS / "how-to/write-a-processing.md").read_text()
    schemas = [_schema_of(source) for source in re.findall(r"```python\n(.*?)```", page, re.DOTALL)]
    assert [(schema["name"], schema["form"]) for schema in schemas] == [
        ("tag-dark-images", "batch"),
        ("tag-duplicates", "version"),
        ("tag-known", "batch"),
    ]
    assert [schema["parameters"][0]["help"] for schema in schemas] == [
        "mean brightness, 0 (black) to 255 (white), below which an image is dark.",
        "how many of the 64 bits of two fingerprints may differ.",
        "what is known already",
    ]


def _schema_of(source: str) -> ProcessingSchema:
    module = ModuleType("a_processing")
    exec(compile(source, "a_processing.py", "exec"), module.__dict__)  # noqa: S102 - the page's own example
    return read_schema(module)


def test_every_option_of_every_command_says_what_it_is() -> None:
    silent = [
        f"{path} {name}" for path, command in commands() for name, text in options(command) if "-" in name and not text
    ]
    assert not silent


def test_every_command_says_what_it_does() -> None:
    assert not [path for path, command in commands() if not command.help]


def test_every_format_is_documented() -> None:
    page = (DOCS / "reference/formats.md").read_text()
    assert set(re.findall(r"^## `(\w+)`", page, re.MULTILINE)) == set(format_names())


def test_every_method_of_the_client_is_documented_and_every_documented_one_exists() -> None:
    rows = re.findall(r"^\| `(client[\w.]*)` \| (.*) \|$", (DOCS / "reference/client.md").read_text(), re.MULTILINE)
    with Client("http://127.0.0.1:1", "token") as client:
        nouns = {f"client.{name}": noun for name, noun in vars(client).items() if name not in {"url", "connection"}}
        assert {noun: set(re.findall(r"`(\w+)`", row)) for noun, row in rows} == {
            name: {method for method in dir(type(noun)) if not method.startswith("_")}
            for name, noun in {"client": client, **nouns}.items()
        }
