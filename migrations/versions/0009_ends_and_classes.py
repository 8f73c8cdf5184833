"""What is due and what a class holds is found by indexes: both went through every record.

Only posts are in them: the archive's own events are never due, and of one class.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_record_retain_until": ["retain_until", "log_index"],
    "ix_record_class_code": ["class_code", "schedule_version", "log_index"],
}
_A_POST = sa.text("entry_type = 'rec'")


def upgrade() -> None:
    for name, columns in _INDEXES.items():
        op.create_index(name, "record", columns, sqlite_where=_A_POST, postgresql_where=_A_POST)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "record")
