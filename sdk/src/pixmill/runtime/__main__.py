"""`python -m pixmill.runtime`: the supervisor of one Run.

Its configuration is JSON on stdin: never argv, never the environment, for others can read those.
Exit code 0: the end of the Run was reported. 1: it was not, and whoever started this has to say that the Run is lost.
"""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Final

import msgspec
from msgspec import Struct

from pixmill.environments import Environment
from pixmill.errors import PixmillError
from pixmill.runtime.containers import PlacedImage
from pixmill.runtime.http_server import HttpRunServer
from pixmill.runtime.process_tree import adopt_orphans
from pixmill.runtime.supervisor import Placement, supervise

DEFAULT_LEASE_SECONDS: Final = 120.0


class Configuration(Struct):
    """What the worker says on stdin."""

    server_url: str
    run_id: str
    token: str
    fence: int
    environment: str
    """The folder of the Processing's environment."""
    scratch: str
    sandbox: str = "auto"
    source: str | None = None
    """The Processing's file or folder on this machine; None: it is fetched."""
    reference_networks: list[str] = []
    """Networks that are not public, out of which images may be fetched by their address."""
    image: PlacedImage | None = None
    """The container image that the Processing is; None: it is a file."""
    lease_seconds: float = DEFAULT_LEASE_SECONDS
    """For how long the server may be silent before the Run is given up, where its worker is gone."""
    worker_pid: int = 0
    """The process that started this one, and ends it where need be; 0: nobody does."""


def main() -> int:
    """Supervise the Run that stdin tells of."""
    configuration = msgspec.json.decode(sys.stdin.buffer.read(), type=Configuration)
    adopt_orphans()
    cancel = Event()
    signal.signal(signal.SIGTERM, lambda *_: cancel.set())
    server = HttpRunServer(
        configuration.server_url,
        configuration.run_id,
        token=configuration.token,
        fence=configuration.fence,
        patience_seconds=configuration.lease_seconds,
        source=None if configuration.source is None else Path(configuration.source),
        reference_networks=configuration.reference_networks,
        # Whoever loses its parent gets another one.
        has_worker=lambda: os.getppid() == configuration.worker_pid,
    )
    folder = Path(configuration.environment)
    placement = Placement(Environment(folder, folder.name), Path(configuration.scratch), configuration.sandbox)
    placement = replace(placement, image=configuration.image)
    try:
        return 0 if supervise(server, placement, cancel=cancel) else 1
    except PixmillError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
