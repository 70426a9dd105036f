"""What an image left in its output folder, by the asset of the Run that it is about. Nothing of it is believed."""

import os
import re
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

import msgspec

from pixmill.annotations import rows_of
from pixmill.authoring import Asset, Change, LabeledShape
from pixmill.errors import PixmillError, ProcessingError
from pixmill.formats.coco.format import CocoFormat
from pixmill.formats.files import Files, is_image_name, open_files
from pixmill.runtime.ledger import Ledger
from pixmill.runtime.new_assets import MAX_IMAGE_BYTES, MOST_ADDED, SentChange, ready

IMAGES: Final = "images/"
"""Below the output folder: new images, under the paths that they are to have."""
_TAGS, _ORIGINS = "tags.json", "origins.json"
_LARGEST_JSON_BYTES: Final = 64 << 20
_CUTS: Final = re.compile(r"[._-]")
_NO_ORIGIN: Final = "images that are not made of exactly one of the Run, by their names or origins.json"
_ELSEWHERE: Final = "images that are not in the folder images"
_NO_VERSION: Final = "images, as this Processing makes no version to add them to (new_version)"
_NOT_IN_RUN: Final = "results of images that are not in this Run"
_NOT_IN_VERSION: Final = "results of images that the new version does not have, as it begins empty"

_Values = TypeVar("_Values")


class OutputRefused(PixmillError):
    """What the image left in its output folder cannot be taken."""


@dataclass(slots=True)
class _Made:
    """An image of the output: the asset it is to become."""

    path: str
    shapes: list[LabeledShape] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True)
class FolderOutput:
    """Everything but the images themselves, which are read one by one."""

    folder: Path
    new_version: str
    changes: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    """Of assets of the Run, by their paths."""
    made: dict[str, list[_Made]] = field(default_factory=lambda: defaultdict(list))
    """By the path of the asset that each was made of."""
    new: dict[str, _Made] = field(default_factory=dict)
    """The same, by their own paths."""
    left_out: Counter[str] = field(default_factory=Counter)
    """How many of what."""

    def say_what_is_left_out(self, ledger: Ledger) -> None:
        for what, count in self.left_out.items():
            ledger.say("output-left-out", f"Left out: {count} {what}.", count=count)

    def settle(self, asset: Asset, chunk: int, ledger: Ledger) -> None:
        """The asset is done; it has failed where an image that was made of it cannot be taken."""
        made = self.made.get(asset.path, ())
        changes = list(self.changes.get(asset.path, ()))
        try:
            if len(made) > MOST_ADDED:
                raise ProcessingError(f"{len(made)} were made of it.", hint=f"Make {MOST_ADDED} or fewer.")
            # The bytes of one image at a time: they go to the supervisor at once.
            sent = [self._send(asset, each, ledger) for each in made]
        except (PixmillError, OSError) as error:
            reason = f"an image that was made of it cannot be taken: {error}"
            ledger.fail_without_trace(asset, chunk, reason, kind="output-refused")
            return
        ledger.finish_asset(asset, chunk, [*changes, *sent])

    def _send(self, asset: Asset, made: _Made, ledger: Ledger) -> SentChange:
        file = self.folder / IMAGES / made.path
        if (size := file.stat().st_size) > MAX_IMAGE_BYTES:
            raise ProcessingError(f"'{made.path}' has {size} bytes.", hint=f"At most {MAX_IMAGE_BYTES >> 20} MiB.")
        change = asset.derive(made.path, file.read_bytes(), annotations=made.shapes, tags=made.tags)
        return ledger.send_images(ready(change, new_version=self.new_version))


def read_output(folder: Path, assets: Mapping[str, Asset], new_version: str) -> FolderOutput:
    """Shapes of one COCO file, tags of `tags.json`, and which image was made of which asset. Raises `PixmillError`.

    `assets` are those of the Run, by path; `new_version` is how the version that it makes begins.
    """
    _refuse_links(folder)
    output = FolderOutput(folder, new_version)
    with closing(open_files(folder)) as files:
        _find_images(files, assets, output)
        if CocoFormat().recognizes(files):
            _read_coco(files, assets, output)
    for path, tags in _paths(folder / _TAGS, dict[str, list[str]], "Path to a list of tags.").items():
        if (made := output.new.get(path)) is not None:
            made.tags += [tag for tag in tags if tag not in made.tags]
        elif _may_change(path, assets, output):
            output.changes[path].append(assets[path].tag(*tags))
    return output


def _refuse_links(folder: Path) -> None:
    """A link would be followed here, to files that the image itself never saw."""
    for below, folders, files in os.walk(folder):
        for name in (*folders, *files):
            mode = (Path(below) / name).lstat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise OutputRefused(f"{name!a} in the output is a link, or no file.", hint="Write plain files.")


def _find_images(files: Files, assets: Mapping[str, Asset], output: FolderOutput) -> None:
    said = _paths(output.folder / _ORIGINS, dict[str, str], "Path of a new image to that of one of the Run.")
    stems: dict[str, list[str]] = defaultdict(list)
    for path in assets:
        stems[_stem(path)].append(path)
    for name in files.names():
        if not is_image_name(name):
            continue
        path = name.removeprefix(IMAGES)
        if not output.new_version:
            output.left_out[_NO_VERSION] += 1
        elif path == name:
            output.left_out[_ELSEWHERE] += 1
        elif (origin := said.get(path) or _origin(path, stems)) not in assets or not _is_text(path):
            output.left_out[_NO_ORIGIN] += 1
        else:
            output.new[path] = _Made(path)
            output.made[origin].append(output.new[path])


def _origin(path: str, stems: Mapping[str, list[str]]) -> str:
    """The image whose path without its ending begins this one, folders in front aside; "": none, or several."""
    parts = _stem(path).split("/")
    for first in range(len(parts)):
        for beginning in _beginnings("/".join(parts[first:])):
            if found := stems.get(beginning):
                return found[0] if len(found) == 1 else ""
    return ""


def _beginnings(stem: str) -> Iterator[str]:
    """All of it, then shorter and shorter, cut in its name at `.`, `_` and `-`."""
    yield stem
    name = stem.rfind("/") + 1
    for cut in reversed([match.start() for match in _CUTS.finditer(stem, name)]):
        yield stem[:cut]


def _stem(path: str) -> str:
    return path.removesuffix(PurePosixPath(path).suffix)


def _is_text(path: str) -> bool:
    """A name of a file may have bytes that are no letters, and no asset can be called so."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_coco(files: Files, assets: Mapping[str, Asset], output: FolderOutput) -> None:
    with CocoFormat().open(files) as source:
        # An image may be named as it lies in the output, too.
        paths = {image.path: (image.file or "").removeprefix(IMAGES) or image.path for image in source.images()}
        for columns in source.annotations():
            for row in rows_of(columns):
                path = paths.get(row.asset, row.asset)
                shape = LabeledShape(row.shape, row.label, row.score, row.attributes)
                if (made := output.new.get(path)) is not None:
                    made.shapes.append(shape)
                elif _may_change(row.asset, assets, output):
                    output.changes[row.asset].append(Change(assets[row.asset].id, shapes=(shape,)))
        for reason, findings in source.report.skipped.items():
            output.left_out[f"entries of the COCO file: {reason}"] += findings.count


def _may_change(path: str, assets: Mapping[str, Asset], output: FolderOutput) -> bool:
    """Whether there is such an asset where the results go; what is said of others is counted."""
    if path not in assets:
        output.left_out[_NOT_IN_RUN] += 1
    elif output.new_version == "empty":
        output.left_out[_NOT_IN_VERSION] += 1
    else:
        return True
    return False


def _paths(path: Path, kind: type[dict[str, _Values]], hint: str) -> dict[str, _Values]:
    """A file of JSON by paths; nothing where there is none."""
    if not path.is_file():
        return {}
    if path.stat().st_size > _LARGEST_JSON_BYTES:
        raise OutputRefused(f"'{path.name}' is larger than 64 MiB.", hint=hint)
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.DecodeError as error:
        raise OutputRefused(f"'{path.name}' is not what it should be: {error}.", hint=hint) from error
