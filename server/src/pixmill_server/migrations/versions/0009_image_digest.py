"""What the tag of an image meant when a Run was placed."""

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    op.add_column("runs", sa.Column("image_digest", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the step back."""
    op.drop_column("runs", "image_digest")
