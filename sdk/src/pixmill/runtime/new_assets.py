"""What an author's Change may be, and its images as files; checked while the author's code is still on the stack."""

import io
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

import msgspec
from PIL import Image

from pixmill.annotations.images import RgbImage
from pixmill.authoring import Change
from pixmill.authoring.assets import require_path
from pixmill.errors import ProcessingError

MAX_IMAGE_BYTES: Final = 256 << 20
MOST_ADDED: Final = 10_000
"""Assets that may be made of one."""
_JPEG: Final[dict[str, Any]] = {"format": "JPEG", "quality": 95, "subsampling": 0}
_ENCODINGS: Final[dict[str, dict[str, Any]]] = {
    ".png": {"format": "PNG", "compress_level": 3},
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": {"format": "WEBP", "lossless": True, "quality": 20},
}


@dataclass(frozen=True, slots=True)
class SentChange:
    """A Change whose images are at the supervisor already: they are empty here, and known by their numbers."""

    change: Change
    numbers: tuple[int, ...]
    """One for each of `change.added`."""


def ready(change: Change, *, new_version: str) -> Change:
    """The Change with its images as files; `new_version` is how the Run's begins (`Declaration`).

    Raises `TypeError` where metadata or attributes are no JSON, `ProcessingError` for what the Run has no place for.
    """
    _require_json(change)
    if not change.added and not (new_version == "empty" and change.changes_the_asset):
        return change
    if not new_version:
        raise ProcessingError(
            "An asset is added, and this Processing makes no version to add it to.",
            hint='Write @processing(..., new_version="fork") or "empty".',
        )
    if new_version == "empty" and change.changes_the_asset:
        raise ProcessingError(
            "An asset is changed that the new version does not have: it begins empty.",
            hint='Give what is new to asset.derive(...), or write @processing(..., new_version="fork").',
        )
    return replace(change, added=tuple(replace(new, image=_file(new.path, new.image)) for new in change.added))


def _require_json(change: Change) -> None:
    shapes = [*change.shapes, *(shape for new in change.added for shape in new.annotations)]
    for values in (change.metadata, *(new.metadata for new in change.added), *(shape.attributes for shape in shapes)):
        if values:
            msgspec.json.encode(values)


def _file(path: str, image: RgbImage | bytes) -> bytes:
    require_path(path)
    content = image if isinstance(image, bytes) else _encoded(path, image)
    if not content or len(content) > MAX_IMAGE_BYTES:
        raise ProcessingError(
            f"The image of '{path}' has {len(content)} bytes.", hint=f"Give 1 to {MAX_IMAGE_BYTES >> 20} MiB."
        )
    return content


def _encoded(path: str, image: RgbImage) -> bytes:
    written = io.BytesIO()
    Image.fromarray(image).save(written, **_ENCODINGS[PurePosixPath(path).suffix.lower()])
    return written.getvalue()
