from hypothesis import given
from hypothesis import strategies as st

from pixmill_server.datasets.kept import Kept


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=40))
def test_what_is_kept_never_grows_beyond_its_size(asked: list[tuple[int, int]]) -> None:
    kept: Kept[int] = Kept(most=8, size_of=lambda size: size)
    there: dict[int, int] = {}
    for key, size in asked:
        expected = there.pop(key, size)
        there[key] = expected
        while len(there) > 1 and sum(there.values()) > kept.most:
            there.pop(next(iter(there)))
        assert kept.get(key, lambda size=size: size) == expected  # type: ignore[misc]  # a default binds the size


def test_one_value_that_is_too_large_is_kept_alone() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("once")
        return "a long text"

    kept: Kept[str] = Kept(most=3, size_of=len)
    assert [kept.get("key", make), kept.get("key", make)] == ["a long text"] * 2
    assert made == ["once"]
