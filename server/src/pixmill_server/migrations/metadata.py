"""Every table of the server: importing a feature's `tables.py` declares them on the one metadata."""

import importlib
import importlib.util
import pkgutil

from sqlalchemy import MetaData

import pixmill_server
from pixmill_server.db.base import Base


def all_tables() -> MetaData:
    """The metadata with every `tables.py` of every feature; a new feature needs no second edit."""
    for package in pkgutil.iter_modules(pixmill_server.__path__):
        if not package.ispkg:
            continue
        name = f"{pixmill_server.__name__}.{package.name}.tables"
        # `storage.tables` is the table store, not rows.
        if package.name != "storage" and importlib.util.find_spec(name):
            importlib.import_module(name)
    return Base.metadata
