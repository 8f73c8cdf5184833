"""What the rows ask of the store, the same on each database."""

import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import update

from archiver.clock import to_millis
from archiver.db import lock_states
from archiver.db.lock_states import SegmentState
from archiver.db.tables import record
from tests.fakes.small_archive import COUNSEL, SmallArchive, arrival, small_archive


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """Two posts in a segment, the first with a film, and a third post in another segment."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        film = os.urandom(10_000)
        await opened.capture(arrival("1", "one", account="@held", media=film), arrival("2", "two"))
        await opened.capture(arrival("3", "three"))
        yield opened


async def states(archive: SmallArchive, *, limit: int = 10) -> list[SegmentState]:
    """All segments, read in pages of `limit`."""
    found: list[SegmentState] = []
    while True:
        start = found[-1].segment.first_index + 1 if found else 0
        read = partial(lock_states.page, start=start, limit=limit)
        page = await archive.database.run(read, writes=False)
        if not page:
            return found
        found += page


async def test_a_segment_is_asked_for_what_its_records_need(archive: SmallArchive) -> None:
    await archive.index_all()
    async with archive.database.transaction() as tx:
        await tx.execute(update(record).where(record.c.post_id == "2").values(retain_until=None))
        await tx.execute(update(record).where(record.c.post_id == "1").values(retain_until=77))
    hold = await archive.holds.place(
        name="suit", reason="a letter", accounts=["@held"], actor=COUNSEL
    )

    first, second, *_ = await states(archive, limit=1)

    assert (first.standing, first.latest_end, first.endless) == (2, 77, 1)
    assert first.held.since == to_millis(archive.clock())
    ((blob, held),) = first.blobs
    assert (blob.size > 10_000, held) == (True, first.held)
    assert (second.standing, second.endless, second.held.ever) == (1, 0, False)
    assert [first, second] == (await states(archive))[:2]

    await archive.holds.release(hold.id, reason="settled", actor=COUNSEL)
    find = partial(lock_states.one, segment_id=first.segment.id)
    after = await archive.database.run(find, writes=False)
    assert after is not None
    assert (after.held.since, after.held.released) == (None, to_millis(archive.clock()))


async def test_a_row_follows_a_longer_lock_and_no_shorter_one(archive: SmallArchive) -> None:
    first, second, *_ = await states(archive)
    until = first.segment.lock_until
    note = partial(
        lock_states.note_extended,
        until={first.segment.id: until + 1000, second.segment.id: until - 1000},
    )

    await archive.database.run(note, writes=True)

    after = {each.segment.id: each.segment.lock_until for each in await states(archive)}
    assert after[first.segment.id] == until + 1000
    assert after[second.segment.id] == second.segment.lock_until
    gone = partial(lock_states.one, segment_id="01JD4M8X7ZK3Q9V5T2W6Y8B1CD")
    assert await archive.database.run(gone, writes=False) is None
    count = await archive.database.run(lock_states.count, writes=False)
    assert count == len(after)
