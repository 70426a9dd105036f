"""Objects behave alike in a folder and in a bucket."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from pixmill.errors import InvalidInput, NotFound
from pixmill_server.storage.objects import Digest, Objects, digest_of, open_objects

BUCKET_OPTIONS = {
    "access_key_id": "test",
    "secret_access_key": "test",
    "region": "us-east-1",
    "allow_http": "true",
}


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx2.put(f"http://{host}:{port}/pixmill").raise_for_status()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return open_objects(str(tmp_path / "store"))
    endpoint = request.getfixturevalue("s3_endpoint")
    return open_objects(
        f"s3://pixmill/{tmp_path.name.replace('[', '-').replace(']', '')}", {**BUCKET_OPTIONS, "endpoint": endpoint}
    )


def test_an_object_is_addressed_by_the_blake3_of_its_bytes(objects: Objects) -> None:
    digest = objects.put(b"a photograph")
    assert digest == blake3(b"a photograph").hexdigest()
    assert objects.get(digest) == b"a photograph"
    assert objects.size_of(digest) == 12
    assert objects.has(digest)


def test_putting_the_same_bytes_again_changes_nothing(objects: Objects) -> None:
    assert objects.put(b"same") == objects.put([b"sa", b"me"])


def test_a_stream_larger_than_memory_buffers_is_stored_whole(objects: Objects) -> None:
    piece = os.urandom(1 << 20)
    digest = objects.put(piece for _ in range(20))
    assert objects.size_of(digest) == 20 << 20
    assert b"".join(objects.stream(digest)) == piece * 20
    assert objects.get_range(digest, (1 << 20) - 2, (1 << 20) + 2) == piece[-2:] + piece[:2]
    assert b"".join(objects.stream(digest, start=5, end=9)) == piece[5:9]


def test_bytes_that_do_not_have_the_expected_digest_are_refused(objects: Objects) -> None:
    with pytest.raises(InvalidInput, match="not " + digest_of(b"whole")):
        objects.put(b"who", expected=digest_of(b"whole"))
    assert not objects.has(digest_of(b"who"))


def test_a_missing_object_is_named(objects: Objects) -> None:
    digest = digest_of(b"never stored")
    for read in (objects.get, objects.size_of, objects.stream):
        with pytest.raises(NotFound, match=digest):
            read(digest)
    with pytest.raises(NotFound, match=digest):
        objects.get_range(digest, 0, 4)
    assert objects.local_path(digest) is None
    objects.delete(digest)


def test_a_range_past_the_end_gives_what_there_is(objects: Objects) -> None:
    digest = objects.put(b"0123456789")
    assert objects.get_range(digest, 8, 100) == b"89"
    assert objects.get_range(digest, 10, 11) == b""


def test_an_empty_object_is_an_object(objects: Objects) -> None:
    digest = objects.put(b"")
    assert objects.get(digest) == b""
    assert list(objects.stream(digest)) == []


def test_a_deleted_object_is_gone(objects: Objects) -> None:
    digest = objects.put(b"short-lived")
    objects.delete(digest)
    assert not objects.has(digest)


def test_named_objects_are_replaced_listed_and_deleted(objects: Objects) -> None:
    objects.put_named("runs/run_1/chunk-1", b"one")
    objects.put_named("runs/run_1/chunk-0", [b"ze", b"ro"])
    objects.put_named("runs/run_2/chunk-0", b"other run")
    objects.put_named("runs/run_1/chunk-1", b"one again")
    assert [(named.key, named.size_bytes) for named in objects.list_named("runs/run_1")] == [
        ("runs/run_1/chunk-0", 4),
        ("runs/run_1/chunk-1", 9),
    ]
    assert objects.get_named("runs/run_1/chunk-1") == b"one again"
    assert objects.get_named_range("runs/run_1/chunk-1", 4, 9) == b"again"
    assert b"".join(objects.stream_named("runs/run_1/chunk-0")) == b"zero"
    objects.delete_named("runs/run_1/chunk-1")
    objects.delete_named("runs/run_1/chunk-1")
    with pytest.raises(NotFound, match="runs/run_1/chunk-1"):
        objects.get_named("runs/run_1/chunk-1")


@pytest.mark.parametrize("key", ["../secret", "a/../b", "a//b", ".hidden", "", "a b", "a/\x00"])
def test_a_key_cannot_leave_its_folder(objects: Objects, key: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be the key"):
        objects.put_named(key, b"")


def test_something_that_is_not_a_digest_is_refused(objects: Objects) -> None:
    with pytest.raises(InvalidInput, match="not a BLAKE3 digest"):
        objects.get(Digest("../../etc/passwd"))


def test_many_threads_may_put_the_same_object_at_once(objects: Objects) -> None:
    contents = [os.urandom(50_000) for _ in range(4)]
    threads = [threading.Thread(target=lambda: [objects.put(content) for content in contents]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [objects.get(digest_of(content)) for content in contents] == contents


def test_a_folder_says_where_an_object_lies_and_a_bucket_signs_its_address(tmp_path: Path, s3_endpoint: str) -> None:
    folder = open_objects(str(tmp_path))
    digest = folder.put(b"bytes")
    path = folder.local_path(digest)
    assert path is not None
    assert path.read_bytes() == b"bytes"
    assert folder.signed_url(digest, lifetime=timedelta(minutes=1)) is None

    bucket = open_objects("s3://pixmill/signed", {**BUCKET_OPTIONS, "endpoint": s3_endpoint})
    bucket.put(b"bytes")
    assert bucket.local_path(digest) is None
    url = bucket.signed_url(digest, lifetime=timedelta(minutes=1))
    assert url is not None
    assert httpx2.get(url).content == b"bytes"


def test_nothing_is_left_behind_by_a_stream_that_breaks(tmp_path: Path) -> None:
    objects = open_objects(str(tmp_path))

    def broken() -> Iterator[bytes]:
        yield b"first"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        objects.put(broken())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_writer_left_is_swept_and_live_writes_are_not(tmp_path: Path) -> None:
    objects = open_objects(str(tmp_path))
    (tmp_path / "incoming" / "abandoned").write_bytes(b"half")
    objects.sweep_incoming(before=datetime.now(UTC) - timedelta(days=1))
    assert (tmp_path / "incoming" / "abandoned").exists()
    objects.sweep_incoming(before=datetime.now(UTC) + timedelta(days=1))
    assert not (tmp_path / "incoming" / "abandoned").exists()


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.binary(max_size=200), max_size=8))
def test_any_bytes_come_back_as_they_were(tmp_path: Path, pieces: list[bytes]) -> None:
    objects = open_objects(str(tmp_path))
    assert objects.get(objects.put(pieces)) == b"".join(pieces)
