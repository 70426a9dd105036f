"""Makes a private Processing out of another's newest version, under a name of its own."""

import re

from pixmill.environments import pack_files, read_archive, renamed
from pixmill.errors import Conflict, InvalidInput
from pixmill_server.accounts.actor import Actor
from pixmill_server.processings.push import push, push_folder
from pixmill_server.processings.queries import find_processing, list_processings, read_source
from pixmill_server.processings.records import Folder, Processing, Processings
from pixmill_server.storage.objects import require_digest


def copy_processing(processings: Processings, actor: Actor, original: str, *, to: str) -> Processing:
    """The copy: the same code but for the name of its class or function, in the same environment.

    Raises `Conflict` where there is a Processing of that name, public or of the actor's Organization, and
    `InvalidInput` for an image, and for a folder whose other files name that class or function too.
    """
    found = find_processing(processings, actor.organization_id, original)
    if any(other.name == to for other in list_processings(processings, actor.organization_id)):
        raise Conflict(f"There is a Processing '{to}' already.", hint="Give the copy another name.")
    if found.newest.schema.get("image"):
        raise InvalidInput(
            f"'{original}' is a container image: there is no code to copy.", hint="Push the image under another name."
        )
    source = read_source(processings, found.newest)
    entry = str(found.newest.schema["entry"])
    locked = processings.objects.get(require_digest(found.newest.lock_key))
    folder = found.newest.folder
    if folder is not None:
        return push_folder(processings, actor, _renamed_folder(source, folder, entry, to), name=to, locked=locked)
    text = renamed(source.decode(), entry=entry, name=to)
    return push(processings, actor, text.encode(), file_name=f"{to}.py", name=to, locked=locked)


def _renamed_folder(archive: bytes, folder: Folder, entry: str, name: str) -> bytes:
    files = read_archive(archive)
    own = folder.module_path(files)
    for path, content in files.items():
        if path != own and path.endswith(".py") and re.search(rb"\b%s\b" % re.escape(entry.encode()), content):
            raise InvalidInput(
                f"'{path}' names '{entry}' too, so that it cannot be given another name here.",
                hint="Download the code, rename it, and push the folder.",
            )
    return pack_files({**files, own: renamed(files[own].decode(), entry=entry, name=name).encode()})
