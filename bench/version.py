"""What a DatasetVersion of 100 000 assets and 1 000 000 boxes costs: a fork, a page, a commit."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from statistics import median

from bench.coco_file import CocoSize
from bench.report import Better, Figure
from bench.street import ACTOR, RUN, make_boxes, make_street, open_datasets, save
from pixmill_server.datasets import read, versions
from pixmill_server.datasets.changes import ChangePart, ChangeSource
from pixmill_server.datasets.kept import Kept
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.records import Pinned
from pixmill_server.datasets.revise import Committed
from pixmill_server.datasets.stores import RANKINGS_BYTES, Datasets

SIZE = CocoSize(images=100_000, boxes=1_000_000)
PAGE = 100
TIMES = 9


def measure() -> Iterable[Figure]:
    """Milliseconds, each beside bare Lance doing the same reads or writes."""
    with open_datasets() as datasets:
        version_id = make_street(datasets, SIZE)
        pinned = pin(datasets, version_id)
        assert (pinned.counts.assets, pinned.counts.annotations) == (SIZE.images, SIZE.boxes)
        yield _first_page(datasets, pinned)
        yield from (_page(datasets, pinned, position) for position in (0, SIZE.images // 2, SIZE.images - PAGE))
        yield _fork(datasets, pinned)
        yield _commit(datasets, version_id)


def _first_page(datasets: Datasets, pinned: Pinned) -> Figure:
    def cold() -> None:
        _read_page(replace(datasets, rankings=Kept(RANKINGS_BYTES, lambda _: 1)), pinned, SIZE.images // 2)

    return Figure(
        name="page of 100 assets with shapes, nothing cached",
        value=_milliseconds(cold),
        unit="ms",
        better=Better.LOWER,
        floor=100,
    )


def _page(datasets: Datasets, pinned: Pinned, position: int) -> Figure:
    assets = _read_page(datasets, pinned, position)
    listed = ", ".join(f"'{asset_id}'" for asset_id in assets)

    def bare() -> None:
        datasets.tables.open(pinned.annotations).to_table(filter=f"asset_id IN ({listed})")

    return Figure(
        name=f"page of 100 assets with shapes, from {position:,}",
        value=_milliseconds(lambda: _read_page(datasets, pinned, position)),
        unit="ms",
        better=Better.LOWER,
        baseline=_milliseconds(bare),
        baseline_name="Lance, the shapes only",
        floor=100,
    )


def _read_page(datasets: Datasets, pinned: Pinned, position: int) -> list[str]:
    page = read.assets_from(datasets, pinned, start=position, limit=PAGE)
    ids = [str(asset.id) for asset in page.items]
    rows = read.annotations_of(datasets, pinned, ids)
    assert rows.num_rows == PAGE * SIZE.boxes // SIZE.images
    return ids


def _fork(datasets: Datasets, pinned: Pinned) -> Figure:
    names, branches = iter(range(1000)), iter(range(1000))

    def bare() -> None:
        for table in (pinned.assets, pinned.annotations):
            datasets.tables.fork(table, f"bare{next(branches)}")

    return Figure(
        name="fork",
        value=_milliseconds(lambda: versions.fork(datasets, ACTOR, pinned, f"fork{next(names)}")),
        unit="ms",
        better=Better.LOWER,
        baseline=_milliseconds(bare),
        baseline_name="Lance, two branches",
        floor=200,
    )


def _commit(datasets: Datasets, version_id: str) -> Figure:
    page = read.assets_from(datasets, pin(datasets, version_id), start=0, limit=1000)
    assets = [str(asset.id) for asset in page.items]
    part = ChangePart(annotations=make_boxes(assets, 100, seed=8), done=assets)

    def whole() -> Committed:
        return save(datasets, version_id, ChangeSource(lambda: [part], RUN))

    taken = _milliseconds(whole)
    # The same rows as Lance reads them back: the newest 100 000 of the table.
    newest = datasets.tables.open(pin(datasets, version_id).annotations)
    rows = newest.to_table(offset=newest.count_rows() - len(part.annotations or ()))
    branch = datasets.tables.open(datasets.tables.fork(pin(datasets, version_id).annotations, "bare-commit"))
    return Figure(
        name="commit of 100,000 annotations",
        value=taken,
        unit="ms",
        better=Better.LOWER,
        baseline=_milliseconds(lambda: branch.insert(rows)),
        baseline_name="Lance, append",
        floor=500,
    )


def _milliseconds(action: Callable[[], object]) -> float:
    action()
    spans = []
    for _ in range(TIMES):
        start = time.perf_counter()
        action()
        spans.append((time.perf_counter() - start) * 1000)
    return median(spans)
