"""Where the database is and how it is connected: from MUNIMENT_DATABASE_URL to engines.

URLs carry passwords, so no message here repeats a URL or an error text that may quote one.
"""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from archiver.errors import ConfigurationError

COMMAND_TIMEOUT_S = 60.0

_BUSY_TIMEOUT_MS = 30_000
_CONNECT_TIMEOUT_S = 10.0
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",  # libpq accepts both names
}
# A client host that vanished must not keep the one row that orders the log locked for hours.
_SERVER_SETTINGS = {
    "application_name": "muniment",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


def database_url(url: str) -> URL:
    """Return `url` parsed, with the asynchronous driver named.

    Raises:
        ConfigurationError: the URL names neither a SQLite file nor PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        # A bare "@" in a password puts the rest of it into the parser's message.
        raise ConfigurationError(
            "MUNIMENT_DATABASE_URL is not a database URL: expected sqlite:///path or "
            "postgresql://user:password@host:port/name, with special characters of the password "
            "percent-encoded"
        ) from None
    backend = parsed.get_backend_name()
    if backend not in _DRIVERS:
        raise ConfigurationError(
            f"MUNIMENT_DATABASE_URL: expected sqlite: or postgresql:, found {backend!r}"
        )
    if backend == "sqlite" and (parsed.database or ":memory:") == ":memory:":
        raise ConfigurationError(
            "MUNIMENT_DATABASE_URL: expected a file (sqlite:///path), found a database in memory, "
            "which each connection would have for itself"
        )
    if backend == "sqlite" and not (folder := Path(parsed.database or "").parent).is_dir():
        raise ConfigurationError(
            f"MUNIMENT_DATABASE_URL: expected a folder at {folder}, found none: create it first"
        )
    return parsed.set(drivername=_DRIVERS[backend])


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """How a database is connected: for writing and for reading.

    On SQLite there are two more without the asynchronous driver, for whole transactions at once.
    """

    writing: AsyncEngine
    reading: AsyncEngine
    direct_writing: Engine | None = None
    direct_reading: Engine | None = None


def engines(url: str, *, command_timeout_s: float | None) -> Engines:
    """Return the engines for a database URL; connections are made when first needed.

    Raises:
        ConfigurationError: the URL is wrong or its driver is not installed.
    """
    parsed = database_url(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            return Engines(
                writing=_sqlite(parsed, writes=True),
                reading=_sqlite(parsed, writes=False),
                direct_writing=_direct_sqlite(parsed, writes=True),
                direct_reading=_direct_sqlite(parsed, writes=False),
            )
        return _postgresql(parsed, command_timeout_s)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the driver for {parsed.drivername} is not installed ({error}); "
            "install `muniment[postgres]`"
        ) from error


def _postgresql(url: URL, command_timeout_s: float | None) -> Engines:
    # asyncpg parses the URL itself and so understands what libpq does, `sslmode` above all.
    dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
    engine = create_async_engine(
        URL.create(url.drivername),
        connect_args={
            "dsn": dsn,
            "timeout": _CONNECT_TIMEOUT_S,
            "command_timeout": command_timeout_s,
            "server_settings": {
                name: url.query.get(name, ours) for name, ours in _SERVER_SETTINGS.items()
            },
        },
        pool_size=5,
        max_overflow=5,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    # READ COMMITTED takes a new snapshot for each statement.
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(writing=engine, reading=reading)


def _sqlite(url: URL, *, writes: bool) -> AsyncEngine:
    # One connection suffices to write: `Database` lets one writer in at a time.
    engine = create_async_engine(
        url, pool_size=1 if writes else 4, max_overflow=0 if writes else 4, hide_parameters=True
    )
    _prepare_sqlite(engine.sync_engine, writes=writes)
    return engine


def _direct_sqlite(url: URL, *, writes: bool) -> Engine:
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        pool_size=1,
        max_overflow=0 if writes else 4,
        hide_parameters=True,
        connect_args={"check_same_thread": False},  # used by one thread after another
    )
    _prepare_sqlite(engine, writes=writes)
    return engine


def _prepare_sqlite(engine: Engine, *, writes: bool) -> None:
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_writing if writes else _begin_reading)
    event.listen(engine, "invalidate", _roll_back)
    if not writes:
        event.listen(engine, "connect", _refuse_writing)


def _configure_sqlite(connection: Any, _: object) -> None:
    # SQLAlchemy's documented way to own BEGIN on sqlite3, whose own begins come too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # Without it INSERT OR REPLACE removes rows behind the back of the append-only triggers.
    cursor.execute("PRAGMA recursive_triggers=ON")
    # What a deleted row said is overwritten: a destroyed record leaves no handle in free pages.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute("PRAGMA cache_size=-16000")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError:
        # Beside another process that writes to a new database the change itself never waits
        # (a lock that is held is being raised: SQLite asks no busy handler), so wait for its turn.
        cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("COMMIT")
        cursor.execute("PRAGMA journal_mode=WAL")


def _roll_back(connection: Any, *_: object) -> None:
    # Of a task that was cancelled between two statements. SQLite does not end the transaction of a
    # connection that is closed while a cursor of it lives, and the cancellation's traceback keeps
    # one: nobody could write any more.
    with suppress(sqlite3.Error):  # it is closed already, or broken
        connection.rollback()


def _refuse_writing(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()


def _begin_writing(connection: Connection) -> None:
    # A deferred transaction that later writes can fail with SQLITE_BUSY without waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
