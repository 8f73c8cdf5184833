"""Bringing a database to the schema of `tables.py`, and refusing to work on another one.

`muniment init` migrates; everything else only checks. The migrations themselves and the rules for
writing one stand in `migrations/` (see its README), which an installed wheel carries as
`archiver/_migrations`.

Alembic is imported only to migrate: every command checks, and Alembic is a tenth of its start.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from archiver.db.transaction import Database
from archiver.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic.config import Config

_PACKAGE = Path(__file__).parents[1]


async def migrate(database: Database) -> None:
    """Bring `database` to the newest schema; nothing happens when it is there already.

    Each migration is one transaction, on SQLite all are one: interrupted, the next call goes on
    where this one stopped. Several processes take turns; within one process, Alembic allows one
    call at a time.

    Raises:
        ConfigurationError: the database is of a newer release.
        DatabaseUnavailable: the database did not answer, or a lock was not free in time.
    """
    if await _revision(database) == max(_revisions()):
        return
    from alembic import command  # noqa: PLC0415 - see the module's docstring

    await _run(database, lambda config: command.upgrade(config, "head"))


async def downgrade(database: Database, revision: str = "base") -> None:
    """Take `database` back to `revision`, losing what later schemas added. For tests only."""
    from alembic import command  # noqa: PLC0415 - see the module's docstring

    await _run(database, lambda config: command.downgrade(config, revision))


async def check(database: Database) -> None:
    """Refuse a database whose schema is not the newest one. Nothing is changed or created.

    Raises:
        ConfigurationError: says whether `muniment init` or a newer release is needed.
    """
    known = _revisions()
    expected = max(known)
    found = await _revision(database)
    if found == expected:
        return
    if found is None:
        raise ConfigurationError(
            f"the database holds no schema, expected {expected}; run `muniment init` to create it, "
            "`muniment recover` if it was lost, or check MUNIMENT_DATABASE_URL"
        )
    if found not in known:
        raise ConfigurationError(
            f"the database's schema {found} is unknown to this release, which expects {expected}: "
            "it was migrated by a newer release, so run that one"
        )
    raise ConfigurationError(
        f"the database's schema is {found}, expected {expected}: run `muniment init` to migrate it"
    )


async def exists(database: Database) -> bool:
    """Return whether the database has a schema at all, of whatever release."""
    return await _revision(database) is not None


async def _revision(database: Database) -> str | None:
    # Connecting would create the file, and only `muniment init` creates.
    if database.path is not None and not await asyncio.to_thread(database.path.exists):
        return None
    async with database.reading() as tx:
        return await tx.run_sync(_current)


def _current(connection: Connection) -> str | None:
    """Return the revision that Alembic has written down, None where it never worked."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _revisions() -> set[str]:
    """Return the numbers of all migrations, which their files' names begin with (see README)."""
    return {path.name.partition("_")[0] for path in (_scripts() / "versions").glob("*_*.py")}


async def _run(database: Database, act: "Callable[[Config], None]") -> None:
    from alembic.util import CommandError  # noqa: PLC0415 - see the module's docstring

    config = _config()

    def on(connection: Connection) -> None:
        config.attributes["connection"] = connection
        act(config)

    try:
        await database.run_migrations(on)
    except CommandError as error:
        raise ConfigurationError(
            f"the database cannot be migrated: {error}; it may be of a newer release"
        ) from error


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see the module's docstring

    config = Config()
    config.set_main_option("script_location", str(_scripts()).replace("%", "%%"))
    return config


def _scripts() -> Path:
    for folder in (_PACKAGE / "_migrations", _PACKAGE.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise ConfigurationError(
        f"the migrations are missing: expected {_PACKAGE / '_migrations'}; install Muniment again"
    )
