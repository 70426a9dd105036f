"""Selections: lists of assets that somebody picked, kept by their content, so that an address can name ten thousand."""

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
from blake3 import blake3

from pixmill.errors import InvalidInput, NotFound
from pixmill_server.datasets.existing import Ids
from pixmill_server.storage.objects import Objects

_ASSET_ID: Final = re.compile(r"[0-9a-f]{32}")
_NAME: Final = re.compile(r"sel_[0-9a-f]{32}")
_ID_BYTES: Final = 16


def keep_selection(objects: Objects, asset_ids: Iterable[str]) -> str:
    """The selection's id, `sel_` and 32 digits; the same assets have the same one. Raises `InvalidInput`."""
    ids = sorted(set(asset_ids))
    for asset_id in ids:
        if not _ASSET_ID.fullmatch(asset_id):
            raise InvalidInput(f"'{asset_id}' is no id of an asset.", hint="Ids are 32 hexadecimal digits.")
    if not ids:
        raise InvalidInput("A selection needs at least one asset.", hint="Select some in the Assets grid.")
    packed = bytes.fromhex("".join(ids))
    name = f"sel_{blake3(packed).hexdigest(length=_ID_BYTES)}"
    objects.put_named(_key(name), packed)
    return name


def read_selection(objects: Objects, name: str) -> Ids:
    """Its ids, sorted; raises `NotFound`."""
    if not _NAME.fullmatch(name):
        raise _unknown(name)
    try:
        packed = objects.get_named(_key(name))
    except NotFound as error:
        raise _unknown(name) from error
    digits = packed.hex().encode()
    return np.frombuffer(digits, dtype=f"S{2 * _ID_BYTES}")


def _key(name: str) -> str:
    return f"selections/{name}"


def _unknown(name: str) -> NotFound:
    return NotFound("selection", name, hint="Select the assets in the grid again.")
