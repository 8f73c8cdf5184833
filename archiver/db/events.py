"""The audit trail's rows: the readable view of the `aud` records of the log."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from archiver.db.tables import event
from archiver.db.transaction import Row, Transaction, insert_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event. `at` is milliseconds since 1970 UTC, `details` is JSON."""

    record_id: str
    at: int
    actor: str
    action: str
    object_type: str
    object_id: str
    result: str
    details: str


COLUMNS = tuple(EventRow.__dataclass_fields__)


def insert(connection: Connection, rows: list[Row]) -> None:
    """Insert rows of `COLUMNS`."""
    insert_rows(connection, event, COLUMNS, rows)


async def list_about(tx: Transaction, object_id: str, limit: int) -> Sequence[EventRow]:
    """Return the newest events about one object or by one actor, newest first."""
    rows = await tx.execute(
        select(event)
        .where(or_(event.c.object_id == object_id, event.c.actor == object_id))
        .order_by(event.c.at.desc(), event.c.record_id.desc())
        .limit(limit)
    )
    return [EventRow(**row) for row in rows.mappings()]
