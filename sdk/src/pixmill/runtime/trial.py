"""A Processing tried on a folder of images, without a server: in the same child and sandbox, and nothing is written."""

import shutil
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from threading import Event, Lock
from typing import Any, BinaryIO, Final

from blake3 import blake3

from pixmill.annotations import AnnotationColumns
from pixmill.authoring.assets import require_path
from pixmill.environments import Environment, Header, build, lock, pack_sdk, processing_schema
from pixmill.errors import InvalidInput, ModelError, NotFound
from pixmill.inference.metadata import read_metadata
from pixmill.parameters import ParameterSpec, ParameterType, ParameterValue, spec_from_json, validate, values_from_text
from pixmill.runtime.plan import (
    Chunk,
    ChunkAsset,
    Finish,
    PlannedFile,
    PlannedLimits,
    PlannedModel,
    PlannedProcessing,
    PlannedTotals,
    Progress,
    RunEvent,
    RunPlan,
    Sample,
    StagedAsset,
    StagedChunk,
    StagedFailure,
    VersionAssets,
)
from pixmill.runtime.server import AssetUnreadable
from pixmill.runtime.supervisor import Placement, supervise
from pixmill.runtime.trial_code import TrialCode, code_of
from pixmill.runtime.trial_images import VersionFolder, asset_at, images_in, planned_versions, version_page

_CHUNK: Final = 64
_PROGRESS_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """What to try, on what."""

    file: Path
    """Or the folder of its code, with a `pyproject.toml`."""
    folder: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    """As typed."""
    model: Path | None = None
    model_labels: Sequence[str] = ()
    """Class names, for a model file that does not say them."""
    labels: Sequence[str] = ()
    """The Labels to pretend that the version has; empty: the model's classes."""
    environments: Path = field(default_factory=lambda: Path.home() / ".cache" / "pixmill" / "environments")
    sandbox: str = "auto"
    cpus: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)
    """Where the secrets are taken from that the Processing names."""
    new_images: Path | None = None
    """Where the images of the new version are written; None: into a new folder among the temporary ones."""


@dataclass(slots=True)
class TrialReport:
    """What a Run would have staged."""

    labels: tuple[str, ...]
    assets: int = 0
    done: int = 0
    skipped: int = 0
    failed: list[StagedFailure] = field(default_factory=list)
    shapes: Counter[str] = field(default_factory=Counter)
    """By Label."""
    scores: dict[str, list[float]] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    """Shapes of classes that no Label takes."""
    tags: Counter[str] = field(default_factory=Counter)
    sandbox: str = ""
    seconds: float = 0.0
    """From the child's first sign of life to its end."""
    end: Finish | None = None
    staged: dict[int, StagedChunk] = field(default_factory=dict)
    images: list[ChunkAsset] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    """Paths of the assets that the new version would get."""
    new_images: Path | None = None
    """The folder that their images are in; None: the Processing makes no version."""

    @property
    def succeeded(self) -> bool:
        """As a server would decide: it came to its end, and not every image failed."""
        end = self.end
        whole = end is not None and end.error is None and end.ledger_complete and end.returned
        return whole and (len(self.failed) < self.assets or not self.assets)

    def median_score(self, label: str) -> float | None:
        scores = self.scores.get(label)
        return statistics.median(scores) if scores else None

    def as_json(self) -> dict[str, Any]:
        error = self.end.error if self.end else None
        return {
            "succeeded": self.succeeded,
            "assets": self.assets,
            "done": self.done,
            "skipped": self.skipped,
            "failed": [{"path": each.asset_id, "reason": each.reason} for each in self.failed],
            "labels": {
                label: {"shapes": self.shapes[label], "median_score": self.median_score(label)} for label in self.labels
            },
            "dropped": dict(self.dropped),
            "tags": dict(self.tags),
            "added": self.added,
            "new_images": str(self.new_images) if self.new_images else None,
            "sandbox": self.sandbox,
            "seconds": self.seconds,
            "error": {"type": error.type, "message": error.message, "traceback": error.traceback} if error else None,
        }


def try_processing(
    request: TrialRequest,
    *,
    log: BinaryIO,
    on_step: Callable[[str], None],
    on_progress: Callable[[Progress], None],
    cancel: Event,
) -> TrialReport:
    """Build its environment, read its schema, and run it; its log goes to `log` as it comes.

    Raises what a push or a launch would be refused with: `ProcessingError`, `EnvironmentFailed`, `ParameterError` ...
    """
    images = _existing(request)
    with TemporaryDirectory(prefix="pixmill-") as incoming, TemporaryDirectory(prefix="pixmill-") as scratch:
        code = code_of(request.file, Path(scratch) / "code")
        on_step("Building the environment")
        environment = _environment(code.header, request.environments)
        on_step("Reading the Processing")
        schema = processing_schema(environment, code.place, project=code.project, sandbox=request.sandbox)
        plan, versions = _plan(request, code, schema, len(images))
        on_step(f"Running on {len(images)} images")
        server = TrialServer(plan, code.place, images, log, Path(incoming), on_progress, request.new_images, versions)
        placement = Placement(environment, Path(scratch) / "run", request.sandbox)
        supervise(server, placement, cancel=cancel)
    return server.report


@dataclass(slots=True)
class TrialServer:
    """What a supervisor reports to instead of a server. An asset's id is its path below the folder."""

    run_plan: RunPlan
    file: Path
    images: Sequence[tuple[str, Path]]
    log: BinaryIO
    incoming: Path
    """Where images for the new version lie until it is known what they are for."""
    on_progress: Callable[[Progress], None]
    new_images: Path | None = None
    versions: Mapping[str, VersionFolder] = field(default_factory=dict)
    """The images of every Parameter that is a DatasetVersion."""
    report: TrialReport = field(init=False)
    _began: float = 0.0
    _log_bytes: int = 0
    _lock: Lock = field(default_factory=Lock)
    _given: int = 0

    def __post_init__(self) -> None:
        self.report = TrialReport(tuple(self.run_plan.labels), assets=len(self.images))
        if self.run_plan.processing.new_version:
            self.report.new_images = self.new_images or Path(mkdtemp(prefix="pixmill-new-version-"))

    def plan(self) -> RunPlan:
        return self.run_plan

    def source(self, plan: RunPlan, folder: Path) -> Path:
        return self.file

    def model_file(self, file: PlannedFile, folder: Path) -> Path:
        return Path(file.path or "")

    def started(self, pid: int, sandbox: dict[str, Any]) -> None:
        self._began = time.monotonic()
        self.report.sandbox = str(sandbox["tier"])

    def heartbeat(
        self, progress: Progress, images_per_second: float | None, facts: dict[str, Any], sample: Sample | None = None
    ) -> bool:
        self.on_progress(progress)
        return False

    def claim(self) -> Chunk | None:
        with self._lock:
            first, self._given = self._given, self._given + _CHUNK
        assets = [asset_at(path, place) for path, place in self.images[first : first + _CHUNK]]
        self.report.images += assets
        return Chunk(first // _CHUNK, assets) if assets else None

    def read_asset(self, asset: ChunkAsset) -> bytes:
        try:
            return Path(asset.url).read_bytes()
        except OSError as error:
            raise AssetUnreadable(f"the file cannot be read: {error.strerror}") from error

    def read_annotations(self, index: int) -> bytes:
        """A folder of images has none."""
        return b""

    def read_version(self, parameter: str, after: str, limit: int) -> VersionAssets:
        return version_page(self.versions[parameter], after, limit)

    def read_version_annotations(self, parameter: str, after: str, limit: int) -> bytes:
        return b""

    def put_image(self, content: bytes) -> str:
        digest = blake3(content).hexdigest()
        (self.incoming / digest).write_bytes(content)
        return digest

    def stage(self, index: int, chunk: StagedChunk) -> None:
        report = self.report
        for added in chunk.added:
            self._place_image(added)
        report.staged[index] = chunk
        report.done += len(chunk.done)
        report.skipped += len(chunk.skipped)
        report.failed += chunk.failed
        report.dropped.update(chunk.dropped)
        report.tags.update(tag for tags in chunk.tags.values() for tag in tags)
        if chunk.annotations:
            columns = AnnotationColumns.from_bytes(chunk.annotations)
            for label, score in zip(columns.label, columns.score, strict=True):
                name = columns.labels[label]
                report.shapes[name] += 1
                if score == score:  # noqa: PLR0124 - NaN: nobody gave one
                    report.scores.setdefault(name, []).append(float(score))

    def _place_image(self, added: StagedAsset) -> None:
        # The child says where, and what user code writes is not believed.
        require_path(added.path)
        if self.report.new_images is not None:
            place = self.report.new_images / added.path
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.incoming / added.digest, place)
            self.report.added.append(added.path)

    def append_log(self, offset: int, data: bytes) -> int:
        self.log.write(data)
        self.log.flush()
        self._log_bytes += len(data)
        return self._log_bytes

    def add_events(self, events: Sequence[RunEvent]) -> None:
        for event in events:
            sys.stderr.write(f"{event.message}\n")

    def finish(self, finish: Finish) -> None:
        self.report.end = finish
        self.report.seconds = time.monotonic() - self._began if self._began else 0.0

    def is_slow(self) -> bool:
        return False


def _existing(request: TrialRequest) -> list[tuple[str, Path]]:
    for path, kind in ((request.file, "file"), (request.model, "model file")):
        if path is not None and not (path.is_file() or (kind == "file" and path.is_dir())):
            raise NotFound(kind, str(path), hint="Check the path.")
    return images_in(request.folder)


def _environment(header: Header, root: Path) -> Environment:
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        return build(lock(header), pack_sdk(Path(folder)), root)


def _plan(
    request: TrialRequest, code: TrialCode, schema: Mapping[str, Any], total: int
) -> tuple[RunPlan, Mapping[str, VersionFolder]]:
    specs = [spec_from_json(written) for written in schema["parameters"]]
    model_parameter = next((spec.name for spec in specs if spec.type is ParameterType.MODEL), None)
    values = _values(request, specs, model_parameter, name=str(schema["name"]))
    model = None if request.model is None else _model(request.model, request.model_labels)
    labels = list(request.labels) or (model.labels if model else [])
    wanted = None if model is None else [n for n, name in enumerate(model.labels) if name in labels]
    size = values.get("batch_size", schema["batch_size"])
    versions, folders = planned_versions(specs, values)
    plan = RunPlan(
        processing=PlannedProcessing(
            name=str(schema["name"]),
            form=str(schema["form"]),
            entry=str(schema["entry"]),
            batch_size=size if isinstance(size, int) else 1,
            source_url="",
            requires_network=bool(schema["requires_network"]),
            new_version=str(schema["new_version"]),
            reads_annotations=bool(schema["reads_annotations"]),
            folder=code.folder,
        ),
        parameters={name: value for name, value in values.items() if name != model_parameter},
        labels=labels,
        version=request.folder.name,
        totals=PlannedTotals(total, -(-total // _CHUNK)),
        limits=PlannedLimits(request.cpus, 0),
        heartbeat_seconds=_PROGRESS_SECONDS,
        model=model,
        model_parameter=model_parameter,
        wanted_classes=wanted,
        secrets=_secrets(request, schema),
        versions=versions,
    )
    return plan, folders


def _values(
    request: TrialRequest, specs: Sequence[ParameterSpec], model_parameter: str | None, *, name: str
) -> dict[str, ParameterValue]:
    typed: dict[str, ParameterValue] = values_from_text(specs, request.parameters)
    if model_parameter is not None and request.model is not None:
        typed[model_parameter] = request.model.name
    elif model_parameter is not None and model_parameter not in typed:
        raise InvalidInput(f"'{name}' takes a model.", hint="Give its file: --model FILE.")
    elif request.model is not None and model_parameter is None:
        raise InvalidInput(f"'{name}' takes no model.", hint="Leave out --model.")
    return validate(specs, typed)


def _secrets(request: TrialRequest, schema: Mapping[str, Any]) -> dict[str, str]:
    for name in schema["secrets"]:
        if name not in request.variables:
            raise InvalidInput(
                f"'{schema['name']}' needs the secret {name}.",
                hint=f"Set the environment variable {name} to try it.",
            )
    return {name: request.variables[name] for name in schema["secrets"]}


def _model(path: Path, labels: Sequence[str]) -> PlannedModel:
    said = read_metadata(path, labels=tuple(labels))
    if not said.labels:
        raise ModelError(
            f"'{path.name}' does not name its classes.", hint="Give a file with one a line: --model-labels FILE."
        )
    file = PlannedFile(path.name, path.stat().st_size, "", path=str(path.resolve()))
    size = {"input_size": list(said.input_size)} if said.input_size else {}
    return PlannedModel(
        path.stem, said.task or "", said.framework, list(said.labels), [file], family=said.family, parameters=size
    )
