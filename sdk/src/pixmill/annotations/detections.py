"""The boxes that a detector found in one image, still under the class names of its model."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pixmill.errors import AnnotationError

_BOX_NUMBERS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """n boxes of one image, best score first when a detector made them.

    The Run's label map takes `class_names` to the Labels of the version; what is not mapped is dropped and counted.
    Raises `AnnotationError` where lengths differ, a number is not finite, a size is negative or a class has no name.
    """

    boxes: NDArray[np.float32] | NDArray[np.float64]
    """(n, 4) x, y, width, height in pixels of the displayed image, origin top-left."""
    scores: NDArray[np.float32] | NDArray[np.float64]
    """(n,) 0 to 1."""
    class_indices: NDArray[np.int32] | NDArray[np.int64]
    """(n,) index into `class_names`."""
    class_names: tuple[str, ...]
    """Every class of the model, in the model's own order."""

    def __post_init__(self) -> None:
        rows = len(self.boxes)
        if (
            self.boxes.shape != (rows, _BOX_NUMBERS)
            or self.scores.shape != (rows,)
            or self.class_indices.shape != (rows,)
        ):
            shapes = f"{self.boxes.shape}, {self.scores.shape} and {self.class_indices.shape}"
            raise AnnotationError(
                f"Boxes, scores and class indices cannot have the shapes {shapes}.", hint="Give (n, 4), (n,) and (n,)."
            )
        if not (np.isfinite(self.boxes).all() and np.isfinite(self.scores).all()):
            raise AnnotationError("A box or score is not finite.", hint="Drop such boxes before you build Detections.")
        if rows and self.boxes[:, 2:].min() < 0:
            raise AnnotationError("A box has a negative size.", hint="Give x, y, width and height, not two corners.")
        if rows and not 0 <= int(self.class_indices.min()) <= int(self.class_indices.max()) < len(self.class_names):
            raise AnnotationError(
                f"A class index lies outside the {len(self.class_names)} class names.",
                hint="Give a name for every class of the model.",
            )

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def none(cls, class_names: tuple[str, ...]) -> Self:
        """No box at all, of a model with these classes."""
        return cls(
            boxes=np.zeros((0, _BOX_NUMBERS), dtype=np.float32),
            scores=np.zeros(0, dtype=np.float32),
            class_indices=np.zeros(0, dtype=np.int32),
            class_names=class_names,
        )

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """The given rows, in the given order, or those where a mask is true."""
        return type(self)(
            boxes=self.boxes[rows],
            scores=self.scores[rows],
            class_indices=self.class_indices[rows],
            class_names=self.class_names,
        )
