"""What an index lacks and what it has too much, against the records, range by range.

The database says which posts can be searched; those below an index's watermark have to be in it,
but for those set aside, and nothing else. The log only grows, so what is below a watermark never
changes, and no lock is needed to compare.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from archiver.db import searchable, set_aside
from archiver.db.transaction import Database
from search.index import Reader, Snapshot

RANGE = 20_000
"""Log indexes compared at a time: 9 ms in tantivy, 30 ms in SQLite."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Log indexes that an index lacks, has too much, or has although they are set aside."""

    missing: tuple[int, ...] = ()
    surplus: tuple[int, ...] = ()
    stale: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus or self.stale)

    def __add__(self, other: "Difference") -> "Difference":
        return Difference(
            self.missing + other.missing, self.surplus + other.surplus, self.stale + other.stale
        )


async def counts_agree(database: Database, reader: Reader) -> bool:
    """Return whether an index holds as many posts as it has to: a few milliseconds at any size.

    What is set aside meanwhile may make it say False for once; the comparison by ids decides.
    """
    watermark, known = await asyncio.to_thread(_standing, reader)
    async with database.reading() as tx:
        return known == await searchable.count(tx, watermark)


async def difference(database: Database, reader: Reader, start: int, end: int) -> Difference:
    """Return what an index differs by in [start, end) of the log, below its watermark.

    Raises:
        IndexUnavailable, RebuildNeeded: the index cannot be read.
    """
    async with database.reading() as tx:  # before the snapshot: what is taken in later is stale
        aside = set(await set_aside.between(tx, start, end))
    watermark, found = await asyncio.to_thread(_between, reader, start, end)
    async with database.reading() as tx:
        wanted = set(await searchable.between(tx, start, min(end, watermark)))
    held = set(found)
    return Difference(
        missing=tuple(sorted(wanted - held - aside)),
        surplus=tuple(sorted(held - wanted)),
        stale=tuple(sorted(held & aside)),
    )


async def differences(
    database: Database, reader: Reader, watermark: int
) -> AsyncIterator[Difference]:
    """Yield what an index differs by, for each range below a watermark, then what is above it."""
    for start in range(0, watermark, RANGE):
        yield await difference(database, reader, start, min(start + RANGE, watermark))
    yield Difference(surplus=await asyncio.to_thread(_above, reader, watermark))


async def compared(database: Database, reader: Reader) -> tuple[int, Difference]:
    """Return an index's watermark and all it differs by. Raises IndexUnavailable, RebuildNeeded."""
    watermark, _ = await asyncio.to_thread(_standing, reader)
    found = Difference()
    async for each in differences(database, reader, watermark):
        found += each
    return watermark, found


def _standing(reader: Reader) -> tuple[int, int]:
    with reader.snapshot() as snapshot:
        return snapshot.watermark, snapshot.known()


def _between(reader: Reader, start: int, end: int) -> tuple[int, list[int]]:
    with reader.snapshot() as snapshot:
        return snapshot.watermark, snapshot.between(start, min(end, snapshot.watermark))


def _above(reader: Reader, watermark: int) -> tuple[int, ...]:
    """Return numbers at or above both this watermark and the index's own."""
    with reader.snapshot() as snapshot:
        limit = max(watermark, snapshot.watermark)
        if snapshot.known() == _counted(snapshot, limit):
            return ()
        return tuple(n for chunk in snapshot.all_numbers() for n in chunk if n >= limit)


def _counted(snapshot: Snapshot, limit: int) -> int:
    return sum(len(snapshot.between(at, min(at + RANGE, limit))) for at in range(0, limit, RANGE))
