"""Where the lock probes of each store stand in the log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LOG_INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "worm_probe",
        sa.Column("log_index", LOG_INDEX, autoincrement=False, nullable=False),
        sa.Column("store", sa.Text(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("log_index", name=op.f("pk_worm_probe")),
        comment="The lock probes of each store; each row is the view of one `worm` entry.",
    )


def downgrade() -> None:
    op.drop_table("worm_probe")
