"""Queries of full verification: rows as plain tuples, a page of log indexes at a time.

A million records are compared, so that nothing here makes an object per row but the tuple itself.
"""

from typing import Any

from sqlalchemy import select

from archiver.db.records import FACTS
from archiver.db.tables import event, log_entry, log_state, record
from archiver.db.transaction import Transaction

PLACES = ("log_index", "id", "entry_type", "segment_id", "frame", "frame_offset", "frame_length")
"""The columns of `places`."""

_PLACES = select(*(record.c[name] for name in PLACES))
_FACTS = select(record.c.log_index, record.c.duplicate_of, *(record.c[name] for name in FACTS))


async def entries(tx: Transaction, start: int, end: int) -> list[tuple[int, bytes]]:
    """Return `(log index, entry)` with indexes in [start, end), in order.

    SQLite keeps a text in a column of bytes if somebody puts one there; that is read as b"".
    """
    rows = await tx.execute(
        select(log_entry.c.log_index, log_entry.c.entry)
        .where(log_entry.c.log_index >= start, log_entry.c.log_index < end)
        .order_by(log_entry.c.log_index)
    )
    return [(row[0], row[1] if isinstance(row[1], bytes) else b"") for row in rows]


async def places(tx: Transaction, start: int, end: int) -> list[tuple[Any, ...]]:
    """Return the values of `PLACES` of the records with indexes in [start, end), in order."""
    rows = await tx.execute(
        _PLACES.where(record.c.log_index >= start, record.c.log_index < end).order_by(
            record.c.log_index
        )
    )
    return [tuple(row) for row in rows]


async def facts(
    tx: Transaction, start: int, end: int
) -> dict[int, tuple[str | None, tuple[Any, ...]]]:
    """Return `{log index: (duplicate_of, values of FACTS)}` of records in [start, end)."""
    rows = await tx.execute(_FACTS.where(record.c.log_index >= start, record.c.log_index < end))
    return {row[0]: (row[1], tuple(row[2:])) for row in rows}


async def events(tx: Transaction, start: int, end: int) -> dict[str, tuple[Any, ...]]:
    """Return the event rows, by record id, of the records in [start, end)."""
    rows = await tx.execute(
        select(event)
        .join(record, record.c.id == event.c.record_id)
        .where(record.c.log_index >= start, record.c.log_index < end)
    )
    return {row.record_id: tuple(row) for row in rows}


async def last_index(tx: Transaction) -> int:
    """Return the greatest index in the tables of entries and records, -1 where both are empty."""
    found = [
        (await tx.execute(select(column).order_by(column.desc()).limit(1))).scalar()
        for column in (log_entry.c.log_index, record.c.log_index)
    ]
    return max((index for index in found if index is not None), default=-1)


async def next_index(tx: Transaction) -> int:
    """Return the first log index that is not yet assigned."""
    return int((await tx.execute(select(log_state.c.next_index))).scalar_one())
