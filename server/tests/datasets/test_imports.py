"""An import is invisible until its commit, can be gone on with, and is committed once."""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3

from pixmill.annotations import BoundingBox, ColumnsBuilder
from pixmill.errors import InvalidInput, NotFound
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.datasets.changes import Existing
from pixmill_server.datasets.errors import VersionNotFound
from pixmill_server.datasets.exports import export_facts, export_lots
from pixmill_server.datasets.finish_import import FinishWish, ImportedLabel, ImportReport, finish_import
from pixmill_server.datasets.images import DecodePool
from pixmill_server.datasets.imports import (
    ABANDONED_AFTER,
    ImportFinished,
    ImportWish,
    OpenImport,
    begin_import,
    stage_annotations,
    stage_images,
    sweep_abandoned,
)
from pixmill_server.datasets.ingest import Ingest, Offered
from pixmill_server.datasets.labels import rename_label
from pixmill_server.datasets.pictures import ThumbnailMaker, picture_of, thumbnail_of
from pixmill_server.datasets.queries import list_versions, pin
from pixmill_server.datasets.read import assets_page
from pixmill_server.datasets.stores import Datasets, Step
from pixmill_server.datasets.thumbnails import thumbnail_key
from pixmill_server.datasets.versions import create_version, delete, rename_version
from pixmill_server.storage.objects import open_objects
from server.tests.datasets.building import SetClock
from server.tests.datasets.pictures import photograph, truncated
from tests.real_services import S3Bucket

WISH = ImportWish("street/v1", "the same key")


@pytest.fixture(scope="module")
def pool() -> DecodePool:
    return DecodePool(children=1)


@pytest.fixture
def ingest(datasets: Datasets, pool: DecodePool, tmp_path: Path) -> Ingest:
    return Ingest(datasets, pool, [tmp_path / "listed"])


def send(ingest: Ingest, *contents: bytes) -> list[Offered]:
    """Store bytes and offer them as 0.jpg, 1.jpg, ..."""
    return [Offered(f"{at}.jpg", ingest.datasets.objects.put(content)) for at, content in enumerate(contents)]


def bucket_options(s3: S3Bucket) -> dict[str, str]:
    return {
        "endpoint": s3.endpoint,
        "region": s3.region,
        "access_key_id": s3.access_key_id,
        "secret_access_key": s3.secret_access_key,
        "allow_http": "true",
    }


def boxes(*paths: str) -> bytes:
    builder = ColumnsBuilder()
    for at, path in enumerate(paths):
        builder.append(path, "person", BoundingBox(1, 2, 3, 4), external_id=at + 10)
    return builder.build().to_bytes()


def addresses(datasets: Datasets) -> list[str]:
    with datasets.database.reading() as session:
        return [one.address for one in list_versions(session, "org_1")]


def one_import(ingest: Ingest, actor: Actor, images: Sequence[Offered], annotations: bytes) -> OpenImport:
    opened = begin_import(ingest.datasets, actor, WISH)
    assert stage_images(ingest, actor, opened.id, 0, images).missing == ()
    stage_annotations(ingest.datasets, actor, opened.id, 0, annotations)
    return opened


def test_nothing_is_visible_before_the_commit_and_everything_after_it(
    datasets: Datasets, ingest: Ingest, actor: Actor
) -> None:
    images = send(ingest, photograph(), photograph(colour="blue"))
    opened = one_import(ingest, actor, images, boxes("0.jpg", "1.jpg"))
    assert addresses(datasets) == []
    label = ImportedLabel("person", 7, "living", ("nose", "tail"), [(1, 2)])
    report = finish_import(datasets, actor, opened.id, FinishWish(1, 1, [label]))
    assert addresses(datasets) == ["street/v1"]
    assert (report.added_assets, report.added_annotations, report.new_labels) == (2, 2, ["person"])
    assert list(datasets.objects.list_named("imports")) == []


def test_finishing_again_gives_the_first_report_and_takes_no_more_chunks(
    datasets: Datasets, ingest: Ingest, actor: Actor
) -> None:
    opened = one_import(ingest, actor, send(ingest, photograph()), boxes("0.jpg"))
    first = finish_import(datasets, actor, opened.id, FinishWish(1, 1, [ImportedLabel("person")]))
    assert finish_import(datasets, actor, opened.id, FinishWish(1, 1)) == first
    assert pin(datasets, first.version_id).number == first.number
    with pytest.raises(ImportFinished):
        stage_annotations(datasets, actor, opened.id, 1, boxes("0.jpg"))


def test_finishing_twice_at_once_commits_once(datasets: Datasets, ingest: Ingest, actor: Actor) -> None:
    opened = begin_import(datasets, actor, replace(WISH, existing=Existing.ADD))
    stage_images(ingest, actor, opened.id, 0, send(ingest, photograph()))
    stage_annotations(datasets, actor, opened.id, 0, boxes("0.jpg"))
    both_began, second_has_read = threading.Barrier(2), threading.Event()
    seen: dict[int, list[Step]] = {}

    def meet(step: Step) -> None:
        """Both pass the first look; whoever is first removes no chunk before the other has read them."""
        steps = seen.setdefault(threading.get_ident(), [])
        steps.append(step)
        if step is Step.LEASE and steps.count(step) == 1:
            both_began.wait(60)
        if step is Step.POINT and sum(Step.POINT in each for each in seen.values()) == 2:
            second_has_read.set()
        if step is Step.RELEASE:
            second_has_read.wait(60)

    # Made beforehand, for the making of a version takes its lease too.
    version_id = create_version(datasets, actor, WISH.address).id
    meeting, wish = replace(datasets, at_step=meet), FinishWish(1, 1, [ImportedLabel("person")])
    with ThreadPoolExecutor(2) as threads:
        finishes = [threads.submit(finish_import, meeting, actor, opened.id, wish) for _ in range(2)]
        first, second = (finish.result() for finish in finishes)
    assert second_has_read.is_set()
    assert (first, first.added_annotations) == (second, 1)
    head = pin(datasets, version_id)
    assert (head.number, head.counts.annotations) == (first.number, 1)


def test_a_finish_whose_chunks_another_one_has_removed_gives_the_report_of_that(
    datasets: Datasets, ingest: Ingest, actor: Actor
) -> None:
    opened = one_import(ingest, actor, send(ingest, photograph()), boxes("0.jpg"))
    wish = FinishWish(1, 1, [ImportedLabel("person")])
    others: list[ImportReport] = []

    def overtake(step: Step) -> None:
        if step is Step.LEASE and not others:
            others.append(finish_import(datasets, actor, opened.id, wish))

    assert [finish_import(replace(datasets, at_step=overtake), actor, opened.id, wish)] == others
    assert pin(datasets, others[0].version_id).counts.annotations == 1


def test_an_import_that_was_cut_off_is_gone_on_with(datasets: Datasets, ingest: Ingest, actor: Actor) -> None:
    images = send(ingest, photograph())
    first = begin_import(datasets, actor, WISH)
    stage_images(ingest, actor, first.id, 0, images)
    again = begin_import(datasets, actor, WISH)
    assert (again.id, again.staged) == (first.id, ["images-000000"])
    assert begin_import(datasets, actor, replace(WISH, key="another")).id != first.id


def test_an_import_goes_to_the_version_it_began_on_whatever_that_is_called_now(
    datasets: Datasets, ingest: Ingest, actor: Actor
) -> None:
    version_id = create_version(datasets, actor, WISH.address).id
    opened = one_import(ingest, actor, send(ingest, photograph()), boxes("0.jpg"))
    rename_version(datasets, actor, version_id, "v2")
    assert finish_import(datasets, actor, opened.id, FinishWish(1, 1)).version_id == version_id
    assert addresses(datasets) == ["street/v2"]


def test_an_import_into_a_version_that_was_deleted_meanwhile_makes_no_other_one_of_its_name(
    datasets: Datasets, ingest: Ingest, actor: Actor
) -> None:
    version_id = create_version(datasets, actor, WISH.address).id
    opened = one_import(ingest, actor, send(ingest, photograph()), boxes("0.jpg"))
    delete(datasets, actor, version_id)
    with pytest.raises(VersionNotFound, match=WISH.address):
        finish_import(datasets, actor, opened.id, FinishWish(1, 1))
    assert addresses(datasets) == []
    # Who begins again means the address as it is now.
    assert begin_import(datasets, actor, WISH).id == opened.id
    finish_import(datasets, actor, opened.id, FinishWish(1, 1))
    assert addresses(datasets) == ["street/v1"]


def test_a_chunk_whose_bytes_are_missing_is_not_staged(datasets: Datasets, ingest: Ingest, actor: Actor) -> None:
    opened = begin_import(datasets, actor, WISH)
    digest = blake3(photograph()).hexdigest()
    offered = [Offered("a.jpg", digest), Offered("b.jpg", digest)]
    assert stage_images(ingest, actor, opened.id, 0, offered).missing == [digest]
    with pytest.raises(InvalidInput, match="lacks 1 chunks: images-000000"):
        finish_import(datasets, actor, opened.id, FinishWish(1, 0))
    datasets.objects.put(photograph())
    assert stage_images(ingest, actor, opened.id, 0, offered).missing == ()
    assert finish_import(datasets, actor, opened.id, FinishWish(1, 0)).added_assets == 2


def test_a_refused_image_takes_its_shapes_with_it(datasets: Datasets, ingest: Ingest, actor: Actor) -> None:
    images = send(ingest, photograph(), truncated())
    opened = one_import(ingest, actor, images, boxes("0.jpg", "1.jpg", "1.jpg", "nowhere.jpg"))
    report = finish_import(datasets, actor, opened.id, FinishWish(1, 1, [ImportedLabel("person")]))
    assert (report.added_assets, report.added_annotations) == (1, 1)
    reasons = {reason.split(" (")[0]: report.refused.names[reason] for reason in report.refused.counts}
    assert reasons == {
        "it is truncated or damaged": ["1.jpg"],
        "the image that its shapes are on was not imported": ["1.jpg"],
        "the image that its shapes are on is neither in the import nor in the version": ["nowhere.jpg"],
    }
    assert report.refused.counts["the image that its shapes are on was not imported"] == 2


@pytest.mark.parametrize("path", ["../a.jpg", "/a.jpg", "a//b.jpg", "a/./b.jpg", "", "a\n.jpg", "a\\b.jpg"])
def test_a_path_that_could_not_be_written_again_is_refused(
    datasets: Datasets, ingest: Ingest, actor: Actor, path: str
) -> None:
    (image,) = send(ingest, photograph())
    opened = begin_import(datasets, actor, WISH)
    assert list(stage_images(ingest, actor, opened.id, 0, [replace(image, path=path)]).refused) == [path]


def test_bytes_that_hold_no_annotations_are_refused(datasets: Datasets, ingest: Ingest, actor: Actor) -> None:
    opened = begin_import(datasets, actor, WISH)
    for packed in (b"", b"hello", b"\x81\xa1a\x01", boxes("a.jpg")[:-9]):
        with pytest.raises(InvalidInput, match="does not hold annotations"):
            stage_annotations(datasets, actor, opened.id, 0, packed)


def test_attributes_that_are_not_one_object_are_refused(datasets: Datasets, actor: Actor) -> None:
    opened = begin_import(datasets, actor, WISH)
    columns = ColumnsBuilder().append("a.jpg", "car", BoundingBox(1, 2, 3, 4), attributes={"far": 1}).build()
    for text in (b'{"a":1},"label":"other"', b"[1]", b'"a"', b"{", b'{"a":\xff}', b'{"a":' * 100_000):
        wrong = replace(columns, attributes=np.frombuffer(text, np.uint8), attribute_offsets=np.array([0, len(text)]))
        with pytest.raises(InvalidInput, match="attributes are no JSON object"):
            stage_annotations(datasets, actor, opened.id, 0, wrong.to_bytes())
    stage_annotations(datasets, actor, opened.id, 0, columns.to_bytes())


def test_an_import_of_another_organization_is_not_there(datasets: Datasets, actor: Actor) -> None:
    opened = begin_import(datasets, actor, WISH)
    stranger = Actor("usr_2", "org_2", Role.OWNER)
    with pytest.raises(NotFound, match="import"):
        stage_annotations(datasets, stranger, opened.id, 0, boxes("a.jpg"))
    assert begin_import(datasets, stranger, WISH).id != opened.id


def test_an_abandoned_import_is_swept_after_a_week(
    datasets: Datasets, ingest: Ingest, actor: Actor, clock: SetClock
) -> None:
    opened = one_import(ingest, actor, send(ingest, photograph()), boxes("0.jpg"))
    assert sweep_abandoned(datasets) == 0
    clock.forward(ABANDONED_AFTER + timedelta(seconds=1))
    assert sweep_abandoned(datasets) == 1
    assert list(datasets.objects.list_named("imports")) == []
    with pytest.raises(NotFound):
        finish_import(datasets, actor, opened.id, FinishWish(1, 1))


def test_images_by_reference_are_read_where_they_lie_and_only_below_listed_folders(
    datasets: Datasets, ingest: Ingest, actor: Actor, tmp_path: Path
) -> None:
    for folder in ("listed", "secret"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a?b #%41.jpg").write_bytes(photograph())
    (tmp_path / "listed" / "link.jpg").symlink_to(tmp_path / "secret" / "a?b #%41.jpg")

    def offer(path: str, uri: str) -> Offered:
        return Offered(path, source_uri=uri, width=40, height=30)

    offered = [
        offer("good.jpg", f"{tmp_path}/listed/a?b #%41.jpg"),
        offer("address.jpg", "https://example.org/a.jpg"),
        offer("secret.jpg", f"{tmp_path}/secret/a?b #%41.jpg"),
        offer("dots.jpg", f"{tmp_path}/listed/../secret/a?b #%41.jpg"),
        offer("link.jpg", f"{tmp_path}/listed/link.jpg"),
        offer("gone.jpg", f"{tmp_path}/listed/gone.jpg"),
        Offered("unknown-size.jpg", source_uri=f"{tmp_path}/listed/a?b #%41.jpg"),
        Offered("nothing.jpg"),
    ]
    opened = begin_import(datasets, actor, WISH)
    refused = stage_images(ingest, actor, opened.id, 0, offered).refused
    assert list(refused) == ["secret.jpg", "dots.jpg", "link.jpg", "gone.jpg", "unknown-size.jpg", "nothing.jpg"]
    assert "PIXMILL_REFERENCE_ROOTS" in refused["secret.jpg"]
    report = finish_import(datasets, actor, opened.id, FinishWish(1, 0))
    pinned = pin(datasets, report.version_id)
    address, good = assets_page(datasets, pinned, after=None, limit=9).items
    assert picture_of(ingest, good).path == tmp_path / "listed" / "a?b #%41.jpg"
    assert thumbnail_of(ingest, good)[8:12] == b"WEBP"
    assert picture_of(ingest, address).url == "https://example.org/a.jpg"
    with pytest.raises(NotFound, match="not fetched"):
        thumbnail_of(ingest, address)
    with pytest.raises(NotFound, match="no longer listed"):
        picture_of(replace(ingest, reference_roots=()), good)
    os.unlink(tmp_path / "listed" / "a?b #%41.jpg")  # noqa: PTH108 - a name with special characters
    with pytest.raises(NotFound, match="gone"):
        picture_of(ingest, good)


def test_what_a_file_said_of_a_label_is_exported_under_its_new_name(
    datasets: Datasets, ingest: Ingest, actor: Actor
) -> None:
    opened = one_import(ingest, actor, send(ingest, photograph()), boxes("0.jpg"))
    label = ImportedLabel("person", 7, "living", ("nose", "tail"), [(1, 2)])
    report = finish_import(datasets, actor, opened.id, FinishWish(1, 1, [label]))
    made = pin(datasets, report.version_id).label_named("person")
    rename_label(datasets, actor, report.version_id, made.id, "human")
    pinned = pin(datasets, report.version_id)
    facts = export_facts(datasets, pinned)
    assert facts.labels == [ImportedLabel("human", 7, "living", ("nose", "tail"), [(1, 2)])]
    assert (facts.assets, facts.highest_annotation_id) == (1, 10)
    ((assets, columns),) = export_lots(datasets, pinned)
    assert [asset.path for asset in assets] == ["0.jpg"]
    assert (columns.assets, columns.labels) == (("0.jpg",), ("human",))


def test_thumbnails_are_made_in_the_background(datasets: Datasets, ingest: Ingest, actor: Actor) -> None:
    contents = [photograph(), photograph(colour="blue")]
    opened = one_import(ingest, actor, send(ingest, *contents), boxes("0.jpg"))
    report = finish_import(datasets, actor, opened.id, FinishWish(1, 1, [ImportedLabel("person")]))
    maker = ThumbnailMaker(ingest)
    maker.make_for(report.version_id, report.number)
    maker.finish()
    for content in contents:
        assert datasets.objects.named_size(thumbnail_key(blake3(content).hexdigest()))
    maker.close()


def test_images_in_a_bucket_are_decoded_too(s3: S3Bucket, datasets: Datasets, pool: DecodePool, actor: Actor) -> None:
    in_bucket = replace(datasets, objects=open_objects(f"s3://{s3.name}/here", bucket_options(s3)))
    ingest = Ingest(in_bucket, pool)
    opened = begin_import(in_bucket, actor, WISH)
    answer = stage_images(ingest, actor, opened.id, 0, send(ingest, photograph(orientation=6), truncated()))
    assert list(answer.refused) == ["1.jpg"]
    report = finish_import(in_bucket, actor, opened.id, FinishWish(1, 0))
    (asset,) = assets_page(in_bucket, pin(in_bucket, report.version_id), after=None, limit=9).items
    assert (asset.width, asset.height) == (30, 40)
    assert thumbnail_of(ingest, asset)[8:12] == b"WEBP"
