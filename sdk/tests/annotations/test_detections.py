import numpy as np
import pytest

from pixmill.annotations import Detections
from pixmill.errors import AnnotationError

BOX = np.array([[1.0, 2.0, 3.0, 4.0]])
SCORE = np.array([0.5])


def test_no_boxes_are_detections_too() -> None:
    assert len(Detections.none(("car", "person"))) == 0


def test_rows_are_taken_in_the_order_asked_for() -> None:
    found = Detections(np.array([[0.0, 0, 1, 1], [5, 5, 2, 2]]), np.array([0.9, 0.8]), np.array([1, 0]), ("a", "b"))

    assert found.take(np.array([1, 0])).scores.tolist() == [0.8, 0.9]
    assert found.take(np.array([False, True])).boxes.tolist() == [[5, 5, 2, 2]]


@pytest.mark.parametrize(
    ("boxes", "scores", "classes", "complaint"),
    [
        (BOX, np.array([0.5, 0.6]), np.array([0]), "shapes"),
        (BOX[:, :3], SCORE, np.array([0]), "shapes"),
        (np.array([[np.nan, 0.0, 1.0, 1.0]]), SCORE, np.array([0]), "not finite"),
        (np.array([[10.0, 10.0, -1.0, 1.0]]), SCORE, np.array([0]), "negative size"),
        (BOX, SCORE, np.array([1]), "outside the 1 class names"),
        (BOX, SCORE, np.array([-1]), "outside the 1 class names"),
    ],
)
def test_boxes_that_cannot_be_are_refused(
    boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, complaint: str
) -> None:
    with pytest.raises(AnnotationError, match=complaint):
        Detections(boxes, scores, classes, ("car",))
