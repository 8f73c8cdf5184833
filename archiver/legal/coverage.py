"""Which part of the archive an answer speaks of, and how far the index is behind the log."""

from archiver.access.rules import Reach
from archiver.clock import from_millis
from archiver.db import coverage as coverage_rows
from archiver.db import ledger as ledger_rows
from archiver.db import searchable, set_aside
from archiver.db.transaction import Database, Transaction
from archiver.errors import InvalidInput
from archiver.legal.answers import Coverage, Freshness, NotSearchable
from archiver.legal.reach import names

_BEYOND = 2**62


class Covering:
    """Tells what answers cover; remembers how many posts there are up to the newest watermark."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted = (-1, 0)

    async def covered(self, within: Reach, log_size: int, records: int, known: int) -> Coverage:
        """Return what an answer covers of which the index said its watermark and its `records`.

        `known` are all posts the index holds: where they are not as many as it has to hold up to
        its watermark, the answer is not exact, and says so.
        """
        async with self._database.reading() as tx:
            aside = await set_aside.count(tx, log_size)
            is_exact = known == await self._searchable(tx, log_size) - aside
            aside = aside and await set_aside.count_within(tx, within, log_size)
            empty = await coverage_rows.count_empty(tx, within, log_size)
        return Coverage(
            log_size=log_size,
            records=records,
            not_searchable=empty + aside,
            set_aside=aside,
            is_exact=is_exact,
        )

    async def _searchable(self, tx: Transaction, log_size: int) -> int:
        counted, posts = self._counted
        if counted != log_size:
            posts = await searchable.count_all(tx, log_size)
            self._counted = log_size, posts
        return posts


async def freshness(database: Database, within: Reach, read: int) -> Freshness:
    """Return how far an index is behind the log that has `read` so much of it."""
    async with database.reading() as tx:
        end = (await ledger_rows.state(tx)).next_index
        newest = await coverage_rows.newest_below(tx, read)
        waiting = await coverage_rows.count_waiting(tx, within, read, end)
    return Freshness(
        read=read,
        log_size=end,
        current_to=None if newest is None else from_millis(newest),
        waiting=waiting,
        behind=end - read > coverage_rows.LOOKED_THROUGH,
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
