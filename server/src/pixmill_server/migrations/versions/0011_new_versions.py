"""Runs that make a version: what it is to be called, and which one it became.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Runs of before made none."""
    op.add_column("runs", sa.Column("new_version", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("new_version_id", sa.String(64), nullable=True))


def downgrade() -> None:
    """Versions that Runs made stay."""
    op.drop_column("runs", "new_version_id")
    op.drop_column("runs", "new_version")
