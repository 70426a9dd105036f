import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmill.annotations import AnnotationColumns, BoundingBox, Classification, rows_of
from pixmill.authoring import Asset, Detections
from pixmill.errors import AnnotationError
from pixmill.runtime.results import ChunkResults, LabelMap

ASSET = Asset("a", "a.jpg", 64, 48)
CLASSES = ("car", "van", "dog")


def found(*classes: int) -> Detections:
    boxes = np.array([[n, 2.0, 3.0, 4.0] for n in range(len(classes))], dtype=np.float32).reshape(-1, 4)
    return Detections(boxes, np.full(len(classes), 0.5), np.array(classes, dtype=np.int64), CLASSES)


def rows(results: ChunkResults) -> list[tuple[str, str]]:
    _, packed = results.packed()
    return [(row.asset, row.label) for row in rows_of(AnnotationColumns.from_bytes(packed))] if packed else []


def test_several_classes_go_to_one_label_and_what_no_label_takes_is_counted() -> None:
    results = ChunkResults(0, 1, LabelMap(("vehicle",), {"car": "vehicle", "van": "vehicle"}))
    results.add(ASSET.annotate(found(0, 1, 2, 2)))
    assert rows(results) == [("a", "vehicle"), ("a", "vehicle")]
    assert results.packed()[0].dropped == {"dog": 2}


def test_without_a_map_a_class_goes_to_the_label_of_its_own_name() -> None:
    results = ChunkResults(0, 1, LabelMap(("dog", "car"), None))
    results.add(ASSET.annotate(found(0, 1, 2)))
    assert rows(results) == [("a", "car"), ("a", "dog")]


def test_a_label_that_an_author_writes_is_a_label_of_the_version_or_else_a_class() -> None:
    results = ChunkResults(0, 1, LabelMap(("person", "vehicle"), {"car": "vehicle"}))
    results.add(ASSET.annotate(BoundingBox(1, 2, 3, 4), label="person"))
    results.add(ASSET.annotate(Classification(), label="car"))
    results.add(ASSET.annotate(Classification(), label="tree"))
    assert rows(results) == [("a", "person"), ("a", "vehicle")]
    assert results.packed()[0].dropped == {"tree": 1}


@given(st.lists(st.lists(st.integers(0, 2), max_size=6), max_size=6))
def test_every_detection_is_kept_or_counted(batches: list[list[int]]) -> None:
    results = ChunkResults(0, len(batches), LabelMap(("car", "dog"), None))
    for number, classes in enumerate(batches):
        results.add(Asset(str(number), f"{number}.jpg", 64, 48).annotate(found(*classes)))
    kept = rows(results)
    expected = [(str(n), CLASSES[c]) for n, classes in enumerate(batches) for c in classes if CLASSES[c] != "van"]
    assert kept == expected
    assert sum(results.packed()[0].dropped.values()) == sum(classes.count(1) for classes in batches)


def test_a_shape_without_a_label_and_detections_with_one_are_refused() -> None:
    with pytest.raises(AnnotationError, match="needs a Label"):
        ASSET.annotate(BoundingBox(1, 2, 3, 4))
    with pytest.raises(AnnotationError, match="of their own"):
        ASSET.annotate(found(0), label="car")
    with pytest.raises(AnnotationError, match=r"score cannot be 1\.5"):
        ASSET.annotate(BoundingBox(1, 2, 3, 4), label="car", score=1.5)
