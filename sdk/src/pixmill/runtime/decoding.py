"""From a file's bytes to pixels: RGB, as displayed. OpenCV where the environment has it, Pillow otherwise."""

import io
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pixmill.annotations.images import RgbImage
from pixmill.errors import InvalidInput

try:
    import cv2
except ImportError:
    HAS_OPENCV = False
else:
    HAS_OPENCV = True

MAX_PIXELS: Final = 400_000_000
_JPEG_END: Final = b"\xff\xd9"
_HIGH_BYTE: Final = 8


class Undecodable(InvalidInput):
    """A file that is not an image, is broken, or is too large; the message is the reason."""

    code = "undecodable-image"


def use_threads(count: int) -> None:
    """How many threads one decode or resize of OpenCV may use."""
    if HAS_OPENCV:
        cv2.setNumThreads(count)


def decode(encoded: bytes, *, width: int, height: int) -> RgbImage:
    """The image; `width` and `height` are what the version says of it (0: nothing). Raises `Undecodable`."""
    try:
        with Image.open(io.BytesIO(encoded)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise Undecodable(f"the image has {opened.width} x {opened.height} pixels, more than is allowed")
            image = _pixels(opened, encoded)
    except UnidentifiedImageError as error:
        raise Undecodable("the file is not an image") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Undecodable(f"the image cannot be decoded: {error}") from error
    if width > 0 and height > 0 and image.shape[:2] != (height, width):
        raise Undecodable(
            f"the image has {image.shape[1]} x {image.shape[0]} pixels, but the version says {width} x {height}"
        )
    return image


def _pixels(opened: Image.Image, encoded: bytes) -> RgbImage:
    # OpenCV turns a JPEG by its EXIF orientation as it decodes; of a truncated one it makes up the rest, so that one
    # goes to Pillow, which refuses it.
    if HAS_OPENCV and opened.format == "JPEG" and opened.mode in {"RGB", "L"} and _is_whole(encoded):
        decoded: RgbImage | None = cv2.imdecode(np.frombuffer(encoded, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)  # type: ignore[assignment]  # OpenCV's types say "any number", and never None
        if decoded is not None:
            return decoded
    turned = ImageOps.exif_transpose(opened)
    if turned.mode.startswith("I;16"):
        grey = (np.asarray(turned) >> _HIGH_BYTE).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.asarray(turned.convert("RGB"), dtype=np.uint8)


def _is_whole(encoded: bytes) -> bool:
    return encoded.rstrip(b"\x00")[-len(_JPEG_END) :] == _JPEG_END
