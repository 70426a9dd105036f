"""Takes a container image in as a Processing: its declaration is stored; what its tag means is found by each Run."""

import json
from collections.abc import Sequence

from pixmill.environments import Header
from pixmill.errors import ProcessingError
from pixmill_server.accounts.actor import Actor
from pixmill_server.processings.images import LABEL, schema_of_image
from pixmill_server.processings.queries import find_processing
from pixmill_server.processings.records import Processing, Processings
from pixmill_server.processings.store import Code, store

_LARGEST_BYTES = 1 << 20


def push_image(
    processings: Processings, actor: Actor, image: str, *, flags: Sequence[str] = (), declaration: str | None = None
) -> Processing:
    """The Processing with this image as its newest version; the same again changes nothing.

    `declaration` is TOML; None: the image carries it as a label, and is pulled to read it. Raises `ProcessingError`.
    """
    said = _label(processings, image) if declaration is None else declaration
    if len(said) > _LARGEST_BYTES:
        raise ProcessingError(f"The declaration has {len(said)} characters.", hint="It has at most a million.")
    schema = schema_of_image(image, flags, said)
    source = json.dumps({"image": image, "flags": list(flags), "declaration": said}, indent=2).encode()
    code = Code(source, b"", Header(), schema)
    name = store(processings, code, organization_id=actor.organization_id, user_id=actor.user_id)
    return find_processing(processings, actor.organization_id, name)


def _label(processings: Processings, image: str) -> str:
    try:
        labels = processings.image_labels(image)
    except OSError as error:
        raise ProcessingError(f"The image cannot be looked at: {error}", hint="Or give a declaration.") from error
    if LABEL not in labels:
        raise ProcessingError(f"'{image}' has no label {LABEL}.", hint="Add one, or give a declaration with --about.")
    return labels[LABEL]
