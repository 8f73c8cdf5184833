"""What an index lacks and what it has too much, against the records, range by range.

The database says which posts can be searched; those below an index's watermark have to be in it,
but for those set aside, and nothing else. The log only grows, so what is below a watermark only
changes by destruction, and no lock is needed to compare.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from archiver.db import searchable, set_aside
from archiver.db.transaction import Database
from search.index import Reader, Snapshot

RANGE = 20_000
"""Log indexes compared at a time: 5 ms in tantivy, 15 ms in SQLite."""


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


class Agreed:
    """What an index held, range by range, when it was last found to hold just what it has to.

    An index that holds the same log indexes there now, as a digest tells, is right still: no post
    comes below a watermark, and one that goes changes how many there have to be (`counts_agree`).
    So the records, which are dear to read, are read again only where the index has changed, and
    for those that were read longest ago (`forget`), should somebody have changed the records.
    """

    def __init__(self) -> None:
        self._ranges: dict[int, tuple[int, bytes]] = {}

    def covers(self, start: int, end: int, held: Sequence[int]) -> bool:
        """Return whether these log indexes in [start, end) are those that were right."""
        return self._ranges.get(start) == (end, _digest(held))

    def note(self, start: int, end: int, held: Sequence[int]) -> None:
        """Keep that these log indexes in [start, end) are right."""
        self._ranges.pop(start, None)  # the order is that of the notes
        self._ranges[start] = end, _digest(held)

    def forget(self, share: int = 1) -> None:
        """Forget all ranges, or of so many parts the one that was noted longest ago."""
        many = -(-len(self._ranges) // share)
        for start in list(self._ranges)[:many]:
            del self._ranges[start]


def _digest(held: Sequence[int]) -> bytes:
    return sha256(array("Q", held)).digest()


async def counts_agree(database: Database, reader: Reader) -> bool:
    """Return whether an index holds as many posts as it has to: a few milliseconds at any size.

    What is set aside meanwhile may make it say False for once; the comparison by ids decides.
    """
    watermark, known = await asyncio.to_thread(_standing, reader)
    async with database.reading() as tx:
        return known == await searchable.count(tx, watermark)


async def difference(
    database: Database, reader: Reader, start: int, end: int, agreed: Agreed | None = None
) -> Difference:
    """Return what an index differs by in [start, end) of the log, below its watermark.

    What is `agreed` already is not compared again, and what is found to be right is noted there.

    Raises:
        IndexUnavailable, RebuildNeeded: the index cannot be read.
    """
    if agreed is not None:
        _, found = await asyncio.to_thread(_between, reader, start, end)
        if agreed.covers(start, end, found):
            return Difference()
    async with database.reading() as tx:  # before the snapshot: what is taken in later is stale
        aside = set(await set_aside.between(tx, start, end))
    watermark, found = await asyncio.to_thread(_between, reader, start, end)
    async with database.reading() as tx:
        wanted = set(await searchable.between(tx, start, min(end, watermark)))
    held = set(found)
    differs = Difference(
        missing=tuple(sorted(wanted - held - aside)),
        surplus=tuple(sorted(held - wanted)),
        stale=tuple(sorted(held & aside)),
    )
    if agreed is not None and not differs:
        agreed.note(start, end, found)
    return differs


async def differences(
    database: Database, reader: Reader, watermark: int, agreed: Agreed | None = None
) -> AsyncIterator[Difference]:
    """Yield what an index differs by, for each range below a watermark, then what is above it."""
    for start in range(0, watermark, RANGE):
        yield await difference(database, reader, start, min(start + RANGE, watermark), agreed)
    yield Difference(surplus=await asyncio.to_thread(_above, reader, watermark))


async def compared(
    database: Database, reader: Reader, agreed: Agreed | None = None
) -> tuple[int, Difference]:
    """Return an index's watermark and all it differs by; `agreed` as in `difference`.

    Raises:
        IndexUnavailable, RebuildNeeded: the index cannot be read.
    """
    watermark, _ = await asyncio.to_thread(_standing, reader)
    found = Difference()
    async for each in differences(database, reader, watermark, agreed):
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
