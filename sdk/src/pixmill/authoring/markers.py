"""What an author writes into the annotation of a Parameter, beside its type."""

from dataclasses import dataclass
from typing import NewType

Label = NewType("Label", str)
"""The name of a Label of the version, chosen from its Labels at launch."""


@dataclass(frozen=True, slots=True)
class Between:
    """A number, or each number of a list, from `minimum` to `maximum`, both allowed; None: no bound on that side."""

    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Takes:
    """Which ModelVersions fit: `Annotated[ModelVersion, Takes(task="detection", frameworks=("onnx",))]`."""

    task: str = ""
    """Empty: any task."""
    frameworks: tuple[str, ...] = ()
    """Empty: any framework."""
