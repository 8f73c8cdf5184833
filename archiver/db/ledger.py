"""The database's side of the log: indexes are assigned here, and the signed state is swapped here.

*Sequenced* means an entry has an index in `log_entry` and its transaction is committed. The
integrator then makes it *integrated* (in the tree) and *published* (under a signed checkpoint).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update

from archiver.db.tables import log_entry, log_state, orphan
from archiver.db.transaction import Row, Transaction, insert_rows
from archiver.errors import ConfigurationError

_ONLY = 1
_RESERVE = (
    update(log_state)
    .where(log_state.c.id == _ONLY)
    .values(next_index=log_state.c.next_index + bindparam("count"))
    .returning(log_state.c.next_index)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """How far the log is: `next_index` entries sequenced, `size` of them signed under `root`."""

    next_index: int
    size: int
    root: bytes
    checkpoint: bytes


async def create(tx: Transaction, empty_root: bytes) -> None:
    """Start an empty log."""
    await tx.run_sync(lambda connection: start(connection, empty_root))


def start(connection: Connection, empty_root: bytes) -> None:
    """Start an empty log."""
    connection.execute(
        insert(log_state).values(id=_ONLY, next_index=0, size=0, root=empty_root, checkpoint=b"")
    )


async def state(tx: Transaction) -> LogState:
    """Return the log's state.

    Raises:
        ConfigurationError: the database holds no archive.
    """
    row = (await tx.execute(select(log_state).where(log_state.c.id == _ONLY))).first()
    if row is None:
        raise ConfigurationError(
            "the database holds no archive; run `muniment init`, or `muniment recover` if lost"
        )
    return LogState(
        next_index=row.next_index, size=row.size, root=row.root, checkpoint=row.checkpoint
    )


def reserve(connection: Connection, count: int) -> int:
    """Assign `count` consecutive indexes and return the first.

    The row stays locked until this transaction ends, so indexes are handed out in commit order and
    no reader ever sees a hole below `next_index`.
    """
    result = connection.execute(_RESERVE, {"count": count})
    return int(result.scalar_one()) - count


def append(connection: Connection, first_index: int, entries: Sequence[bytes]) -> None:
    """Insert entries at indexes reserved in this transaction."""
    rows: list[Row] = [(first_index + offset, entry) for offset, entry in enumerate(entries)]
    insert_rows(connection, log_entry, ("log_index", "entry"), rows)


async def add(tx: Transaction, entries: Sequence[bytes]) -> int:
    """Assign indexes to entries and insert them; return the first index."""

    def work(connection: Connection) -> int:
        first = reserve(connection, len(entries))
        append(connection, first, entries)
        return first

    return await tx.run_sync(work)


async def entries(tx: Transaction, start: int, end: int) -> list[bytes]:
    """Return the entries with indexes in [start, end), in order."""
    rows = await tx.execute(
        select(log_entry.c.entry)
        .where(log_entry.c.log_index >= start, log_entry.c.log_index < end)
        .order_by(log_entry.c.log_index)
    )
    return [bytes(row[0]) for row in rows]


async def orphans(tx: Transaction) -> set[str]:
    """Return the object keys that already have an `orphan` entry."""
    return {row[0] for row in await tx.execute(select(orphan.c.object_key))}


async def note_orphans(tx: Transaction, first_index: int, object_keys: Sequence[str]) -> None:
    """Remember where the `orphan` entries of these objects stand."""
    rows: list[Row] = [(key, first_index + offset) for offset, key in enumerate(object_keys)]
    await tx.insert_many(orphan, ("object_key", "log_index"), rows)


async def swap(
    tx: Transaction, old: LogState, *, size: int, root: bytes, checkpoint: bytes
) -> bool:
    """Move the signed state from `old` to a new one; False if it is no longer `old`.

    This compare-and-swap is the commit point of a checkpoint: of two signers only one succeeds.
    """
    result = await tx.execute(
        update(log_state)
        .where(log_state.c.id == _ONLY, log_state.c.size == old.size, log_state.c.root == old.root)
        .values(size=size, root=root, checkpoint=checkpoint)
    )
    return result.rowcount == 1
