"""Which family of heads a graph is of: found by its shapes, or said by the user."""

import importlib
import pkgutil

from pixmill.errors import ModelError
from pixmill.inference import heads
from pixmill.inference.contract import ANY_CLASSES, Family
from pixmill.inference.signature import DetectorShape, shape_text

AUTO = "auto"
_ASK = "Say which with --family when you push the model, or with the Parameter 'family'"


def all_families() -> dict[str, Family]:
    """Every file of `heads/`, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(heads.__path__))
    return {name: importlib.import_module(f"{heads.__name__}.{name}").create() for name in names}


def fitting_families(shape: DetectorShape, *, labels: int | None) -> dict[str, Family]:
    """The families whose heads have this shape and, where `labels` is known, that number of classes."""
    return {name: family for name, family in all_families().items() if _fits(family, shape, labels)}


def choose_family(
    shape: DetectorShape, *, labels: int | None, said: str = AUTO, hinted: frozenset[str] | None = None
) -> Family:
    """The one family that fits. `said` is the user's word, `hinted` those that the file's metadata allows (None: all).

    Raises `ModelError` where none fits, where several do, and where the one that was said does not.
    """
    families = all_families()
    if said != AUTO:
        return _said_family(families, shape, labels, said)
    fitting = fitting_families(shape, labels=labels)
    if hinted is not None:
        fitting = {name: family for name, family in fitting.items() if name in hinted} or fitting
    if not fitting:
        known = ", ".join(f"{family.name} ({family.title})" for family in families.values())
        raise ModelError(
            f"The model's head fits no family of detectors: {_describe(shape, labels)}.",
            hint=f"Known are {known}. Export a detector of one of them, and give a label for each of its classes.",
        )
    if len(fitting) > 1:
        raise ModelError(
            f"The model's head fits several families ({', '.join(fitting)}): {_describe(shape, labels)}.",
            hint=f"{_ASK}.",
        )
    return next(iter(fitting.values()))


def _said_family(families: dict[str, Family], shape: DetectorShape, labels: int | None, said: str) -> Family:
    family = families.get(said)
    if family is None:
        raise ModelError(f"There is no family '{said}' of detectors.", hint=f"Choose one of {', '.join(families)}.")
    if not _fits(family, shape, labels):
        fitting = ", ".join(fitting_families(shape, labels=labels)) or "none"
        raise ModelError(
            f"The model is not of the family '{said}' ({family.title}): {_describe(shape, labels)}.",
            hint=f"Families that fit: {fitting}.",
        )
    return family


def _fits(family: Family, shape: DetectorShape, labels: int | None) -> bool:
    classes = family.classes(shape) if shape.outputs else None
    return classes is not None and (labels is None or classes in (ANY_CLASSES, labels))


def _describe(shape: DetectorShape, labels: int | None) -> str:
    outputs = ", ".join(f"'{output.name}' {shape_text(output.shape)}" for output in shape.outputs) or "none"
    counted = "unknown labels" if labels is None else f"{labels} labels"
    return f"outputs {outputs} for one image of {shape.width}x{shape.height}, {counted}"
