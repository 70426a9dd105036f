"""Folders of images, as a test run takes them for versions."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from PIL import Image, UnidentifiedImageError

from pixmill.errors import InvalidInput, NotFound
from pixmill.parameters import ParameterSpec, ParameterType, ParameterValue
from pixmill.runtime.plan import ChunkAsset, PlannedVersion, VersionAssets

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
VersionFolder: TypeAlias = list[tuple[str, Path]]
"""Images by their path below the folder."""
_TURNED: Final = range(5, 9)
_ORIENTATION: Final = 0x0112


def images_in(folder: Path) -> VersionFolder:
    """Every image below the folder, by its path there, in that order; raises where there is none."""
    if not folder.is_dir():
        raise NotFound("folder", str(folder), hint="Give a folder of images.")
    found = sorted(each for each in folder.rglob("*") if each.suffix.lower() in SUFFIXES)
    if not found:
        raise InvalidInput(f"There is no image in '{folder}'.", hint="Give a folder with JPEG or PNG files.")
    return [(each.relative_to(folder).as_posix(), each.resolve()) for each in found]


def planned_versions(
    specs: Iterable[ParameterSpec], values: Mapping[str, ParameterValue]
) -> tuple[list[PlannedVersion], Mapping[str, VersionFolder]]:
    """The Parameters that are DatasetVersions, each given as a folder: for the Run's plan, and for who reads them."""
    named = [spec.name for spec in specs if spec.type is ParameterType.DATASET_VERSION]
    given = {name: Path(str(values[name])) for name in named if values.get(name) is not None}
    # By its text, as a server sorts them, so that a page can go on behind a path.
    read = {name: sorted(images_in(folder)) for name, folder in given.items()}
    return [PlannedVersion(name, given[name].name, [], len(images)) for name, images in read.items()], read


def version_page(images: VersionFolder, after: str, limit: int) -> VersionAssets:
    """Images behind a path."""
    rest = [asset_at(path, place) for path, place in images if path > after]
    return VersionAssets(rest[:limit], rest[limit - 1].path if len(rest) > limit else None)


def asset_at(path: str, place: Path) -> ChunkAsset:
    """An asset's id is its path; its size is 0 x 0 where the file cannot be read."""
    width = height = 0
    try:
        with Image.open(place) as opened:
            width, height = opened.size
            if opened.getexif().get(_ORIENTATION) in _TURNED:
                width, height = height, width
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        pass  # the child says what is wrong with it
    return ChunkAsset(path, path, width, height, str(place))
