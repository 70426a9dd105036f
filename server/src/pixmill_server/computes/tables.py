"""Rows of Computes, and of what was found out about the machine."""

from datetime import datetime

from pydantic import JsonValue as Json
from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pixmill_server.db.base import Base, BigInt, Id, JsonValue, UtcDateTime


class ComputeRow(Base):
    """One place where Runs go."""

    __tablename__ = "computes"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[str] = mapped_column(Id, ForeignKey("organizations.id"))
    name: Mapped[str] = mapped_column(Text)
    executor: Mapped[str] = mapped_column(Text)
    """The module of `executors` that starts Runs here."""
    cpus: Mapped[float]
    """For each Run."""
    memory_bytes: Mapped[int] = mapped_column(BigInt)
    """For each Run; 0: no limit."""
    processes: Mapped[int] = mapped_column(server_default="1024")
    """Processes and threads at once, for each Run; 0: no limit."""
    scratch_bytes: Mapped[int] = mapped_column(BigInt, server_default=str(20 << 30))
    """What each Run may write; 0: no limit."""
    gpus: Mapped[int]
    concurrency: Mapped[int]
    """Runs at once."""
    timeouts: Mapped[dict[str, float]] = mapped_column(JsonValue, default=dict, server_default="{}")
    """What Runs are held to here: seconds by name."""
    price_per_hour: Mapped[float]
    """Of a running Run, in whatever currency the operator thinks in."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FindingRow(Base):
    """What was found out about the server's machine, and when."""

    __tablename__ = "findings"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int]
    verdict: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Json]] = mapped_column(JsonValue)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
