"""Photographs of every kind, good and bad, for the tests of imports."""

import io
import struct
import zlib
from pathlib import Path

from PIL import Image

ORIENTATION = 0x0112


def photograph(
    *, width: int = 40, height: int = 30, colour: str = "red", kind: str = "JPEG", orientation: int = 1
) -> bytes:
    """An image file; `width` and `height` are of its stored pixels."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    packed = io.BytesIO()
    image = Image.new("RGB", (width, height), colour)
    image.putpixel((0, 0), (255, 255, 255))
    image.save(packed, kind, exif=exif)
    return packed.getvalue()


def truncated() -> bytes:
    """Half of a photograph."""
    noise = Image.effect_noise((200, 200), 80).convert("RGB")
    packed = io.BytesIO()
    noise.save(packed, "JPEG")
    return packed.getvalue()[: len(packed.getvalue()) // 2]


def bomb() -> bytes:
    """A small PNG of forty thousand times forty thousand pixels."""
    side = 40_000

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


BAD = {
    "text.jpg": (b"This is a text.", "not an image"),
    "renamed.jpg": (b"%PDF-1.7 a document", "not an image"),
    "truncated.jpg": (truncated(), "truncated or damaged"),
    "bomb.png": (bomb(), "decompression bomb"),
    "empty.png": (b"", "not an image"),
    "animated.gif.jpg": (b"GIF89a" + bytes(100), "not an image"),
}
"""By name: the bytes, and part of the reason why they are refused."""


def write_bad(folder: Path) -> None:
    """Every bad image, under its name."""
    for name, (content, _reason) in BAD.items():
        (folder / name).write_bytes(content)
