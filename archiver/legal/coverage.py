"""Which part of the archive an answer speaks of, and how far the index is behind the log."""

from datetime import datetime, timedelta
from typing import NamedTuple

from archiver.access.rules import Reach
from archiver.clock import Clock, from_millis
from archiver.db import coverage as coverage_rows
from archiver.db import searchable
from archiver.db.coverage import Counts
from archiver.db.transaction import Connection, Database
from archiver.errors import InvalidInput
from archiver.legal.answers import Coverage, Freshness, NotSearchable
from archiver.legal.reach import names

_BEYOND = 2**62
_COUNTED_ANEW = timedelta(minutes=1)


class _Counted(NamedTuple):
    """How many posts below a log size can be searched, and when they were last all counted."""

    log_size: int
    posts: int
    at: datetime | None


class Covering:
    """Tells what answers cover, and remembers how many posts there are up to a watermark.

    Each search is an event and so moves the watermark: the few entries since are counted, and all
    of them again where the index holds another number, or a minute after the last time: records
    that are disposed of are fewer posts.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._counted = _Counted(log_size=0, posts=0, at=None)

    def counts(self, connection: Connection, within: Reach, log_size: int) -> Counts:
        """Return what the database counts of the log below `log_size`, for `covered`."""
        since = min(self._counted.log_size, log_size)
        return coverage_rows.counts(connection, within, since=since, log_size=log_size)

    async def covered(self, counts: Counts, log_size: int, records: int, known: int) -> Coverage:
        """Return what an answer covers of which the index said its watermark and its `records`.

        `known` are all posts the index holds: where they are not as many as it has to hold up to
        its watermark, the answer is not exact, and says so.
        """
        return Coverage(
            log_size=log_size,
            records=records,
            not_searchable=counts.empty + counts.aside_within,
            set_aside=counts.aside_within,
            is_exact=await self._is_exact(counts, log_size, known),
        )

    async def _is_exact(self, counts: Counts, log_size: int, known: int) -> bool:
        last, now = self._counted, self._clock()
        lately = last.at is not None and abs(now - last.at) < _COUNTED_ANEW
        if lately and counts.since == last.log_size <= log_size:
            posts = last.posts + counts.posts
            if known == posts - counts.aside:
                self._counted = _Counted(log_size=log_size, posts=posts, at=last.at)
                return True
        async with self._database.reading() as tx:
            posts = await searchable.count_all(tx, log_size)
        self._counted = _Counted(log_size=log_size, posts=posts, at=now)
        return known == posts - counts.aside


def freshness(connection: Connection, within: Reach, read: int) -> Freshness:
    """Return how far an index is behind the log that has `read` so much of it."""
    found = coverage_rows.position(connection, within, read)
    return Freshness(
        read=read,
        log_size=found.log_size,
        current_to=None if found.newest is None else from_millis(found.newest),
        waiting=found.waiting,
        behind=found.log_size - read > coverage_rows.LOOKED_THROUGH,
    )


async def not_searchable(
    database: Database, within: Reach, *, log_size: int, limit: int, cursor: str
) -> NotSearchable:
    """Return a page of the posts below `log_size` that no search finds, and why.

    Raises:
        InvalidInput: the cursor is not that of a page before.
    """
    below = _index_of(cursor)
    async with database.reading() as tx:
        total = await coverage_rows.count_not_searchable(tx, within, log_size)
        rows, aside = await coverage_rows.list_not_searchable(
            tx, within, log_size=log_size, below=below, limit=limit
        )
    return NotSearchable(
        records=tuple(rows),
        why={index: each.reason for index, each in aside.items()},
        total=total,
        log_size=log_size,
        next_cursor=str(rows[-1].log_index) if len(rows) == limit else "",
        within=names(within),
    )


def _index_of(cursor: str) -> int:
    if not cursor:
        return _BEYOND
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < len(str(_BEYOND))):
        raise InvalidInput(
            f"expected the next_cursor of a page before, found {cursor[:80]!r}", pointer="cursor"
        )
    return int(cursor)
