"""COCO: one JSON file with the arrays images, annotations and categories, in any order.

Boxes, polygons, run-length masks (compressed or not), crowds and keypoints are read and written. `score` is kept;
missing `area` and `iscrowd` are tolerated; keys that COCO does not know are kept as attributes and metadata.
Shapes that COCO has no word for are written as their outline, and exactly under the key `pixmill`, which is read back.
"""

from pixmill.formats.coco.format import CocoFormat


def create() -> CocoFormat:
    """The format."""
    return CocoFormat()
