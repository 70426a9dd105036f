"""The process in which images from outside are decoded: `python -m pixmill_server.datasets.image_child`.

It reads requests from stdin and writes answers to stdout, each a length (4 bytes, big-endian) and MessagePack.
It limits itself before the first image: memory, processor time for each image, no new files, no new processes.
It imports nothing of the server but `thumbnails`, so it starts quickly and holds no secrets.
"""

import io
import resource
import struct
import sys
import warnings
import zlib
from typing import BinaryIO

import msgspec
from PIL import Image, ImageOps, UnidentifiedImageError

from pixmill_server.datasets.thumbnails import EDGE, QUALITY, thumbnail_size

FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "BMP": "image/bmp", "TIFF": "image/tiff"}
"""What is decoded at all; everything else is refused, whatever its name says."""
MAX_PIXELS = 150_000_000
MEMORY_BYTES = 3 << 30
CPU_SECONDS = 20
_ORIENTATION = 0x0112
_TURNED = frozenset({5, 6, 7, 8})
_LENGTH = struct.Struct(">I")
# What Pillow's decoders are known to raise on damaged files.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    NotImplementedError,
    AttributeError,
    struct.error,
    zlib.error,
)


class Request(msgspec.Struct):
    """One image: a file of this machine, or its bytes."""

    path: str = ""
    content: bytes = b""
    thumbnail: bool = False
    """Also make one."""


class Answer(msgspec.Struct):
    """What the image is; `reason` says why it is refused, and is empty where it is not."""

    reason: str = ""
    width: int = 0
    """Display pixels: after EXIF orientation."""
    height: int = 0
    orientation: int = 1
    """EXIF, 1 to 8."""
    media_type: str = ""
    thumbnail: bytes = b""
    """WebP."""


def main() -> None:
    """Answer until stdin ends."""
    _limit()
    Image.MAX_IMAGE_PIXELS = None  # We say it ourselves, with the numbers.
    warnings.simplefilter("ignore")
    requests = msgspec.msgpack.Decoder(Request)
    while (packed := read_frame(sys.stdin.buffer)) is not None:
        _allow_cpu()
        write_frame(sys.stdout.buffer, msgspec.msgpack.encode(look_at(requests.decode(packed))))


def look_at(request: Request) -> Answer:
    """Decode the whole image and say what it is."""
    try:
        with Image.open(request.path or io.BytesIO(request.content), formats=list(FORMATS)) as image:
            return _answer(image, thumbnail=request.thumbnail)
    except UnidentifiedImageError:
        return Answer(
            reason="it is not an image that Pixmill takes (JPEG, PNG, WebP, BMP, TIFF), whatever its name says"
        )
    except MemoryError:
        return Answer(reason=f"decoding it needs more than {MEMORY_BYTES >> 30} GiB of memory")
    except _DAMAGED as error:
        return Answer(reason=f"it is truncated or damaged ({str(error) or type(error).__name__})")


def read_frame(stream: BinaryIO) -> bytes | None:
    """One message; None where the stream has ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    size: int = _LENGTH.unpack(head)[0]
    packed = stream.read(size)
    return packed if len(packed) == size else None


def write_frame(stream: BinaryIO, packed: bytes) -> None:
    """One message, at once."""
    stream.write(_LENGTH.pack(len(packed)) + packed)
    stream.flush()


def _answer(image: Image.Image, *, thumbnail: bool) -> Answer:
    width, height = image.size
    if width * height > MAX_PIXELS:
        return Answer(
            reason=f"it is a decompression bomb: {width} x {height} pixels, more than {MAX_PIXELS // 1_000_000} million"
        )
    media_type = FORMATS.get(image.format or "", "image/jpeg")
    orientation = image.getexif().get(_ORIENTATION, 1)
    orientation = orientation if isinstance(orientation, int) and 1 <= orientation <= max(_TURNED) else 1
    if thumbnail:
        # A JPEG is then decoded at a fraction of its size; all of its bytes are read all the same.
        image.draft("RGB", (EDGE, EDGE))
    image.load()
    if orientation in _TURNED:
        width, height = height, width
    made = _thumbnail(image, width, height) if thumbnail else b""
    return Answer("", width, height, orientation, media_type, made)


def _thumbnail(image: Image.Image, width: int, height: int) -> bytes:
    small_width, small_height = thumbnail_size(width, height, edge=EDGE)
    small = image.convert("RGBA" if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info else "RGB")
    # The thumbnail may be turned afterwards: a square is enough for both.
    longer = max(small_width, small_height)
    small.thumbnail((longer, longer), reducing_gap=2.0)
    upright = ImageOps.exif_transpose(small)
    packed = io.BytesIO()
    upright.save(packed, "WEBP", quality=QUALITY, method=1)
    return packed.getvalue()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_cpu() -> None:
    """The soft limit moves along, so that each image has its own time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
