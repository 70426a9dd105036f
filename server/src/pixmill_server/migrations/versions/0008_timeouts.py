"""How long Runs may take.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing limits Runs as before."""
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    for table in ("jobs", "runs", "computes"):
        op.add_column(table, sa.Column("timeouts", json, nullable=False, server_default="{}"))
    op.add_column("runs", sa.Column("progressed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("runs", sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True))
