"""What an answer of the search index does not speak of: what it has not read, and what it cannot.

Everything here is counted within a reach. How far the log and the index are is nobody's secret.
"""

from collections.abc import Mapping

from sqlalchemy import func, select

from archiver.db import records as record_rows
from archiver.db import set_aside
from archiver.db.reach import Part, is_within
from archiver.db.records import RecordRow
from archiver.db.set_aside import SetAside
from archiver.db.tables import not_searchable, record
from archiver.db.transaction import Transaction

LOOKED_THROUGH = 10_000
"""Entries after the index's end that are looked through for posts which wait for it."""

_COLUMNS = tuple(RecordRow.__dataclass_fields__)


async def count_not_searchable(tx: Transaction, reach: Part, log_size: int) -> int:
    """Return how many posts below `log_size` no search finds.

    They hold nothing that can be searched, or the index could not take them in (`db.set_aside`).
    """
    empty = await count_empty(tx, reach, log_size)
    return empty + await set_aside.count_within(tx, reach, log_size)


async def count_empty(tx: Transaction, reach: Part, log_size: int) -> int:
    """Return how many posts below `log_size` hold nothing that can be searched."""
    statement = (
        select(func.count())
        .select_from(record)
        .where(not_searchable, record.c.log_index < log_size, is_within(reach))
    )
    return int((await tx.execute(statement)).scalar_one())


async def list_not_searchable(
    tx: Transaction, reach: Part, *, log_size: int, below: int, limit: int
) -> tuple[list[RecordRow], Mapping[int, SetAside]]:
    """Return such posts below the log indexes `log_size` and `below`, the newest first.

    Beside them what is set aside among them, by log index; the others hold nothing to be searched.
    """
    end = min(log_size, below)
    rows = await tx.execute(
        select(*(record.c[name] for name in _COLUMNS))
        .where(not_searchable, record.c.log_index < end, is_within(reach))
        .order_by(record.c.log_index.desc())
        .limit(limit)
    )
    empty = {row["log_index"]: RecordRow(**row) for row in rows.mappings()}
    aside = await set_aside.newest_within(tx, reach, below=end, limit=limit)
    both = empty | await record_rows.list_by_index(tx, list(aside))
    newest = sorted(both.values(), key=lambda row: row.log_index, reverse=True)[:limit]
    return newest, {row.log_index: aside[row.log_index] for row in newest if row.log_index in aside}


async def count_waiting(tx: Transaction, reach: Part, start: int, end: int) -> int:
    """Return how many posts in [start, end) of the log an index read up to `start` leaves out.

    Of a long stretch only the first `LOOKED_THROUGH` entries are looked through.
    """
    if start >= end:
        return 0
    statement = (
        select(func.count())
        .select_from(record)
        .where(
            record.c.log_index >= start,
            record.c.log_index < min(end, start + LOOKED_THROUGH),
            record.c.entry_type == "rec",
            record.c.duplicate_of.is_(None),
            is_within(reach),
        )
    )
    return int((await tx.execute(statement)).scalar_one())


async def newest_below(tx: Transaction, log_size: int) -> int | None:
    """Return when the newest record or event below `log_size` was kept, in milliseconds."""
    rows = await tx.execute(
        select(record.c.captured_at)
        .where(record.c.log_index < log_size)
        .order_by(record.c.log_index.desc())
        .limit(1)
    )
    return rows.scalar_one_or_none()
