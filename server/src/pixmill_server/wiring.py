"""Builds everything once, from the settings, and hands it out as one frozen value."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pixmill_server
from pixmill.environments import pack_sdk
from pixmill.errors import InvalidInput
from pixmill.parameters.timeouts import parse_timeouts
from pixmill_server.accounts.accounts import Accounts
from pixmill_server.accounts.tokens import ensure_local_token
from pixmill_server.accounts.users import ensure_owner
from pixmill_server.computes.computes import Computes, ensure_local
from pixmill_server.computes.findings import Probe
from pixmill_server.computes.probes import (
    look_at_bundle,
    look_at_containers,
    look_at_cpu_features,
    look_at_database,
    look_at_disk,
    look_at_limits,
    look_at_machine,
    look_at_sandbox,
    look_at_uv,
)
from pixmill_server.datasets.images import DecodePool
from pixmill_server.datasets.import_reading import ImportReader
from pixmill_server.datasets.imports import ABANDONED_AFTER, sweep_abandoned
from pixmill_server.datasets.ingest import Ingest
from pixmill_server.datasets.lease import free_abandoned
from pixmill_server.datasets.pictures import ThumbnailMaker
from pixmill_server.datasets.stores import Datasets
from pixmill_server.db.engine import Database, open_database
from pixmill_server.db.schema import require_current, upgrade
from pixmill_server.executors.container.engine import why_no_engine
from pixmill_server.executors.container.pulling import pull_labels
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.changes import JobChanges
from pixmill_server.jobs.figures import JobFigures
from pixmill_server.jobs.log_limit import LogLimit
from pixmill_server.jobs.logs import Logs
from pixmill_server.kernel.clock import Clock, SystemClock
from pixmill_server.kernel.signals import Signals
from pixmill_server.model_registry.hub import read_hub
from pixmill_server.model_registry.registry import ModelRegistry
from pixmill_server.processings.bundled import sync_builtins
from pixmill_server.processings.records import Processings
from pixmill_server.processings.secrets import Secrets, ensure_key
from pixmill_server.settings import Settings, prepare_data_folder
from pixmill_server.storage.objects import Objects, open_objects
from pixmill_server.storage.tables import Tables


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers, pages and the worker work with."""

    settings: Settings
    database: Database
    clock: Clock
    signals: Signals
    objects: Objects
    datasets: Datasets
    ingest: Ingest
    thumbnails: ThumbnailMaker
    imports: ImportReader
    accounts: Accounts
    computes: Computes
    registry: ModelRegistry
    processings: Processings
    secrets: Secrets
    jobs: Jobs
    changes: JobChanges
    figures: JobFigures

    def probes(self) -> tuple[Probe, ...]:
        """What `doctor` looks at, in this order."""
        return (
            look_at_machine,
            look_at_cpu_features,
            partial(look_at_sandbox, self.settings.sandbox),
            partial(look_at_limits, self.settings.sandbox),
            partial(look_at_containers, partial(why_no_engine, self.settings.container_engine)),
            look_at_uv,
            partial(look_at_database, self.database),
            partial(look_at_disk, self.settings.data),
            partial(look_at_bundle, self.settings.bundle, [self.processings.sdk_wheel]),
        )

    def close(self) -> None:
        """Give back what is held open."""
        self.imports.close()
        self.thumbnails.close()
        self.ingest.pool.close()
        self.database.close()


def prepare(settings: Settings) -> None:
    """Bring the data folder and the database to this release, with what must exist; twice is as once."""
    prepare_data_folder(settings, version=pixmill_server.__version__)
    database = open_database(settings.database_url)
    try:
        upgrade(database)
        accounts = Accounts(database, SystemClock())
        owner = ensure_owner(accounts)
        ensure_local(Computes(database, SystemClock()), owner.organization_id)
        ensure_key(settings.secrets_key)
        ensure_local_token(accounts, owner, settings.token_file)
        _pack_sdk_without_bundle(settings)
        objects = open_objects(settings.objects_url)
        processings = _processings(settings, database, objects, SystemClock())
        sync_builtins(processings, settings.bundle / "processings")
        datasets = Datasets(database, Tables(settings.tables_url), objects, SystemClock())
        sweep_abandoned(datasets)
        free_abandoned(datasets)
        objects.sweep_incoming(before=SystemClock().now() - ABANDONED_AFTER)
    finally:
        database.close()


def open_services(settings: Settings, *, clock: Clock | None = None) -> Services:
    """Everything, on a data folder and a database that are this release's (see `prepare`)."""
    clock = clock or SystemClock()
    signals = Signals()
    database = open_database(settings.database_url, signals=signals)
    require_current(database)
    objects = open_objects(settings.objects_url)
    datasets = Datasets(database, Tables(settings.tables_url), objects, clock)
    ingest = Ingest(datasets, DecodePool(), settings.reference_roots)
    logs = Logs(database, objects, settings.open_logs, clock, LogLimit(settings.log_limit_bytes))
    thumbnails = ThumbnailMaker(ingest)
    return Services(
        settings=settings,
        database=database,
        clock=clock,
        signals=signals,
        objects=objects,
        datasets=datasets,
        ingest=ingest,
        thumbnails=thumbnails,
        imports=ImportReader(ingest, thumbnails),
        accounts=Accounts(database, clock),
        computes=Computes(database, clock),
        registry=ModelRegistry(database, objects, clock, read_hub(settings.hub)),
        processings=_processings(settings, database, objects, clock),
        secrets=Secrets(database, clock, settings.secrets_key),
        jobs=Jobs(database, datasets, objects, logs, clock, timeouts=_timeouts(settings)),
        changes=JobChanges(database),
        figures=JobFigures(database, clock),
    )


def _processings(settings: Settings, database: Database, objects: Objects, clock: Clock) -> Processings:
    return Processings(
        database=database,
        objects=objects,
        clock=clock,
        environments=settings.environments,
        sdk_wheel=_sdk_wheel(settings),
        sandbox=settings.sandbox,
        image_labels=partial(pull_labels, settings.container_engine),
    )


def _timeouts(settings: Settings) -> dict[str, float | None]:
    return {str(name): seconds for name, seconds in parse_timeouts(filter(None, settings.timeouts.split(","))).items()}


def _sdk_wheel(settings: Settings) -> Path:
    """The one of the bundle; where there is no bundle, the one that `prepare` packed of the running sources."""
    found = [*(settings.bundle / "sdk").glob("pixmill-*.whl"), *(settings.data / "sdk").glob("pixmill-*.whl")]
    if not found:
        raise InvalidInput(f"The bundle {settings.bundle} has no SDK wheel.", hint="Install Pixmill again.")
    return found[0]


def _pack_sdk_without_bundle(settings: Settings) -> None:
    if any((settings.bundle / "sdk").glob("pixmill-*.whl")):
        return
    folder = settings.data / "sdk"
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=settings.scratch) as fresh:
        wheel = pack_sdk(Path(fresh))
        wheel.replace(folder / wheel.name)
