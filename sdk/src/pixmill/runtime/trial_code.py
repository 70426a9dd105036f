"""The code of a trial: a file where it is, or a folder laid out as a push would send it."""

from dataclasses import dataclass
from pathlib import Path

from pixmill.environments import (
    Header,
    Project,
    pack_files,
    parse_header,
    read_archive,
    read_code_folder,
    read_project,
    write_files,
)
from pixmill.runtime.plan import PlannedFolder


@dataclass(frozen=True, slots=True)
class TrialCode:
    """What is tried."""

    place: Path
    """The file, or the folder that was laid out."""
    header: Header
    project: Project | None = None
    """None: it is one file."""

    @property
    def folder(self) -> PlannedFolder | None:
        """As the plan of a Run tells it."""
        return None if self.project is None else PlannedFolder(self.project.module, self.project.root)


def code_of(path: Path, room: Path) -> TrialCode:
    """Of a folder, only what a push would take lies in the new folder below `room`. Raises `ProcessingError`."""
    if path.is_file():
        return TrialCode(path.resolve(), parse_header(path.read_text(encoding="utf-8")))
    files = read_archive(pack_files(read_code_folder(path)))
    project = read_project(files)
    place = room.resolve() / project.name
    write_files(files, place)
    return TrialCode(place, project.header, project)
