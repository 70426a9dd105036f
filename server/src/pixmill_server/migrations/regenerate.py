"""`python -m pixmill_server.migrations.regenerate`: write the first migration anew from the tables.

Only until the first release; after it, steps are added and never changed.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config

from pixmill_server.db.engine import open_database
from pixmill_server.db.schema import SCRIPTS
from pixmill_server.migrations.metadata import all_tables

FIRST = "0001"


def regenerate() -> Path:
    """Replace `versions/0001_initial.py`; the tables' own source says what is in it."""
    versions = Path(__file__).parent / "versions"
    for old in versions.glob("0*.py"):
        old.unlink()
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["metadata"] = all_tables()
    with TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/empty.sqlite")
        with database.transaction() as session:
            config.attributes["connection"] = session.connection()
            command.revision(config, message="initial", autogenerate=True, rev_id=FIRST)
        database.close()
    written = versions / f"{FIRST}_initial.py"
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(written)], check=False)
    return written


if __name__ == "__main__":
    sys.stdout.write(f"{regenerate()}\n")
