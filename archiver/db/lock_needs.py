"""Which object locks end too soon: what a longer schedule, or a late event, asks of the store."""

from dataclasses import dataclass

from sqlalchemy import func, select

from archiver.db.tables import record, segment
from archiver.db.transaction import Connection
from archiver.model.lock import LockMode


@dataclass(frozen=True, slots=True)
class Lengthened:
    """A locked segment with a record that is kept longer than the lock; moments in ms."""

    segment_id: str
    lock_until: int
    needed_until: int


def lengthened(connection: Connection, *, after: str, limit: int) -> list[Lengthened]:
    """Return up to `limit` segments with ids above `after` whose lock ends too soon, by id.

    Nothing has to be remembered for it: it compares the locks with the ends that records have now.
    """
    longest = (
        select(func.max(record.c.retain_until))
        .where(
            record.c.log_index >= segment.c.first_index,
            record.c.log_index < segment.c.first_index + segment.c.records,
        )
        .scalar_subquery()
    )
    rows = connection.execute(
        select(segment.c.id, segment.c.lock_until, longest.label("needed"))
        .where(
            segment.c.id > after,
            segment.c.lock_mode != LockMode.NONE,
            longest > segment.c.lock_until,
        )
        .order_by(segment.c.id)
        .limit(limit)
    )
    return [Lengthened(*row) for row in rows]
