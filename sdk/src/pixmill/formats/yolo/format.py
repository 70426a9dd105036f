"""Which folders are YOLO, and how their images and labels lie."""

from pathlib import Path, PurePosixPath

from pixmill.errors import FormatError
from pixmill.formats.contract import ExportPlan, FormatLabel, is_label_name
from pixmill.formats.files import Files, is_image_name
from pixmill.formats.report import Report
from pixmill.formats.yolo.names import CONFIG_NAMES, LIST_NAMES, has_keypoints, names_from_config, names_from_list
from pixmill.formats.yolo.reading import YoloSource, label_file
from pixmill.formats.yolo.writing import YoloWriter

_HINT = "Put a data.yaml with 'names', or a classes.txt with one class a line, into the folder."


class YoloFormat:
    """The text labels of the YOLO family."""

    title = "YOLO (text)"

    def recognizes(self, files: Files) -> bool:
        if files.main is not None:
            return PurePosixPath(files.main).name in CONFIG_NAMES
        return _names_file(files) is not None

    def open(self, files: Files) -> YoloSource:
        report = Report()
        found = _names_file(files)
        if found is None:
            raise FormatError(f"'{files.title}' does not say what its classes are called.", hint=_HINT)
        with files.open(found) as file:
            text = file.read().decode("utf-8", "replace")
        if PurePosixPath(found).name in LIST_NAMES:
            names = names_from_list(text)
        else:
            names = names_from_config(text, found)
            if has_keypoints(text):
                report.cannot_hold("the keypoints of YOLO poses (only their boxes are read)", found)
        if not names:
            raise FormatError(f"'{found}' names no classes.", hint=_HINT)
        wrong = [name for name in names if not is_label_name(name)]
        if wrong:
            raise FormatError(f"'{found}' names a class {wrong[0]!r}.", hint="Give 1 to 200 visible characters.")
        images = [name for name in files.names() if is_image_name(name)]
        labels = [FormatLabel(name, external_id=place) for place, name in enumerate(dict.fromkeys(names))]
        return YoloSource(files, labels, names, images, _stray(files, images, found), report, poses=has_keypoints(text))

    def write(self, folder: Path, plan: ExportPlan) -> YoloWriter:
        return YoloWriter.begin(folder, plan)


def _names_file(files: Files) -> str | None:
    """The shallowest file that names the classes; data.yaml before classes.txt."""
    if files.main is not None:
        return files.main
    found = [name for name in files.names() if PurePosixPath(name).name in (*CONFIG_NAMES, *LIST_NAMES)]
    ranked = sorted(found, key=lambda name: (name.count("/"), PurePosixPath(name).name in LIST_NAMES, name))
    return ranked[0] if ranked else None


def _stray(files: Files, images: list[str], names_file: str) -> list[str]:
    """Label files whose image is missing: text files in a folder of labels."""
    expected = {label_file(image) for image in images}
    return [
        name
        for name in files.names()
        if name.endswith(".txt")
        and "labels" in PurePosixPath(name).parts
        and name not in expected
        and name != names_file
        and PurePosixPath(name).name not in LIST_NAMES
    ]
