"""Who made the package of a transfer is known by id, so that they do not confirm its receipt.

Packages of before name their maker alone, and that is what the confirmation goes by.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "batch_package",
        sa.Column("exported_by_id", sa.Text(), server_default=sa.text("''"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("batch_package", "exported_by_id")
