"""Rows of Processings, their versions, and what an Organization sets for them."""

from datetime import datetime

from pydantic import JsonValue as Json
from sqlalchemy import ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pixmill_server.db.base import Base, Id, JsonValue, UtcDateTime


class ProcessingRow(Base):
    """A Processing: a name under which there are versions of code."""

    __tablename__ = "processings"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        # Two NULLs are never equal, so public names need an index of their own.
        Index(
            "uq_processings_public_name",
            "name",
            unique=True,
            sqlite_where=text("organization_id IS NULL"),
            postgresql_where=text("organization_id IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[str | None] = mapped_column(Id, ForeignKey("organizations.id"))
    """None: public, it ships with Pixmill."""
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ProcessingVersionRow(Base):
    """The code of a Processing as it was pushed; never changed once written."""

    __tablename__ = "processing_versions"
    __table_args__ = (UniqueConstraint("processing_id", "number"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    processing_id: Mapped[str] = mapped_column(Id, ForeignKey("processings.id"), index=True)
    number: Mapped[int]
    code_digest: Mapped[str] = mapped_column(Text)
    """BLAKE3 of the source, hexadecimal."""
    source_key: Mapped[str] = mapped_column(Text)
    """The object that holds the source: its digest."""
    lock_key: Mapped[str] = mapped_column(Text)
    """The object that holds the hashed lock of its environment: its digest."""
    schema: Mapped[dict[str, Json]] = mapped_column(JsonValue)
    """What `pixmill.authoring.schema` read in the built environment."""
    requires: Mapped[dict[str, Json]] = mapped_column(JsonValue)
    """Its header: `python` and `dependencies`."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str | None] = mapped_column(Id, ForeignKey("users.id"))
    """None: it came with Pixmill."""


class ProcessingSettingsRow(Base):
    """What an Organization set for a Processing, public or its own."""

    __tablename__ = "processing_settings"

    organization_id: Mapped[str] = mapped_column(Id, ForeignKey("organizations.id"), primary_key=True)
    processing_id: Mapped[str] = mapped_column(Id, ForeignKey("processings.id"), primary_key=True)
    defaults: Mapped[dict[str, Json]] = mapped_column(JsonValue)
    """Parameter to the value that a launch takes where it gives none."""
    compute_id: Mapped[str | None] = mapped_column(Id, ForeignKey("computes.id"))
    """None: `local`."""


class SecretRow(Base):
    """A value that Runs whose Processing names it get as an environment variable."""

    __tablename__ = "secrets"

    organization_id: Mapped[str] = mapped_column(Id, ForeignKey("organizations.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    """The nonce, then what AES-GCM made of the value; the key is not in the database."""
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)
