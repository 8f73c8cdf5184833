"""Frozen result sets, search term reports, saved searches and subscriptions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ULID = sa.String(26)
LOG_INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NEW_TABLES = (
    "frozen_set",
    "frozen_members",
    "term_report",
    "term_hits",
    "saved_search",
    "saved_search_version",
    "saved_search_visit",
    "subscription",
    "delivery",
    "set_aside",
)
APPEND_ONLY = ("frozen_set", "frozen_members", "term_report", "term_hits", "saved_search_version")
WHY = "rows of %s are evidence and are never changed or removed"  # the words of 0001


def upgrade() -> None:
    _create_frozen_sets()
    _create_term_reports()
    _create_set_aside()
    _create_saved_searches()
    _create_subscriptions()
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


def _create_saved_searches() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", ULID, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
    )
    op.create_index(op.f("ix_saved_search_owner_key"), "saved_search", ["owner_key"])
    op.create_table(
        "saved_search_version",
        sa.Column("saved_search_id", ULID, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("normalised", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("shared_with", sa.Text(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        _of_saved_search("saved_search_version"),
        sa.PrimaryKeyConstraint("saved_search_id", "version", name=op.f("pk_saved_search_version")),
        comment="Every change of a saved search; each row is the view of one event.",
    )
    op.create_table(
        "saved_search_visit",
        sa.Column("saved_search_id", ULID, nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        _of_saved_search("saved_search_visit"),
        sa.PrimaryKeyConstraint("saved_search_id", "visitor", name=op.f("pk_saved_search_visit")),
        comment="Who looked at the hits of a saved search when last; each row is the view of an "
        "event.",
    )


def _create_subscriptions() -> None:
    op.create_table(
        "subscription",
        sa.Column("id", ULID, nullable=False),
        sa.Column("saved_search_id", ULID, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_key", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("pace", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        _of_saved_search("subscription"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
    )
    for column in ("saved_search_id", "owner_key"):
        op.create_index(op.f(f"ix_subscription_{column}"), "subscription", [column])
    op.create_table(
        "delivery",
        sa.Column("id", ULID, nullable=False),
        sa.Column("subscription_id", ULID, nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("end_index", sa.BigInteger(), nullable=False),
        sa.Column("hits", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_delivery_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "subscription_id", "first_index", name=op.f("uq_delivery_subscription_id_first_index")
        ),
        comment="Each stretch of the log is told to a subscription once: the key says so.",
    )
    op.create_index(op.f("ix_delivery_state"), "delivery", ["state"])


def _of_saved_search(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["saved_search_id"], ["saved_search.id"], name=op.f(f"fk_{table}_saved_search_id")
    )


def _create_set_aside() -> None:
    op.create_table(
        "set_aside",
        sa.Column("log_index", LOG_INDEX, autoincrement=False, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_index", name=op.f("pk_set_aside")),
        comment="Posts of which the search index could not take in what they say: for review.",
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
