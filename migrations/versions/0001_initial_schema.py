"""The initial schema: archive, log, records, audit trail, file plan, holds, tokens, followers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite: only a column declared INTEGER is the row id itself; BIGINT would add a second B-tree.
LOG_INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ULID = sa.String(26)

# Rows that are evidence: the leaves of the log, and who was held and when (DESIGN section 8; a
# released hold keeps its rows). The application has no statement that changes them. The database
# refuses one all the same, so that neither a defect nor a hurried repair in a console rewrites
# history unnoticed. An owner of the database can drop the triggers; then the log itself convicts.
APPEND_ONLY = ("log_entry", "hold_record")
WHY = "rows of %s are evidence and are never changed or removed"
# A record is disposed of by the gate, so its row may go; but it may never become another record.
WHY_IDENTITY = "the id and the log index of a record are never changed"


def upgrade() -> None:
    _create_log()
    _create_segments()
    _create_records()
    _create_audit_trail()
    _create_file_plan()
    _create_holds()
    _create_tokens_and_followers()
    if op.get_context().dialect.name == "sqlite":
        _protect_on_sqlite()
    else:
        _protect_on_postgresql()


def downgrade() -> None:
    for table in (
        *("follower", "token", "hold_record", "hold", "class_rules", "schedule", "file_class"),
        *("event", "orphan", "blob", "record", "segment", "log_entry", "log_state", "archive"),
    ):
        op.drop_table(table)  # and its triggers
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")


def _create_log() -> None:
    op.create_table(
        "archive",
        sa.Column("id", ULID, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive")),
        comment="Exactly one row: which archive this database is a view of.",
    )
    op.create_table(
        "log_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_state")),
        comment="One row. Compare-and-swap on (size, root) is what makes a fork impossible.",
    )
    op.create_table(
        "log_entry",
        sa.Column("log_index", LOG_INDEX, autoincrement=False, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_index", name=op.f("pk_log_entry")),
    )


def _create_segments() -> None:
    op.create_table(
        "segment",
        sa.Column("id", ULID, nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("period", sa.String(7), nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("keys_object_key", sa.Text(), nullable=False),
        sa.Column("keys_version_id", sa.Text(), nullable=False),
        sa.Column("keys_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("lock_mode", sa.Text(), nullable=False),
        sa.Column("lock_until", sa.BigInteger(), nullable=False),
        sa.Column("legal_hold", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
        sa.UniqueConstraint("first_index", name=op.f("uq_segment_first_index")),
    )
    op.create_table(
        "blob",
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=False),
        sa.Column("record_id", ULID, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("legal_hold", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("object_key", name=op.f("pk_blob")),
    )
    op.create_index(op.f("ix_blob_record_id"), "blob", ["record_id"])
    op.create_table(
        "orphan",
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("object_key", name=op.f("pk_orphan")),
        comment=(
            "Objects a crash left that no record refers to; each has an `orphan` entry in the log."
        ),
    )


def _create_records() -> None:
    op.create_table(
        "record",
        sa.Column("log_index", LOG_INDEX, autoincrement=False, nullable=False),
        sa.Column("id", ULID, nullable=False),
        sa.Column("entry_type", sa.String(3), nullable=False),
        sa.Column("segment_id", ULID, nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("frame_offset", sa.BigInteger(), nullable=False),
        sa.Column("frame_length", sa.Integer(), nullable=False),
        sa.Column("raw_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("content_key", sa.LargeBinary(), nullable=True),
        sa.Column("idempotency_key", sa.LargeBinary(), nullable=True),
        sa.Column("duplicate_of", ULID, nullable=True),
        *_post_columns(),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("schedule_version", sa.Integer(), nullable=False),
        sa.Column("retain_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("log_index", name=op.f("pk_record")),
        sa.UniqueConstraint("id", name=op.f("uq_record_id")),
        sa.UniqueConstraint("content_key", name=op.f("uq_record_content_key")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_record_idempotency_key")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_record_segment_id")),
    )
    op.create_index(op.f("ix_record_platform_post_id"), "record", ["platform", "post_id"])
    op.create_index(op.f("ix_record_account"), "record", ["account"])
    _create_partial_index(
        "ix_record_not_searchable", "log_index", "entry_type = 'rec' AND searchable IS FALSE"
    )
    _create_partial_index("ix_record_duplicate_of", "duplicate_of", "duplicate_of IS NOT NULL")


def _create_partial_index(name: str, column: str, where: str) -> None:
    op.create_index(
        op.f(name),
        "record",
        [column],
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _post_columns() -> list[sa.Column]:
    return [
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("post_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=True),
        sa.Column("edited_at", sa.BigInteger(), nullable=True),
        sa.Column("captured_at", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("author_handle", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=False),
        sa.Column("in_reply_to", sa.Text(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("media", sa.Integer(), nullable=False),
        sa.Column("searchable", sa.Boolean(), nullable=False),
    ]


def _create_audit_trail() -> None:
    op.create_table(
        "event",
        sa.Column("record_id", ULID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_event")),
        comment="The readable audit trail; each row is the view of one `aud` record of the log.",
    )
    op.create_index(op.f("ix_event_at"), "event", ["at"])
    op.create_index(op.f("ix_event_object_id"), "event", ["object_id"])


def _create_file_plan() -> None:
    op.create_table(
        "file_class",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_file_class")),
    )
    op.create_table(
        "schedule",
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("in_force_from", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("class_code", "version", name=op.f("pk_schedule")),
        sa.ForeignKeyConstraint(
            ["class_code"], ["file_class.code"], name=op.f("fk_schedule_class_code")
        ),
    )
    op.create_table(
        "class_rules",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("in_force_from", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_class_rules")),
    )


def _create_holds() -> None:
    op.create_table(
        "hold",
        sa.Column("id", ULID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("log_size", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("members_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_table(
        "hold_record",
        sa.Column("hold_id", ULID, nullable=False),
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("hold_id", "log_index", name=op.f("pk_hold_record")),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("fk_hold_record_hold_id")),
        comment="Rows stay when a hold is released: who was held and when is evidence.",
    )
    op.create_index(op.f("ix_hold_record_log_index"), "hold_record", ["log_index"])


def _create_tokens_and_followers() -> None:
    op.create_table(
        "token",
        sa.Column("id", ULID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("sha256", name=op.f("uq_token_sha256")),
    )
    op.create_table(
        "follower",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_follower")),
    )


def _protect_on_sqlite() -> None:
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{WHY % table}'); END"
            )
    op.execute(
        "CREATE TRIGGER record_keeps_its_identity BEFORE UPDATE OF id, log_index ON record "
        f"BEGIN SELECT RAISE(ABORT, '{WHY_IDENTITY}'); END"
    )


def _protect_on_postgresql() -> None:
    # The same class of error as a broken constraint, which is what SQLite's RAISE gives.
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = TG_ARGV[0]; "
        "END $$"
    )
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
    op.execute(
        "CREATE TRIGGER record_keeps_its_identity BEFORE UPDATE OF id, log_index ON record "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_change('{WHY_IDENTITY}')"
    )
