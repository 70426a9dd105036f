"""Model classes and Labels."""

import pytest

from pixmill.errors import InvalidInput
from pixmill_server.jobs.matching import NothingToAnnotate, match_classes, require_something, wanted_classes

_CLASSES = ("person", "Car", "bicycles", "traffic_light", "dog")


def test_classes_go_to_the_label_of_exactly_their_name() -> None:
    matching = match_classes(_CLASSES, ["person", "car"], {})
    assert matching.mapped == {"person": "person"}
    assert matching.labels_without_class == ("car",)
    assert matching.ignored == ("Car", "bicycles", "traffic_light", "dog")


@pytest.mark.parametrize(
    ("model_class", "label"),
    [
        ("Car", "car"),
        ("bicycles", "bicycle"),
        ("traffic_light", "Traffic Light"),
        ("people", "person"),
        ("bus", "buses"),
        ("box", "boxes"),
        ("puppy", "puppies"),
    ],
)
def test_differences_of_case_and_number_are_proposed_and_not_applied(model_class: str, label: str) -> None:
    matching = match_classes([model_class], [label], {})
    assert matching.mapped == {}
    assert [(p.model_class, p.label) for p in matching.proposals] == [(model_class, label)]


def test_glass_is_not_the_plural_of_glas() -> None:
    assert match_classes(["glass"], ["glas"], {}).proposals == ()


def test_several_classes_may_go_to_one_label() -> None:
    matching = match_classes(_CLASSES, ["vehicle"], {"Car": "vehicle", "bicycles": "vehicle"})
    assert matching.mapped == {"Car": "vehicle", "bicycles": "vehicle"}
    assert wanted_classes(_CLASSES, matching.mapped) == (1, 2)
    assert matching.labels_without_class == ()


def test_a_given_map_goes_before_the_equal_name() -> None:
    assert match_classes(["car"], ["car", "vehicle"], {"car": "vehicle"}).mapped == {"car": "vehicle"}


@pytest.mark.parametrize(("given", "named"), [({"cat": "person"}, "cat"), ({"dog": "animal"}, "animal")])
def test_a_map_that_names_what_is_not_there_is_refused(given: dict[str, str], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        match_classes(_CLASSES, ["person"], given)


def test_a_launch_that_can_annotate_nothing_is_refused_with_what_to_do() -> None:
    labels = ["car"]
    matching = match_classes(["Car"], labels, {})
    with pytest.raises(NothingToAnnotate) as refused:
        require_something(matching, model="toy/1", version="street/v1@3", labels=labels)
    assert "--map Car=car" in refused.value.hint


def test_a_version_without_labels_is_told_how_to_set_them() -> None:
    with pytest.raises(NothingToAnnotate) as refused:
        require_something(match_classes(["dog"], [], {}), model="toy/1", version="street/v1@3", labels=[])
    assert "pixmill labels set street/v1 dog" in refused.value.hint
