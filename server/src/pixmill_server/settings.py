"""What the operator decides, read once from the environment, and the layout of the data folder.

Nothing else of the server reads the environment, and only `wiring` and `__main__` know this module.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from pixmill.errors import Conflict, InvalidInput

RELEASE = 1
"""Of the data folder's layout: grows when an older release could no longer read it."""

MARKER = "pixmill.json"
DEFAULT_PORT = 8760
LEAST_LOG_MIB = 32
DEFAULT_LOG_LIMIT_BYTES = 256 << 20
BUNDLE = Path(__file__).parent / "bundle"


class DataFolderTooNew(Conflict):
    """A newer release of Pixmill has written this data folder."""

    code = "data-folder-too-new"


@dataclass(frozen=True, slots=True)
class Settings:
    """One server's settings; every path is absolute."""

    data: Path
    """The data folder; everything that Pixmill keeps on this machine is below it."""
    database_url: str
    """`sqlite:///path` or `postgresql://user:password@host/name`."""
    tables_url: str
    """Where Lance tables lie: a folder or an `s3://bucket/prefix`."""
    objects_url: str
    """Where bytes lie: a folder or an `s3://bucket/prefix`."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    """0: any free one."""
    public_url: str = ""
    """The address that browsers use, where it is not `http://host:port`."""
    reference_roots: tuple[Path, ...] = ()
    """Folders of this machine out of which images may be imported by reference."""
    reference_networks: tuple[str, ...] = ()
    """Networks that are not public (`10.1.0.0/16`), out of which Runs may fetch images by their address."""
    sandbox: str = "auto"
    """`auto`, `bubblewrap`, `landlock` or `none`."""
    container_engine: str = ""
    """Where Docker or Podman listens (`unix:///...`); empty: where they usually do."""
    bundle: Path = BUNDLE
    """The SDK wheel, the built-in Processings with their schemas, the browser's files."""
    hub: Path | None = None
    """A signed-off list of models to use instead of the one that Pixmill carries."""
    timeouts: str = ""
    """What Runs are held to unless their Compute or launch says otherwise, as in `start=30m,running=1d`."""
    secrets_key_file: Path | None = None
    """The key that secrets are encrypted with, where it does not lie in the data folder."""
    metrics_open: bool = False
    """Whether `/metrics` answers without a token."""
    log_limit_bytes: int = DEFAULT_LOG_LIMIT_BYTES
    """Of a Run's log, half of it at the beginning and half at the end."""

    @property
    def environments(self) -> Path:
        """Built environments of Processings, content-addressed."""
        return self.data / "environments"

    @property
    def scratch(self) -> Path:
        """Files that live no longer than what made them."""
        return self.data / "scratch"

    @property
    def open_logs(self) -> Path:
        """The newest part of the log of each Run that goes on; older parts are objects."""
        return self.data / "logs"

    @property
    def secrets_key(self) -> Path:
        """The key that secrets are encrypted with; made where it is missing, and only its owner can read it."""
        return self.secrets_key_file or self.data / "secrets-key"

    @property
    def token_file(self) -> Path:
        """The token of the owner, for the command line on this machine; only its owner can read it."""
        return self.data / "local-token"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """From `PIXMILL_*` variables (None: this process's)."""
    given = os.environ if environment is None else environment
    data = Path(given.get("PIXMILL_DATA") or _default_data(given)).expanduser().absolute()
    return Settings(
        data=data,
        database_url=given.get("PIXMILL_DATABASE_URL") or f"sqlite:///{data / 'pixmill.db'}",
        tables_url=given.get("PIXMILL_TABLES_URL") or str(data / "tables"),
        objects_url=given.get("PIXMILL_OBJECTS_URL") or str(data / "objects"),
        host=given.get("PIXMILL_HOST") or "127.0.0.1",
        port=_port(given.get("PIXMILL_PORT")),
        public_url=(given.get("PIXMILL_PUBLIC_URL") or "").rstrip("/"),
        reference_roots=tuple(
            Path(root).expanduser().absolute()
            for root in (given.get("PIXMILL_REFERENCE_ROOTS") or "").split(os.pathsep)
            if root
        ),
        reference_networks=_networks(given.get("PIXMILL_REFERENCE_NETWORKS") or ""),
        sandbox=given.get("PIXMILL_SANDBOX") or "auto",
        container_engine=given.get("PIXMILL_CONTAINER_ENGINE") or "",
        bundle=Path(given.get("PIXMILL_BUNDLE") or BUNDLE),
        hub=Path(given["PIXMILL_HUB"]) if given.get("PIXMILL_HUB") else None,
        timeouts=given.get("PIXMILL_TIMEOUTS") or "",
        secrets_key_file=Path(given["PIXMILL_SECRETS_KEY_FILE"]) if given.get("PIXMILL_SECRETS_KEY_FILE") else None,
        metrics_open=given.get("PIXMILL_METRICS_OPEN") == "1",
        log_limit_bytes=_log_limit(given.get("PIXMILL_LOG_LIMIT_MIB")),
    )


def prepare_data_folder(settings: Settings, *, version: str) -> None:
    """Make the data folder and mark it with this release; refuse one that a newer release has marked."""
    marker = settings.data / MARKER
    try:
        # Private: it holds the database, a token and everyone's images.
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = json.loads(marker.read_text()) if marker.exists() else {}
        release = int(found.get("release", 0))
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidInput(
            f"The data folder {settings.data} cannot be used: {error}.",
            hint="Give another one with --data or PIXMILL_DATA, or mend this one's rights.",
            field="data",
        ) from error
    if release > RELEASE:
        raise DataFolderTooNew(
            f"The data folder {settings.data} was written by Pixmill {found.get('version', '?')}, which is newer.",
            hint="Start that release, or give another folder with --data.",
        )
    if release < RELEASE:
        beside = marker.with_suffix(".new")
        beside.write_text(json.dumps({"release": RELEASE, "version": version}) + "\n")
        beside.replace(marker)
    for folder in (settings.environments, settings.scratch):
        folder.mkdir(exist_ok=True)


def _default_data(given: Mapping[str, str]) -> Path:
    shared = given.get("XDG_DATA_HOME")
    return (Path(shared) if shared else Path.home() / ".local" / "share") / "pixmill"


def _networks(text: str) -> tuple[str, ...]:
    """Separated by commas."""
    networks = tuple(part.strip() for part in text.split(",") if part.strip())
    for network in networks:
        try:
            ip_network(network)
        except ValueError as error:
            raise InvalidInput(
                f"PIXMILL_REFERENCE_NETWORKS cannot hold '{network}': {error}.",
                hint="Write networks such as 10.1.0.0/16, separated by commas.",
                field="reference_networks",
            ) from error
    return networks


def _log_limit(text: str | None) -> int:
    if not text:
        return DEFAULT_LOG_LIMIT_BYTES
    if not text.isdecimal() or int(text) < LEAST_LOG_MIB:
        raise InvalidInput(
            f"PIXMILL_LOG_LIMIT_MIB cannot be '{text}'.",
            hint=f"Give a number of MiB, {LEAST_LOG_MIB} or more.",
            field="log_limit_mib",
        )
    return int(text) << 20


def _port(text: str | None) -> int:
    if not text:
        return DEFAULT_PORT
    highest = 65535
    if not text.isdecimal() or int(text) > highest:
        raise InvalidInput(
            f"PIXMILL_PORT cannot be '{text}'.", hint=f"Give a number from 0 to {highest}.", field="port"
        )
    return int(text)
