"""Files that a browser sent are read by the server as the command line reads a folder or a zip."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from pixmill.errors import InvalidInput, NotFound
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.datasets import import_reading
from pixmill_server.datasets.finish_import import stored_report
from pixmill_server.datasets.image_child import Answer
from pixmill_server.datasets.images import DecodePool, ImageBytes
from pixmill_server.datasets.import_files import ReceivedFile, receive_file, received_files
from pixmill_server.datasets.import_reading import ImportBeingRead, ImportReader, Reading, ReadingStage
from pixmill_server.datasets.imports import (
    ABANDONED_AFTER,
    ImportFinished,
    ImportWish,
    begin_import,
    stage_images,
    staged_names,
    sweep_abandoned,
)
from pixmill_server.datasets.ingest import Ingest, Offered
from pixmill_server.datasets.pictures import ThumbnailMaker
from pixmill_server.datasets.queries import list_versions, pin
from pixmill_server.datasets.read import assets_page, label_histogram
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tables import ImportReadingRow
from server.tests.datasets.building import SetClock
from server.tests.datasets.pictures import photograph, truncated

COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "one.jpg", "width": 40, "height": 30}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}],
        "categories": [{"id": 5, "name": "person"}],
    }
).encode()


@pytest.fixture
def ingest(datasets: Datasets) -> Iterator[Ingest]:
    pool = DecodePool(children=1)
    yield Ingest(datasets, pool)
    pool.close()


@pytest.fixture
def reader(ingest: Ingest) -> Iterator[ImportReader]:
    made = ImportReader(ingest, ThumbnailMaker(ingest))
    yield made
    made.close()
    made.thumbnails.close()


@dataclass
class FailingReadings:
    """The database refuses to keep these stages of a reading."""

    stages: set[ReadingStage] = field(default_factory=set)
    once: bool = False
    failed: int = 0

    def look(self, _mapper: object, _connection: object, row: ImportReadingRow) -> None:
        if ReadingStage(row.stage) in self.stages and not (self.once and self.failed):
            self.failed += 1
            raise OperationalError("UPDATE import_readings", {}, Exception("disk I/O error"))


@pytest.fixture
def failing() -> Iterator[FailingReadings]:
    made = FailingReadings()
    for moment in ("before_insert", "before_update"):
        event.listen(ImportReadingRow, moment, made.look)
    yield made
    for moment in ("before_insert", "before_update"):
        event.remove(ImportReadingRow, moment, made.look)


def send(datasets: Datasets, actor: Actor, files: dict[str, bytes], *, to: str = "street/v1", key: str = "k") -> str:
    opened = begin_import(datasets, actor, ImportWish(to, key))
    for path, content in files.items():
        receive_file(datasets, actor, opened.id, path, [content])
    return opened.id


def read(reader: ImportReader, actor: Actor, import_id: str) -> Reading:
    """To its end."""
    reader.read(actor, import_id)
    # The thread takes one after another and ends after the last one.
    reader._wanted.put(None)
    assert reader._thread is not None
    reader._thread.join()
    reader._thread = None
    found = reader.look(actor, import_id)
    assert found is not None
    return found


def paths(datasets: Datasets, address: str = "street/v1") -> list[str]:
    with datasets.database.reading() as session:
        ids = {one.address: one.version.id for one in list_versions(session, "org_1")}
    return [asset.path for asset in assets_page(datasets, pin(datasets, ids[address]), after=None, limit=100).items]


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_images_that_were_sent_become_one_revision_and_a_broken_one_is_named(
    datasets: Datasets, actor: Actor, reader: ImportReader
) -> None:
    files = {"a/one.jpg": photograph(), "broken.jpg": truncated(), "two.png": photograph(kind="PNG"), "read.me": b"hi"}
    import_id = send(datasets, actor, files)
    found = read(reader, actor, import_id)
    report = stored_report(datasets, actor, import_id)
    assert report is not None
    assert (found.stage, found.outcome.format_name, report.added_assets) == (ReadingStage.FINISHED, "images", 2)
    assert list(report.refused.names.values()) == [["broken.jpg"]]
    assert paths(datasets) == ["a/one.jpg", "two.png"]
    assert list(datasets.objects.list_named("imports")) == []


def test_a_coco_file_among_its_images_brings_labels_and_shapes(
    datasets: Datasets, actor: Actor, reader: ImportReader
) -> None:
    import_id = send(datasets, actor, {"annotations.json": COCO, "images/one.jpg": photograph()})
    found = read(reader, actor, import_id)
    report = stored_report(datasets, actor, import_id)
    assert report is not None
    assert (found.outcome.format_name, report.added_assets, report.added_annotations) == ("coco", 1, 1)
    counts = label_histogram(datasets, pin(datasets, report.version_id))
    assert [(label.name, count) for label, count in counts] == [("person", 1)]


def test_a_yolo_folder_is_read(datasets: Datasets, actor: Actor, reader: ImportReader) -> None:
    files = {
        "data.yaml": b"names: [person, car]\ntrain: images\n",
        "images/one.jpg": photograph(),
        "labels/one.txt": b"1 0.5 0.5 0.2 0.2\n",
    }
    import_id = send(datasets, actor, files)
    assert read(reader, actor, import_id).outcome.format_name == "yolo"
    report = stored_report(datasets, actor, import_id)
    assert report is not None
    assert (report.added_annotations, report.new_labels) == (1, ["person", "car"])


def test_a_zip_is_looked_into_and_stands_beside_other_files(
    datasets: Datasets, actor: Actor, reader: ImportReader
) -> None:
    archive = zipped({"in/one.jpg": photograph(), "two.jpg": photograph(colour="blue"), "../out.jpg": b"x"})
    import_id = send(datasets, actor, {"street.zip": archive, "two.jpg": photograph(colour="green")})
    found = read(reader, actor, import_id)
    assert paths(datasets) == ["in/one.jpg", "two.jpg"]
    left_out = {reason: findings.names for reason, findings in found.outcome.left_out.items()}
    assert left_out["another file that was sent has the same name"] == ["street.zip: two.jpg"]
    assert any("../out.jpg" in name for names in left_out.values() for name in names)


def test_what_is_no_zip_is_refused_by_its_own_name(datasets: Datasets, actor: Actor, reader: ImportReader) -> None:
    found = read(reader, actor, send(datasets, actor, {"a/street.zip": b"no zip at all"}))
    assert (found.stage, found.outcome.refused) == (
        ReadingStage.REFUSED,
        "'a/street.zip' is not a zip, whatever its name says.",
    )
    cut = read(reader, actor, send(datasets, actor, {"cut.zip": zipped({"a.jpg": photograph()})[:-30]}, key="other"))
    assert "cut.zip" in cut.outcome.refused
    assert "imports/" not in cut.outcome.refused


def test_nothing_right_makes_no_revision_and_says_what_was_wrong(
    datasets: Datasets, actor: Actor, reader: ImportReader
) -> None:
    import_id = send(datasets, actor, {"broken.jpg": truncated()})
    found = read(reader, actor, import_id)
    assert (found.stage, stored_report(datasets, actor, import_id)) == (ReadingStage.FINISHED, None)
    assert [findings.names for findings in found.outcome.left_out.values()] == [["broken.jpg"]]
    with datasets.database.reading() as session:
        assert list_versions(session, "org_1") == []


def test_what_was_sent_is_listed_so_that_it_is_not_sent_again(datasets: Datasets, actor: Actor) -> None:
    first = send(datasets, actor, {"b.jpg": b"12", "a.txt": b"1"})
    assert begin_import(datasets, actor, ImportWish("street/v1", "k")).id == first
    page = received_files(datasets, actor, first, after=None, limit=1)
    assert (page.items, page.next_cursor) == ([ReceivedFile("a.txt", 1)], "a.txt")
    assert received_files(datasets, actor, first, after="a.txt", limit=1).items == [ReceivedFile("b.jpg", 2)]
    with pytest.raises(NotFound):
        received_files(datasets, Actor("usr_2", "org_2", Role.OWNER), first, after=None, limit=1)


@pytest.mark.parametrize("path", ["../a.jpg", "/a.jpg", "a\\b.jpg", "C:/a.jpg", "x" * 1001])
def test_a_path_that_leaves_its_folder_is_refused(datasets: Datasets, actor: Actor, path: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be taken"):
        send(datasets, actor, {path: b"x"})


def test_a_file_that_is_cut_off_is_not_there(datasets: Datasets, actor: Actor) -> None:
    opened = begin_import(datasets, actor, ImportWish("street/v1", "k"))

    def cut_off() -> Iterator[bytes]:
        yield b"half"
        raise InvalidInput("The upload ended too early.")

    with pytest.raises(InvalidInput):
        receive_file(datasets, actor, opened.id, "a.jpg", cut_off())
    assert received_files(datasets, actor, opened.id, after=None, limit=9).items == []


def test_a_reading_whose_server_died_goes_on_when_it_is_asked_for_again(
    datasets: Datasets, actor: Actor, ingest: Ingest, reader: ImportReader, clock: SetClock
) -> None:
    import_id = send(datasets, actor, {"one.jpg": photograph()})
    import_reading._tell(datasets, import_id, ReadingStage.IMAGES, 0, 1)
    under_way = reader.look(actor, import_id)
    assert under_way is not None
    assert under_way.stage is ReadingStage.IMAGES
    clock.forward(import_reading.SILENT_AFTER + timedelta(seconds=1))
    silent = reader.look(actor, import_id)
    assert silent is not None
    assert silent.stage is ReadingStage.INTERRUPTED
    assert read(reader, actor, import_id).stage is ReadingStage.FINISHED
    with pytest.raises(ImportFinished):
        receive_file(datasets, actor, import_id, "two.jpg", [b"x"])
    # It was committed, but nobody was left to say so.
    import_reading._tell(datasets, import_id, ReadingStage.COMMIT, 0, 1)
    clock.forward(import_reading.SILENT_AFTER + timedelta(seconds=1))
    assert read(ImportReader(ingest, reader.thumbnails), actor, import_id).stage is ReadingStage.FINISHED


def test_a_zip_with_a_damaged_member_is_read_but_for_that_member(
    datasets: Datasets, actor: Actor, reader: ImportReader
) -> None:
    packed = bytearray(zipped({"bad.jpg": photograph(), "good.jpg": photograph(colour="blue")}, zipfile.ZIP_DEFLATED))
    packed[45:75] = b"\xff" * 30
    import_id = send(datasets, actor, {"street.zip": bytes(packed)})
    found = read(reader, actor, import_id)
    assert (found.stage, paths(datasets)) == (ReadingStage.FINISHED, ["good.jpg"])
    ((reason, findings),) = found.outcome.left_out.items()
    assert ("'bad.jpg' in 'street.zip'" in reason, findings.names) == (True, ["bad.jpg"])


def test_what_nobody_foresaw_refuses_one_import_and_the_next_one_is_read(
    datasets: Datasets, actor: Actor, ingest: Ingest, reader: ImportReader
) -> None:
    class Odd(Exception):
        pass

    class OddPool(DecodePool):
        met = 0

        def look_at(self, image: ImageBytes, *, thumbnail: bool = False) -> Answer:
            self.met += 1
            if self.met == 1:
                raise Odd
            return super().look_at(image, thumbnail=thumbnail)

    pool = OddPool(children=1)
    odd = ImportReader(replace(ingest, pool=pool), reader.thumbnails)
    first = send(datasets, actor, {"one.jpg": photograph()})
    odd.read(actor, first)
    second = read(odd, actor, send(datasets, actor, {"two.jpg": photograph()}, key="o"))
    refused = odd.look(actor, first)
    pool.close()
    assert refused is not None
    assert (refused.stage, second.stage) == (ReadingStage.REFUSED, ReadingStage.FINISHED)
    assert paths(datasets) == ["two.jpg"]


def test_a_reading_thread_that_ended_is_started_again(datasets: Datasets, actor: Actor, reader: ImportReader) -> None:
    reader._thread = threading.Thread(target=lambda: None)
    reader._thread.start()
    reader._thread.join()
    assert read(reader, actor, send(datasets, actor, {"one.jpg": photograph()})).stage is ReadingStage.FINISHED


def test_a_reading_that_cannot_be_told_of_is_asked_for_again(
    datasets: Datasets, actor: Actor, reader: ImportReader, failing: FailingReadings, clock: SetClock
) -> None:
    import_id = send(datasets, actor, {"one.jpg": photograph()})
    failing.stages = {ReadingStage.WAITING}
    with pytest.raises(OperationalError):
        reader.read(actor, import_id)
    failing.stages = {ReadingStage.IMAGES, ReadingStage.REFUSED}
    reader.read(actor, import_id)
    read(reader, actor, send(datasets, actor, {"two.jpg": photograph()}, key="other"))
    failing.stages = set()
    # Nobody could say how it went: it is silent, until somebody asks again.
    clock.forward(import_reading.SILENT_AFTER + timedelta(seconds=1))
    assert read(reader, actor, import_id).stage is ReadingStage.FINISHED
    assert paths(datasets) == ["one.jpg"]


def test_an_import_that_was_committed_is_finished_even_where_saying_so_went_wrong(
    datasets: Datasets, actor: Actor, reader: ImportReader, failing: FailingReadings
) -> None:
    import_id = send(datasets, actor, {"one.jpg": photograph()})
    failing.stages, failing.once = {ReadingStage.FINISHED}, True
    assert read(reader, actor, import_id).stage is ReadingStage.FINISHED
    assert failing.failed == 1
    assert paths(datasets) == ["one.jpg"]


@pytest.mark.parametrize("name", ["a.jpg", "b.jpg"])
def test_an_interrupted_reading_begins_anew_when_it_gets_more_or_other_files(
    datasets: Datasets, actor: Actor, ingest: Ingest, reader: ImportReader, name: str
) -> None:
    import_id = send(datasets, actor, {"b.jpg": photograph()})
    digest = datasets.objects.put(photograph())
    stage_images(ingest, actor, import_id, 0, [Offered("b.jpg", digest)])
    import_reading._tell(datasets, import_id, ReadingStage.INTERRUPTED, 0, 0)
    reader.receive(actor, import_id, "b.jpg", [photograph()])
    assert staged_names(datasets, import_id) == ["images-000000"]
    reader.receive(actor, import_id, name, [photograph(colour="blue")])
    assert staged_names(datasets, import_id) == []
    assert read(reader, actor, import_id).stage is ReadingStage.FINISHED
    assert paths(datasets) == sorted({"b.jpg", name})


def test_files_are_refused_while_they_are_read(datasets: Datasets, actor: Actor, reader: ImportReader) -> None:
    import_id = send(datasets, actor, {"one.jpg": photograph()})

    def reading_begins() -> Iterator[bytes]:
        yield photograph()
        import_reading._tell(datasets, import_id, ReadingStage.IMAGES, 0, 1)

    for pieces in (reading_begins(), iter([photograph()])):
        with pytest.raises(ImportBeingRead):
            reader.receive(actor, import_id, "two.jpg", pieces)
    assert [one.path for one in received_files(datasets, actor, import_id, after=None, limit=9).items] == ["one.jpg"]


def test_files_of_an_abandoned_import_are_forgotten(datasets: Datasets, actor: Actor, clock: SetClock) -> None:
    send(datasets, actor, {"one.jpg": photograph(), "a.json": b"{}"})
    clock.forward(ABANDONED_AFTER + timedelta(seconds=1))
    assert sweep_abandoned(datasets) == 1
    assert list(datasets.objects.list_named("imports")) == []
