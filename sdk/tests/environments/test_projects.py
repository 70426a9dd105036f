import pytest

from pixmill.environments import Header, Project, read_project
from pixmill.errors import ProcessingError

DECLARES = b"from pixmill.authoring import processing\n\n\n@processing(kind='tagging')\nclass Tag: ...\n"


def files(*lines: str, **modules: bytes) -> dict[str, bytes]:
    """`src__dark__main` stands for `src/dark/main.py`."""
    written = {path.replace("__", "/") + ".py": content for path, content in modules.items()}
    return {"pyproject.toml": "\n".join(["[project]", 'name = "dark"', *lines]).encode(), **written}


def test_a_project_says_which_python_packages_and_module() -> None:
    given = files('requires-python = ">=3.12"', 'dependencies = ["onnxruntime>=1.20"]', dark=DECLARES)
    assert read_project(given) == Project("dark", Header(">=3.12", ("onnxruntime>=1.20",)), "", "dark", "dark.py")


def test_the_one_module_that_declares_a_processing_is_found_flat_and_below_src() -> None:
    flat = read_project(files(dark__main=DECLARES, dark__rules=b"x = 1\n"))
    assert (flat.root, flat.module, flat.module_path) == ("", "dark.main", "dark/main.py")
    src = read_project(files(src__dark__main=DECLARES, conftest=DECLARES))
    assert (src.root, src.module, src.module_path) == ("src", "dark.main", "src/dark/main.py")
    package = read_project({**files(), "dark/__init__.py": DECLARES})
    assert (package.module, package.module_path) == ("dark", "dark/__init__.py")


def test_of_several_modules_the_project_chooses() -> None:
    several = {"one": DECLARES, "two": DECLARES}
    with pytest.raises(ProcessingError, match="Several modules declare a Processing: one, two"):
        read_project(files(**several))
    chosen = read_project(files("[tool.pixmill]", 'processing = "two"', **several))
    assert chosen.module == "two"


def test_a_decorator_within_a_text_or_a_function_is_no_declaration() -> None:
    with pytest.raises(ProcessingError, match="No module declares a Processing"):
        read_project(files(dark=b"def make():\n    @processing(kind='x')\n    class Tag: ...\n"))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (['dependencies = ["pixmill>=1"]'], "lists 'pixmill'"),
        (['dependencies = ["thing @ https://example.org/thing.whl"]'], "not a package by its name"),
        (['dependencies = ["numpy\\n-r /proc/self/environ"]'], "not a package by its name"),
        (['dependencies = ["./vendored"]'], "not a package by its name"),
        (["dependencies = 3"], "is not a list of texts"),
        (["requires-python = 3"], "is not a text"),
        (["dependencies = ["], "is not TOML"),
        (["deep = " + "[" * 100_000], "is not TOML"),
        (['dynamic = ["dependencies"]'], "'dependencies' in pyproject.toml is dynamic"),
        (['dynamic = ["version"]'], "'version' in pyproject.toml is dynamic"),
        (['dynamic = ["requires-python"]'], "'requires-python' in pyproject.toml is dynamic"),
        (
            ['dependencies = ["torch"]', '[tool.uv.sources]\ntorch = { path = "../torch" }'],
            "takes torch from elsewhere",
        ),
        (["[tool.pixmill]", 'processing = "gone"'], "no module 'gone'"),
        (["[tool.pixmill]", "processing = [1]"], "no module"),
        (["[tool.pixmill]", 'module = "dark"'], "says more"),
    ],
)
def test_a_project_that_cannot_be_followed_is_refused_with_the_reason(lines: list[str], why: str) -> None:
    with pytest.raises(ProcessingError, match=why):
        read_project(files(*lines, dark=DECLARES))


@pytest.mark.parametrize("written", [b"", b"[project]\n", b"project = 1\n", b"[project]\nname = '../x'\n"])
def test_a_project_without_a_name_is_refused(written: bytes) -> None:
    with pytest.raises(ProcessingError, match="with a name"):
        read_project({"pyproject.toml": written, "dark.py": DECLARES})


def test_an_archive_of_the_folder_itself_is_refused() -> None:
    with pytest.raises(ProcessingError, match="Pack what is in the folder"):
        read_project({"dark/pyproject.toml": b"", "dark/dark.py": DECLARES})


def test_a_module_that_would_hide_pythons_or_pixmills_own_is_refused() -> None:
    for path in ("logging.py", "json/__init__.py", "src/types.py", "pixmill.py"):
        with pytest.raises(ProcessingError, match=f"'{path}' would hide"):
            read_project({**files(dark=DECLARES), path: b""})
    assert read_project(files(dark=DECLARES, dark__logging=b"")).module == "dark"


def test_a_header_within_the_module_is_refused() -> None:
    with pytest.raises(ProcessingError, match=r"# /// script"):
        read_project(files(dark=b'# /// script\n# dependencies = ["torch"]\n# ///\n' + DECLARES))


def test_a_module_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(ProcessingError, match="not UTF-8"):
        read_project(files(dark=DECLARES + b"# \xff"))
