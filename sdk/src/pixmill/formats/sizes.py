"""The size of an image from its header alone."""

from PIL import ExifTags, Image, UnidentifiedImageError

from pixmill.errors import FormatError
from pixmill.formats.files import Files

_TURNED = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""


def display_size(files: Files, name: str) -> tuple[int, int] | None:
    """Width and height in display pixels (EXIF orientation applied); None where the header cannot be read."""
    try:
        with files.open(name) as file, Image.open(file) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) in _TURNED
            return (image.height, image.width) if turned else (image.width, image.height)
    except (FormatError, OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError, SyntaxError):
        return None
