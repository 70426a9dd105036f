"""The sample, drawn once for all tests of this folder."""

from pathlib import Path

import pytest

from sample.draw import COUNT, shots, write_sample
from sample.street.layouts import Split
from sample.street.scene import draw_scene


@pytest.fixture(scope="session")
def drawn_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    wanted = shots(Split.SAMPLE, COUNT)
    write_sample(folder, ((shot, draw_scene(shot.seed, shot.layout)) for shot in wanted))
    return folder
