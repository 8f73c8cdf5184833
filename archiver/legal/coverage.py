"""Which part of the archive an answer speaks of, and how far the index is behind the log."""

from archiver.access.rules import Reach
from archiver.clock import from_millis
from archiver.db import coverage as coverage_rows
from archiver.db import ledger as ledger_rows
from archiver.db.transaction import Database
from archiver.errors import InvalidInput
from archiver.legal.answers import Coverage, Freshness, NotSearchable
from archiver.legal.reach import names

_BEYOND = 2**62


async def covered(database: Database, within: Reach, log_size: int, records: int) -> Coverage:
    """Return what an answer covers of which the index said its watermark and its `records`."""
    async with database.reading() as tx:
        without = await coverage_rows.count_not_searchable(tx, within, log_size)
    return Coverage(log_size=log_size, records=records, not_searchable=without)


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
    """Return a page of the posts below `log_size` that hold nothing to be searched.

    Raises:
        InvalidInput: the cursor is not that of a page before.
    """
    below = _index_of(cursor)
    async with database.reading() as tx:
        total = await coverage_rows.count_not_searchable(tx, within, log_size)
        rows = await coverage_rows.list_not_searchable(
            tx, within, log_size=log_size, below=below, limit=limit
        )
    return NotSearchable(
        records=tuple(rows),
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
