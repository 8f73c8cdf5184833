"""Migrations on both databases: up, down and up again, interrupted, repeated and refused."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, MetaData, Table, event, inspect, text

from archiver.db import schema
from archiver.db.disposal_tables import batch
from archiver.db.transaction import Database, open_database
from archiver.errors import ConfigurationError, DatabaseUnavailable

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, sys
from archiver.db import schema
from archiver.db.transaction import open_database

async def main():
    database = open_database(sys.argv[1])
    try:
        await schema.migrate(database)
        await schema.check(database)
    finally:
        await database.close()

asyncio.run(main())
print(schema.__file__)
"""


@pytest.fixture
async def empty(empty_database_url: str) -> AsyncIterator[Database]:
    """An open database without a schema."""
    database = open_database(empty_database_url)
    yield database
    await database.close()


async def differences(database: Database) -> list[object]:
    """What `alembic check` would complain of."""

    def compare(connection: Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, batch.metadata))

    async with database.reading() as tx:
        return await tx.run_sync(compare)


async def tables(database: Database) -> set[str]:
    async with database.reading() as tx:
        return await tx.run_sync(lambda connection: set(inspect(connection).get_table_names()))


async def run(database: Database, *statements: str) -> None:
    async with database.transaction() as tx:
        for statement in statements:
            await tx.execute(text(statement))


class TestUpAndDown:
    async def test_up_gives_exactly_the_schema_of_the_tables(self, empty: Database) -> None:
        await schema.migrate(empty)

        await schema.check(empty)
        assert await differences(empty) == []
        assert await tables(empty) == {*batch.metadata.tables, "alembic_version"}

    async def test_constraints_and_indexes_have_the_names_of_the_convention(
        self, empty: Database
    ) -> None:
        await schema.migrate(empty)

        found = MetaData()
        async with empty.reading() as tx:
            await tx.run_sync(found.reflect)
        assert names(found) - {"alembic_version_pkc"} == names(batch.metadata)

    async def test_down_leaves_nothing_and_up_again_gives_the_same_schema(
        self, empty: Database
    ) -> None:
        await schema.migrate(empty)

        await schema.downgrade(empty)
        assert await tables(empty) == {"alembic_version"}
        with pytest.raises(ConfigurationError, match="muniment init"):
            await schema.check(empty)

        await schema.migrate(empty)
        await schema.check(empty)
        assert await differences(empty) == []

    async def test_migrating_again_changes_nothing_and_keeps_the_rows(
        self, empty: Database
    ) -> None:
        await schema.migrate(empty)
        await run(empty, "INSERT INTO follower (name, position, updated_at) VALUES ('a', 1, 1)")

        await schema.migrate(empty)

        async with empty.reading() as tx:
            assert (await tx.execute(text("SELECT position FROM follower"))).scalar() == 1


class TestInterrupted:
    async def test_a_migration_that_fails_leaves_no_half_of_itself(self, empty: Database) -> None:
        await run(empty, "CREATE TABLE follower (name TEXT)")  # the last table to be created

        with pytest.raises(DatabaseUnavailable, match="follower"):
            await schema.migrate(empty)
        assert await tables(empty) - {"alembic_version"} == {"follower"}

        await run(empty, "DROP TABLE follower")
        await schema.migrate(empty)
        await schema.check(empty)

    @pytest.mark.parametrize("dialect", ["sqlite"])
    async def test_the_migrations_of_sqlite_are_one_transaction(
        self, empty: Database, empty_database_url: str
    ) -> None:
        """Between two of them another process could do the one that this one holds for its next."""
        await run(empty, "SELECT 1")  # creates the file
        path = empty_database_url.removeprefix("sqlite:///")
        other = sqlite3.connect(path, timeout=0, check_same_thread=False)
        seen: list[str] = []

        def look(*_: object) -> None:
            seen.extend(row[0] for row in other.execute("SELECT name FROM sqlite_master"))

        event.listen(Engine, "after_cursor_execute", look)
        try:
            await schema.migrate(empty)
        finally:
            event.remove(Engine, "after_cursor_execute", look)
        assert seen == []
        assert other.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
        other.close()

    async def test_processes_that_migrate_at_the_same_time_take_turns(
        self, empty: Database, empty_database_url: str
    ) -> None:
        command = [sys.executable, "-c", PROGRAM, empty_database_url]

        processes = [await asyncio.create_subprocess_exec(*command, cwd=ROOT) for _ in range(3)]
        async with asyncio.timeout(60):
            endings = [await process.wait() for process in processes]

        assert endings == [0, 0, 0]
        await schema.check(empty)


class TestNewDatabaseOfSqlite:
    @pytest.fixture
    def dialect(self) -> str:
        return "sqlite"

    async def test_who_opens_it_while_another_writes_waits_for_its_turn(
        self, empty: Database, empty_database_url: str
    ) -> None:
        path = empty_database_url.removeprefix("sqlite:///")
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")

        opening = asyncio.create_task(run(empty, "CREATE TABLE mine (a)"))
        await asyncio.sleep(0.3)
        other.execute("CREATE TABLE theirs (a)")
        other.execute("COMMIT")
        await opening

        assert await tables(empty) == {"mine", "theirs"}
        other.close()


@pytest.mark.integration
class TestLimits:
    """PostgreSQL only: SQLite has one writer and no session limits."""

    LATER = """
from alembic import op

revision = "9998"
down_revision = "%s"

def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("ix_record_lang", "record", ["lang"], postgresql_concurrently=True)
    op.execute(
        "INSERT INTO follower (name, position, updated_at) "
        "SELECT current_setting('lock_timeout') || current_setting('statement_timeout'), 0, 0"
    )
"""

    @pytest.fixture
    def dialect(self) -> str:
        return "postgresql"

    async def test_a_later_migration_runs_under_them_and_may_build_an_index_beside_writers(
        self, empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await schema.migrate(empty)
        scripts = tmp_path / "migrations"
        shutil.copytree(ROOT / "migrations", scripts)
        head = max(path.name[:4] for path in (scripts / "versions").glob("*.py"))
        (scripts / "versions" / "9998_later.py").write_text(self.LATER % head)
        monkeypatch.setattr(schema, "_scripts", lambda: scripts)

        with pytest.raises(ConfigurationError, match=f"is {head}, expected 9998: run `muniment"):
            await schema.check(empty)
        await schema.migrate(empty)

        await schema.check(empty)
        async with empty.reading() as tx:
            assert (await tx.execute(text("SELECT name FROM follower"))).scalar() == "5s15min"

    async def test_they_do_not_outlive_it(self, empty: Database) -> None:
        await schema.migrate(empty)

        async with empty.transaction() as tx:
            assert (await tx.execute(text("SHOW lock_timeout"))).scalar() == "0"
            locks = await tx.execute(text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))
            assert locks.all() == []


class TestCheck:
    async def test_an_empty_database_is_told_to_be_created(self, empty: Database) -> None:
        with pytest.raises(ConfigurationError, match=r"no schema, expected .* `muniment init`"):
            await schema.check(empty)

    async def test_checking_creates_nothing(self, empty: Database) -> None:
        with pytest.raises(ConfigurationError):
            await schema.check(empty)

        if empty.path is not None:
            assert not empty.path.exists()
        else:
            assert await tables(empty) == set()

    async def test_a_database_of_a_newer_release_is_neither_used_nor_migrated(
        self, empty: Database
    ) -> None:
        await schema.migrate(empty)
        await run(empty, "UPDATE alembic_version SET version_num = '9999'")

        with pytest.raises(ConfigurationError, match=r"9999 is unknown .* newer release"):
            await schema.check(empty)
        with pytest.raises(ConfigurationError, match=r"9999.* newer release"):
            await schema.migrate(empty)


class TestInstalled:
    """Outside a checkout the migrations lie inside the package, as the wheel puts them there."""

    def installed(self, folder: Path, *, migrations: bool) -> subprocess.CompletedProcess[str]:
        package = folder / "archiver"
        ignored = shutil.ignore_patterns("__pycache__", "_migrations")
        shutil.copytree(ROOT / "archiver", package, ignore=ignored)
        if migrations:
            shutil.copytree(ROOT / "migrations", package / "_migrations", ignore=ignored)
        return subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM, "sqlite:///muniment.db"],
            check=False,
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
        )

    def test_an_installed_package_migrates(self, tmp_path: Path) -> None:
        done = self.installed(tmp_path, migrations=True)

        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(str(tmp_path))

    def test_a_package_without_its_migrations_says_so(self, tmp_path: Path) -> None:
        done = self.installed(tmp_path, migrations=False)

        assert done.returncode == 1
        assert "ConfigurationError: the migrations are missing" in done.stderr


def names(schema_of: MetaData) -> set[str]:
    """The names of all constraints and indexes."""
    return {name for table in schema_of.tables.values() for name in _names_in(table)}


def _names_in(table: Table) -> set[str]:
    constraints = {str(each.name) for each in table.constraints if each.name}
    return constraints | {str(each.name) for each in table.indexes}
