"""What the Integrity page asks of the log and the trail: a few rows, however large they are."""

from collections.abc import Sequence

from sqlalchemy import and_, func, select

from archiver.db.events import EventRow
from archiver.db.tables import event, log_entry
from archiver.db.transaction import Transaction

Placed = tuple[int, bytes]
"""A log index and the entry that stands there."""


async def newest_events(tx: Transaction, action: str, limit: int) -> Sequence[EventRow]:
    """Return the newest events of an action, newest first."""
    rows = await tx.execute(
        select(*(event.c[name] for name in EventRow.__dataclass_fields__))
        .where(event.c.action == action)
        .order_by(event.c.at.desc(), event.c.record_id.desc())
        .limit(limit)
    )
    return [EventRow(**row) for row in rows.mappings()]


async def count_events_since(tx: Transaction, actions: Sequence[str], since: int) -> dict[str, int]:
    """Return how many events of each action there were after `since`, in milliseconds."""
    rows = await tx.execute(
        select(event.c.action, func.count())
        .where(event.c.action.in_(actions), event.c.at > since)
        .group_by(event.c.action)
    )
    return {row[0]: int(row[1]) for row in rows}


async def newest_entries(
    tx: Transaction, prefix: bytes, *, start: int, limit: int
) -> Sequence[Placed]:
    """Return the newest entries at or after index `start` that begin with `prefix`."""
    # Bytes have no LIKE on both databases; between a prefix and its successor lies what has it.
    successor = prefix[:-1] + bytes([prefix[-1] + 1])
    begins = and_(log_entry.c.entry >= prefix, log_entry.c.entry < successor)
    rows = await tx.execute(
        select(log_entry.c.log_index, log_entry.c.entry)
        .where(log_entry.c.log_index >= start, begins)
        .order_by(log_entry.c.log_index.desc())
        .limit(limit)
    )
    return [(int(row[0]), bytes(row[1])) for row in rows]
