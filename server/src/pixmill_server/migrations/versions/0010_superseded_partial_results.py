"""Partial results that were marked as kept though a later Run of their Job had succeeded.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What 0006 marked in folders of before: the later Run has superseded it."""
    op.execute(
        "UPDATE runs SET partial = 'superseded' WHERE partial = 'kept' AND EXISTS (SELECT 1 FROM runs AS later "
        "WHERE later.job_id = runs.job_id AND later.number > runs.number AND later.status = 'succeeded')"
    )


def downgrade() -> None:
    """Nothing: the release before knows the state too."""
