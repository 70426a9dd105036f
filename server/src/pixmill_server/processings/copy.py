"""Makes a private Processing out of another's newest version, under a name of its own."""

from pixmill.environments import renamed
from pixmill.errors import Conflict, InvalidInput
from pixmill_server.accounts.actor import Actor
from pixmill_server.processings.push import push
from pixmill_server.processings.queries import find_processing, list_processings, read_source
from pixmill_server.processings.records import Processing, Processings
from pixmill_server.storage.objects import require_digest


def copy_processing(processings: Processings, actor: Actor, original: str, *, to: str) -> Processing:
    """The copy: the same code but for the name of its class or function, in the same environment.

    Raises `Conflict` where there is a Processing of that name, public or of the actor's Organization.
    """
    found = find_processing(processings, actor.organization_id, original)
    if any(other.name == to for other in list_processings(processings, actor.organization_id)):
        raise Conflict(f"There is a Processing '{to}' already.", hint="Give the copy another name.")
    if found.newest.schema.get("image"):
        raise InvalidInput(
            f"'{original}' is a container image: there is no code to copy.", hint="Push the image under another name."
        )
    source = read_source(processings, found.newest).decode()
    text = renamed(source, entry=str(found.newest.schema["entry"]), name=to)
    locked = processings.objects.get(require_digest(found.newest.lock_key))
    return push(processings, actor, text.encode(), file_name=f"{to}.py", name=to, locked=locked)
