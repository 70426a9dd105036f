"""Zips are read member by member, and never trusted."""

import io
import random
import zipfile
from pathlib import Path

import pytest

from pixmill.errors import FormatError, InvalidInput
from pixmill.formats import detect, format_names, get_format, open_files, open_source


def make_zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return path


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no file or folder"):
        open_files(tmp_path / "nowhere")


def test_a_zip_by_name_only_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"not a zip")
    with pytest.raises(FormatError, match="not a zip"):
        open_files(tmp_path / "broken.zip")


def test_a_zip_member_that_leaves_its_folder_is_refused_and_the_rest_is_offered(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"../evil.jpg": b"x", "/etc/x.jpg": b"x", "good/a.jpg": b"bytes"})
    files = open_files(path)
    assert list(files.names()) == ["good/a.jpg"]
    assert set(files.refused) == {"../evil.jpg", "/etc/x.jpg"}
    assert "'..'" in files.refused["../evil.jpg"]
    _name, source = open_source(path)
    with source:
        assert [image.path for image in source.images()] == ["good/a.jpg"]
        assert source.report.skipped_count == 2


def test_a_member_that_unpacks_to_far_more_than_it_weighs_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "bomb.zip", {"bomb.png": bytes(40 << 20), "a.jpg": b"bytes"})
    files = open_files(path)
    assert list(files.names()) == ["a.jpg"]
    assert "unpack" in files.refused["bomb.png"]


def test_a_zip_of_many_members_that_together_are_a_bomb_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "bomb.zip", {f"{number}.png": bytes(15 << 20) for number in range(3)})
    with pytest.raises(FormatError, match=r"bomb\.zip.*would unpack"):
        open_files(path)


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "mac.zip", {"__MACOSX/._a.jpg": b"x", ".hidden/a.jpg": b"x", "a.jpg": b"x"})
    assert list(open_files(path).names()) == ["a.jpg"]
    (tmp_path / "folder" / ".git").mkdir(parents=True)
    (tmp_path / "folder" / ".git" / "a.jpg").touch()
    (tmp_path / "folder" / "b.jpg").touch()
    assert list(open_files(tmp_path / "folder").names()) == ["b.jpg"]


def test_a_damaged_member_is_an_error_of_that_member(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jpg", b"A" * 100)
    damaged = buffer.getvalue().replace(b"A" * 100, b"A" * 99 + b"B")
    (tmp_path / "a.zip").write_bytes(damaged)
    files = open_files(tmp_path / "a.zip")
    with files.open("a.jpg") as file, pytest.raises(FormatError, match=r"a\.jpg.*damaged"):
        file.read()


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_whose_compressed_bytes_are_damaged_is_an_error_of_that_member_each_time(
    tmp_path: Path, compression: int
) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.jpg": random.Random(1).randbytes(300_000), "b.jpg": b"whole"}, compression)
    packed = bytearray(path.read_bytes())
    packed[60:160] = b"\xff" * 100
    path.write_bytes(packed)
    files = open_files(path)
    with files.open("a.jpg") as file, pytest.raises(FormatError, match=r"a\.jpg.*damaged"):
        file.read()
    for _attempt in range(2):
        with pytest.raises(FormatError, match=r"a\.jpg.*damaged"):
            files.local_path("a.jpg")
    assert files.local_path("b.jpg").read_bytes() == b"whole"
    files.close()


def test_a_damaged_annotation_file_in_a_zip_is_an_error_that_names_it(tmp_path: Path) -> None:
    content = b'{"images":[],"annotations":[],"categories":[]}'
    path = make_zip(tmp_path / "a.zip", {"a.json": content}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(content, content.replace(b"[]", b"{}")))
    with pytest.raises(FormatError, match=r"a\.json.*damaged"):
        open_source(path)


def test_formats_are_found_by_their_modules() -> None:
    assert format_names() == ["coco", "images", "yolo"]
    with pytest.raises(InvalidInput, match="'voc'"):
        get_format("voc")


def test_a_folder_of_nothing_is_refused_with_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(FormatError, match="holds no images"):
        detect(open_files(tmp_path))


def test_a_folder_of_images_is_images_and_its_folders_mean_nothing(tmp_path: Path) -> None:
    for name in ("cat/1.jpg", "dog/1.jpg", "readme.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"bytes")
    name, source = open_source(tmp_path)
    with source:
        assert name == "images"
        assert [image.path for image in source.images()] == ["cat/1.jpg", "dog/1.jpg"]
        assert list(source.labels) == []
