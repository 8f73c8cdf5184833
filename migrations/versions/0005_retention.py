"""Drafts of the file plan, retention events, disposal batches, and what remains afterwards."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ULID = sa.String(26)
LOG_INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NEW_TABLES = (
    "plan_draft",
    "retention_event",
    "disposal_stop",
    "batch",
    "batch_record",
    "batch_approval",
    "batch_package",
    "disposed",
    "certificate",
)
APPEND_ONLY = ("disposal_stop", "disposed", "certificate")
WHY = "rows of %s are evidence and are never changed or removed"  # the words of 0001


def upgrade() -> None:
    op.add_column(
        "file_class", sa.Column("revision", sa.Integer(), server_default="1", nullable=False)
    )
    op.add_column(
        "segment", sa.Column("destroyed", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("file_class", sa.Column("closed_at", sa.BigInteger(), nullable=True))
    _create_plan_draft()
    _create_retention_event()
    _create_disposal_stop()
    _create_batch()
    _create_batch_record()
    _create_batch_approval()
    _create_batch_package()
    _create_disposed()
    _create_certificate()
    if op.get_context().dialect.name == "sqlite":
        _protect_on_sqlite()
    else:
        _protect_on_postgresql()


def downgrade() -> None:
    for table in reversed(NEW_TABLES):
        op.drop_table(table)  # and its triggers
    op.drop_column("segment", "destroyed")
    op.drop_column("file_class", "closed_at")
    op.drop_column("file_class", "revision")


def _create_plan_draft() -> None:
    op.create_table(
        "plan_draft",
        sa.Column("id", ULID, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("in_force_from", sa.BigInteger(), nullable=True),
        sa.Column("simulation", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("authors", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_draft")),
        comment="Changes of the file plan that are not in force; each change of one is an event.",
    )
    op.create_index(op.f("ix_plan_draft_class_code"), "plan_draft", ["class_code"])


def _create_retention_event() -> None:
    op.create_table(
        "retention_event",
        sa.Column("id", ULID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Text(), nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.Column("stated_by", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_event")),
        comment="Named events with their own dates, which start the count of terms.",
    )
    op.create_index(op.f("ix_retention_event_record_id"), "retention_event", ["record_id"])
    op.create_index(
        op.f("ix_retention_event_account"), "retention_event", ["platform", "account", "name"]
    )


def _create_disposal_stop() -> None:
    op.create_table(
        "disposal_stop",
        sa.Column("id", ULID, nullable=False),
        sa.Column("lifts", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("stated_by", sa.Text(), nullable=False),
        sa.Column("stated_by_id", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "lifts", name=op.f("pk_disposal_stop")),
        comment="The emergency stop: while one stop is not lifted, nothing is disposed of.",
    )


def _create_batch() -> None:
    op.create_table(
        "batch",
        sa.Column("id", ULID, nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("schedule_version", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("log_size", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("formed_by", sa.Text(), nullable=False),
        sa.Column("formed_by_id", sa.Text(), nullable=False),
        sa.Column("formed_at", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_by_id", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("approvals_needed", sa.Integer(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        comment="Eligible records proposed for disposal together; each change of one is an event.",
    )
    op.create_index(op.f("ix_batch_state"), "batch", ["state"])


def _create_batch_record() -> None:
    op.create_table(
        "batch_record",
        sa.Column("batch_id", ULID, nullable=False),
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("keep_until", sa.BigInteger(), nullable=True),
        sa.Column("dis_index", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_batch_record_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "log_index", name=op.f("pk_batch_record")),
    )
    op.create_index(op.f("ix_batch_record_log_index"), "batch_record", ["log_index"])


def _create_batch_approval() -> None:
    op.create_table(
        "batch_approval",
        sa.Column("batch_id", ULID, nullable=False),
        sa.Column("approver_id", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batch.id"], name=op.f("fk_batch_approval_batch_id")
        ),
        sa.PrimaryKeyConstraint("batch_id", "approver_id", name=op.f("pk_batch_approval")),
        comment="Approvals in force; what was withdrawn or voided is in the audit trail.",
    )


def _create_batch_package() -> None:
    op.create_table(
        "batch_package",
        sa.Column("batch_id", ULID, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("exported_by", sa.Text(), nullable=False),
        sa.Column("exported_at", sa.BigInteger(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_batch_package_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_batch_package")),
        comment="What a batch of the action transfer was handed over as.",
    )


def _create_disposed() -> None:
    op.create_table(
        "disposed",
        sa.Column("log_index", LOG_INDEX, autoincrement=False, nullable=False),
        sa.Column("id", ULID, nullable=False),
        sa.Column("entry_type", sa.String(3), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("schedule_version", sa.Integer(), nullable=False),
        sa.Column("segment_id", ULID, nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("captured_at", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", ULID, nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("dis_index", sa.BigInteger(), nullable=False),
        sa.Column("disposed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_index", name=op.f("pk_disposed")),
        sa.UniqueConstraint("id", name=op.f("uq_disposed_id")),
        comment="What remains of a destroyed record. Its hashes are in its log entry, which stays.",
    )
    op.create_index(op.f("ix_disposed_segment_id"), "disposed", ["segment_id"])
    op.create_index(op.f("ix_disposed_batch_id"), "disposed", ["batch_id"])


def _create_certificate() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", ULID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("batch_id", ULID, nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("number", name=op.f("uq_certificate_number")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_certificate_batch_id")),
        comment="Certificates of destruction: each row is the view of one event.",
    )


def _protect_on_sqlite() -> None:
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{WHY % table}'); END"
            )


def _protect_on_postgresql() -> None:
    for table in APPEND_ONLY:
        refuse = f"EXECUTE FUNCTION refuse_change('{WHY % table}')"
        op.execute(
            f"CREATE TRIGGER {table}_refuses_change BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW {refuse}"
        )
        op.execute(
            f"CREATE TRIGGER {table}_refuses_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT {refuse}"
        )
