"""Rows of Models, ModelVersions and their files."""

from datetime import datetime

from pydantic import JsonValue as Json
from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pixmill_server.db.base import Base, BigInt, Id, JsonValue, UtcDateTime


class ModelRow(Base):
    """A Model: a name under which there are versions."""

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[str] = mapped_column(Id, ForeignKey("organizations.id"))
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ModelVersionRow(Base):
    """A ModelVersion; never changed once written."""

    __tablename__ = "model_versions"
    __table_args__ = (UniqueConstraint("model_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    model_id: Mapped[str] = mapped_column(Id, ForeignKey("models.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    """The part after the `/` of `smart-city-yolo/1`."""
    task: Mapped[str] = mapped_column(Text)
    framework: Mapped[str] = mapped_column(Text)
    family: Mapped[str | None] = mapped_column(Text)
    """How its head is decoded; None: told from its shapes when it is used."""
    labels: Mapped[list[str]] = mapped_column(JsonValue)
    """Class names, by class index."""
    parameters: Mapped[dict[str, Json]] = mapped_column(JsonValue)
    """Facts of the model: input size and the like."""
    licence: Mapped[str | None] = mapped_column(Text)
    """None: not known."""
    source: Mapped[str] = mapped_column(Text)
    """Where it came from: `push`, or `hub:NAME`."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(Id, ForeignKey("users.id"))


class ModelFileRow(Base):
    """One file of a ModelVersion; its bytes are an object."""

    __tablename__ = "model_files"

    model_version_id: Mapped[str] = mapped_column(Id, ForeignKey("model_versions.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text)
    """BLAKE3, hexadecimal."""
    size_bytes: Mapped[int] = mapped_column(BigInt)
