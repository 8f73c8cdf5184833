"""Frozen result sets and search term reports."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ULID = sa.String(26)
NEW_TABLES = ("frozen_set", "frozen_members", "term_report", "term_hits")
APPEND_ONLY = ("frozen_set", "frozen_members", "term_report", "term_hits")
WHY = "rows of %s are evidence and are never changed or removed"  # the words of 0001


def upgrade() -> None:
    _create_frozen_sets()
    _create_term_reports()
    if op.get_context().dialect.name == "sqlite":
        _protect_on_sqlite()
    else:
        _protect_on_postgresql()


def downgrade() -> None:
    for table in reversed(NEW_TABLES):
        op.drop_table(table)  # and its triggers


def _create_frozen_sets() -> None:
    op.create_table(
        "frozen_set",
        sa.Column("id", ULID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("normalised", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("expansions", sa.Text(), nullable=False),
        sa.Column("within", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("analyzer", sa.Text(), nullable=False),
        sa.Column("log_size", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("members_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("frozen_at", sa.BigInteger(), nullable=False),
        sa.Column("frozen_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frozen_set")),
        comment="Results of searches, fixed for good: each row is the view of one event.",
    )
    op.create_table(
        "frozen_members",
        sa.Column("set_id", ULID, nullable=False),
        sa.Column("log_indexes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["set_id"], ["frozen_set.id"], name=op.f("fk_frozen_members_set_id")
        ),
        sa.PrimaryKeyConstraint("set_id", name=op.f("pk_frozen_members")),
        comment="One row for each set, so that a set of a million is a row and not a million.",
    )


def _create_term_reports() -> None:
    op.create_table(
        "term_report",
        sa.Column("id", ULID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("set_id", ULID, nullable=False),
        sa.Column("within", sa.Text(), nullable=False),
        sa.Column("terms", sa.Integer(), nullable=False),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.Column("hits", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_term_report")),
        comment="Search term reports: each row is the view of one event.",
    )
    op.create_index(op.f("ix_term_report_set_id"), "term_report", ["set_id"])
    op.create_table(
        "term_hits",
        sa.Column("report_id", ULID, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("log_indexes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["term_report.id"], name=op.f("fk_term_hits_report_id")
        ),
        sa.PrimaryKeyConstraint("report_id", "position", name=op.f("pk_term_hits")),
        comment="Which records each term of a report hit.",
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
