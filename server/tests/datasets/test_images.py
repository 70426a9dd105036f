"""Images from outside are decoded in a child with limits; the server outlives whatever they hold."""

import io
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pixmill_server.datasets.images import DecodePool
from pixmill_server.datasets.thumbnails import EDGE, thumbnail_size
from server.tests.datasets.pictures import BAD, photograph


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    made = DecodePool(children=1)
    yield made
    made.close()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_an_image_is_told_by_its_bytes(pool: DecodePool, tmp_path: Path, kind: str) -> None:
    (tmp_path / "no-ending").write_bytes(photograph(kind=kind))
    for source in (tmp_path / "no-ending", photograph(kind=kind)):
        answer = pool.look_at(source)
        assert (answer.reason, answer.width, answer.height) == ("", 40, 30)
        assert answer.media_type == f"image/{kind.lower()}"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_are_those_of_the_display(pool: DecodePool, orientation: int) -> None:
    answer = pool.look_at(photograph(orientation=orientation), thumbnail=True)
    assert (answer.width, answer.height) == ((40, 30) if orientation < 5 else (30, 40))
    assert answer.orientation == orientation
    thumbnail = Image.open(io.BytesIO(answer.thumbnail))
    assert (thumbnail.size, thumbnail.format) == ((answer.width, answer.height), "WEBP")


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_image_is_refused_with_the_reason_and_the_next_is_read(pool: DecodePool, name: str) -> None:
    content, reason = BAD[name]
    assert reason in pool.look_at(content).reason
    assert pool.look_at(photograph()).reason == ""


def test_a_missing_file_is_refused(pool: DecodePool, tmp_path: Path) -> None:
    assert "No such file" in pool.look_at(tmp_path / "gone.jpg").reason


def test_a_child_that_was_killed_is_replaced() -> None:
    pool = DecodePool(children=1)
    assert pool.look_at(photograph()).reason == ""
    os.kill(pool._idle.queue[0].process.pid, signal.SIGKILL)
    pool._idle.queue[0].process.wait()
    assert pool.look_at(photograph()).reason == ""
    pool.close()


def test_an_image_that_takes_too_long_is_refused_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = DecodePool(children=1)
    pool.look_at(photograph())
    os.kill(pool._idle.queue[0].process.pid, signal.SIGSTOP)
    monkeypatch.setattr("pixmill_server.datasets.images.SECONDS", 0.2)
    assert "stopped" in pool.look_at(photograph()).reason
    monkeypatch.undo()
    assert pool.look_at(photograph()).reason == ""
    pool.close()


def test_a_child_has_neither_the_environment_nor_unlimited_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXMILL_DATABASE_URL", "postgresql://secret")
    pool = DecodePool(children=1)
    pool.look_at(photograph())
    pid = pool._idle.queue[0].process.pid
    assert b"secret" not in Path(f"/proc/{pid}/environ").read_bytes()
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert f"Max address space         {3 << 30}" in limits
    assert "Max file size             0" in limits
    assert b"lance" not in Path(f"/proc/{pid}/maps").read_bytes()
    pool.close()


def test_many_threads_share_few_children() -> None:
    pool = DecodePool(children=2)
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(pool.look_at(photograph()).reason)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [""] * 12
    assert pool._idle.qsize() <= 2
    pool.close()


@given(width=st.integers(1, 20_000), height=st.integers(1, 20_000))
def test_a_thumbnail_fits_its_edge_and_is_never_empty(width: int, height: int) -> None:
    small_width, small_height = thumbnail_size(width, height)
    assert 1 <= small_width <= min(EDGE, width) or width <= EDGE
    assert 1 <= small_height <= min(EDGE, height) or height <= EDGE
    assert max(small_width, small_height) == min(EDGE, max(width, height))
