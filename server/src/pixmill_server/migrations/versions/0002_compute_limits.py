"""How many processes a Run may have, and how much it may write."""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("computes", sa.Column("processes", sa.Integer(), server_default="1024", nullable=False))
    op.add_column("computes", sa.Column("scratch_bytes", sa.BigInteger(), server_default=str(20 << 30), nullable=False))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("computes", "scratch_bytes")
    op.drop_column("computes", "processes")
