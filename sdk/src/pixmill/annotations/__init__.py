"""What an image can carry: shapes, their Labels, scores and origins. Values only, no I/O.

`shapes.py` has one shape at a time, for code that a person reads and writes; `columns.py` has many at once,
for everything that streams (import, staging, export).

Coordinates are float pixels of the displayed image (EXIF orientation applied), origin top-left, x right, y down.
"""

from pixmill.annotations.attributes import is_json_object, require_attributes
from pixmill.annotations.columns import KINDS, AnnotationColumns
from pixmill.annotations.detections import Detections
from pixmill.annotations.identity import AnnotationId, AssetId, LabelId, new_id
from pixmill.annotations.rows import AnnotationRow, ColumnsBuilder, rows_of
from pixmill.annotations.shapes import (
    Annotation,
    BoundingBox,
    Classification,
    Keypoint,
    Keypoints,
    Line,
    Mask,
    Origin,
    Point,
    Polygon,
    Review,
    Ring,
    RotatedBox,
    Shape,
    ShapeKind,
    Source,
    Visibility,
    kind_of,
)

__all__ = [
    "KINDS",
    "Annotation",
    "AnnotationColumns",
    "AnnotationId",
    "AnnotationRow",
    "AssetId",
    "BoundingBox",
    "Classification",
    "ColumnsBuilder",
    "Detections",
    "Keypoint",
    "Keypoints",
    "LabelId",
    "Line",
    "Mask",
    "Origin",
    "Point",
    "Polygon",
    "Review",
    "Ring",
    "RotatedBox",
    "Shape",
    "ShapeKind",
    "Source",
    "Visibility",
    "is_json_object",
    "kind_of",
    "new_id",
    "require_attributes",
    "rows_of",
]
