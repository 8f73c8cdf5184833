"""What every use case may rely on, the same on SQLite and on PostgreSQL."""

import asyncio
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, Executable, Table, delete, func, insert, select, text, update

from archiver.db.tables import (
    frozen_members,
    frozen_set,
    hold,
    hold_record,
    log_entry,
    log_state,
    record,
    segment,
    term_hits,
    term_report,
    token,
)
from archiver.db.transaction import Database, Transaction, open_database
from archiver.errors import (
    ConfigurationError,
    Conflict,
    DatabaseUnavailable,
    InvalidInput,
    OperatorError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.postgres import Postgres

ENTRY = ("log_index", "entry")


async def write(database: Database, *indices: int) -> None:
    async with database.transaction() as tx:
        await tx.insert_many(log_entry, ENTRY, [(index, b"leaf %d" % index) for index in indices])


async def stored(tx: Transaction) -> list[int]:
    result = await tx.execute(select(log_entry.c.log_index).order_by(log_entry.c.log_index))
    return list(result.scalars())


async def stored_in(database: Database) -> list[int]:
    async with database.reading() as tx:
        return await stored(tx)


def a_token(token_id: str, **changes: object) -> dict[str, object]:
    return {
        "id": token_id,
        "name": "capture",
        "sha256": token_id.encode(),
        "roles": "capture_agent",
        "created_at": 0,
        **changes,
    }


class TestTransactions:
    async def test_what_was_committed_is_there_when_the_database_is_opened_again(
        self, database: Database, database_url: str
    ) -> None:
        await write(database, 0, 1)

        again = open_database(database_url)
        try:
            assert await stored_in(again) == [0, 1]
        finally:
            await again.close()

    @pytest.mark.parametrize("error", [KeyError("x"), FileNotFoundError("x"), TimeoutError("x")])
    async def test_an_error_rolls_everything_back_and_reaches_the_caller_unchanged(
        self, database: Database, error: Exception
    ) -> None:
        async def fail() -> None:
            async with database.transaction() as tx:
                await tx.insert_many(log_entry, ENTRY, [(0, b"leaf")])
                raise error

        with pytest.raises(type(error)) as caught:
            await fail()

        assert caught.value is error
        assert await stored_in(database) == []

    async def test_a_cancelled_transaction_is_rolled_back_and_lets_the_next_writer_in(
        self, database: Database
    ) -> None:
        inserted = asyncio.Event()

        async def never_ends() -> None:
            async with database.transaction() as tx:
                await tx.insert_many(log_entry, ENTRY, [(0, b"leaf")])
                inserted.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(never_ends())
        await inserted.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        await write(database, 1)
        assert await stored_in(database) == [1]

    async def test_a_failed_statement_cannot_be_passed_over(self, database: Database) -> None:
        async def go_on_after_a_failure() -> None:
            async with database.transaction() as tx:
                await tx.insert_many(log_entry, ENTRY, [(1, b"leaf")])
                with suppress(Conflict):
                    await tx.insert_many(log_entry, ENTRY, [(0, b"leaf")])

        await write(database, 0)

        with pytest.raises(Conflict):
            await go_on_after_a_failure()

        assert await stored_in(database) == [0]


class TestRefusedRows:
    async def test_a_value_that_must_be_unique_is_a_conflict_that_does_not_repeat_it(
        self, database: Database
    ) -> None:
        secret = b"hash-of-a-bearer-token"
        async with database.transaction() as tx:
            await tx.execute(insert(token), a_token("A" * 26, sha256=secret))

        with pytest.raises(Conflict, match="sha256") as caught:
            async with database.transaction() as tx:
                await tx.execute(insert(token), a_token("B" * 26, sha256=secret))

        assert secret.decode() not in str(caught.value)
        assert secret.hex() not in str(caught.value)

    async def test_a_reference_to_nothing_is_a_conflict(self, database: Database) -> None:
        with pytest.raises(Conflict):
            async with database.transaction() as tx:
                await tx.insert_many(hold_record, ("hold_id", "log_index"), [("H" * 26, 0)])

    @pytest.mark.parametrize(
        "values",
        [
            {"name": "half an emoji: \ud83d"},
            {"created_at": 2**63},
            {"created_at": -(2**63) - 1},
        ],
        ids=["lone surrogate", "too large", "too small"],
    )
    async def test_a_value_no_column_can_hold_is_the_callers_error(
        self, database: Database, values: dict[str, object]
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            async with database.transaction() as tx:
                await tx.execute(insert(token), a_token("A" * 26, **values))

        assert "emoji" not in str(caught.value)
        async with database.reading() as tx:
            assert (await tx.execute(select(func.count()).select_from(token))).scalar() == 0

    async def test_a_missing_table_is_said_to_need_a_migration(
        self, empty_database_url: str
    ) -> None:
        database = open_database(empty_database_url)
        try:
            with pytest.raises(DatabaseUnavailable, match="muniment init"):
                await write(database, 0)
        finally:
            await database.close()


class TestManyRows:
    async def test_each_row_comes_back_as_it_was_given(self, database: Database) -> None:
        rows = [
            (f"{number:026}", f"name {number} 日本 🎉", number.to_bytes(32), "a b", number, None)
            for number in range(5_000)
        ]
        columns = ("id", "name", "sha256", "roles", "created_at", "revoked_at")

        async with database.transaction() as tx:
            await tx.insert_many(token, columns, rows)

        async with database.reading() as tx:
            found = await tx.execute(select(*(token.c[name] for name in columns)))
            assert sorted(map(tuple, found)) == rows

    async def test_no_rows_are_no_statement(self, database: Database) -> None:
        async with database.transaction() as tx:
            await tx.insert_many(log_entry, ENTRY, [])

        assert await stored_in(database) == []

    async def test_one_refused_row_refuses_all(self, database: Database) -> None:
        with pytest.raises(Conflict):
            await write(database, *range(1_000), 500)

        assert await stored_in(database) == []


class TestReading:
    async def test_it_sees_one_snapshot_while_others_write(self, database: Database) -> None:
        await write(database, 0)

        async with database.reading() as tx:
            assert await stored(tx) == [0]
            await write(database, 1)
            assert await stored(tx) == [0]

        assert await stored_in(database) == [0, 1]

    async def test_it_does_not_wait_for_an_open_writer(self, database: Database) -> None:
        async with database.transaction() as writing:
            await writing.insert_many(log_entry, ENTRY, [(0, b"leaf")])
            assert await stored_in(database) == []

        assert await stored_in(database) == [0]

    async def test_it_refuses_to_write(self, database: Database) -> None:
        with pytest.raises(DatabaseUnavailable):
            async with database.reading() as tx:
                await tx.insert_many(log_entry, ENTRY, [(0, b"leaf")])

        await write(database, 1)
        assert await stored_in(database) == [1]


class TestStreams:
    async def test_rows_come_in_key_order_over_many_fetches(self, database: Database) -> None:
        await write(database, *range(2_500))
        statement = select(log_entry).where(log_entry.c.log_index > 99).order_by("log_index")

        async with database.reading() as tx:
            rows = [tuple(row) async for row in tx.stream(statement, size=1_000)]

        assert rows == [(index, b"leaf %d" % index) for index in range(100, 2_500)]

    async def test_a_walk_is_not_disturbed_by_writers_and_does_not_stop_them(
        self, database: Database
    ) -> None:
        await write(database, *range(30))
        walked = []

        async with database.reading() as tx:
            async for row in tx.stream(select(log_entry.c.log_index).order_by("log_index"), 10):
                walked.append(row.log_index)
                if row.log_index in (5, 25):
                    await write(database, 1_000 + row.log_index)

        assert walked == list(range(30))
        assert await stored_in(database) == [*range(30), 1_005, 1_025]

    async def test_a_walk_that_is_left_early_keeps_no_old_snapshot_alive(
        self, database: Database
    ) -> None:
        await write(database, *range(100))
        unfinished: list[AsyncIterator[object]] = []  # or garbage collection would close it

        async with database.reading() as tx:
            unfinished.append(tx.stream(select(log_entry), 10))
            await anext(unfinished[0])

        await write(database, 100)
        assert await stored_in(database) == [*range(101)]

    async def test_pages_by_key_walk_rows_that_are_removed_on_the_way(
        self, database: Database
    ) -> None:
        tokens = [a_token(f"{number:026}") for number in range(25)]
        async with database.transaction() as tx:
            await tx.execute(insert(token), tokens)
        walked: list[str] = []

        while True:
            page = select(token.c.id).where(token.c.id > (walked or [""])[-1])
            async with database.transaction() as tx:
                ids = list((await tx.execute(page.order_by(token.c.id).limit(10))).scalars())
                await tx.execute(delete(token).where(token.c.id.in_(ids)))
            if not ids:
                break
            walked += ids

        assert walked == [each["id"] for each in tokens]


class TestConcurrentWriters:
    async def test_two_processes_worth_of_writers_lose_no_update(
        self, database: Database, database_url: str
    ) -> None:
        other = open_database(database_url)
        start = {"id": 1, "next_index": 0, "size": 0, "root": b"", "checkpoint": b""}
        async with database.transaction() as tx:
            await tx.execute(insert(log_state), start)

        async def count_up(through: Database) -> None:
            async with through.transaction() as tx:
                read = select(log_state.c.next_index).with_for_update()
                found = (await tx.execute(read)).scalar_one()
                await asyncio.sleep(0)
                await tx.execute(update(log_state).values(next_index=found + 1))

        try:
            await asyncio.gather(*(count_up(each) for each in [database, other] * 20))
            async with other.reading() as tx:
                assert (await tx.execute(select(log_state.c.next_index))).scalar() == 40
        finally:
            await other.close()

    async def test_more_tasks_than_connections_only_wait(self, database: Database) -> None:
        await asyncio.gather(*(write(database, index) for index in range(50)))

        assert (
            await asyncio.gather(*(stored_in(database) for _ in range(50))) == [[*range(50)]] * 50
        )


class TestEvidence:
    """The triggers of the schema: they must outlive each migration."""

    @pytest.fixture(autouse=True)
    async def rows(self, database: Database) -> None:
        async with database.transaction() as tx:
            for table in (
                *(segment, record, log_entry, hold, hold_record),
                *(frozen_set, frozen_members, term_report, term_hits),
            ):
                await tx.execute(insert(table), a_row_of(table))

    @pytest.mark.parametrize(
        "statement",
        [
            update(log_entry).values(entry=b"another"),
            update(log_entry).values(log_index=7),
            delete(log_entry),
            text(
                "INSERT INTO log_entry (log_index, entry) VALUES (0, :entry) "
                "ON CONFLICT (log_index) DO UPDATE SET entry = excluded.entry"
            ).bindparams(entry=b"another"),
            update(hold_record).values(log_index=7),
            delete(hold_record),
            update(frozen_set).values(name="another"),
            delete(frozen_members),
            update(term_report).values(hits=7),
            delete(term_hits),
            update(record).values(id="Z" * 26),
            update(record).values(log_index=7),
        ],
        ids=lambda statement: " ".join(str(statement).split()),
    )
    async def test_it_cannot_be_changed_or_removed(
        self, database: Database, statement: Executable
    ) -> None:
        with pytest.raises(Conflict, match="never changed"):
            async with database.transaction() as tx:
                await tx.execute(statement)

    async def test_statements_that_pass_by_row_triggers_are_refused_too(
        self, database: Database
    ) -> None:
        by_dialect = {
            "sqlite": "REPLACE INTO log_entry (log_index, entry) VALUES (0, x'00')",
            "postgresql": "TRUNCATE hold CASCADE",
        }

        with pytest.raises(Conflict, match="never changed"):
            async with database.transaction() as tx:
                await tx.execute(text(by_dialect[database.dialect]))

    async def test_a_records_row_may_change_elsewhere_and_goes_at_its_disposal(
        self, database: Database
    ) -> None:
        async with database.transaction() as tx:
            await tx.execute(update(record).values(retain_until=1))
            await tx.execute(delete(record))

        async with database.reading() as tx:
            assert (await tx.execute(select(record))).all() == []


def a_row_of(table: Table) -> dict[str, object]:
    """The plainest row that the table's types allow."""
    plain: dict[type, Any] = {int: 0, bool: False, bytes: b"leaf", str: "0"}
    return {
        column.name: plain[column.type.python_type] * (getattr(column.type, "length", 0) or 1)
        for column in table.columns
        if not column.nullable
    }


@pytest.mark.integration
class TestLostServer:
    """The connection breaks: failed and not stored, and failed but stored."""

    @pytest.fixture
    def dialect(self) -> str:
        return "postgresql"

    @pytest.mark.parametrize("lost", ["before a statement", "at commit"])
    async def test_an_open_transaction_is_lost_whole_and_the_next_one_works(
        self, database: Database, postgres: "Postgres", lost: str
    ) -> None:
        async def lose_the_server() -> None:
            async with database.transaction() as tx:
                await tx.insert_many(log_entry, ENTRY, [(0, b"leaf")])
                postgres.stop_immediately()
                if lost == "before a statement":
                    await tx.insert_many(log_entry, ENTRY, [(1, b"leaf")])

        with pytest.raises(DatabaseUnavailable, match="nothing was acknowledged"):
            await lose_the_server()

        postgres.start()
        await write(database, 2)
        assert await stored_in(database) == [2]

    async def test_while_it_is_away_every_transaction_says_so(
        self, database: Database, postgres: "Postgres"
    ) -> None:
        await write(database, 0)

        postgres.stop_immediately()
        for _ in range(12):  # more than the pool has connections: none may be lost to an error
            with pytest.raises(DatabaseUnavailable):
                await write(database, 1)
            with pytest.raises(DatabaseUnavailable):
                await stored_in(database)

        postgres.start()
        await write(database, 2)
        assert await stored_in(database) == [0, 2]

    async def test_a_walk_cut_off_in_the_middle_is_an_error_not_an_end(
        self, database: Database, postgres: "Postgres"
    ) -> None:
        await write(database, *range(100))

        async def walk() -> None:
            async with database.reading() as tx:
                async for row in tx.stream(select(log_entry.c.log_index), 10):
                    if row.log_index == 50:
                        postgres.stop_immediately()

        with pytest.raises(DatabaseUnavailable):
            await walk()

        postgres.start()
        await write(database, 100)
        assert await stored_in(database) == [*range(101)]

    async def test_a_commit_whose_answer_was_lost_is_found_by_trying_again(
        self, database_url: str, postgres: "Postgres"
    ) -> None:
        from tests.fakes.postgres import losing_one_commit  # noqa: PLC0415 - the wheel may be absent

        async with losing_one_commit(postgres) as port:
            database = open_database(database_url.replace(f":{postgres.port}/", f":{port}/"))
            try:
                with pytest.raises(DatabaseUnavailable):
                    await write(database, 0)
                with pytest.raises(Conflict):
                    await write(database, 0)
                assert await stored_in(database) == [0]
            finally:
                await database.close()


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "muniment.db",
            "mysql://clerk:hunter2@db/muniment",
            "postgresql://clerk:hunter2@db:none/muniment",
            "postgresql://clerk:pass@word:hunter2@db/muniment",
            "sqlite://",
            "sqlite:///:memory:",
        ],
    )
    def test_a_wrong_one_is_refused_at_once_without_repeating_its_password(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="MUNIMENT_DATABASE_URL") as caught:
            open_database(url)

        assert "hunter2" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.integration
    @pytest.mark.parametrize("option", ["sslmode=hunter2", "no_such_setting=1", "sslmode=require"])
    async def test_a_wrong_option_is_named_at_the_first_connection(
        self, postgres: "Postgres", option: str
    ) -> None:
        database = open_database(f"{postgres.url('postgres')}?{option}")
        try:
            with pytest.raises(OperatorError, match=r"sslmode|no_such_setting|SSL"):
                await stored_in(database)
        finally:
            await database.close()

    @pytest.mark.integration
    async def test_what_libpq_understands_is_understood(self, postgres: "Postgres") -> None:
        url = postgres.fresh_database().replace("postgresql:", "postgres:")
        database = open_database(f"{url}?sslmode=disable&application_name=clerk")
        try:
            async with database.reading() as tx:
                shown = await tx.execute(text("SHOW application_name"))
                assert shown.scalar() == "clerk"
        finally:
            await database.close()
            postgres.drop_database(url)

    def test_a_missing_folder_is_named_at_once(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=str(tmp_path / "missing")):
            open_database(f"sqlite:///{tmp_path / 'missing' / 'muniment.db'}")


async def test_sqlite_makes_each_commit_durable_before_it_is_acknowledged(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'muniment.db'}")
    try:
        async with database.transaction() as tx:
            assert (await tx.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
            assert (await tx.execute(text("PRAGMA synchronous"))).scalar() == 2  # FULL
    finally:
        await database.close()


async def test_what_fails_on_a_bare_cursor_is_the_databases_error_too(database: Database) -> None:
    """A disk that is full while the write-ahead log is truncated is no reason to stop a loop."""

    def fail(connection: Connection) -> None:
        connection.connection.cursor().execute("SELECT nothing FROM nowhere")

    with pytest.raises(DatabaseUnavailable):
        await database.run_migrations(fail)
