"""People, roles, sessions, approvals; accounts; jobs; the indexes their screens need."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ULID = sa.String(26)
NEW_TABLES = (
    "person",
    "person_role",
    "passkey",
    "invitation",
    "session",
    "approval",
    "account",
    "account_total",
    "account_month",
    "class_total",
    "job",
)
NEW_INDEXES = (
    ("ix_event_actor", "event", ["actor", "at"]),
    ("ix_event_action", "event", ["action", "at"]),
    ("ix_event_actor_action", "event", ["actor", "action", "at"]),
    ("ix_event_object", "event", ["object_id", "at"]),
    ("ix_record_conversation_id", "record", ["platform", "conversation_id"]),
    ("ix_record_in_reply_to", "record", ["platform", "in_reply_to"]),
)


def upgrade() -> None:
    op.add_column(
        "token", sa.Column("unit", sa.Text(), nullable=False, server_default=sa.text("''"))
    )
    op.add_column(
        "token", sa.Column("matter", sa.Text(), nullable=False, server_default=sa.text("''"))
    )
    op.add_column(
        "token", sa.Column("created_by", sa.Text(), nullable=False, server_default=sa.text("''"))
    )
    op.add_column("token", sa.Column("last_used_at", sa.BigInteger(), nullable=True))
    for name, table, columns in NEW_INDEXES:
        op.create_index(op.f(name), table, columns)
    op.drop_index(op.f("ix_event_object_id"), "event")
    not_ok = sa.text("result <> 'ok'")
    op.create_index(
        op.f("ix_event_not_ok"), "event", ["at"], sqlite_where=not_ok, postgresql_where=not_ok
    )
    op.create_table(
        "person",
        sa.Column("id", ULID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("preferences", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_sign_in_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
        sa.UniqueConstraint("subject", name=op.f("uq_person_subject")),
    )
    op.create_table(
        "person_role",
        sa.Column("person_id", ULID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_role_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "role", "unit", "matter", name=op.f("pk_person_role")),
        comment="Who may act as what, and where. Each change is an event.",
    )
    op.create_table(
        "passkey",
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", ULID, nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_passkey_person_id")),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_passkey")),
    )
    op.create_index(op.f("ix_passkey_person_id"), "passkey", ["person_id"])
    op.create_table(
        "invitation",
        sa.Column("id", ULID, nullable=False),
        sa.Column("person_id", ULID, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_invitation_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("sha256", name=op.f("uq_invitation_sha256")),
    )
    op.create_index(op.f("ix_invitation_person_id"), "invitation", ["person_id"])
    op.create_table(
        "session",
        sa.Column("id", ULID, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", ULID, nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("glass_until", sa.BigInteger(), nullable=True),
        sa.Column("glass_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_session_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("sha256", name=op.f("uq_session_sha256")),
    )
    op.create_index(op.f("ix_session_person_id"), "session", ["person_id"])
    op.create_table(
        "approval",
        sa.Column("id", ULID, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requester_id", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        comment="Acts under a two-person rule that a second person has to confirm.",
    )
    op.create_index(op.f("ix_approval_object_id"), "approval", ["object_id"])
    op.create_table(
        "account",
        sa.Column("id", ULID, nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("custodian", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("platform", "handle", name=op.f("uq_account_platform_handle")),
    )
    op.create_index(op.f("ix_account_unit"), "account", ["unit"])
    op.create_table(
        "account_total",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("first_captured_at", sa.BigInteger(), nullable=False),
        sa.Column("last_captured_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "account", name=op.f("pk_account_total")),
        comment="Followed from the log, so that lists of accounts need not count records.",
    )
    op.create_table(
        "account_month",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "account", "month", name=op.f("pk_account_month")),
        comment="Followed from the log: when an account spoke.",
    )
    op.create_table(
        "class_total",
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("class_code", name=op.f("pk_class_total")),
        comment="Followed from the log: how many records each class covers.",
    )
    op.create_table(
        "job",
        sa.Column("id", ULID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requester_id", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("runner", sa.Text(), nullable=True),
        sa.Column("alive_at", sa.BigInteger(), nullable=True),
        sa.Column("halt_by", sa.Text(), nullable=True),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        comment="Long work asked for by people; what it did is in the log, this is how far it got.",
    )
    op.create_index(op.f("ix_job_created_at"), "job", ["created_at"])
    op.create_index(op.f("ix_job_object_id"), "job", ["object_id"])
    op.create_index(op.f("ix_job_state"), "job", ["state"])


def downgrade() -> None:
    for table in reversed(NEW_TABLES):
        op.drop_table(table)
    op.drop_index(op.f("ix_event_not_ok"), "event")
    op.create_index(op.f("ix_event_object_id"), "event", ["object_id"])
    for name, table, _ in NEW_INDEXES:
        op.drop_index(op.f(name), table)
    for column in ("unit", "matter", "created_by", "last_used_at"):
        op.drop_column("token", column)
