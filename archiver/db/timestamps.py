"""Log entries found by how they begin: where the entry of a timestamp token stands, if at all.

No table of their own: the log is the truth, and a database rebuilt from the bucket has it again.
The spelling of entries is the caller's (`archiver.preserve.ledger.entry`).
"""

from sqlalchemy import Connection, and_, exists, not_, select
from sqlalchemy.sql import ColumnElement

from archiver.db import ledger
from archiver.db.tables import log_entry
from archiver.db.transaction import Transaction

Placed = tuple[int, bytes]
"""A log index and the entry that stands there."""


async def find(tx: Transaction, prefix: bytes, *, start: int) -> Placed | None:
    """Return the first entry at or after index `start` that begins with `prefix`."""
    return await tx.run_sync(lambda connection: _find(connection, prefix, start))


async def has_others(tx: Transaction, prefix: bytes, *, start: int, end: int) -> bool:
    """Return whether any entry with an index in [start, end) begins otherwise."""
    others = select(log_entry.c.log_index).where(
        log_entry.c.log_index >= start, log_entry.c.log_index < end, not_(_begins(prefix))
    )
    return bool((await tx.execute(select(exists(others)))).scalar())


async def add_once(tx: Transaction, entry: bytes, *, prefix: bytes, start: int) -> Placed:
    """Append an entry unless one at or after `start` begins with `prefix`; return which stands.

    The log's row is locked before looking, so that of two processes one appends and the other
    finds.
    """

    def work(connection: Connection) -> Placed:
        ledger.reserve(connection, 0)
        found = _find(connection, prefix, start)
        if found is None:
            found = ledger.reserve(connection, 1), entry
            ledger.append(connection, found[0], [entry])
        return found

    return await tx.run_sync(work)


def _find(connection: Connection, prefix: bytes, start: int) -> Placed | None:
    query = (
        select(log_entry.c.log_index, log_entry.c.entry)
        .where(log_entry.c.log_index >= start, _begins(prefix))
        .order_by(log_entry.c.log_index)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (int(row[0]), bytes(row[1]))


def _begins(prefix: bytes) -> ColumnElement[bool]:
    # Bytes have no LIKE on both databases; between a prefix and its successor lies what has it.
    successor = prefix[:-1] + bytes([prefix[-1] + 1])
    return and_(log_entry.c.entry >= prefix, log_entry.c.entry < successor)
