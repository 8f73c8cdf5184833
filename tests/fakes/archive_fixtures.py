"""Fixtures that found a whole archive on each pair of store and database worth telling apart."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archiver import app, composition
from archiver.clock import Clock
from archiver.config import Settings
from archiver.preserve.store.opening import open_store
from tests.conftest import BUCKET
from tests.fakes.archive import found, settings_for
from tests.fakes.faulty_commits import FaultyCommits
from tests.fakes.faulty_store import FaultyStore

if TYPE_CHECKING:
    from tests.fakes.postgres import Postgres
    from tests.fakes.seaweedfs import SeaweedFS


@pytest.fixture(
    params=[
        "filesystem and sqlite",
        pytest.param("s3 and sqlite", marks=pytest.mark.integration),
        pytest.param("filesystem and postgresql", marks=pytest.mark.integration),
    ]
)
def settings_to_found(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an archive that does not exist yet."""
    store, _, database = str(request.param).partition(" and ")
    store_url = ""
    if store == "s3":
        seaweedfs: SeaweedFS = request.getfixturevalue("seaweedfs")
        store_url = seaweedfs.store_url(BUCKET, f"archive-{os.urandom(6).hex()}")
    if database == "sqlite":
        yield settings_for(tmp_path / "home", store_url=store_url)
        return
    server: Postgres = request.getfixturevalue("postgres")
    database_url = server.fresh_database(template=request.getfixturevalue("migrated_postgres"))
    yield settings_for(tmp_path / "home", database_url=database_url, store_url=store_url)
    server.drop_database(database_url)


@pytest.fixture
async def settings(settings_to_found: Settings) -> Settings:
    """Settings of a founded, empty archive."""
    return await found(settings_to_found)


@pytest.fixture
async def local_settings(tmp_path: Path) -> Settings:
    """Settings of a founded, empty archive in one folder: filesystem and SQLite."""
    return await found(settings_for(tmp_path / "home"))


@pytest.fixture
def faulty_stores(monkeypatch: pytest.MonkeyPatch) -> list[FaultyStore]:
    """The stores of all services opened in the test, in order; each can be made to fail."""
    opened: list[FaultyStore] = []

    def open_faulty(url: str, *, clock: Clock, create: bool) -> FaultyStore:
        opened.append(FaultyStore(open_store(url, clock=clock, create=create)))
        return opened[-1]

    for module in (app, composition):  # the first store, and the second
        monkeypatch.setattr(module, "open_store", open_faulty)
    return opened


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> FaultyCommits:
    """The commits of this process, which can be made to fail or wait."""
    faulty = FaultyCommits()
    faulty.install(monkeypatch)
    return faulty
