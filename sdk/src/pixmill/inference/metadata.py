"""What a model file says of itself, for those who push it: class names, task, input size, family, licence.

Needs no engine. Never runs anything: names are read with `ast.literal_eval` and JSON, and pickles are refused.
"""

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from pixmill.errors import ModelError
from pixmill.inference.families import all_families, fitting_families
from pixmill.inference.onnx_file import read_onnx
from pixmill.inference.signature import GraphSignature, ImageInput, detector_shape, image_input, shape_text
from pixmill.inference.tflite_file import read_tflite

_PICKLE_SUFFIXES = frozenset({".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".bin"})
_ZIP_START = b"PK\x03\x04"
_PICKLE_START = 0x80
_MAX_PICKLE_PROTOCOL = 5
_TASKS = {
    "detect": "detection",
    "segment": "segmentation",
    "classify": "classification",
    "pose": "keypoints",
    "obb": "rotated-detection",
}
_MAX_CLASSES = 100_000


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What a file says; None or empty means that it does not say, and somebody has to be asked."""

    framework: str
    """`onnx` or `tflite`."""
    task: str | None
    """`detection`, `segmentation`, `classification`, `keypoints` or `rotated-detection`."""
    labels: tuple[str, ...]
    """Class names in the model's order."""
    input_size: tuple[int, int] | None
    """Height and width in pixels."""
    batch: int | None
    """How many images at once the graph is fixed to; None for any number."""
    family: str | None
    """How the head is decoded; None where shapes alone do not decide."""
    family_choices: tuple[str, ...]
    """All the families that fit; empty where none does."""
    hinted_families: frozenset[str] | None
    """Those that the exporter's own words leave possible; None where they say nothing of it."""
    licence: str
    output_shapes: str | None
    """The shapes of one image's outputs, for people; None where the graph leaves them open."""


def require_family(path: Path, metadata: ModelMetadata) -> None:
    """Refuse a detector whose head cannot be decoded, or could be in several ways: somebody has to say the family."""
    if metadata.family is not None or metadata.output_shapes is None:
        return
    outputs = f"'{path.name}' with outputs {metadata.output_shapes} and {len(metadata.labels) or 'no'} class names"
    if metadata.family_choices:
        raise ModelError(
            f"The head of {outputs} fits several families: {', '.join(metadata.family_choices)}.",
            hint="Say which with --family.",
        )
    known = ", ".join(f"{family.name} ({family.title})" for family in all_families().values())
    raise ModelError(
        f"The head of {outputs} fits no family of detectors.",
        hint=f"Known are {known}. Give one name for each class; --family other registers it for code of your own.",
    )


def read_metadata(path: Path, *, labels: tuple[str, ...] = ()) -> ModelMetadata:
    """Read a model file's own words; raises `ModelError` for pickles and for what is neither ONNX nor TFLite.

    `labels` are class names that the user gave; they win over the file's, and their number helps to find the family.
    """
    require_not_pickle(path)
    if path.suffix.lower() == ".tflite":
        flat = read_tflite(path)
        return _metadata("tflite", flat.signature, _parse_appended(flat.metadata), labels or flat.labels)
    if path.suffix.lower() == ".onnx":
        onnx = read_onnx(path)
        return _metadata("onnx", onnx.signature, dict(onnx.metadata), labels)
    raise ModelError(
        f"'{path.name}' is not a kind of model file that Pixmill can read.",
        hint="Export the model to .onnx or .tflite.",
    )


def require_not_pickle(path: Path) -> None:
    """Refuse files that run code when they are loaded, by their name and by their first bytes."""
    with path.open("rb") as file:
        start = file.read(4)
    is_archive = start == _ZIP_START and path.suffix.lower() != ".tflite"
    if path.suffix.lower() in _PICKLE_SUFFIXES or _is_pickle(start) or is_archive:
        raise ModelError(
            f"'{path.name}' is a pickle or an archive that may hold one: loading it would run code from the file.",
            hint="Export the model to .onnx or .tflite and give that file.",
        )


def _is_pickle(start: bytes) -> bool:
    return len(start) > 1 and start[0] == _PICKLE_START and start[1] <= _MAX_PICKLE_PROTOCOL


def _metadata(
    framework: str, signature: GraphSignature, entries: dict[str, object], labels: tuple[str, ...]
) -> ModelMetadata:
    names = labels or _class_names(entries.get("names"))
    task = _TASKS.get(str(entries.get("task", "")))
    said_size = _image_size(entries.get("imgsz"))
    try:
        image = image_input(signature)
    except ModelError:
        # Not an image network, or one with more inputs: a model all the same, which no detector can run.
        image = None
    size = _input_size(image) or said_size
    choices = _family_choices(signature, size, len(names) or None, entries) if task in (None, "detection") else ()
    return ModelMetadata(
        framework=framework,
        task=task or ("detection" if choices else None),
        labels=names,
        input_size=size,
        batch=image.batch if image else None,
        family=choices[0] if len(choices) == 1 else None,
        family_choices=choices,
        hinted_families=_hinted_families(entries),
        licence=str(entries.get("license", "")),
        output_shapes=_output_shapes(signature, size),
    )


def _output_shapes(signature: GraphSignature, size: tuple[int, int] | None) -> str | None:
    shape = detector_shape(signature, height=size[0], width=size[1]) if size else None
    return ", ".join(shape_text(output.shape) for output in shape.outputs) if shape else None


def _input_size(image: ImageInput | None) -> tuple[int, int] | None:
    return (image.height, image.width) if image and image.height and image.width else None


def _family_choices(
    signature: GraphSignature, size: tuple[int, int] | None, labels: int | None, entries: dict[str, object]
) -> tuple[str, ...]:
    shape = detector_shape(signature, height=size[0], width=size[1]) if size else None
    if shape is None:
        return ()
    fitting = tuple(fitting_families(shape, labels=labels))
    hinted = _hinted_families(entries)
    return tuple(name for name in fitting if hinted is None or name in hinted) or fitting


def _hinted_families(entries: dict[str, object]) -> frozenset[str] | None:
    """The families that an exporter's metadata leaves possible; None where it says nothing of them."""
    description = f"{entries.get('author', '')} {entries.get('description', '')}".lower()
    if "ultralytics" not in description:
        return None
    if "detr" in description:
        return frozenset({"rtdetr"})
    return frozenset({"yolov5", "yolov8", "yolov10"})


def _class_names(text: object) -> tuple[str, ...]:
    """From a mapping of index to name, or a list of names, or either written as a Python literal."""
    value = text
    if isinstance(text, str):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return ()
    if isinstance(value, dict):
        try:
            by_index = {int(index): str(name) for index, name in value.items()}
        except (TypeError, ValueError):
            return ()
        value = [by_index.get(index) for index in range(len(by_index))]
    if not isinstance(value, (list, tuple)) or len(value) > _MAX_CLASSES or any(name is None for name in value):
        return ()
    return tuple(str(name) for name in value)


def _image_size(text: object) -> tuple[int, int] | None:
    value = text
    if isinstance(text, str):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    if isinstance(value, int):
        value = [value, value]
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(side, int) for side in value):  # noqa: PLR2004
        return value[0], value[1]
    return None


def _parse_appended(text: str) -> dict[str, object]:
    try:
        parsed = json.loads(text) if text.lstrip().startswith('{"') else ast.literal_eval(text or "{}")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return {}
    return parsed if isinstance(parsed, dict) else {}
