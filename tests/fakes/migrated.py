"""A migrated SQLite database to copy: migrating takes longer than most tests, and has its own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from archiver.db import schema
from archiver.db.transaction import open_database


@cache
def migrated_sqlite() -> bytes:
    """Return the file of a database with today's schema and no rows."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as apart:
        path = Path(folder, "muniment.db")
        # In a thread of its own: a loop may be running in this one.
        apart.submit(asyncio.run, migrate(f"sqlite:///{path}")).result()
        return path.read_bytes()


async def migrate(url: str) -> None:
    """Bring the database at `url` to today's schema."""
    database = open_database(url)
    await schema.migrate(database)
    await database.close()
