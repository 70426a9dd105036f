"""One installation for all stories of a session, and versions to work on."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import select

from pixmill.annotations import Origin, Source, new_id
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.accounts.tables import UserRow
from pixmill_server.datasets.changes import ChangePart, ChangeSource, Existing
from pixmill_server.datasets.commit import commit
from pixmill_server.datasets.labels import set_labels
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import annotations_of, assets_page
from pixmill_server.datasets.records import Pinned
from pixmill_server.datasets.revise import Author
from pixmill_server.datasets.schemas import ASSETS
from pixmill_server.datasets.versions import create_version
from pixmill_server.settings import read_settings
from pixmill_server.wiring import Services, open_services
from tests.e2e.installation import Installation, installed
from tests.e2e.scenes import HEIGHT, WIDTH, draw


@dataclass
class Place:
    """A data folder, looked into from outside the server."""

    installation: Installation
    services: Services
    actor: Actor
    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def version(self, *, images: int, labels: list[str], corrupt: str = "") -> str:
        """The address of a new version with that many pictures; the bytes of one of them may be no picture."""
        address = f"scenes/v{next(self._numbers)}"
        created = create_version(self.services.datasets, self.actor, address)
        set_labels(self.services.datasets, self.actor, created.id, labels)
        paths = sorted(draw(self.folder / address, images).iterdir())
        if corrupt:
            (self.folder / address / corrupt).write_bytes(b"no picture")
        rows = [self._row(path) for path in paths]
        part = ChangePart(assets=pa.RecordBatch.from_pylist(rows, schema=ASSETS))
        commit(
            self.services.datasets,
            created.id,
            ChangeSource(lambda: [part], Origin(Source.IMPORT)),
            author=Author(self.actor.user_id),
            summary="pictures",
            existing=Existing.ADD,
        )
        return address

    def head(self, address: str) -> Pinned:
        version_id = self.installation.client().jobs.show(self.newest_job(address)).version_id
        return pin(self.services.datasets, version_id)

    def newest_job(self, address: str) -> str:
        return next(iter(self.installation.client().jobs.list(version=address))).id

    def annotations(self, address: str) -> list[dict[str, object]]:
        """All of them, each with the path of its asset, by path."""
        head = self.head(address)
        assets = assets_page(self.services.datasets, head, after=None, limit=1000).items
        paths = {asset.id: asset.path for asset in assets}
        rows = annotations_of(self.services.datasets, head, list(paths)).to_pylist()
        return [{**row, "path": paths[row["asset_id"]]} for row in rows]

    def _row(self, path: Path) -> dict[str, object]:
        content = path.read_bytes()
        return {
            "id": new_id(),
            "path": path.name,
            "digest": self.services.objects.put(content),
            "size_bytes": len(content),
            "width": WIDTH,
            "height": HEIGHT,
            "orientation": 1,
            "media_type": "image/png",
            "source_uri": "",
            "external_id": -1,
            "tags": [],
            "metadata": "",
            "created_at": datetime.now(UTC),
        }


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running Pixmill, and its stores."""
    with placed_in(tmp_path_factory.mktemp("e2e")) as running:
        yield running


@contextmanager
def placed_in(folder: Path) -> Iterator[Place]:
    """The same for one story, with the environment as it is now."""
    with installed(folder / "data") as installation:
        services = open_services(read_settings({"PIXMILL_DATA": str(folder / "data"), "HOME": str(folder)}))
        with services.database.reading() as session:
            user = session.scalars(select(UserRow).order_by(UserRow.id)).first()
            assert user is not None
            actor = Actor(user.id, user.organization_id, Role(user.role))
        yield Place(installation, services, actor, folder / "pictures")
        services.close()
