import httpx2

from tests.running_server import Person, RunningServer


def asking(server: RunningServer, person: Person) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {person.token}"}
    return httpx2.Client(base_url=f"{server.url}/api/v1", headers=headers, timeout=60)


def test_local_is_there_from_the_start(server: RunningServer) -> None:
    with asking(server, server.member) as http:
        (local,) = http.get("/computes").json()["items"]
    assert (local["name"], local["executor"], local["price_per_hour"]) == ("local", "process", 0)
    assert local["cpus"] >= 1


def test_an_owner_sets_what_runs_get_and_cost(server: RunningServer) -> None:
    with asking(server, server.owner) as http:
        wish = {"cpus": 1, "memory_bytes": 8 << 30, "price_per_hour": 0.4, "concurrency": 2}
        wish |= {"processes": 200, "scratch_bytes": 1 << 30}
        assert http.patch("/computes/local", json=wish).status_code == 200
        assert wish.items() <= http.get("/computes/local").json().items()


def test_a_member_may_not_set_a_price(server: RunningServer) -> None:
    with asking(server, server.member) as http:
        assert http.patch("/computes/local", json={"price_per_hour": 1}).status_code == 403


def test_a_stranger_sees_their_own_local_only(server: RunningServer) -> None:
    with asking(server, server.stranger) as http, asking(server, server.owner) as ours:
        http.patch("/computes/local", json={"price_per_hour": 9})
        assert ours.get("/computes/local").json()["price_per_hour"] == 0
        identity = ours.get("/computes/local").json()["id"]
        assert http.get(f"/computes/{identity}").status_code == 404


def test_more_cpus_than_the_machine_has_are_refused_by_name(server: RunningServer) -> None:
    with asking(server, server.owner) as http:
        problem = http.patch("/computes/local", json={"cpus": 100_000}).json()
    assert (problem["status"], problem["field"]) == (422, "cpus")
    assert "this machine has" in problem["detail"]
