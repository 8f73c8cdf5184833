"""Opening the database and its transactions.

`async with database.transaction() as tx:` commits at the end and rolls back on any error.
`tx.after_commit(action)` is for effects that must not happen unless the commit did; each such
effect is also reachable by a repairing job, because the process may die in between.

SQLite runs in WAL mode with synchronous=FULL: with NORMAL a power cut may lose commits that were
acknowledged. Writers queue on a lock in this process and on `BEGIN IMMEDIATE` between processes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult, Table, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import IntegrityError as ConstraintError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.sql import Executable

from archiver.errors import ConfigurationError, Conflict, DatabaseUnavailable

Action = Callable[[], Awaitable[None]]
Row = Sequence[object]

_BUSY_TIMEOUT_MS = 30_000
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class Transaction:
    """One open transaction on one connection. Query functions take it as their first argument."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._after_commit: list[Action] = []

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._connection.dialect.name

    async def execute(
        self, statement: Executable, values: Mapping[str, object] | None = None
    ) -> CursorResult[Any]:
        """Run one Core statement."""
        return await self._connection.execute(statement, values)

    async def insert_many(self, table: Table, columns: tuple[str, ...], rows: list[Row]) -> None:
        """Insert rows of positional values by one prepared statement.

        Building an insert dictionary per row costs more than the insert itself
        (performance-and-faults 2.7), so the statement's text is made once and fed with tuples.
        """
        if rows:
            sql = _insert_sql(self.dialect, table.name, columns)
            await self._connection.exec_driver_sql(sql, [tuple(row) for row in rows])

    async def stream(self, statement: Executable, size: int = 10_000) -> AsyncIterator[Any]:
        """Yield rows without holding them all, `size` at a time."""
        result = await self._connection.stream(statement, execution_options={"yield_per": size})
        async for partition in result.partitions(size):
            for row in partition:
                yield row

    async def run_sync(self, function: Callable[[Connection], None]) -> None:
        """Run a function that wants a synchronous connection (migrations)."""
        await self._connection.run_sync(function)

    def after_commit(self, action: Action) -> None:
        """Run `action` once the commit has succeeded."""
        self._after_commit.append(action)

    async def run_after_commit(self) -> None:
        """Run the actions in the order they were given."""
        for action in self._after_commit:
            await action()


class Database:
    """The open database. Create with `open_database`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writing = asyncio.Lock()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction that may write; commit at the end, roll back on error.

        Raises:
            Conflict: a uniqueness or reference rule was broken.
            DatabaseUnavailable: the database did not answer. When it was lost at commit the outcome
                is unknown: every write is idempotent by id, so look, then try again.
        """
        async with self._only_writer():
            async with self._errors_named(), self._engine.connect() as connection:
                if self.dialect == "sqlite":
                    connection = await connection.execution_options(immediate=True)
                async with connection.begin():
                    tx = Transaction(connection)
                    yield tx
        await tx.run_after_commit()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Open a transaction that only reads: one consistent snapshot, never waits for writers."""
        async with self._errors_named(), self._engine.connect() as connection:
            yield Transaction(connection)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _only_writer(self) -> AsyncIterator[None]:
        if self.dialect == "sqlite":
            async with self._writing:
                yield
        else:
            yield

    @asynccontextmanager
    async def _errors_named(self) -> AsyncIterator[None]:
        try:
            yield
        except ConstraintError as error:
            raise Conflict(f"the database refused a row: {error.orig}") from error
        except (DBAPIError, InterfaceError) as error:
            raise DatabaseUnavailable(
                f"the database did not do it: {error.orig or error}; check that it runs, that its "
                "disk has room and that the schema is current (`muniment init` migrates), then "
                "try again: nothing was acknowledged"
            ) from error
        except (SQLAlchemyError, OSError) as error:
            raise DatabaseUnavailable(
                f"the database could not be reached: {error}; check MUNIMENT_DATABASE_URL and that "
                "it accepts connections, then try again: nothing was acknowledged"
            ) from error


def database_url(url: str) -> str:
    """Return `url` with the asynchronous driver named.

    Raises:
        ConfigurationError: the URL names neither SQLite nor PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise ConfigurationError(f"MUNIMENT_DATABASE_URL is not a database URL: {error}") from error
    backend = parsed.get_backend_name()
    if backend not in _DRIVERS:
        raise ConfigurationError(
            f"MUNIMENT_DATABASE_URL: expected sqlite: or postgresql:, found {backend!r}"
        )
    return parsed.set(drivername=_DRIVERS[backend]).render_as_string(hide_password=False)


def open_database(url: str) -> Database:
    """Return the database at `url`; connections are made when first needed.

    Raises:
        ConfigurationError: the URL is wrong or its driver is not installed.
    """
    full = database_url(url)
    try:
        if full.startswith("sqlite"):
            engine = create_async_engine(full, poolclass=AsyncAdaptedQueuePool, pool_size=5)
            event.listen(engine.sync_engine, "connect", _configure_sqlite)
            event.listen(engine.sync_engine, "begin", _begin_sqlite)
        else:
            engine = create_async_engine(full, pool_size=5, max_overflow=5, pool_pre_ping=True)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"the driver for {make_url(full).drivername} is not installed ({error}); "
            "install `muniment[postgres]`"
        ) from error
    return Database(engine)


def _configure_sqlite(connection: Any, _: object) -> None:
    # SQLAlchemy's documented way to own BEGIN on sqlite3, whose own begins come too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA cache_size=-16000")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that later writes can fail with SQLITE_BUSY without waiting.
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


_statements: dict[tuple[str, str, tuple[str, ...]], str] = {}


def _insert_sql(dialect: str, table: str, columns: tuple[str, ...]) -> str:
    known = _statements.get((dialect, table, columns))
    if known is None:
        marks = (
            ", ".join("?" * len(columns))
            if dialect == "sqlite"
            else ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        )
        names = ", ".join(f'"{column}"' for column in columns)
        known = f'INSERT INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 - our own names
        _statements[dialect, table, columns] = known
    return known
