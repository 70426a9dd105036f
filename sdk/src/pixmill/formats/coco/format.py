"""Which files are COCO, and where its images are."""

from pathlib import Path, PurePosixPath

from pixmill.errors import FormatError
from pixmill.formats.coco.reading import CocoSource
from pixmill.formats.coco.sections import JsonFile
from pixmill.formats.coco.writing import CocoWriter
from pixmill.formats.contract import ExportPlan
from pixmill.formats.files import Files

_LOOK_AT_BYTES = 1 << 16
_WORDS = (b'"annotations"', b'"categories"', b'"images"')
_SPLITS = ("instances_", "person_keypoints_", "annotations_")


class CocoFormat:
    """The COCO format of detection, segmentation and keypoints."""

    title = "COCO (JSON)"

    def recognizes(self, files: Files) -> bool:
        return bool(_annotation_files(files))

    def open(self, files: Files) -> CocoSource:
        name = self._annotation_file(files)
        return CocoSource.open(files, JsonFile.open(files.local_path(name), name), _image_folders(name))

    def write(self, folder: Path, plan: ExportPlan) -> CocoWriter:
        return CocoWriter.begin(folder, plan)

    def _annotation_file(self, files: Files) -> str:
        if files.main is not None:
            return files.main
        found = _annotation_files(files)
        if len(found) == 1:
            return found[0]
        if found:
            raise FormatError(
                f"'{files.title}' holds several COCO files: {', '.join(found)}.", hint="Name the one to import."
            )
        raise FormatError(
            f"There is no COCO file in '{files.title}'.", hint="It is a .json with images, annotations and categories."
        )


def _annotation_files(files: Files) -> list[str]:
    offered = [files.main] if files.main is not None else files.names()
    return [name for name in offered if PurePosixPath(name).suffix.lower() == ".json" and _looks_like_coco(files, name)]


def _looks_like_coco(files: Files, name: str) -> bool:
    """One of COCO's words near the beginning, or near the end where an array comes first."""
    try:
        with files.open(name) as file:
            head = file.read(_LOOK_AT_BYTES)
    except OSError as error:
        raise FormatError(
            f"'{name}' in '{files.title}' cannot be read, or is damaged: {error}.", hint="Copy it again."
        ) from error
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and any(word in head for word in _WORDS)


def _image_folders(name: str) -> list[str]:
    """Where the images of an annotation file may be, relative to the source's root, each with its slash; best first."""
    here = PurePosixPath(name).parent
    folders = [here, here / "images"]
    if here != PurePosixPath("."):
        folders += [here.parent, here.parent / "images"]
        stem = PurePosixPath(name).stem
        folders += [here.parent / stem.removeprefix(prefix) for prefix in _SPLITS if stem.startswith(prefix)]
        folders += [here.parent / "images" / stem.removeprefix(prefix) for prefix in _SPLITS if stem.startswith(prefix)]
    return ["" if folder == PurePosixPath(".") else f"{folder}/" for folder in folders]
