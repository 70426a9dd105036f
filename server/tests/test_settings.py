import json
from pathlib import Path

import pytest

from pixmill.errors import InvalidInput
from pixmill_server.settings import MARKER, RELEASE, DataFolderTooNew, prepare_data_folder, read_settings


def test_a_data_folder_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    marked = json.dumps({"release": RELEASE + 1, "version": "99.0"})
    (tmp_path / MARKER).write_text(marked)
    with pytest.raises(DataFolderTooNew, match=r"99\.0, which is newer"):
        prepare_data_folder(read_settings({"PIXMILL_DATA": str(tmp_path)}), version="0.1.0")
    assert [path.name for path in tmp_path.iterdir()] == [MARKER]
    assert (tmp_path / MARKER).read_text() == marked


def test_a_data_folder_is_private(tmp_path: Path) -> None:
    settings = read_settings({"PIXMILL_DATA": str(tmp_path / "new")})
    prepare_data_folder(settings, version="0.1.0")
    assert settings.data.stat().st_mode & 0o777 == 0o700


def test_a_data_folder_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    with pytest.raises(InvalidInput, match="taken cannot be used"):
        prepare_data_folder(read_settings({"PIXMILL_DATA": str(taken)}), version="0.1.0")


def test_a_port_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="PIXMILL_PORT"):
        read_settings({"PIXMILL_PORT": "http"})
