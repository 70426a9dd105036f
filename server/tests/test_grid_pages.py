"""The Assets grid as HTML: windows, filters, selections and what they refuse."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path

import httpx2
import pytest

from pixmill import Client
from pixmill.annotations import BoundingBox, ColumnsBuilder
from pixmill.errors import InvalidInput
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.filters import AssetFilter
from pixmill_server.datasets.queries import find_version, pin
from pixmill_server.datasets.read import count_assets
from pixmill_server.settings import read_settings
from server.tests.datasets.building import IMPORT, RUN, asset_rows, id_of, run_commit, street
from tests.running_server import RunningServer, serve

PATHS = [f"{number:03}.jpg" for number in range(130)] + ["<script>alert(1)</script>.jpg"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("grid") / "data"
    with serve(read_settings({"PIXMILL_DATA": str(data), "PIXMILL_BUNDLE": str(bundle)})) as running:
        datasets = running.services.datasets
        version_id = street(datasets, running.owner.actor, ())
        run_commit(datasets, version_id, ChangePart(assets=asset_rows(datasets, PATHS)), origin=IMPORT)
        builder = ColumnsBuilder()
        for number, path in enumerate(PATHS[:100]):
            builder.append(path, "car" if number % 2 else "person", BoundingBox(1, 2, 3, 4), score=number / 100)
        run_commit(datasets, version_id, ChangePart(annotations=builder.build()), origin=RUN)
        yield running


@contextmanager
def sign_in(running: RunningServer) -> Iterator[httpx2.Client]:
    """As the owner, sending what a browser sends; redirects are not followed."""
    with httpx2.Client(base_url=running.url, headers={"Origin": running.url}, trust_env=False, timeout=60) as client:
        answer = client.post("/sign-in", data={"token": running.owner.token})
        cookies = SimpleCookie(answer.headers["set-cookie"])
        client.cookies.update({name: morsel.value for name, morsel in cookies.items()})
        yield client


@pytest.fixture(scope="module")
def browser(running: RunningServer) -> Iterator[httpx2.Client]:
    with sign_in(running) as client:
        yield client


def places(html: str) -> list[int]:
    return [int(part.split('"')[0]) for part in html.split('aria-posinset="')[1:]]


def test_the_first_page_has_the_first_assets_and_every_window_the_ones_asked_for(browser: httpx2.Client) -> None:
    assert places(browser.get("/datasets/street/v1").text) == list(range(1, 61))
    assert places(browser.get("/datasets/street/v1?page=3").text) == list(range(121, 132))
    assert places(browser.get("/datasets/street/v1?page=99").text) == list(range(121, 132))
    assert places(browser.get("/datasets/street/v1/window?start=90&limit=7").text) == list(range(91, 98))
    assert places(browser.get("/datasets/street/v1/window?start=500").text) == []


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("label=car", 50),
        ("label=car&label=person", 100),
        ("annotated=false", 31),
        ("name=00", 11),
        ("min_score=0.9&label=car", 5),
        ("source=human", 0),
        ("processing=yolo&max_score=0.095", 10),
        ("name=&label=&utm=x", 131),
    ],
)
def test_the_address_says_what_is_shown(browser: httpx2.Client, query: str, total: int) -> None:
    text = browser.get(f"/datasets/street/v1?{query}").text
    assert f"<strong>{total}</strong>" in text
    assert len(places(text)) == min(total, 60)


def test_sorting_and_the_filter_follow_into_the_viewer_and_the_windows(browser: httpx2.Client) -> None:
    text = browser.get("/datasets/street/v1?sort=highest-score&label=car&page=1&junk=1").text
    assert f'href="/datasets/street/v1/assets/{id_of(PATHS[99])}?label=car&amp;sort=highest-score"' in text
    assert 'data-window="/datasets/street/v1/window?label=car&amp;sort=highest-score"' in text
    assert 'href="/datasets/street/v1/process?where=label%3Dcar"' in text


@pytest.mark.parametrize("query", ["label=unicorn", "min_score=x", "sort=luck", "selection=sel_1"])
def test_an_address_that_cannot_be_shown_says_why_and_leads_back(browser: httpx2.Client, query: str) -> None:
    answer = browser.get(f"/datasets/street/v1?{query}")
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert query.split("=")[1] in answer.text


def test_names_and_filters_with_html_are_shown_as_text(browser: httpx2.Client) -> None:
    text = browser.get("/datasets/street/v1", params={"name": "<script>"}).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_ticked_boxes_become_a_selection_to_be_processed(browser: httpx2.Client, running: RunningServer) -> None:
    ids = [id_of(path) for path in PATHS[3:6]]
    answer = browser.post("/datasets/street/v1/selection", data={"asset": ids, "mode": "only", "then": "process"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/datasets/street/v1/process?where=selection%3Dsel_")
    name = answer.headers["location"].rpartition("%3D")[2]
    assert counted(running, AssetFilter(selection=name)) == 3


def test_all_but_some_of_a_filter_become_a_selection(browser: httpx2.Client, running: RunningServer) -> None:
    sent = {"ids": f"{id_of(PATHS[1])} {id_of(PATHS[3])}", "mode": "but", "then": "show"}
    answer = browser.post("/datasets/street/v1/selection?label=car", data=sent)
    name = answer.headers["location"].rpartition("=")[2]
    assert counted(running, AssetFilter(selection=name)) == 48
    assert "<strong>48</strong>" in browser.get(answer.headers["location"]).text


def test_ten_thousand_ids_are_taken_as_a_selection(browser: httpx2.Client) -> None:
    ids = " ".join(f"{number:032x}" for number in range(10_000))
    answer = browser.post("/datasets/street/v1/selection", data={"ids": ids, "mode": "only"})
    assert answer.status_code == 303


@pytest.mark.parametrize("sent", [{}, {"asset": "../../etc/passwd"}])
def test_a_selection_of_nothing_is_refused(browser: httpx2.Client, sent: dict[str, str]) -> None:
    assert browser.post("/datasets/street/v1/selection", data=sent).status_code == 422


def test_ids_of_any_range_of_the_filter_are_told(browser: httpx2.Client) -> None:
    text = browser.get("/datasets/street/v1/ids?label=car&sort=lowest-score&start=1&limit=2").text
    assert text.split("\n") == [id_of(PATHS[3]), id_of(PATHS[5])]


def counted(running: RunningServer, where: AssetFilter) -> int:
    datasets, actor = running.services.datasets, running.owner.actor
    with running.services.database.reading() as session:
        version = find_version(session, actor.organization_id, VersionAddress("street", "v1", None))
    return count_assets(datasets, pin(datasets, version.id), where)


def test_the_client_lists_by_the_same_filter_and_order(running: RunningServer) -> None:
    client = Client(running.url, running.owner.token)
    found = client.assets.list("street/v1", filter="label=car&min_score=0.9", sort="highest-score")
    assert [asset.path for asset in found] == [PATHS[number] for number in (99, 97, 95, 93, 91)]
    everything = client.assets.list("street/v1", sort="most-shapes")
    assert len({asset.id for asset in everything}) == len(PATHS)
    with pytest.raises(InvalidInput, match="lable"):
        list(client.assets.list("street/v1", filter="lable=car"))
    with pytest.raises(InvalidInput, match="twice"):
        list(client.assets.list("street/v1", filter="label=car", tag="night"))
