from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from pixmill.errors import ModelError
from pixmill.inference.families import all_families, choose_family, fitting_families
from pixmill.inference.signature import DetectorShape, OutputShape

CELLS = 84  # of a 64 x 64 input at strides 8, 16 and 32
Output = NDArray[np.float32]


def shape_of(**outputs: tuple[int, ...]) -> DetectorShape:
    """The shape of a detector for 64 x 64 pixels."""
    return DetectorShape(64, 64, tuple(OutputShape(name, shape) for name, shape in outputs.items()))


SHAPES = [
    shape_of(output=(CELLS, 8)),
    shape_of(output=(3 * CELLS, 8)),
    shape_of(output=(7, CELLS)),
    shape_of(output=(100, 6)),
    shape_of(output=(100, 7)),
    shape_of(pred_boxes=(100, 4), logits=(100, 3)),
    shape_of(dets=(100, 4), labels=(100, 3)),
]


def zeros(shape: DetectorShape) -> list[Output]:
    return [np.zeros(output.shape, dtype=np.float32) for output in shape.outputs]


@pytest.mark.parametrize("name", all_families())
def test_a_family_is_called_as_its_file(name: str) -> None:
    assert all_families()[name].name == name


@pytest.mark.parametrize("name", all_families())
def test_a_family_makes_candidates_of_any_output_of_its_shape(name: str) -> None:
    family = all_families()[name]
    shapes = [shape for shape in SHAPES if name in fitting_families(shape, labels=3)]
    assert shapes, "add a shape of this family to SHAPES"
    random = np.random.default_rng(5)
    for shape in shapes:
        outputs = [random.uniform(0, 2, output.shape).astype(np.float32) for output in shape.outputs]

        found = family.decoder(shape, outputs)(outputs, 0.5)

        assert found.boxes.shape == (len(found.scores), 4)
        assert found.classes.shape == found.scores.shape
        assert (found.scores >= 0.5).all()


@pytest.mark.parametrize("name", all_families())
def test_a_family_finds_nothing_where_every_score_is_below(name: str) -> None:
    for shape in SHAPES:
        if name in fitting_families(shape, labels=3):
            outputs = [output - 100 for output in zeros(shape)]

            assert len(all_families()[name].decoder(shape, zeros(shape))(outputs, 0.5).boxes) == 0


def decode(
    name: str, shape: DetectorShape, outputs: Sequence[Output], grey: Sequence[Output] | None = None
) -> list[str]:
    """Boxes as text: left, top, right, bottom, class and score."""
    found = all_families()[name].decoder(shape, outputs if grey is None else grey)(outputs, 0.3)
    rows = zip(found.boxes.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True)
    return [" ".join(f"{edge:.1f}" for edge in box) + f" {kind} {score:.2f}" for box, kind, score in rows]


def test_yolox_adds_the_cell_to_its_raw_boxes() -> None:
    output = np.zeros((CELLS, 8), dtype=np.float32)
    # The second cell of the second row at stride 8: center (1.5, 1.25) cells, e^0 = 1 cell wide, e^0.6931 = 2 high.
    output[9] = [0.5, 0.25, 0.0, np.log(2), 0.8, 0.1, 0.9, 0.2]

    assert decode("yolox", shape_of(output=(CELLS, 8)), [output]) == ["8.0 2.0 16.0 18.0 1 0.72"]


def test_yolox_takes_boxes_as_they_are_where_the_graph_has_decoded_them() -> None:
    decoded = np.full((CELLS, 8), 32, dtype=np.float32)
    decoded[:, 4] = 0
    output = decoded.copy()
    output[9] = [12.0, 10.0, 8.0, 16.0, 0.8, 0.1, 0.9, 0.2]

    assert decode("yolox", shape_of(output=(CELLS, 8)), [output], [decoded]) == ["8.0 2.0 16.0 18.0 1 0.72"]


@pytest.mark.parametrize("unit", [1.0, 64.0], ids=["pixels", "parts of the image"])
def test_yolov5_multiplies_objectness_and_class(unit: float) -> None:
    output = np.zeros((3 * CELLS, 8), dtype=np.float32)
    output[0] = [12.0, 10.0, 8.0, 16.0, 0.8, 0.1, 0.9, 0.2]
    output[:, :4] /= unit

    assert decode("yolov5", shape_of(output=(3 * CELLS, 8)), [output]) == ["8.0 2.0 16.0 18.0 1 0.72"]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("unit", [1.0, 64.0], ids=["pixels", "parts of the image"])
def test_yolov8_takes_the_best_class_of_each_cell(transposed: bool, unit: float) -> None:
    output = np.zeros((7, CELLS), dtype=np.float32)
    output[:, 9] = [12.0, 10.0, 8.0, 16.0, 0.4, 0.9, 0.5]
    output[:4] /= unit
    turned = output.T.copy() if transposed else output

    assert decode("yolov8", shape_of(output=turned.shape), [turned]) == ["8.0 2.0 16.0 18.0 1 0.90"]


def test_yolov10_gives_corners_score_and_class() -> None:
    output = np.zeros((100, 6), dtype=np.float32)
    output[0] = [8, 2, 16, 18, 0.9, 2]
    output[1] = [8, 2, 16, 18, 0.9, -1]

    assert decode("yolov10", shape_of(output=(100, 6)), [output]) == ["8.0 2.0 16.0 18.0 2 0.90"]


@pytest.mark.parametrize(
    ("name", "boxes", "logits"), [("rtdetr", "pred_boxes", "logits"), ("rfdetr", "dets", "labels")]
)
def test_transformers_give_logits_and_boxes_in_parts_of_the_image(name: str, boxes: str, logits: str) -> None:
    scores, places = np.full((100, 3), -9, dtype=np.float32), np.zeros((100, 4), dtype=np.float32)
    scores[4, 1] = np.log(9)
    places[4] = [12 / 64, 10 / 64, 8 / 64, 16 / 64]

    found = decode(name, shape_of(**{logits: (100, 3), boxes: (100, 4)}), [scores, places])

    assert found == ["8.0 2.0 16.0 18.0 1 0.90"]


@pytest.mark.parametrize(
    ("shape", "labels", "family"),
    [
        (DetectorShape(416, 416, (OutputShape("output", (3549, 85)),)), 80, "yolox"),
        (DetectorShape(416, 416, (OutputShape("output", (3549, 84)),)), 80, "yolov8"),
        (DetectorShape(640, 640, (OutputShape("output0", (84, 8400)),)), 80, "yolov8"),
        (DetectorShape(640, 640, (OutputShape("output0", (84, 8400)),)), None, "yolov8"),
        (DetectorShape(640, 640, (OutputShape("output", (25200, 85)),)), 80, "yolov5"),
        (DetectorShape(640, 640, (OutputShape("output0", (300, 6)),)), 80, "yolov10"),
        (DetectorShape(640, 640, (OutputShape("output0", (300, 84)),)), 80, "rtdetr"),
        (
            DetectorShape(640, 640, (OutputShape("logits", (300, 80)), OutputShape("pred_boxes", (300, 4)))),
            80,
            "rtdetr",
        ),
        (DetectorShape(560, 560, (OutputShape("dets", (300, 4)), OutputShape("labels", (300, 91)))), 91, "rfdetr"),
    ],
)
def test_the_family_is_found_by_shapes_and_the_number_of_labels(
    shape: DetectorShape, labels: int | None, family: str
) -> None:
    assert choose_family(shape, labels=labels).name == family


def test_several_families_that_fit_are_named_and_asked_about() -> None:
    shape = DetectorShape(416, 416, (OutputShape("output", (3549, 85)),))

    with pytest.raises(ModelError, match=r"several families \(yolov8, yolox\).*--family"):
        choose_family(shape, labels=None)
    assert choose_family(shape, labels=None, said="yolox").name == "yolox"
    assert choose_family(shape, labels=None, hinted=frozenset({"yolov8"})).name == "yolov8"


@pytest.mark.parametrize(
    "outputs",
    [{"output0": (116, 8400), "output1": (32, 160, 160)}, {"logits": (1000,)}, {"output0": (56, 8400)}, {}],
    ids=["masks", "a classifier", "keypoints", "no output"],
)
def test_a_head_that_fits_no_family_is_refused_with_its_shapes(outputs: dict[str, tuple[int, ...]]) -> None:
    shape = DetectorShape(640, 640, tuple(OutputShape(name, axes) for name, axes in outputs.items()))

    with pytest.raises(ModelError, match="fits no family of detectors"):
        choose_family(shape, labels=80)


def test_a_family_that_does_not_fit_is_refused_with_those_that_do() -> None:
    shape = DetectorShape(640, 640, (OutputShape("output0", (84, 8400)),))

    with pytest.raises(ModelError, match=r"not of the family 'yolox'.*Families that fit: yolov8"):
        choose_family(shape, labels=80, said="yolox")
    with pytest.raises(ModelError, match="no family 'yolov99'"):
        choose_family(shape, labels=80, said="yolov99")
