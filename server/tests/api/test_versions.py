"""DatasetVersions, their history and their Labels over REST, as the SDK speaks it."""

from collections.abc import Callable, Iterator

import pytest

from pixmill import Client
from pixmill.errors import Conflict, InvalidInput, NotFound, NotSignedIn, PixmillError
from tests.running_server import RunningServer


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with Client(server.url, server.member.token) as opened:
        yield opened


def test_a_version_is_made_with_its_dataset_and_found_by_address(client: Client) -> None:
    made = client.versions.create("street/v1")
    assert client.versions.show("street/v1") == made
    assert (made.address, made.revision, made.counts.assets, made.labels) == ("street/v1", 1, 0, [])
    (dataset,) = client.datasets.list()
    assert (dataset.name, dataset.versions) == ("street", [made])
    assert list(client.versions.list()) == [made]


def test_labels_are_set_added_renamed_and_removed_each_in_a_revision(client: Client) -> None:
    client.versions.create("street/v1")
    client.labels.set("street/v1", ["person", "car"])
    client.labels.add("street/v1", ["bus"])
    renamed = client.labels.rename("street/v1", "car", "vehicle")
    assert [label.name for label in renamed] == ["person", "vehicle", "bus"]
    client.labels.remove("street/v1", "bus")
    history = list(client.versions.history("street/v1"))
    assert [revision.number for revision in history] == [5, 4, 3, 2, 1]
    assert {revision.author for revision in history} == {"member"}
    assert [label.name for label in client.versions.show("street/v1@2").labels] == ["person", "car"]
    assert [label.name for label in client.labels.list("street/v1@3")] == ["person", "car", "bus"]


def test_a_revert_is_a_new_revision(client: Client) -> None:
    client.versions.create("street/v1")
    client.labels.set("street/v1", ["person"])
    client.labels.set("street/v1", ["car"])
    reverted = client.versions.revert("street/v1", 2)
    assert (reverted.revision, [label.name for label in reverted.labels]) == (4, ["person"])


def test_a_fork_begins_as_the_revision_that_was_named(client: Client) -> None:
    client.versions.create("street/v1")
    client.labels.set("street/v1", ["person"])
    client.labels.set("street/v1", ["car"])
    old, new = client.versions.fork("street/v1@2", "street/old"), client.versions.fork("street/v1", "street/new")
    assert (old.forked_from, [label.name for label in old.labels]) == ("street/v1@2", ["person"])
    assert (new.forked_from, [label.name for label in new.labels]) == ("street/v1@3", ["car"])


def test_a_fork_stays_in_its_dataset(client: Client) -> None:
    client.versions.create("street/v1")
    with pytest.raises(InvalidInput, match="stays in its Dataset"):
        client.versions.fork("street/v1", "park/v1")


def test_a_locked_version_never_changes(client: Client) -> None:
    client.versions.create("street/v1")
    client.versions.lock("street/v1")
    with pytest.raises(Conflict, match="is locked"):
        client.labels.set("street/v1", ["person"])
    client.versions.unlock("street/v1")
    client.labels.set("street/v1", ["person"])


def test_a_deleted_version_gives_its_name_free(client: Client) -> None:
    client.versions.create("street/v1")
    client.versions.delete("street/v1")
    with pytest.raises(NotFound):
        client.versions.show("street/v1")
    client.versions.create("street/v1")


def test_history_comes_in_pages(client: Client) -> None:
    version = client.versions.create("street/v1")
    for count in range(1, 6):
        client.labels.set("street/v1", [f"label {number}" for number in range(count)])
    pages = []
    cursor = None
    while True:
        parameters = {"limit": 2, "cursor": cursor}
        page = client.connection.raw("GET", f"/versions/{version.id}/revisions", parameters=parameters).json()
        pages.append([revision["number"] for revision in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == [[6, 5], [4, 3], [2, 1]]


@pytest.mark.parametrize(
    ("ask", "kind", "named"),
    [
        (lambda client: client.versions.show("moon/v1"), NotFound, "moon/v1"),
        (lambda client: client.versions.show("street/v1@99"), NotFound, "street/v1@99"),
        (lambda client: client.versions.show("no address"), InvalidInput, "no address"),
        (lambda client: client.versions.create("street/v1"), Conflict, "v1"),
        (lambda client: client.versions.create("street/../v1"), InvalidInput, "street/../v1"),
        (lambda client: client.versions.revert("street/v1", 7), NotFound, "street/v1@7"),
        (lambda client: client.labels.rename("street/v1", "dog", "cat"), NotFound, "dog"),
    ],
)
def test_what_is_refused_is_named(
    client: Client, ask: Callable[[Client], object], kind: type[PixmillError], named: str
) -> None:
    client.versions.create("street/v1")
    with pytest.raises(kind) as refused:
        ask(client)
    assert named in str(refused.value)
    assert client.versions.show("street/v1").revision == 1


def test_a_stranger_sees_and_changes_nothing(server: RunningServer, client: Client) -> None:
    version = client.versions.create("street/v1")
    with Client(server.url, server.stranger.token) as stranger:
        assert list(stranger.datasets.list()) == []
        assert list(stranger.versions.list()) == []
        asks: list[tuple[str, str, dict[str, object]]] = [
            ("GET", "", {}),
            ("PATCH", "", {"locked": True}),
            ("DELETE", "", {}),
            ("POST", "/fork", {"name": "v2"}),
            ("GET", "/revisions", {}),
            ("POST", "/revert", {"number": 1}),
            ("GET", "/labels", {}),
            ("PUT", "/labels", {"names": ["x"]}),
            ("POST", "/labels", {"names": ["x"]}),
            ("PATCH", "/labels/0", {"name": "x"}),
            ("DELETE", "/labels/0", {}),
        ]
        for method, path, body in asks:
            answer = stranger.connection._http.request(method, f"/versions/{version.id}{path}", json=body)
            assert answer.status_code == 404, (method, path, answer.text)
    assert client.versions.show("street/v1") == version


def test_everything_asks_who_you_are(server: RunningServer) -> None:
    with Client(server.url, "pxm_made-up") as nobody, pytest.raises(NotSignedIn):
        nobody.versions.show("street/v1")
