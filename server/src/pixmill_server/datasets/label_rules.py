"""Rules about a DatasetVersion's Labels: values in, values out."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pixmill.annotations import LabelId, new_id
from pixmill.errors import InvalidInput
from pixmill_server.datasets.errors import LabelNotFound, NameTaken
from pixmill_server.datasets.records import Label

COLORS = (
    "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#42d4f4", "#f032e6", "#bfef45", "#469990", "#9a6324",
    "#800000", "#808000", "#000075", "#ffe119", "#fabed4", "#aaffc3", "#dcbeff", "#ffd8b1", "#a9a9a9", "#e6beff",
)  # fmt: skip
"""Given out in this order; the colours of neighbours are far apart."""

MAX_NAME = 200


def with_new_labels(labels: tuple[Label, ...], names: Iterable[str], now: datetime) -> tuple[Label, ...]:
    """The Labels, and after them new ones for the names that none of them has."""
    made = list(labels)
    known = {label.name for label in labels}
    for name in names:
        if name not in known:
            known.add(require_label_name(name))
            made.append(Label(LabelId(new_id(now)), name, COLORS[len(made) % len(COLORS)]))
    return tuple(made)


def renamed(labels: tuple[Label, ...], label_id: str, name: str) -> tuple[Label, ...]:
    """Raises `LabelNotFound`, and `NameTaken` where another Label has the name."""
    label = label_by_id(labels, label_id)
    if any(other.name == name and other.id != label.id for other in labels):
        raise NameTaken("label", name)
    new = Label(label.id, require_label_name(name), label.color)
    return tuple(new if other.id == label.id else other for other in labels)


def recolored(labels: tuple[Label, ...], label_id: str, color: str) -> tuple[Label, ...]:
    """`color` is `#rrggbb`; raises `LabelNotFound`, `InvalidInput`."""
    label = label_by_id(labels, label_id)
    if len(color) != len("#rrggbb") or color[0] != "#" or set(color[1:].lower()) - set("0123456789abcdef"):
        raise InvalidInput(f"'{color}' is not a colour.", hint="Write #rrggbb.", field="color")
    return tuple(Label(other.id, other.name, color) if other.id == label.id else other for other in labels)


def replaced(labels: tuple[Label, ...], names: Sequence[str], now: datetime) -> tuple[Label, ...]:
    """Labels of exactly these names in this order; those that were there keep id and colour."""
    every = {label.name: label for label in with_new_labels(labels, names, now)}
    return tuple(every[name] for name in dict.fromkeys(names))


def merged(labels: tuple[Label, ...], gone_ids: Sequence[str], into_id: str) -> tuple[Label, ...]:
    """Without the Labels that become another one; raises `LabelNotFound`, and `InvalidInput` where nothing would."""
    into = label_by_id(labels, into_id)
    gone = {label_by_id(labels, label_id).id for label_id in gone_ids} - {into.id}
    if not gone:
        raise InvalidInput(
            f"Nothing is merged into the label {into.name}.", hint="Name the labels that become it.", field="labels"
        )
    return tuple(label for label in labels if label.id not in gone)


def label_by_id(labels: tuple[Label, ...], label_id: str) -> Label:
    """Raises `LabelNotFound`."""
    for label in labels:
        if label.id == label_id:
            return label
    raise LabelNotFound(label_id, tuple(label.name for label in labels))


def require_label_name(name: str) -> str:
    """Any text of 1 to 200 characters that can be seen."""
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(f"A label cannot be named {name!r}.", hint="Give 1 to 200 visible characters.", field="name")
    return name
