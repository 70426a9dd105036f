"""What a Processing is written with.

One file is a Processing: its dependencies are in a PEP 723 header, its form comes from its signature, its help from its
docstrings.

    @processing(kind="tagging")
    class TagDarkImages:
        def __init__(self, *, below: Annotated[float, Between(0, 255)] = 40) -> None: ...
        def __call__(self, batch: Batch) -> Iterator[Change]: ...

The module's docstring is the description (its first line the title). The help of a Parameter is a line `name: text` in
the docstring of the class, of its `__init__`, or of the function; indented lines after it go on with it.
"""

from pixmill.annotations.detections import Detections
from pixmill.annotations.images import RgbImage
from pixmill.authoring.assets import Asset, Batch, Change, LabeledShape, NewAsset
from pixmill.authoring.declaration import processing
from pixmill.authoring.markers import Between, Label, Takes
from pixmill.authoring.models import ModelVersion
from pixmill.authoring.versions import Context, DatasetVersion

__all__ = [
    "Asset",
    "Batch",
    "Between",
    "Change",
    "Context",
    "DatasetVersion",
    "Detections",
    "Label",
    "LabeledShape",
    "ModelVersion",
    "NewAsset",
    "RgbImage",
    "Takes",
    "processing",
]
