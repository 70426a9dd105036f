"""YOLO: a text file of normalised shapes beside each image, and the class names in data.yaml or classes.txt.

Detection (`class cx cy w h`) and segmentation (`class x1 y1 x2 y2 ...`) are read and written.
"""

from pixmill.formats.yolo.format import YoloFormat


def create() -> YoloFormat:
    """The format."""
    return YoloFormat()
