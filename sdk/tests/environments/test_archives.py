import io
import os
import tarfile
from pathlib import Path

import pytest

from pixmill.environments import pack_files, read_archive, read_code_folder, write_files
from pixmill.environments.archives import MAX_ARCHIVE_BYTES, MAX_BYTES, MAX_FILES
from pixmill.errors import ProcessingError
from tests.code_folder import lay_out

FILES = {"pyproject.toml": b"[project]\n", "dark/__init__.py": b"", "dark/levels.json": b"[1, 2]"}


def tar(*members: tarfile.TarInfo, content: bytes = b"x", form: int = tarfile.USTAR_FORMAT) -> bytes:
    """As somebody would make it who wants to get out of the folder."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=form) as archive:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


def link(kind: bytes, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo("inside.py")
    member.type, member.linkname = kind, target
    return member


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return lay_out(FILES, tmp_path / "code")


def test_what_is_packed_is_read_again_whoever_packed_it_and_in_whatever_order() -> None:
    packed = pack_files(FILES)
    assert pack_files(dict(reversed(FILES.items()))) == packed
    assert read_archive(packed) == FILES


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
def test_an_archive_of_tars_own_making_is_read(folder: Path, form: int) -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=form) as archive:
        archive.add(folder, arcname=".")
    assert read_archive(written.getvalue()) == FILES


def test_a_path_longer_than_the_field_for_it_comes_back(folder: Path) -> None:
    files = {f"{'a' * 90}/{'b' * 90}.py": b"1"}
    assert read_archive(pack_files(files)) == files


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../outside.py", "straight down"),
        ("a/../../outside.py", "straight down"),
        ("/etc/outside.py", "absolute"),
        ("a//b.py", "straight down"),
        ("a/./b.py", "straight down"),
        ("a\\b.py", "backslash"),
        ("a\nb.py", "control character"),
        ("a\u202eb.py", "control character"),
        (".git/config", "hidden"),
        ("a/.env", "hidden"),
        ("__pycache__/a.py", "compiled"),
        ("a.pyc", "compiled"),
        ("é" * 130 + "/a.py", "255 bytes"),
        ("a/" * 100 + "a.py", "200 characters"),
    ],
)
def test_a_path_that_leads_elsewhere_or_that_nobody_sees_is_refused(name: str, why: str) -> None:
    with pytest.raises(ProcessingError, match=why):
        pack_files({name: b""})
    # What tar cannot write as such a path in the first place, it cannot bring either.
    if len(name.encode()) < 100:
        with pytest.raises(ProcessingError, match=why):
            read_archive(tar(tarfile.TarInfo(name)))


@pytest.mark.parametrize(
    "member",
    [
        link(tarfile.SYMTYPE, "/etc/passwd"),
        link(tarfile.LNKTYPE, "../secret"),
        link(tarfile.FIFOTYPE, ""),
        link(tarfile.CHRTYPE, ""),
        link(tarfile.BLKTYPE, ""),
    ],
)
def test_a_link_or_a_device_is_refused_by_its_name(member: tarfile.TarInfo) -> None:
    with pytest.raises(ProcessingError, match=r"'inside\.py' is a link or no plain file"):
        read_archive(tar(member))


def test_a_path_that_is_there_twice_or_is_both_file_and_folder_is_refused() -> None:
    with pytest.raises(ProcessingError, match="twice"):
        read_archive(tar(tarfile.TarInfo("a.py"), tarfile.TarInfo("./a.py")))
    with pytest.raises(ProcessingError, match="'a' is a file, and 'a/b' lies below it"):
        read_archive(tar(tarfile.TarInfo("a"), tarfile.TarInfo("a/b")))


def test_an_archive_is_refused_for_its_size_its_files_and_its_members() -> None:
    with pytest.raises(ProcessingError, match="16 MiB"):
        read_archive(b"\0" * (MAX_ARCHIVE_BYTES + 1))
    with pytest.raises(ProcessingError, match="16 MiB"):
        read_archive(tar(tarfile.TarInfo("a"), content=b"x" * (MAX_BYTES + 1)))
    with pytest.raises(ProcessingError, match="1000 files"):
        read_archive(tar(*(tarfile.TarInfo(f"{number}.py") for number in range(MAX_FILES + 1))))
    folders = [link(tarfile.DIRTYPE, "") for _ in range(2 * MAX_FILES + 1)]
    with pytest.raises(ProcessingError, match="2000 members"):
        read_archive(tar(*folders))


def test_headers_that_make_a_reader_of_tar_take_far_more_than_they_are_are_refused() -> None:
    many = {f"key{number}": "value" for number in range(2000)}
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT, pax_headers=many) as archive:
        archive.addfile(tarfile.TarInfo("a.py"))
    with pytest.raises(ProcessingError, match="headers of pax") as refused:
        read_archive(written.getvalue())
    assert "--format=ustar" in refused.value.hint


@pytest.mark.parametrize("cut", [0, 100, 512, 600, 1024])
def test_an_archive_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(ProcessingError, match=r"no tar|within a file"):
        read_archive(pack_files({"a.py": b"x" * 600})[:cut])


@pytest.mark.parametrize("content", [b"PK\x03\x04" * 200, b"\x1f\x8b" + b"\1" * 2000, b"\xff" * 4096])
def test_what_is_no_tar_is_refused(content: bytes) -> None:
    with pytest.raises(ProcessingError, match="no tar"):
        read_archive(content)


def test_a_size_that_is_no_number_or_negative_is_refused() -> None:
    packed = bytearray(pack_files({"a.py": b"x"}))
    for size in (b"\xff" * 12, b"-0000000001\0", b"99999999999\0", b"77777777777\0"):
        packed[124:136] = size
        packed[148:156] = b" " * 8
        packed[148:156] = b"%06o\0 " % sum(packed[:512])
        with pytest.raises(ProcessingError, match=r"a number that is none|within a file"):
            read_archive(bytes(packed))


def test_a_header_that_was_changed_on_the_way_is_refused() -> None:
    packed = bytearray(pack_files({"a.py": b"x"}))
    packed[0] = ord("b")
    with pytest.raises(ProcessingError, match="no tar"):
        read_archive(bytes(packed))


def test_files_are_laid_out_so_that_nobody_writes_to_them(tmp_path: Path) -> None:
    write_files(FILES, tmp_path / "new")
    assert (tmp_path / "new/dark/levels.json").read_bytes() == b"[1, 2]"
    assert not (tmp_path / "new/dark/levels.json").stat().st_mode & 0o222
    with pytest.raises(FileExistsError):
        write_files(FILES, tmp_path / "new")


def test_a_folder_is_read_without_what_is_hidden_or_was_made(folder: Path) -> None:
    for path in (".git/config", ".env", "dark/__pycache__/a.pyc", "a.pyc", "dark.egg-info/PKG", "env/lib/x.py"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("x")
    (folder / "env/pyvenv.cfg").write_text("home = /usr/bin")
    assert read_code_folder(folder) == FILES


def test_a_link_in_a_folder_is_refused_by_its_name_and_not_followed(folder: Path) -> None:
    (folder / "passwords").symlink_to("/etc/passwd")
    with pytest.raises(ProcessingError, match="'passwords' is a link"):
        read_code_folder(folder)
    (folder / "passwords").unlink()
    (folder / "dark/all").symlink_to("/etc")
    with pytest.raises(ProcessingError, match="'dark/all' is a link"):
        read_code_folder(folder)


def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(ProcessingError, match="'pipe' is a link or no plain file"):
        read_code_folder(folder)


def test_a_folder_that_is_too_large_is_refused_before_it_is_read(folder: Path) -> None:
    with (folder / "weights.onnx").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ProcessingError, match=r"'weights\.onnx'.*16 MiB"):
        read_code_folder(folder)
    (folder / "weights.onnx").unlink()
    for number in range(MAX_FILES):
        (folder / f"{number}.txt").touch()
    with pytest.raises(ProcessingError, match="1000 files"):
        read_code_folder(folder)


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProcessingError, match=r"no pyproject\.toml"):
        read_code_folder(tmp_path)
