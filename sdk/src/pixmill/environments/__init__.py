"""Environments of Processings: what their code asks for, locked, built by uv, and the room that a child runs in.

`header.py` reads the PEP 723 header, `projects.py` the `pyproject.toml` of a folder, which `code_folders.py` reads and
`archives.py` packs and unpacks; `locking.py` makes a hashed lock of it, `building.py` a read-only environment
of a lock and the SDK's wheel, found again by the digest of both, `disuse.py` removes those that nobody needs;
`sandbox.py` says how a child is shut in, `limits.py` and `cgroups.py` what it may take and by what that holds;
`describing.py` reads a Processing's schema in its environment, so that nobody else imports user code; `starter.py` has
the file that a new Processing begins with.
"""

from pixmill.environments.archives import pack_files, read_archive, write_files
from pixmill.environments.building import Environment, asked_file, build, environment_of, remove
from pixmill.environments.cgroups import Cgroup, make_cgroup, why_not_cgroup
from pixmill.environments.code_folders import read_code_folder
from pixmill.environments.describing import processing_schema
from pixmill.environments.disuse import remove_unused
from pixmill.environments.header import Header, parse_header
from pixmill.environments.limits import Limits, held_by, walls
from pixmill.environments.locking import CHILD_REQUIREMENTS, lock
from pixmill.environments.projects import Project, read_project
from pixmill.environments.sandbox import Room, Tier, choose_tier, landlock_version, why_not_bubblewrap
from pixmill.environments.sdk_wheel import pack_sdk
from pixmill.environments.starter import class_name, renamed, starter_source

__all__ = [
    "CHILD_REQUIREMENTS",
    "Cgroup",
    "Environment",
    "Header",
    "Limits",
    "Project",
    "Room",
    "Tier",
    "asked_file",
    "build",
    "choose_tier",
    "class_name",
    "environment_of",
    "held_by",
    "landlock_version",
    "lock",
    "make_cgroup",
    "pack_files",
    "pack_sdk",
    "parse_header",
    "processing_schema",
    "read_archive",
    "read_code_folder",
    "read_project",
    "remove",
    "remove_unused",
    "renamed",
    "starter_source",
    "walls",
    "why_not_bubblewrap",
    "why_not_cgroup",
    "write_files",
]
