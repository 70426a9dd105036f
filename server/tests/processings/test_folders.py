"""Folders as Processings over REST, as the SDK speaks it, and as somebody would who means no good."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from pixmill import Client
from pixmill.environments import pack_files
from pixmill.errors import Conflict, InvalidInput
from tests.code_folder import lay_out
from tests.running_server import RunningServer

MAIN = '''"""Tag dark images."""

from collections.abc import Iterator

from dark.limits import limit
from pixmill.authoring import Batch, Change, processing


@processing(kind="tagging", batch_size=4)
class DarkTags:
    def __init__(self, *, threshold: float = 40.0) -> None:
        self.threshold = min(threshold, limit())

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset, image in zip(batch.assets, batch.images):
            if image.mean() < self.threshold:
                yield asset.tag("dark")
'''
FILES = {
    "pyproject.toml": b'[project]\nname = "dark-code"\nrequires-python = ">=3.11"\ndependencies = []\n',
    "src/dark/limits.py": b"from importlib.resources import files\n\n\ndef limit() -> float:\n"
    b'    return float((files("dark") / "limit.txt").read_text())\n',
    "src/dark/limit.txt": b"90",
    "src/dark/main.py": MAIN.encode(),
}


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with Client(server.url, server.owner.token) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return lay_out(FILES, tmp_path / "code")


def post(server: RunningServer, archive: bytes, *, token: str | None = None) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token or server.owner.token}", "Content-Type": "application/x-tar"}
    return httpx2.post(f"{server.url}/api/v1/processings/folders", content=archive, headers=headers, timeout=60)


def test_a_pushed_folder_is_shown_as_a_file_is_with_its_files(client: Client, folder: Path) -> None:
    pushed = client.processings.push(folder)
    assert client.processings.show("dark-tags") == pushed
    assert (pushed.public, pushed.kind, pushed.number, pushed.title) == (False, "tagging", 1, "Tag dark images")
    assert [parameter["name"] for parameter in pushed.code_schema.parameters] == ["threshold", "batch_size"]
    placed = pushed.code_schema.folder
    assert placed is not None
    assert (placed.root, placed.module) == ("src", "dark.main")
    assert client.processings.files("dark-tags", 1) == FILES
    with pytest.raises(InvalidInput, match="is a folder"):
        client.processings.source("dark-tags", 1)
    with pytest.raises(InvalidInput, match="is no folder"):
        client.processings.files("yolo-preannotation", 1)


def test_the_same_files_are_the_same_version_however_packed_and_one_byte_more_is_another(
    server: RunningServer, client: Client, folder: Path
) -> None:
    pushed = client.processings.push(folder)
    (folder / "src/dark/__pycache__").mkdir()
    (folder / "src/dark/__pycache__/main.pyc").write_bytes(b"made")
    (folder / ".git").mkdir()
    assert client.processings.push(folder) == pushed
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in reversed(FILES):
            archive.add(folder / path, arcname=f"./{path}")
    assert post(server, written.getvalue()).json()["code_digest"] == pushed.code_digest
    (folder / "src/dark/limit.txt").write_text("91")
    again = client.processings.push(folder)
    assert [version.number for version in again.versions] == [2, 1]
    assert again.code_digest != pushed.code_digest


def test_a_file_becomes_a_folder_and_a_folder_a_file_under_the_same_name(
    client: Client, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "dark.py"
    file.write_text(MAIN.replace("from dark.limits import limit\n", "").replace("limit()", "90"))
    assert client.processings.push(file).code_schema.folder is None
    assert client.processings.push(folder).code_schema.folder is not None
    assert [version.number for version in client.processings.push(file).versions] == [3, 2, 1]
    assert client.processings.show("dark-tags").code_schema.folder is None


def test_defaults_of_ones_own_are_set_for_a_folder_too(client: Client, folder: Path) -> None:
    client.processings.push(folder)
    assert client.processings.set("dark-tags", parameters={"threshold": 20.0}).defaults == {"threshold": 20.0}


def test_a_copy_has_the_same_files_under_another_name(client: Client, folder: Path) -> None:
    client.processings.push(folder)
    copied = client.processings.copy("dark-tags", to="my-tags")
    files = client.processings.files("my-tags", 1)
    assert copied.code_schema.entry == "MyTags"
    assert files == {**FILES, "src/dark/main.py": MAIN.replace("DarkTags", "MyTags").encode()}
    with pytest.raises(Conflict):
        client.processings.copy("dark-tags", to="my-tags")


def test_a_copy_is_refused_where_another_file_names_the_class_too(client: Client, folder: Path) -> None:
    (folder / "src/dark/__init__.py").write_text('__all__ = ["DarkTags"]\n')
    client.processings.push(folder)
    with pytest.raises(InvalidInput, match=r"'src/dark/__init__\.py' names 'DarkTags' too"):
        client.processings.copy("dark-tags", to="my-tags")


def test_what_a_module_of_the_folder_raises_is_told_with_its_file_and_line(client: Client, folder: Path) -> None:
    (folder / "src/dark/limits.py").write_text("raise RuntimeError('at the top')\n")
    with pytest.raises(InvalidInput) as refused:
        client.processings.push(folder)
    assert 'src/dark/limits.py", line 1, in <module>' in str(refused.value)
    assert "RuntimeError: at the top" in str(refused.value)
    assert all(one.public for one in client.processings.list())


def test_the_build_backend_and_the_setup_of_a_folder_are_never_run(
    client: Client, folder: Path, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    harm = f"open({str(witness)!r}, 'w').write('I was run')\n"
    (folder / "setup.py").write_text(harm)
    (folder / "backend.py").write_text(harm)
    with (folder / "pyproject.toml").open("a") as file:
        file.write('[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n')
    client.processings.push(folder)
    assert not witness.exists()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    """A whole folder, and one member more that should not be there."""
    written = io.BytesIO(pack_files(FILES))
    more = tarfile.TarInfo(name)
    more.type, more.linkname = kind, target
    with tarfile.open(fileobj=written, mode="a", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(more)
    return written.getvalue()


@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (member("../../outside.py"), "straight down"),
        (member("/tmp/outside.py"), "absolute"),
        (member("src/dark/link.py", tarfile.SYMTYPE, "/etc/passwd"), "a link or no plain file"),
        (member("src/dark/link.py", tarfile.LNKTYPE, "../../../secret"), "a link or no plain file"),
        (member("src/dark/main.py"), "twice"),
        (member("src/dark/main.py/below.py"), "is a file"),
        (member(".bashrc"), "hidden"),
        (pack_files({"dark.py": MAIN.encode()}), "no pyproject.toml"),
        (pack_files({**FILES, "pyproject.toml": b'[project]\nname = "x"\ndependencies = ["pixmill"]\n'}), "lists 'pix"),
        (b"PK\x03\x04" + b"\0" * 2000, "no tar"),
        (b"", "no tar"),
    ],
)
def test_a_hostile_archive_is_refused_with_the_reason_and_leaves_nothing(
    server: RunningServer, client: Client, archive: bytes, why: str
) -> None:
    answer = post(server, archive)
    assert answer.status_code == 422, answer.text
    assert why in answer.text
    assert all(one.public for one in client.processings.list())


def test_an_archive_that_is_too_large_is_refused_and_a_stranger_is_not_told_so(server: RunningServer) -> None:
    too_large = b"\0" * (20 << 20)
    assert "may have 16 MiB" in post(server, too_large).text
    for archive in (too_large, pack_files(FILES)):
        answer = post(server, archive, token="nobody")
        assert (answer.status_code, "16 MiB" in answer.text) == (401, False)
