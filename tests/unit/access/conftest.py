from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archiver.db.tables import metadata
from archiver.db.transaction import open_database
from tests.unit.access.house import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Access over an empty database."""
    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    async with database.transaction() as tx:
        await tx.run_sync(metadata.create_all)
    yield House(database)
    await database.close()
