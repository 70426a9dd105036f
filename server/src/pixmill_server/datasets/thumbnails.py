"""How large thumbnails are and what they are called. Rules of values: no I/O."""

EDGE = 320
"""The longer side of a thumbnail in pixels, at most."""
MEDIA_TYPE = "image/webp"
QUALITY = 80


def thumbnail_size(width: int, height: int, *, edge: int = EDGE) -> tuple[int, int]:
    """Width and height of the thumbnail of an image: its longer side is `edge`; small images stay as they are."""
    longer = max(width, height)
    if longer <= edge:
        return width, height
    return max(1, round(width * edge / longer)), max(1, round(height * edge / longer))


def thumbnail_key(identity: str, *, edge: int = EDGE) -> str:
    """The key of the thumbnail of an image: by its digest, or by its asset's id where it has none."""
    return f"thumbnails/{identity[-2:]}/{identity}-{edge}.webp"
