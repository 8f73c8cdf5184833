"""The emergency stop of all disposal: stops, and what lifted each of them.

Rows are only ever added. A stop is in force until a row lifts it by its id, in whatever order the
two were sequenced: in doubt, nothing is disposed of.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, insert, literal, select

from archiver.db.disposal_tables import disposal_stop
from archiver.db.transaction import Connection, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRow:
    """A stop, or the lifting of the stop `lifts`. `stated_at` is milliseconds since 1970 UTC."""

    id: str
    lifts: str
    reason: str
    stated_by: str
    stated_by_id: str
    stated_at: int


def reason_if_on(connection: Connection) -> str | None:
    """Return why all disposal is stopped, None while it is not."""
    row = connection.execute(_in_force().limit(1)).first()
    return None if row is None else str(row.reason)


async def read_reason_if_on(tx: Transaction) -> str | None:
    """Return the same as `reason_if_on`, from a transaction of asynchronous code."""
    return await tx.run_sync(reason_if_on)


async def in_force(tx: Transaction) -> tuple[StopRow, ...]:
    """Return the stops that nobody has lifted, oldest first."""
    return tuple(StopRow(**row) for row in (await tx.execute(_in_force())).mappings())


def ensure(connection: Connection, rows: Sequence[StopRow]) -> None:
    """Add these rows, but for those that are there."""
    for row in rows:
        known = select(literal(1)).where(
            disposal_stop.c.id == row.id, disposal_stop.c.lifts == row.lifts
        )
        if connection.execute(known).first() is None:
            values = {name: getattr(row, name) for name in StopRow.__dataclass_fields__}
            connection.execute(insert(disposal_stop).values(values))


def _in_force() -> Select[tuple[object, ...]]:
    lifting = disposal_stop.alias("lifting")
    lifted = select(literal(1)).where(lifting.c.lifts == disposal_stop.c.id).exists()
    return (
        select(disposal_stop)
        .where(disposal_stop.c.lifts == "", ~lifted)
        .order_by(disposal_stop.c.stated_at, disposal_stop.c.id)
    )
