"""The ModelVersion that a Run was launched with, as a Processing sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pixmill.errors import ModelError


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A trained model: its files, readable and never writable, and what is known of it."""

    name: str
    """`smart-city-yolo/1`."""
    task: str
    framework: str
    """onnx, tflite, tensorflow or other."""
    family: str | None
    """How its head is decoded; None where nobody said."""
    labels: tuple[str, ...]
    """Class names, by class index."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Input size and the like, as registered."""
    files: Mapping[str, Path] = field(default_factory=dict)
    wanted: frozenset[int] | None = None
    """The class indices that go to a Label in this Run; None: all. A detector drops the rest before it ranks boxes."""
    threads: int | None = None
    """CPU threads that the Run was given; None: not said, an engine decides by itself."""

    @property
    def file(self) -> Path:
        """The only file. Raises `ModelError` where there are several, or none."""
        if len(self.files) != 1:
            listed = ", ".join(sorted(self.files)) or "no file"
            raise ModelError(f"ModelVersion '{self.name}' has {listed}.", hint="Take one of `files` by its name.")
        return next(iter(self.files.values()))
