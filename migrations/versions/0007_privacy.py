"""Requests of people about data on them, and what was decided of each record."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "privacy_request",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("extended_months", sa.Integer(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("restricts", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_request")),
        comment="Requests of people about data on them (GDPR 17, 18, 21); each change is an event.",
    )
    op.create_index(
        op.f("ix_privacy_request_restricts"), "privacy_request", ["restricts"], unique=False
    )
    op.create_table(
        "privacy_record",
        sa.Column("request_id", sa.String(length=26), nullable=False),
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["privacy_request.id"], name=op.f("fk_privacy_record_request_id")
        ),
        sa.PrimaryKeyConstraint("request_id", "log_index", name=op.f("pk_privacy_record")),
        comment="Records a request is about, with what was decided of each.",
    )
    op.create_index(
        op.f("ix_privacy_record_log_index"), "privacy_record", ["log_index"], unique=False
    )
    op.create_index(
        op.f("ix_privacy_record_decision"),
        "privacy_record",
        ["decision", "log_index"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("privacy_record")
    op.drop_table("privacy_request")
