"""Records whose processing is restricted (GDPR art. 18): hidden from whoever may not see them.

A record is restricted while any privacy request, open or closed, has decided so. `state` tells a
change cheaply, so that what was read of thousands of them can be remembered.
"""

from collections.abc import Sequence

from sqlalchemy import Select, func, select

from archiver.db.privacy_tables import privacy_record, privacy_request
from archiver.db.tables import record
from archiver.db.transaction import Connection, Transaction
from archiver.model.privacy import PrivacyDecision

_BATCH = 500
_STATE = (
    select(privacy_request.c.id, privacy_request.c.stated_at)
    .where(privacy_request.c.restricts > 0)
    .order_by(privacy_request.c.id)
)

State = tuple[tuple[str, int], ...]
"""The requests that restrict anything, each with the moment of its last change."""


def state(connection: Connection) -> State:
    """Return what tells whether the restricted records are those there were."""
    return tuple((row.id, row.stated_at) for row in connection.execute(_STATE))


async def indexes(tx: Transaction) -> list[int]:
    """Return the log indexes of all restricted records, ascending, each once."""
    rows = await tx.execute(_restricted().distinct().order_by(privacy_record.c.log_index))
    return list(rows.scalars())


async def among(tx: Transaction, log_indexes: Sequence[int]) -> set[int]:
    """Return which of these records are restricted."""
    return await tx.run_sync(lambda connection: among_rows(connection, log_indexes))


def among_rows(connection: Connection, log_indexes: Sequence[int]) -> set[int]:
    """Return the same as `among`, in a transaction of blocking code."""
    found: set[int] = set()
    for start in range(0, len(log_indexes), _BATCH):
        some = privacy_record.c.log_index.in_(log_indexes[start : start + _BATCH])
        found.update(row.log_index for row in connection.execute(_restricted().where(some)))
    return found


async def count(tx: Transaction) -> int:
    """Return how many records that are still there are restricted."""
    statement = select(func.count()).where(record.c.log_index.in_(_restricted()))
    return int((await tx.execute(statement)).scalar_one())


def _restricted() -> Select[tuple[int]]:
    return select(privacy_record.c.log_index).where(
        privacy_record.c.decision == PrivacyDecision.RESTRICT.value
    )
