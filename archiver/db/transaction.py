"""Opening the database and its transactions.

`async with database.transaction() as tx:` commits at the end and rolls back on any error.
What must not happen unless the commit did comes after that block, and a repairing job reaches it
too, because the process may die in between.

SQLite runs in WAL mode with synchronous=FULL: with NORMAL a power cut may lose commits that were
acknowledged. Writers queue on a lock in this process and on `BEGIN IMMEDIATE` between processes.
How a database is addressed and connected stands in `address.py`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Dialect, Engine, Table
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import IntegrityError as ConstraintError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncResult
from sqlalchemy.sql import Executable

from archiver.db.address import COMMAND_TIMEOUT_S, Engines, engines
from archiver.errors import (
    ArchiverError,
    ConfigurationError,
    Conflict,
    DatabaseUnavailable,
    InvalidInput,
)

__all__ = ["Connection", "Database", "Row", "Transaction", "insert_rows", "open_database"]

Row = Sequence[object]
Values = Mapping[str, object]
T = TypeVar("T")

_TRY_AGAIN = "then try again: nothing was acknowledged"


class Transaction:
    """One open transaction on one connection. Query functions take it as their first argument.

    A statement that failed ends the transaction on both databases: should the caller go on all
    the same, the commit raises that statement's error.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._streams: set[AsyncResult[Any]] = set()
        self._failure: ArchiverError | None = None

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._connection.dialect.name

    async def execute(
        self, statement: Executable, values: Values | Sequence[Values] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Run one Core statement, once per mapping when `values` is a sequence.

        Raises:
            Conflict: a uniqueness or reference rule was broken, or rows are append-only.
            InvalidInput: a value does not fit its column (NUL in a text, too long, too large).
            DatabaseUnavailable: the database did not answer.
        """
        with self._failing():
            return await self._connection.execute(statement, values)

    async def insert_many(
        self, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
    ) -> None:
        """Insert rows as `insert_rows`; errors as `execute`."""
        await self.run_sync(lambda connection: insert_rows(connection, table, columns, rows))

    async def stream(self, statement: Executable, size: int = 10_000) -> AsyncIterator[Any]:
        """Yield rows without holding them all, `size` at a time; errors as `execute`.

        The rows are those of one snapshot. A walk that writes on its way, or that takes longer
        than a few minutes, rather reads page after page by key: an open snapshot keeps old row
        versions alive on PostgreSQL and lets the WAL grow on SQLite.
        """
        with self._failing():
            result = await self._connection.stream(statement, execution_options={"yield_per": size})
            self._streams.add(result)
            async for partition in result.partitions(size):
                for row in partition:
                    yield row
            self._streams.discard(result)

    async def run_sync(self, function: Callable[[Connection], T]) -> T:
        """Return what `function` gives for this transaction's synchronous connection."""
        with self._failing():
            return await self._connection.run_sync(function)

    async def commit(self) -> None:
        """Make everything durable. `Database.transaction` calls this."""
        if self._failure is not None:
            raise self._failure
        with self._failing():
            await self._connection.commit()

    async def end(self) -> None:
        """Roll back what was not committed, close what was left open. `Database` calls this."""
        try:
            for result in self._streams:  # an open cursor would pin its snapshot in the pool
                await result.close()
            await self._connection.rollback()
        except (SQLAlchemyError, OSError):
            # The server has gone and its transaction with it. Whatever made the caller leave is
            # the error to tell; the connection only must not be used again.
            await self._connection.invalidate()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            with _errors_named(_bare_errors(self._connection.dialect)):
                yield
        except ArchiverError as error:
            self._failure = error
            raise


def insert_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> None:
    """Insert rows of positional values by one prepared statement.

    Building an insert dictionary per row costs more than the insert itself
    (performance-and-faults 2.7), so the statement's text is made once and fed with tuples.
    """
    if rows:
        sql = _insert_sql(connection.dialect.name, table.name, columns)
        connection.exec_driver_sql(sql, [tuple(row) for row in rows])


class Database:
    """The open database. Create with `open_database`.

    On SQLite reading and writing have connections of their own: a reader cannot write by mistake
    and a writer never waits for a connection that readers hold.
    """

    def __init__(self, engines: Engines) -> None:
        self._writing = engines.writing
        self._reading = engines.reading
        self._direct_writing = engines.direct_writing
        self._direct_reading = engines.direct_reading
        self._writer = asyncio.Lock() if self.dialect == "sqlite" else nullcontext()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._writing.dialect.name

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database, which the first connection creates; None on a server."""
        return Path(self._writing.url.database or "") if self.dialect == "sqlite" else None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction that may write; commit at the end, roll back on error.

        Raises:
            Conflict: a uniqueness or reference rule was broken, or rows are append-only.
            DatabaseUnavailable: the database did not answer. When it was lost at commit the outcome
                is unknown: every write is idempotent by id, so look, then try again.
        """
        async with self._writer, _opened(self._writing) as tx:
            yield tx
            await tx.commit()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Open a transaction that only reads and never waits for writers.

        Its first statement takes the snapshot that all its statements see. Writing in it raises
        DatabaseUnavailable, for it would be lost.
        """
        async with _opened(self._reading) as tx:
            yield tx

    async def session(self) -> AsyncConnection:
        """Return a connection of its own, in autocommit, for a lease; the caller closes it.

        Raises:
            DatabaseUnavailable: no connection could be made.
        """
        with _connecting():
            connection = await self._writing.connect()
            return await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def run(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        """Run a whole transaction in one go, commit it if it `writes`, and return its result.

        For the two transactions every post goes through. Awaited one by one, their statements cost
        27 hops to the SQLite driver's thread and 5 ms of processor time; here it is one hop. Errors
        as `transaction`.
        """
        direct = self._direct_writing if writes else self._direct_reading
        if direct is None:
            async with self.transaction() if writes else self.reading() as tx:
                return await tx.run_sync(work)
        async with self._writer if writes else nullcontext():
            with _errors_named():
                return await asyncio.to_thread(_run_directly, direct, work)

    @property
    def reads_here(self) -> bool:
        """Whether a thread may read by itself (`read_here`): SQLite, which is in this process."""
        return self._direct_reading is not None

    def read_here(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` gives in a transaction that reads, in the calling thread; it blocks.

        For code that is in a thread already, which saves it the way back and forth. Errors as
        `transaction`.
        """
        if self._direct_reading is None:
            raise TypeError("a server is asked from the event loop: await `run`")
        with _errors_named():
            return _run_directly(self._direct_reading, work)

    async def run_migrations(self, function: Callable[[Connection], None]) -> None:
        """Run `function` on a connection of its own; it begins and commits for itself.

        The connection is closed afterwards, so what the function sets on its session is left
        nowhere. Errors as `transaction`.
        """
        async with self._writer, AsyncExitStack() as stack:
            with _connecting():
                connection = await stack.enter_async_context(self._writing.connect())
            with _errors_named(_bare_errors(connection.dialect)):
                await connection.run_sync(function)
            await connection.invalidate()

    async def close(self) -> None:
        """Close every connection."""
        await self._writing.dispose()
        await self._reading.dispose()
        for direct in (self._direct_writing, self._direct_reading):
            if direct is not None:
                direct.dispose()


def open_database(url: str, *, command_timeout_s: float | None = COMMAND_TIMEOUT_S) -> Database:
    """Return the database at `url`; connections are made when first needed.

    Args:
        url: `sqlite:///path` or `postgresql://…` with all that libpq knows (`sslmode`, several
            hosts, `passfile`).
        command_timeout_s: how long one statement may take on PostgreSQL before the server is
            taken for gone; None when migrating, where building an index may take hours.

    Raises:
        ConfigurationError: the URL is wrong or its driver is not installed.
    """
    return Database(engines(url, command_timeout_s=command_timeout_s))


def _run_directly(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return work(connection)


@asynccontextmanager
async def _opened(engine: AsyncEngine) -> AsyncIterator[Transaction]:
    async with AsyncExitStack() as stack:
        with _connecting():
            connection = await stack.enter_async_context(engine.connect())
        tx = Transaction(connection)  # its first statement begins
        try:
            yield tx
        finally:
            await tx.end()


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        with _errors_named():
            yield
    except InvalidInput as error:  # no statement was sent, so the bad value stands in the URL
        cause = error.__cause__
        raise ConfigurationError(f"MUNIMENT_DATABASE_URL: {cause}") from cause


def _bare_errors(dialect: Dialect) -> tuple[type[Exception], ...]:
    # Whoever takes a cursor of the driver's own gets its errors; and what asyncpg raises while a
    # cursor is read, SQLAlchemy 2.1 hands on without wrapping it.
    asyncpg = getattr(dialect.loaded_dbapi, "asyncpg", None)
    more = (asyncpg.PostgresError, asyncpg.InterfaceError) if asyncpg else ()
    return (dialect.loaded_dbapi.Error, *more)


@contextmanager
def _errors_named(bare_errors: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    unreached: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, *bare_errors)
    try:
        yield
    except ConstraintError as error:
        raise Conflict(f"the database refused a row: {error.orig}") from error
    except DBAPIError as error:
        if _is_bad_value(error.driver_exception):
            raise _bad_value() from error
        raise DatabaseUnavailable(
            f"the database did not do it: {error.orig}; check that it runs, that its disk has "
            f"room and that the schema is current (`muniment init` migrates), {_TRY_AGAIN}"
        ) from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise _bad_value() from error
    except unreached as error:
        raise DatabaseUnavailable(
            f"the database could not be reached: {error!r}; check "
            f"MUNIMENT_DATABASE_URL and that it accepts connections, {_TRY_AGAIN}"
        ) from error


def _is_bad_value(error: Exception) -> bool:
    # SQLSTATE class 22 is "data exception"; asyncpg refuses some values itself, by a ValueError.
    return isinstance(error, ValueError) or (getattr(error, "sqlstate", "") or "")[:2] == "22"


def _bad_value() -> InvalidInput:
    # The value is not repeated: it may be content, and messages reach logs.
    return InvalidInput(
        "the database cannot hold a value: expected text that is UTF-8 without NUL and within its "
        "column's length, and whole numbers within 64 bits"
    )


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
