"""What is said of an image, and what is refused."""

from typing import Any

import pytest

from pixmill.errors import InvalidInput, PixmillError, ProcessingError
from pixmill_server.processings.images import read_flags, schema_of_image

DECLARATION = """
name = "box-all"
command = ["python", "/run.py"]
[[parameters]]
name = "score"
type = "float"
default = 0.5
maximum = 1
"""


def parameters_of(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return list(schema["parameters"])


def test_a_declaration_becomes_a_schema_like_any_others() -> None:
    schema = schema_of_image("registry.example.com/box:2", ["--shm-size=1g"], DECLARATION)
    assert (schema["name"], schema["form"], schema["kind"]) == ("box-all", "version", "pre-annotation")
    assert schema["image"] == {
        "name": "registry.example.com/box:2",
        "contract": "folders",
        "source": "",
        "command": ["python", "/run.py"],
        "environment": {},
        "shared_memory_bytes": 1 << 30,
    }
    (parameter,) = parameters_of(schema)
    assert parameter["name"] == "score"
    assert not parameter["required"]


def test_an_image_with_the_sdk_has_a_batch_size() -> None:
    schema = schema_of_image("box:2", [], 'name = "box"\ncontract = "sdk"\nsource = "/app/p.py"\nbatch_size = 4')
    assert (schema["form"], schema["batch_size"]) == ("batch", 4)
    assert [one["name"] for one in parameters_of(schema)] == ["batch_size"]


def test_a_label_of_one_line_is_json() -> None:
    assert schema_of_image("box:2", [], '{"name": "box", "command": ["/run"]}')["name"] == "box"


@pytest.mark.parametrize(
    "flag",
    [
        *("--privileged", "--cap-add=ALL", "--volume=/:/host", "--network=host", "--pid=host", "--env=A B=c"),
        *("--user=root", "--user=0:0", "--user=0", "--user=00:1"),
    ],
)
def test_a_flag_that_is_not_on_the_list_is_refused_by_name(flag: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_flags([flag])
    assert flag in str(refused.value)


@pytest.mark.parametrize(
    ("image", "declaration"),
    [
        ("box;rm -rf", DECLARATION),
        ("box:2", "name ="),
        ("box:2", 'name = "Box All"'),
        ("box:2", 'name = "box"\nprivileged = true'),
        ("box:2", 'name = "box"\ncontract = "magic"'),
        ("box:2", 'name = "box"\ncontract = "sdk"'),
        ("box:2", 'name = "box"\ncontract = "sdk"\nsource = "/p.py"\nbatch_size = "x"'),
        ("box:2", 'name = "box"\ncontract = "sdk"\nsource = "/p.py"\nbatch_size = 0'),
        ("box:2", 'name = "box"\ncontract = "sdk"\nsource = "/p.py"\nform = "wild"'),
        ("box:2", 'name = "box"\ncommand = "one string"'),
        ("box:2", 'name = "box"\n[[parameters]]\nname = "a"\ntype = "colour"'),
        ("box:2", 'name = "box"\n[[parameters]]\ntype = "int"'),
    ],
)
def test_what_says_nothing_that_can_be_run_is_refused(image: str, declaration: str) -> None:
    with pytest.raises((ProcessingError, InvalidInput)) as refused:
        schema_of_image(image, [], declaration)
    assert isinstance(refused.value, PixmillError)


def test_a_command_reads_no_second_version() -> None:
    told = (
        'name = "compare"\nsource = "/app/p.py"\ncontract = "{}"\n[[parameters]]\nname = "a"\ntype = "dataset_version"'
    )
    assert schema_of_image("tiles:2", [], told.format("sdk"))["name"] == "compare"
    with pytest.raises(ProcessingError, match="reads no version but its own"):
        schema_of_image("tiles:2", [], told.format("folders"))


def test_an_image_that_makes_a_version_says_how_that_begins() -> None:
    schema = schema_of_image("tiles:2", [], 'name = "tiles"\ncommand = ["/run"]\nnew_version = "empty"')
    assert (schema["new_version"], schema["kind"]) == ("empty", "augmentation")
    reading = 'name = "tiles"\nsource = "/app/p.py"\nreads_annotations = true\ncontract = '
    assert schema_of_image("tiles:2", [], f'{reading}"sdk"')["reads_annotations"] is True
    with pytest.raises(ProcessingError, match="comes without annotations"):
        schema_of_image("tiles:2", [], f'{reading}"folders"')
    with pytest.raises(ProcessingError, match="A new version cannot begin as 'copy'"):
        schema_of_image("tiles:2", [], 'name = "tiles"\nnew_version = "copy"')
