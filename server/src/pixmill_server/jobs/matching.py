"""How the classes of a model go to the Labels of a version. Values in, values out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pixmill.errors import InvalidInput

_IRREGULAR = {
    "people": "person",
    "persons": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "knives": "knife",
    "leaves": "leaf",
}
_SIBILANTS = ("s", "x", "z", "ch", "sh")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A class and a Label that mean the same, most likely; never applied unasked."""

    model_class: str
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class Matching:
    """Where each class goes."""

    mapped: dict[str, str]
    """Class to Label name, in the order of the classes."""
    ignored: tuple[str, ...]
    """Classes that no Label takes."""
    labels_without_class: tuple[str, ...]
    """Labels that get nothing."""
    proposals: tuple[Proposal, ...]


class NothingToAnnotate(InvalidInput):
    """A launch that could not produce a single shape."""

    code = "nothing-to-annotate"


def match_classes(classes: Sequence[str], labels: Sequence[str], given: Mapping[str, str]) -> Matching:
    """Classes go to the Label of exactly their name, and where `given` sends them; several may go to one Label.

    Raises `InvalidInput` where `given` names a class or a Label that is not there.
    """
    _require_known(classes, labels, given)
    names, known = list(dict.fromkeys(classes)), set(labels)
    mapped = {name: given.get(name, name) for name in names if name in given or name in known}
    taken = set(mapped.values())
    ignored = tuple(name for name in names if name not in mapped)
    return Matching(
        mapped=mapped,
        ignored=ignored,
        labels_without_class=tuple(label for label in labels if label not in taken),
        proposals=_proposals(ignored, labels),
    )


def wanted_classes(classes: Sequence[str], mapped: Mapping[str, str]) -> tuple[int, ...]:
    """The indices of the classes that go to a Label."""
    return tuple(index for index, name in enumerate(classes) if name in mapped)


def require_something(matching: Matching, *, model: str, version: str, labels: Sequence[str]) -> None:
    """Raise `NothingToAnnotate`, with what to do about it, unless some class goes to some Label."""
    if matching.mapped:
        return
    if not labels:
        raise NothingToAnnotate(
            f"{version} has no Labels, so nothing that {model} finds could be kept.",
            hint=f"Set some first: pixmill labels set {version.split('@', maxsplit=1)[0]} {_few(matching.ignored)}",
            field="version",
        )
    raise NothingToAnnotate(
        f"No class of {model} is a Label of {version}: its classes are {_listed(matching.ignored)}; "
        f"the Labels are {_listed(labels)}.",
        hint=_how_to_map(matching, labels),
        field="map",
    )


def _require_known(classes: Sequence[str], labels: Sequence[str], given: Mapping[str, str]) -> None:
    for model_class, label in given.items():
        if model_class not in classes:
            raise InvalidInput(
                f"The model has no class '{model_class}'.", hint=f"Its classes are {_listed(classes)}.", field="map"
            )
        if label not in labels:
            raise InvalidInput(
                f"The version has no Label '{label}' that class '{model_class}' could go to.",
                hint=f"Its Labels are {_listed(labels)}.",
                field="map",
            )


def _proposals(ignored: Sequence[str], labels: Sequence[str]) -> tuple[Proposal, ...]:
    by_case = {_plain(label): label for label in reversed(labels)}
    by_number = {_singular(label): label for label in reversed(labels)}
    proposals = []
    for name in ignored:
        if label := by_case.get(_plain(name)):
            proposals.append(Proposal(name, label, "differs in case or spelling"))
        elif label := by_number.get(_singular(name)):
            proposals.append(Proposal(name, label, "differs in number"))
    return tuple(proposals)


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _singular(name: str) -> str:
    head, _, last = _plain(name).rpartition(" ")
    return f"{head} {_singular_word(last)}".strip()


def _singular_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > len("ties"):
        return word[:-3] + "y"
    if word.endswith("es") and word[:-2].endswith(_SIBILANTS):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _how_to_map(matching: Matching, labels: Sequence[str]) -> str:
    if matching.proposals:
        maps = " ".join(f"--map {_quoted(f'{p.model_class}={p.label}')}" for p in matching.proposals)
        return f"Did you mean: {maps}"
    example = f"{matching.ignored[0] if matching.ignored else 'CLASS'}={labels[0]}"
    return f"Say which class goes to which Label, as in --map {_quoted(example)}"


def _quoted(text: str) -> str:
    return f"'{text}'" if " " in text else text


def _few(names: Sequence[str]) -> str:
    return " ".join(_quoted(name) for name in names[:3]) or "NAME ..."


def _listed(names: Sequence[str], *, most: int = 12) -> str:
    shown = ", ".join(names[:most]) or "none"
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
