"""Rows of Datasets, DatasetVersions, Revisions and Label sets."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pixmill_server.db.base import Base, BigInt, Id, JsonValue, UtcDateTime


class DatasetRow(Base):
    """A Dataset; its two Lance tables lie in folders named by its id."""

    __tablename__ = "datasets"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Its versions are deleted with it; a Dataset that is made under its name again goes on with its tables."""


class VersionRow(Base):
    """A DatasetVersion: a branch of both tables, the number of its head Revision, and its write lease."""

    __tablename__ = "dataset_versions"
    __table_args__ = (
        # A deleted version gives its name free.
        Index(
            "uq_dataset_versions_name",
            "dataset_id",
            "name",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    dataset_id: Mapped[str] = mapped_column(Id, ForeignKey("datasets.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    branch: Mapped[str] = mapped_column(Text)
    """The opaque name of its branch in both Lance tables."""
    head_number: Mapped[int]
    locked: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the branches of a deleted version were dropped; its rows stay for the Jobs that name them."""
    forked_from_version_id: Mapped[str | None] = mapped_column(Id, ForeignKey("dataset_versions.id"))
    forked_from_number: Mapped[int | None]
    lease_owner: Mapped[str | None] = mapped_column(Id)
    """Who commits right now; None: nobody."""
    lease_fence: Mapped[int] = mapped_column(BigInt, default=0)
    """Grows with every lease taken; an older fence can no longer move the pointer."""
    lease_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    compacted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the head's physical pair was last replaced by one of equal content; None: what it left is cleaned."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str | None] = mapped_column(Id)
    """The user; None: Pixmill itself."""


class LabelSetRow(Base):
    """The Labels of one or more Revisions; never changed once written."""

    __tablename__ = "label_sets"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    labels: Mapped[list[dict[str, str]]] = mapped_column(JsonValue)
    """`[{id, name, color}]` in the order in which they are shown."""


class RevisionRow(Base):
    """One state of a DatasetVersion; its row is what makes it visible."""

    __tablename__ = "revisions"

    version_id: Mapped[str] = mapped_column(Id, ForeignKey("dataset_versions.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    assets_branch: Mapped[str] = mapped_column(Text)
    assets_version: Mapped[int] = mapped_column(BigInt)
    annotations_branch: Mapped[str] = mapped_column(Text)
    annotations_version: Mapped[int] = mapped_column(BigInt)
    label_set_id: Mapped[str] = mapped_column(Id, ForeignKey("label_sets.id"))
    parent_number: Mapped[int | None]
    """None for the first one of a version."""
    author_id: Mapped[str | None] = mapped_column(Id)
    """The user who made it; None: a Run did, or Pixmill itself."""
    run_id: Mapped[str | None] = mapped_column(Id)
    summary: Mapped[str] = mapped_column(Text)
    counts: Mapped[dict[str, int]] = mapped_column(JsonValue)
    """`assets`, `annotations`, `annotated_assets` of the state; what the step added, removed and changed."""
    fence: Mapped[int] = mapped_column(BigInt)
    """Of the lease under which it was committed."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ImportRow(Base):
    """One import: from its first chunk to its commit. What it stages lies under `imports/<id>` among the objects."""

    __tablename__ = "imports"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[str] = mapped_column(Id)
    key: Mapped[str] = mapped_column(Text, index=True)
    """What the client calls it: the same path, options and content again continue an open import."""
    address: Mapped[str] = mapped_column(Text)
    """`street/v1`; made at the commit where there is none."""
    options: Mapped[dict[str, str | bool]] = mapped_column(JsonValue)
    """`format`, `existing`, `replace`."""
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """None: it is open."""
    version_id: Mapped[str | None] = mapped_column(Id, ForeignKey("dataset_versions.id"))
    """What the address meant when it began; None until the commit where there was no such version."""
    number: Mapped[int | None]
    """Of the Revision that it made, or found unchanged."""
    report: Mapped[dict[str, object] | None] = mapped_column(JsonValue)


class ImportFileRow(Base):
    """A file that a browser sent for an import; the server reads it when all are there."""

    __tablename__ = "import_files"

    import_id: Mapped[str] = mapped_column(Id, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    """Relative, with forward slashes."""
    size_bytes: Mapped[int] = mapped_column(BigInt)
    digest: Mapped[str] = mapped_column(Text)
    """Of an image, which is an object; empty for what lies under the import's own keys."""


class ImportReadingRow(Base):
    """How far the server is with reading what a browser sent."""

    __tablename__ = "import_readings"

    import_id: Mapped[str] = mapped_column(Id, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[str] = mapped_column(Text)
    done: Mapped[float]
    total: Mapped[float]
    outcome: Mapped[dict[str, object]] = mapped_column(JsonValue)
    """What was read and left out, or why the whole was refused; empty while it goes on."""
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was last heard of."""


class LabelOriginRow(Base):
    """What an imported file said of a Label beside its name; an export says it again."""

    __tablename__ = "label_origins"

    label_id: Mapped[str] = mapped_column(Id, primary_key=True)
    external_id: Mapped[int] = mapped_column(BigInt)
    """The number of the class in the file; -1: none."""
    supercategory: Mapped[str] = mapped_column(Text)
    keypoints: Mapped[list[str]] = mapped_column(JsonValue)
    skeleton: Mapped[list[list[int]]] = mapped_column(JsonValue)
    """Pairs of points that are joined, counted from 1."""
