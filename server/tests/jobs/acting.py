"""A server with a version, a Processing and a model in its tables, and a supervisor to be acted by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import msgspec
import numpy as np

from pixmill import Client
from pixmill.annotations import AnnotationColumns, BoundingBox, ColumnsBuilder
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import annotations_of, assets_page
from pixmill_server.jobs import queue
from pixmill_server.jobs.queue import ClaimedRun
from pixmill_server.jobs.tables import ChunkRow, RunRow
from pixmill_server.kernel.ids import new_id
from pixmill_server.model_registry.tables import ModelFileRow, ModelRow, ModelVersionRow
from pixmill_server.processings.tables import ProcessingRow, ProcessingVersionRow
from server.tests.datasets.building import IMPORT, asset_rows, run_commit, street
from tests.running_server import RunningServer

PATHS = tuple(f"{number:02}.jpg" for number in range(6))


@dataclass
class Supervisor:
    """Speaks the Run protocol as told."""

    url: str
    run: ClaimedRun
    fence: int
    token: str

    def send(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Pixmill-Fence": str(self.fence)}
        content = raw if raw is not None else b"" if body is None else msgspec.json.encode(body)
        if raw is None and body is not None:
            headers["Content-Type"] = "application/json"
        address = f"{self.url}/api/v1/runtime/runs/{self.run.run_id}/{path}"
        return httpx2.request(method, address, content=content, headers=headers, trust_env=False, timeout=60)

    def start(self) -> None:
        assert self.send("POST", "started", {"pid": 7, "sandbox": {"tier": "none"}}).status_code == 204

    def claim(self) -> dict[str, Any] | None:
        return self.claim_after(None)

    def claim_after(self, after: int | None) -> dict[str, Any] | None:
        chunk: dict[str, Any] | None = self.send("POST", "chunks/claim", {"after": after}).json()["chunk"]
        return chunk

    def stage(self, chunk: dict[str, Any], **changed: Any) -> httpx2.Response:
        """A box of Label car on every asset that is done."""
        ids = [asset["id"] for asset in chunk["assets"]]
        missing = {each["asset_id"] for each in (*changed.get("failed", ()), *changed.get("skipped", ()))}
        done = [asset_id for asset_id in ids if asset_id not in missing]
        staged = {"done": done, "annotations": boxes(done), **changed}
        return self.send("PUT", f"chunks/{chunk['index']}", raw=msgspec.msgpack.encode(staged))

    def stage_all(self, **changed: Any) -> None:
        while chunk := self.claim():
            assert self.stage(chunk, **changed).status_code == 204

    def finish(self, **changed: Any) -> httpx2.Response:
        told = {"exit_code": 0, "signal": None, "ledger_complete": True, "returned": False, "error": None, **changed}
        return self.send("POST", "finish", told)

    def work(self) -> str:
        """Everything, well."""
        self.start()
        self.stage_all()
        return str(self.finish().json()["status"])


def boxes(ids: list[str], label: str = "car") -> bytes:
    builder = ColumnsBuilder()
    for asset_id in ids:
        builder.append(asset_id, label, BoundingBox(1, 2, 3, 4), score=0.5)
    return builder.build().to_bytes()


def with_attributes(packed: bytes, text: bytes) -> bytes:
    """The same shapes, the last of them with this in place of its attributes."""
    columns = AnnotationColumns.from_bytes(packed)
    offsets = np.zeros(len(columns) + 1, dtype=np.int64)
    offsets[-1] = len(text)
    told = replace(columns, attributes=np.frombuffer(text, dtype=np.uint8), attribute_offsets=offsets)
    return told.to_bytes()


@dataclass
class Stage:
    """What a test of Jobs plays on."""

    server: RunningServer
    version_id: str = field(init=False)
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        services = self.server.services
        self.client = Client(self.server.url, self.server.owner.token)
        self.version_id = street(services.datasets, self.server.owner.actor, ())
        pictures = asset_rows(services.datasets, PATHS, digest=services.objects.put(b"picture"))
        run_commit(services.datasets, self.version_id, ChangePart(assets=pictures), origin=IMPORT)
        self.processing("annotate")

    def processing(
        self,
        name: str,
        *,
        kind: str = "pre-annotation",
        takes: dict[str, Any] | None = None,
        secrets: Sequence[str] = (),
        new_version: str = "",
        reads: Sequence[str] = (),
    ) -> None:
        """One with a batch size of 2 and a threshold, of which no environment is ever built.

        `reads` are Parameters that are other versions.
        """
        parameters: list[dict[str, Any]] = [
            {"name": model, "type": "model", "required": True, **taken} for model, taken in (takes or {}).items()
        ]
        parameters += [{"name": name, "type": "dataset_version", "optional": True} for name in reads]
        parameters += [
            {"name": "threshold", "type": "float", "default": 0.5, "minimum": 0, "maximum": 1},
            {"name": "batch_size", "type": "int", "default": 2, "minimum": 1},
        ]
        schema = {
            "name": name, "title": name, "description": name, "kind": kind, "form": "batch", "entry": "Annotate",
            "batch_size": 2, "takes": takes or {}, "parameters": parameters, "requires_network": False,
            "secrets": list(secrets), "new_version": new_version, "reads_annotations": bool(new_version),
        }  # fmt: skip
        services, now = self.server.services, self.server.services.clock.now()
        with services.database.transaction() as session:
            row = ProcessingRow(
                id=new_id("proc"),
                organization_id=None,
                name=name,
                kind=kind,
                title=name,
                description="",
                created_at=now,
            )
            session.add(row)
            session.flush()
            session.add(
                ProcessingVersionRow(
                    id=new_id("procv"), processing_id=row.id, number=1, code_digest="c" * 64,
                    source_key=services.objects.put(b"source"), lock_key=services.objects.put(b"lock"),
                    schema=schema, requires={}, created_at=now, created_by=None,
                )
            )  # fmt: skip

    def model(self, name: str, labels: list[str], *, task: str = "detection", framework: str = "onnx") -> None:
        services, now = self.server.services, self.server.services.clock.now()
        owner = self.server.owner.actor
        with services.database.transaction() as session:
            model = ModelRow(id=new_id("mod"), organization_id=owner.organization_id, name=name, created_at=now)
            session.add(model)
        self._model_version(name, "1", labels, task=task, framework=framework, weights=b"weights")

    def newer_model(self, name: str) -> None:
        """A second version, with another file."""
        self._model_version(name, "2", ["car"], task="detection", framework="onnx", weights=b"newer")

    def _model_version(
        self, name: str, version: str, labels: list[str], *, task: str, framework: str, weights: bytes
    ) -> None:
        services, owner = self.server.services, self.server.owner.actor
        with services.database.transaction() as session:
            model_id = session.query(ModelRow).where(ModelRow.name == name).one().id
            row = ModelVersionRow(
                id=new_id("modv"), model_id=model_id, name=version, task=task, framework=framework, family=None,
                labels=labels, parameters={}, licence=None, source="push", created_at=services.clock.now(),
                created_by=owner.user_id,
            )  # fmt: skip
            session.add(row)
            session.flush()
            digest = services.objects.put(weights)
            file = ModelFileRow(model_version_id=row.id, name="model.onnx", digest=digest, size_bytes=len(weights))
            session.add(file)

    def launch(self, **wish: Any) -> str:
        return self.client.jobs.launch(wish.pop("processing", "annotate"), "street/v1", **wish).id

    def supervisor(self) -> Supervisor:
        """Of the Run that is next in line."""
        services = self.server.services
        with services.database.transaction() as session:
            run = queue.claim(session, worker="w", now=services.clock.now())
        assert run is not None
        return Supervisor(self.server.url, run, run.fence, run.token)

    def run(self, supervisor: Supervisor) -> RunRow:
        with self.server.services.database.reading() as session:
            return session.get_one(RunRow, supervisor.run.run_id)

    def chunks(self, supervisor: Supervisor) -> list[ChunkRow]:
        with self.server.services.database.reading() as session:
            return list(session.query(ChunkRow).where(ChunkRow.run_id == supervisor.run.run_id))

    def annotated(self) -> list[str]:
        """The path of the asset of each annotation of the head, by path."""
        datasets = self.server.services.datasets
        head = pin(datasets, self.version_id)
        paths = {asset.id: asset.path for asset in assets_page(datasets, head, after=None, limit=100).items}
        return [paths[row["asset_id"]] for row in annotations_of(datasets, head, list(paths)).to_pylist()]
