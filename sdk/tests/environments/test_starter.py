import pytest

from pixmill.environments import parse_header, renamed, starter_source
from pixmill.errors import InvalidInput


def test_the_starter_is_a_processing_of_the_name_that_was_given() -> None:
    source = starter_source("find-cats")
    compile(source, "find_cats.py", "exec")
    assert "class FindCats:" in source
    assert parse_header(source).dependencies == ()


@pytest.mark.parametrize("name", ["Find Cats", "", "../x", "a--b", "class", "x" * 81])
def test_what_no_processing_can_be_called_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        starter_source(name)


def test_renaming_touches_the_code_and_not_the_texts() -> None:
    source = '"""Old does it."""\nclass Old:\n    older = 1\n    def again(self) -> "Old":\n        return Old()\n'
    assert renamed(source, entry="Old", name="brand-new") == (
        '"""Old does it."""\nclass BrandNew:\n    older = 1\n    def again(self) -> "Old":\n        return BrandNew()\n'
    )


def test_a_function_is_renamed_to_a_function() -> None:
    assert renamed("def old_one(): ...\n", entry="old_one", name="new-one") == "def new_one(): ...\n"
