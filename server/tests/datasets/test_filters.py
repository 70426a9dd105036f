"""Filters and orders of assets, against the same said in plain Python."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixmill.annotations import BoundingBox, ColumnsBuilder, Origin, Review, Source
from pixmill.errors import InvalidInput, NotFound
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.datasets import edit, read
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.counting import facets
from pixmill_server.datasets.facets import SCORE_BINS
from pixmill_server.datasets.filter_text import filter_of_pairs, filter_of_text, in_words, pairs_of, text_of
from pixmill_server.datasets.filters import ALL, AssetFilter
from pixmill_server.datasets.orders import Order
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.records import AssetRecord, Pinned
from pixmill_server.datasets.schemas import ASSETS
from pixmill_server.datasets.selections import keep_selection
from pixmill_server.datasets.stores import Datasets
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database
from pixmill_server.storage.objects import open_objects
from pixmill_server.storage.tables import Tables
from server.tests.datasets.building import IMPORT, SetClock, asset_rows, run_commit, street

ACTOR = Actor(user_id="usr_1", organization_id="org_1", role=Role.OWNER)
PATHS = tuple(
    f"{folder}/{'Ü%_' if number % 5 == 0 else 'img'}{number:02}.jpg" for folder in "ba" for number in range(20)
)
TAGS = ("night", "rain", "it's")
YOLO = Origin(Source.RUN, run_id="run_1", processing="yolo", model="m@1")
OTHER = Origin(Source.RUN, run_id="run_2", processing="other", model="")


@dataclass(frozen=True)
class Street:
    """A version, and all of it as Python values."""

    datasets: Datasets
    pinned: Pinned
    assets: list[AssetRecord]
    shapes: dict[str, list[dict[str, Any]]]
    """Rows by asset id."""

    def meant(self, where: AssetFilter, order: Order = Order.PATH) -> list[str]:
        return [
            asset.id
            for asset in sorted(filter(lambda a: self.keeps(where, a), self.assets), key=self.key(where, order))
        ]

    def keeps(self, where: AssetFilter, asset: AssetRecord) -> bool:
        about = [shape for shape in self.shapes[asset.id] if self.is_about(where, shape)]
        return (
            (where.ids is None or asset.id in where.ids)
            and (where.paths is None or asset.path in where.paths)
            and where.name_contains.lower() in asset.path.lower()
            and set(where.tags) <= set(asset.tags)
            and (not where.looks_at_annotations or bool(about) == (where.annotated is not False))
        )

    def is_about(self, where: AssetFilter, shape: dict[str, Any]) -> bool:
        names = {label.id: label.name for label in self.pinned.labels}
        score = shape["score"]
        return (
            (not where.labels or names[shape["label_id"]] in where.labels)
            and (not where.sources or shape["source"] in where.sources)
            and (not where.reviews or shape["review"] in where.reviews)
            and (not where.processings or shape["processing"] in where.processings)
            and (not where.run_id or shape["run_id"] == where.run_id)
            and (where.min_score is None or (score is not None and score >= where.min_score))
            and (where.max_score is None or (score is not None and score <= where.max_score))
        )

    def key(self, where: AssetFilter, order: Order) -> Any:
        def of(asset: AssetRecord) -> tuple[float, bytes]:
            about = [shape for shape in self.shapes[asset.id] if self.is_about(where, shape)]
            scores = [shape["score"] for shape in about if shape["score"] is not None]
            keys = {
                Order.PATH: 0.0,
                Order.NEWEST: -asset.created_at.timestamp(),
                Order.MOST_SHAPES: -len(about),
                Order.FEWEST_SHAPES: len(about),
                Order.LOWEST_SCORE: min(scores, default=math.inf),
                Order.HIGHEST_SCORE: -max(scores, default=-math.inf),
            }
            return keys[order], asset.path.encode()

        return of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    folder = tmp_path_factory.mktemp("filters")
    database = open_database(f"sqlite:///{folder}/pixmill.db")
    schema.upgrade(database)
    clock = SetClock()
    datasets = Datasets(database, Tables(str(folder / "tables")), open_objects(str(folder / "objects")), clock)
    version_id = street(datasets, ACTOR, ())
    for number, lot in enumerate((PATHS[10:], PATHS[:10])):
        clock.forward(timedelta(hours=1))
        run_commit(datasets, version_id, ChangePart(assets=_tagged(asset_rows(datasets, lot), number)), origin=IMPORT)
    for number, origin in enumerate((IMPORT, YOLO, OTHER)):
        run_commit(datasets, version_id, _some_boxes(number), origin=origin)
    _review(datasets, version_id)
    yield _read_all(datasets, pin(datasets, version_id))
    database.close()


def _tagged(rows: pa.RecordBatch, number: int) -> pa.RecordBatch:
    values = rows.to_pylist()
    for place, row in enumerate(values):
        row["tags"] = [tag for step, tag in enumerate(TAGS, start=2) if (place + number) % step == 0]
    return pa.RecordBatch.from_pylist(values, schema=ASSETS)


def _some_boxes(number: int) -> ChangePart:
    builder = ColumnsBuilder()
    for place, path in enumerate(PATHS):
        for shape in range((place + number) % 3):
            score = None if number == 0 or shape == 1 else ((place * 7 + number) % 21) / 20
            label = "car" if (place + shape) % 2 else "person"
            builder.append(path, label, BoundingBox(shape, 2, 3, 4), score=score)
    return ChangePart(annotations=builder.build())


def _review(datasets: Datasets, version_id: str) -> None:
    rows = [row for _, rows in read.annotations_scan(datasets, pin(datasets, version_id)) for row in rows.to_pylist()]
    states = (Review.ACCEPTED, Review.REJECTED)
    edits: list[edit.Edit] = [
        edit.SetReview(row["asset_id"], row["id"], states[number % 2]) for number, row in enumerate(rows) if number % 3
    ]
    edits += [edit.AddShape(row["asset_id"], "car", BoundingBox(1, 1, 2, 2)) for row in rows[::5]]
    edit.save(datasets, ACTOR, version_id, edit.EditBatch(edits))


def _read_all(datasets: Datasets, pinned: Pinned) -> Street:
    assets: list[AssetRecord] = []
    shapes: dict[str, list[dict[str, Any]]] = {}
    for lot, rows in read.annotations_scan(datasets, pinned):
        assets += lot
        shapes |= {asset.id: [] for asset in lot}
        for row in rows.to_pylist():
            shapes[row["asset_id"]].append(row)
    return Street(datasets, pinned, assets, shapes)


def _some(values: Any) -> Any:
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


SCORES = st.none() | st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.95, 1.0])
FILTERS = st.builds(
    AssetFilter,
    paths=st.none() | st.lists(st.sampled_from(PATHS), max_size=15).map(tuple),
    tags=_some(TAGS),
    name_contains=st.sampled_from(["", "IMG", "a/", "ü", "%", "_0", "zz"]),
    annotated=st.sampled_from([None, True, False]),
    labels=_some(["car", "person"]),
    sources=_some(list(Source)),
    reviews=_some(list(Review)),
    processings=_some(["yolo", "other", "none"]),
    run_id=st.sampled_from(["", "run_1", "run_9"]),
    min_score=SCORES,
    max_score=SCORES,
)


@given(where=FILTERS, order=st.sampled_from(Order))
@settings(max_examples=60, deadline=None)
def test_a_filter_and_an_order_mean_what_they_mean_in_plain_python(
    made: Street, where: AssetFilter, order: Order
) -> None:
    meant = made.meant(where, order)
    page = read.assets_from(made.datasets, made.pinned, start=0, limit=1000, where=where, order=order)
    assert [asset.id for asset in page.items] == meant
    assert read.count_assets(made.datasets, made.pinned, where) == len(meant)


@given(where=FILTERS)
@settings(max_examples=30, deadline=None)
def test_what_a_filter_can_choose_from_is_counted_as_in_plain_python(made: Street, where: AssetFilter) -> None:
    counted = facets(made.datasets, made.pinned, where)
    meant = made.meant(where)
    # Where assets without such a shape are meant, all their other shapes are counted.
    about = ALL if where.annotated is False else where
    shapes = {asset_id: [one for one in made.shapes[asset_id] if made.is_about(about, one)] for asset_id in meant}
    every = [shape for of_asset in shapes.values() for shape in of_asset]
    assert (counted.assets, counted.annotated) == (len(meant), sum(bool(of_asset) for of_asset in shapes.values()))
    for column, found in (
        ("label_id", counted.labels),
        ("source", counted.sources),
        ("review", counted.reviews),
        ("processing", counted.processings),
    ):
        values = {shape[column] for shape in every} - {""}
        assert {value: (tally.assets, tally.shapes) for value, tally in found.items()} == {
            value: (
                sum(any(shape[column] == value for shape in of_asset) for of_asset in shapes.values()),
                sum(shape[column] == value for shape in every),
            )
            for value in values
        }
    scored = [shape["score"] for shape in every if shape["score"] is not None]
    assert counted.scores == tuple(
        sum(min(int(score * SCORE_BINS), SCORE_BINS - 1) == bin_ for score in scored) for bin_ in range(SCORE_BINS)
    )
    assert counted.without_score == len(every) - len(scored)
    tags = [tag for asset in made.assets if asset.id in meant for tag in asset.tags]
    assert {tag: tally.assets for tag, tally in counted.tags.items()} == {tag: tags.count(tag) for tag in set(tags)}


@given(where=FILTERS, order=st.sampled_from(Order))
@settings(max_examples=20, deadline=None)
def test_an_asset_knows_its_place_in_a_filter(made: Street, where: AssetFilter, order: Order) -> None:
    meant = made.meant(where, order)
    for asset in made.assets[::7]:
        place = read.rank_of(made.datasets, made.pinned, asset, where=where, order=order)
        assert place == (meant.index(asset.id) if asset.id in meant else None)


@given(where=FILTERS.map(lambda where: filter_of_pairs(pairs_of(where))))
@settings(max_examples=100, deadline=None)
def test_a_filter_can_be_written_into_an_address_and_read_back(where: AssetFilter) -> None:
    assert filter_of_text(text_of(where)) == where
    assert bool(in_words(where)) == (not where.is_all)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lable=car", "lable"),
        ("min_score=two", "two"),
        ("max_score=2", "'2'"),
        ("source=me", "me"),
        ("annotated=1", "'1'"),
    ],
)
def test_what_a_filter_does_not_know_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        filter_of_text(text)


def test_a_selection_means_exactly_its_assets_in_any_revision(made: Street) -> None:
    picked = [made.assets[number].id for number in (7, 3, 3, 21)]
    name = keep_selection(made.datasets.objects, [*picked, "0" * 32])
    assert keep_selection(made.datasets.objects, reversed([*picked, "0" * 32])) == name
    where = AssetFilter(selection=name)
    found = [
        str(asset.id) for asset in read.assets_page(made.datasets, made.pinned, after=None, limit=9, where=where).items
    ]
    assert found == [made.assets[number].id for number in (3, 7, 21)]


def test_all_but_some_of_a_filter_can_be_selected(made: Street) -> None:
    meant = made.meant(AssetFilter(labels=("car",)))
    name = read.select_all_but(made.datasets, made.pinned, AssetFilter(labels=("car",)), meant[:2])
    assert made.datasets.rankings.most > 0
    page = read.assets_from(made.datasets, made.pinned, start=0, limit=1000, where=AssetFilter(selection=name))
    assert [asset.id for asset in page.items] == meant[2:]


@pytest.mark.parametrize("name", ["sel_" + "0" * 32, "sel_../../pixmill.db", "nothing"])
def test_a_selection_that_is_not_there_is_not_found(made: Street, name: str) -> None:
    with pytest.raises(NotFound, match="selection"):
        read.count_assets(made.datasets, made.pinned, AssetFilter(selection=name))


@pytest.mark.parametrize("ids", [[], ["../../etc"], ["A" * 32]])
def test_a_selection_is_of_ids_and_not_empty(made: Street, ids: list[str]) -> None:
    with pytest.raises(InvalidInput):
        keep_selection(made.datasets.objects, ids)


def test_one_asset_is_found_by_its_id_also_where_its_row_is_known(made: Street) -> None:
    before = made.datasets
    datasets = Datasets(before.database, before.tables, before.objects, before.clock)
    for count in (lambda: None, lambda: facets(datasets, made.pinned)):
        count()
        assert [read.asset_by_id(datasets, made.pinned, asset.id) for asset in made.assets] == made.assets
        for unknown in ("f" * 32, made.assets[0].id + "0", ""):
            with pytest.raises(NotFound):
                read.asset_by_id(datasets, made.pinned, unknown)
    assert datasets.positions.known(made.pinned.assets) is not None
