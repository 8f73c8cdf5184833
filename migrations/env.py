"""How Alembic runs our migrations. `archiver.db.schema` calls it with an open connection.

There is no alembic.ini: the database is known to the caller only, so that no second place holds
its address and password.
"""

from alembic import context
from sqlalchemy import Connection, text

from archiver.db import disposal_tables, privacy_tables, tables

_ADDING = (disposal_tables, privacy_tables)  # modules that add tables of their own when imported
_METADATA = tables.metadata

# One number for all of Muniment's migrations: two servers that start together take turns.
_ADVISORY_LOCK = 0x6D756E69  # "muni"

# A statement that waits for a lock makes everyone behind it wait too, so it rather gives up and the
# migration is tried again later (migrations/README.md).
_POSTGRESQL_SESSION = (
    f"SELECT pg_advisory_lock({_ADVISORY_LOCK})",  # before the limits: waiting for it harms nobody
    "SET lock_timeout = '5s'",
    "SET statement_timeout = '15min'",
)


def _run(connection: Connection) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    if connection.dialect.name == "postgresql":
        for statement in _POSTGRESQL_SESSION:
            connection.execute(text(statement))
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=_METADATA,
        # The advisory lock lasts for all of them. SQLite has only its transaction: between two of
        # them another process could do the migration that this one has already counted as its next.
        transaction_per_migration=not is_sqlite,
        # Alembic believes that SQLite cannot undo DDL, as sqlite3's own begins come too late for
        # it, and would give each migration a transaction whatever the line above says. Ours are
        # begun by `archiver.db.address`.
        transactional_ddl=True,
        render_as_batch=is_sqlite,
    )
    with context.begin_transaction():
        context.run_migrations()


_run(context.config.attributes["connection"])
