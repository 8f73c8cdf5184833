"""An event that was stated as a calendar day is that day in the zone of every term.

Statements of before have no day: they count from the moment they name, as they always did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "retention_event", sa.Column("day", sa.Text(), server_default=sa.text("''"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("retention_event", "day")
