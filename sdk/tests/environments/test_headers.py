import json

import pytest

from pixmill.environments import Header, parse_header
from pixmill.environments.pythons import is_satisfied
from pixmill.errors import ProcessingError


def header(*lines: str) -> str:
    return "\n".join(["# /// script", *(f"# {line}" for line in lines), "# ///", '"""A Processing."""', ""])


def test_a_header_says_which_python_and_which_packages() -> None:
    source = header('requires-python = ">=3.12"', 'dependencies = ["onnxruntime>=1.20", "opencv-python-headless"]')
    assert parse_header(source) == Header(">=3.12", ("onnxruntime>=1.20", "opencv-python-headless"))


def test_a_file_without_a_header_needs_nothing() -> None:
    assert parse_header('"""A Processing."""\n') == Header(">=3.11", ())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (header('dependencies = ["pixmill>=1"]'), "lists 'pixmill'"),
        (header('dependencies = ["Pixmill_Server"]'), "lists 'pixmill'"),
        (header('dependencies = ["thing @ https://example.org/thing.whl"]'), "is not a package by its name"),
        (header("dependencies = 3"), "is not a list of texts"),
        (header("requires-python = 3"), "is not a text"),
        (header("dependencies = ["), "is not TOML"),
        (header("dependencies = []") * 2, "several"),
    ],
)
def test_a_header_that_cannot_be_followed_is_refused_with_the_reason(source: str, message: str) -> None:
    with pytest.raises(ProcessingError, match=message):
        parse_header(source)


@pytest.mark.parametrize(
    ("requires", "fits"),
    [
        (">=3.11", True),
        (">=3.11,<3.12", True),
        ("==3.11.*", True),
        ("~=3.10", True),
        (">3.11.7", False),
        (">=3.12", False),
        ("!=3.11.*", False),
        ("nonsense", False),
    ],
)
def test_a_python_fits_what_a_header_requires_or_does_not(requires: str, *, fits: bool) -> None:
    assert is_satisfied(requires, (3, 11, 7)) is fits


@pytest.mark.parametrize(
    "dependency",
    [
        "numpy\n-r /proc/self/environ",
        "numpy\r-r secrets",
        "-r secrets.txt",
        "numpy --extra-index-url=x",
        "numpy@/tmp/numpy.whl",
        "numpy @ https://example.org/numpy.whl",
        "./numpy.whl",
        "numpy \\\n-r x",
    ],
)
def test_a_dependency_is_one_package_by_its_name_and_nothing_more(dependency: str) -> None:
    header = f"# /// script\n# dependencies = [{json.dumps(dependency)}]\n# ///\n"
    with pytest.raises(ProcessingError, match="not a package by its name"):
        parse_header(header)


@pytest.mark.parametrize(
    "dependency",
    [
        "numpy",
        "opencv-python-headless>=5",
        "requests[socks]>=2.8.1, ==2.8.* ; python_version < '3.13'",
        "a.b_c (>=1,<2)",
        "torch==2.13.0+cpu",
    ],
)
def test_what_pep_508_allows_by_name_is_taken(dependency: str) -> None:
    header = f"# /// script\n# dependencies = [{json.dumps(dependency)}]\n# ///\n"
    assert parse_header(header).dependencies == (dependency,)


def test_a_required_python_of_several_lines_is_refused() -> None:
    header = '# /// script\n# requires-python = "!=2\\n--extra-index-url x"\n# ///\n'
    with pytest.raises(ProcessingError, match="requires-python"):
        parse_header(header)


@pytest.mark.parametrize(
    ("source", "dependencies"),
    [
        (header('dependencies = ["a"]', "", "///", 'x = "# ///"').replace("# \n", "#\n"), None),
        ("# /// other\n# x\n# ///\n\n" + header('dependencies = ["a"]'), ("a",)),
        ("# /// script\n# ///\n", ()),
        ('# /// script\n# dependencies = ["a"]\n', ()),
        ('#/// script\n# dependencies = ["a"]\n# ///\n', ()),
        ('# /// script\n# dependencies = ["a"]\nx = 1\n# ///\n', ()),
    ],
)
def test_a_header_ends_at_its_last_closing_line(source: str, dependencies: tuple[str, ...] | None) -> None:
    if dependencies is None:
        with pytest.raises(ProcessingError, match="is not TOML"):
            parse_header(source)
    else:
        assert parse_header(source).dependencies == dependencies


def test_a_file_of_openings_alone_is_read_as_fast_as_any() -> None:
    assert parse_header("# /// script\n" * 320_000) == Header()
