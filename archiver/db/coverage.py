"""What an answer of the search index does not speak of: what it has not read, and what it cannot.

Everything here is counted within a reach. How far the log and the index are is nobody's secret.
"""

from sqlalchemy import func, select

from archiver.db.reach import Part, is_within
from archiver.db.records import RecordRow
from archiver.db.tables import not_searchable, record
from archiver.db.transaction import Transaction

LOOKED_THROUGH = 10_000
"""Entries after the index's end that are looked through for posts which wait for it."""

_COLUMNS = tuple(RecordRow.__dataclass_fields__)


async def count_not_searchable(tx: Transaction, reach: Part, log_size: int) -> int:
    """Return how many posts below `log_size` hold nothing that can be searched."""
    statement = (
        select(func.count())
        .select_from(record)
        .where(not_searchable, record.c.log_index < log_size, is_within(reach))
    )
    return int((await tx.execute(statement)).scalar_one())


async def list_not_searchable(
    tx: Transaction, reach: Part, *, log_size: int, below: int, limit: int
) -> list[RecordRow]:
    """Return such posts below the log indexes `log_size` and `below`, the newest first."""
    rows = await tx.execute(
        select(*(record.c[name] for name in _COLUMNS))
        .where(not_searchable, record.c.log_index < min(log_size, below), is_within(reach))
        .order_by(record.c.log_index.desc())
        .limit(limit)
    )
    return [RecordRow(**row) for row in rows.mappings()]


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
