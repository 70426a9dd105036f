"""The committed detector is small, takes any batch, says how to read it, and finds what is in the sample."""

import ast
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from sample.detector.reading import average_precision
from sample.street.plan import Label

WEIGHTS = Path(__file__).resolve().parents[1] / "street_yolo.onnx"


def _session() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(WEIGHTS, providers=["CPUExecutionProvider"])


def _facts() -> dict[str, str]:
    facts: dict[str, str] = _session().get_modelmeta().custom_metadata_map
    return facts


def test_the_weights_are_under_three_megabytes() -> None:
    assert WEIGHTS.stat().st_size < 3_000_000


def test_the_model_says_how_to_read_it() -> None:
    facts = _facts()
    assert ast.literal_eval(facts["names"]) == {number: str(label) for number, label in enumerate(Label)}
    assert (facts["task"], facts["stride"], facts["family"]) == ("detect", "32", "yolov8")
    assert (facts["license"], facts["author"]) == ("Apache-2.0", "Pixmill")


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_a_batch_of_any_length_gives_the_head_of_yolov8(batch: int) -> None:
    height, width = ast.literal_eval(_facts()["imgsz"])
    images = np.random.default_rng(0).random((batch, 3, height, width), np.float32)
    answers = _session().run(None, {"images": images})[0]
    anchors = sum(height // stride * (width // stride) for stride in (8, 16, 32))
    assert answers.shape == (batch, 4 + len(Label), anchors)
    assert ((answers[:, 4:] >= 0) & (answers[:, 4:] <= 1)).all()


def test_an_image_is_answered_alike_alone_and_in_a_batch() -> None:
    height, width = ast.literal_eval(_facts()["imgsz"])
    images = np.random.default_rng(1).random((3, 3, height, width), np.float32)
    session = _session()
    alone = np.concatenate([session.run(None, {"images": images[i : i + 1]})[0] for i in range(3)])
    np.testing.assert_allclose(session.run(None, {"images": images})[0], alone, rtol=1e-3, atol=1e-3)


def test_the_model_names_no_place_of_the_machine_it_was_made_on() -> None:
    model = onnx.load(WEIGHTS)
    assert not any(node.doc_string or node.metadata_props for node in model.graph.node)


def test_people_and_cars_of_the_sample_are_found(drawn_sample: Path) -> None:
    precision = average_precision(WEIGHTS, drawn_sample)
    assert precision["person"] > 0.8
    assert precision["car"] > 0.8
