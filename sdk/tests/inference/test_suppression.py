import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pixmill.inference.suppression import suppress

Boxes = tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.int64]]


@st.composite
def some_boxes(draw: st.DrawFn) -> Boxes:
    """Up to 60 boxes of 3 classes on a small field, so that many overlap; scores are often equal."""
    places = st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 12)] * 2, st.integers(0, 2), st.integers(1, 5))
    rows = draw(st.lists(places, max_size=60))
    corners = np.array([[x, y, x + w, y + h] for x, y, w, h, _, _ in rows], dtype=np.float64).reshape(-1, 4)
    scores = np.array([row[5] / 5 for row in rows], dtype=np.float32)
    return corners, scores, np.array([row[4] for row in rows], dtype=np.int64)


def naive(boxes: Boxes, iou: float) -> list[int]:
    """One box after the other, as the definition says."""
    corners, scores, classes = boxes
    kept: list[int] = []
    for row in sorted(range(len(corners)), key=lambda row: (-scores[row], row)):
        if all(classes[row] != classes[better] or overlap(corners[row], corners[better]) <= iou for better in kept):
            kept.append(row)
    return kept


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0.0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0.0)
    areas = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return float(width * height / (areas - width * height))


@given(some_boxes(), st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]))
def test_the_boxes_that_stay_are_those_of_the_definition(boxes: Boxes, iou: float) -> None:
    corners, scores, classes = boxes

    assert suppress(corners, scores, classes, iou=iou).tolist() == naive(boxes, iou)


@given(some_boxes(), st.sets(st.integers(0, 2)))
def test_what_stays_of_a_class_does_not_depend_on_the_others(boxes: Boxes, wanted: set[int]) -> None:
    corners, scores, classes = boxes
    of_all = suppress(corners, scores, classes, iou=0.5)
    rows = np.flatnonzero(np.isin(classes, sorted(wanted)))

    of_wanted = rows[suppress(corners[rows], scores[rows], classes[rows], iou=0.5)]

    assert of_wanted.tolist() == [row for row in of_all.tolist() if classes[row] in wanted]


def test_thousands_of_boxes_of_one_class_are_the_same_as_by_definition() -> None:
    random = np.random.default_rng(7)
    left_top = random.uniform(0, 300, (1500, 2))
    corners = np.concatenate([left_top, left_top + random.uniform(5, 60, (1500, 2))], axis=1)
    scores = random.uniform(0, 1, 1500).astype(np.float32)
    classes = np.zeros(1500, dtype=np.int64)

    assert suppress(corners, scores, classes, iou=0.2).tolist() == naive((corners, scores, classes), 0.2)
