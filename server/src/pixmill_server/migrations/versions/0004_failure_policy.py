"""What failed assets mean for a Run, and images that were done when tried again.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Jobs and Runs as before go on after failures."""
    for table in ("jobs", "runs"):
        op.add_column(table, sa.Column("on_failure", sa.Text(), nullable=False, server_default="continue"))
    op.add_column("chunks", sa.Column("retried", sa.Integer(), nullable=False, server_default="0"))
