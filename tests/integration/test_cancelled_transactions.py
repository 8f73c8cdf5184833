"""Who gives up in the middle of a transaction leaves the database to the next."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from archiver.db.transaction import open_database

INSERT = text("INSERT INTO written VALUES (1)")
LONG = text(
    "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 500000) "
    "SELECT count(*) FROM c"
)


async def test_a_write_that_is_cancelled_at_whatever_moment_keeps_nobody_from_writing(
    tmp_path: Path,
) -> None:
    """The connection was closed in its transaction, which a cursor in the traceback kept alive.

    A job that was cancelled so stopped every write of the archive until the next start.
    """
    database = open_database(f"sqlite:///{tmp_path}/muniment.db")
    async with database.transaction() as tx:
        await tx.execute(text("CREATE TABLE written (a)"))
    kept: list[BaseException] = []

    async def write() -> None:
        async with database.transaction() as tx:
            await tx.execute(INSERT)
            await tx.execute(LONG)
            for _ in range(20):
                await tx.execute(INSERT)

    for moment in range(8):
        writing = asyncio.create_task(write())
        await asyncio.sleep(0.002 * moment)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await writing
        kept.append(cancelled.value)  # as a job's outcome, or a log, may keep it
        async with asyncio.timeout(20), database.transaction() as tx:
            found = (await tx.execute(text("SELECT count(*) FROM written"))).scalar()
            assert found == 0, "nothing of a cancelled transaction stays"
    await database.close()
