"""Runs that read versions beside the one they are launched on: which ones, by Parameter.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Runs of before read none."""
    written = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("runs", sa.Column("read_versions", written, nullable=False, server_default="{}"))


def downgrade() -> None:
    """Their addresses stay among the Parameters."""
    op.drop_column("runs", "read_versions")
