"""What remains of destroyed records, and removing every other row that says what they were.

A row of `disposed` is written before the first byte goes: from then on the record counts as
destroyed. The other rows go when its bytes have.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, text, update

from archiver.db import account_totals
from archiver.db.chunks import chunks
from archiver.db.disposal_tables import disposed
from archiver.db.tables import blob, file_class, record, segment, set_aside
from archiver.db.transaction import Connection, Database, Transaction
from archiver.errors import DatabaseUnavailable

_ATTEMPTS = 20
_PAUSE_S = 0.5


class Remains(NamedTuple):
    """What remains of a destroyed record; a row of `disposed`."""

    log_index: int
    id: str
    entry_type: str
    class_code: str
    rule: str
    schedule_version: int
    segment_id: str
    frame: int
    size: int
    captured_at: int
    batch_id: str
    method: str
    dis_index: int
    disposed_at: int


def add_remains(connection: Connection, rows: Sequence[Remains]) -> None:
    """Insert what remains of records, but for those of which it is known already."""
    by_index = {row.log_index: row for row in rows}
    for chunk in chunks(sorted(by_index)):
        known = set(
            connection.execute(
                select(disposed.c.log_index).where(disposed.c.log_index.in_(chunk))
            ).scalars()
        )
        fresh = [by_index[index]._asdict() for index in chunk if index not in known]
        if fresh:
            connection.execute(insert(disposed), fresh)


def remains_at(connection: Connection, log_indexes: Sequence[int]) -> dict[int, Remains]:
    """Return what remains of those of these records that were destroyed, by log index."""
    return {
        row.log_index: Remains(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
        for chunk in chunks(log_indexes)
        for row in connection.execute(select(disposed).where(disposed.c.log_index.in_(chunk)))
    }


async def find_remains(tx: Transaction, record_id: str) -> Remains | None:
    """Return what remains of a destroyed record, None where none of this id was."""
    row = (await tx.execute(select(disposed).where(disposed.c.id == record_id))).mappings().first()
    return None if row is None else Remains(**row)


async def count_of(tx: Transaction, batch_id: str) -> int:
    """Return of how many records of a batch only the remains are left, claimed ones too."""
    counted = select(func.count()).where(disposed.c.batch_id == batch_id)
    return int((await tx.execute(counted)).scalar_one())


async def any_destroyed(tx: Transaction, record_ids: Collection[str]) -> bool:
    """Return whether one of these records was destroyed, or is about to be."""
    for chunk in chunks(list(record_ids)):
        found = await tx.execute(select(disposed.c.id).where(disposed.c.id.in_(chunk)).limit(1))
        if found.first() is not None:
            return True
    return False


def standing(connection: Connection, segment_id: str) -> tuple[set[int], set[int]]:
    """Return the log indexes of a segment's records that have rows, and of those destroyed."""
    present = connection.execute(
        select(record.c.log_index).where(record.c.segment_id == segment_id)
    )
    gone = connection.execute(
        select(disposed.c.log_index).where(disposed.c.segment_id == segment_id)
    )
    return set(present.scalars()), set(gone.scalars())


def blobs_of(connection: Connection, log_indexes: Sequence[int]) -> list[str]:
    """Return the object keys of the large parts of these records."""
    return [
        key
        for chunk in chunks(log_indexes)
        for key in connection.execute(
            select(blob.c.object_key)
            .join(record, record.c.id == blob.c.record_id)
            .where(record.c.log_index.in_(chunk))
            .order_by(blob.c.object_key)
        ).scalars()
    ]


def purge(connection: Connection, log_indexes: Sequence[int]) -> None:
    """Remove every row that says what these records were, and segments of which nothing is left.

    What remains of them must be written already. Rows of holds, frozen sets and reports stay: they
    name log indexes only, and are evidence of who was to be kept.
    """
    segments: set[str] = set()
    for chunk in chunks(sorted(log_indexes)):
        gone = connection.execute(
            select(disposed.c.id, disposed.c.segment_id).where(disposed.c.log_index.in_(chunk))
        ).all()
        segments.update(row.segment_id for row in gone)
        connection.execute(delete(blob).where(blob.c.record_id.in_([row.id for row in gone])))
        connection.execute(delete(set_aside).where(set_aside.c.log_index.in_(chunk)))
        connection.execute(delete(record).where(record.c.log_index.in_(chunk)))
    _settle_segments(connection, sorted(segments))


def _settle_segments(connection: Connection, segment_ids: Sequence[str]) -> None:
    """Count what is destroyed of these segments; remove the rows of those that are so wholly."""
    remaining = select(record.c.log_index).where(record.c.log_index == disposed.c.log_index)
    destroyed = (
        select(func.count())
        .select_from(disposed)
        .where(disposed.c.segment_id == segment.c.id, ~remaining.exists())
        .scalar_subquery()
    )
    for chunk in chunks(segment_ids):
        connection.execute(
            update(segment).where(segment.c.id.in_(chunk)).values(destroyed=destroyed)
        )
        connection.execute(
            delete(segment).where(segment.c.id.in_(chunk), segment.c.destroyed == segment.c.records)
        )


def recount(connection: Connection) -> None:
    """Let the totals of accounts and classes be counted anew: once for a batch, they take long."""
    account_totals.reset(connection)


def point_to_keys(
    connection: Connection, segment_id: str, *, was: str, key: str, version_id: str, sha256: bytes
) -> bool:
    """Let a segment's row name a later generation of its keys; False: it names not `was` any more.

    So of two processes that both made one, the row follows one, and the other learns of it.
    """
    changed = connection.execute(
        update(segment)
        .where(segment.c.id == segment_id, segment.c.keys_object_key == was)
        .values(keys_object_key=key, keys_version_id=version_id, keys_sha256=sha256)
    )
    return changed.rowcount == 1


def lane_is_empty(connection: Connection, class_code: str, period: str) -> bool:
    """Return whether no segment of a class and month is left."""
    row = connection.execute(
        select(segment.c.id)
        .where(segment.c.class_code == class_code, segment.c.period == period)
        .limit(1)
    ).first()
    return row is None


def first_indexes(connection: Connection, segment_id: str) -> list[int]:
    """Return where the log has a segment's first record, by what remains of its records."""
    first = disposed.c.log_index - disposed.c.frame
    rows = connection.execute(select(first).where(disposed.c.segment_id == segment_id).distinct())
    return sorted(rows.scalars())


def classes_of_destroyed(connection: Connection) -> list[str]:
    """Return the classes of the file plan, if anything was destroyed at all."""
    if connection.execute(select(disposed.c.log_index).limit(1)).first() is None:
        return []
    return sorted(connection.execute(select(file_class.c.code)).scalars())


async def destroyed_segments(tx: Transaction, segment_ids: Sequence[str]) -> set[str]:
    """Return those of these segments of which records were destroyed."""
    found: set[str] = set()
    for chunk in chunks(segment_ids):
        rows = await tx.execute(
            select(disposed.c.segment_id).where(disposed.c.segment_id.in_(chunk)).distinct()
        )
        found.update(rows.scalars())
    return found


async def scrub(database: Database) -> None:
    """Let no file of the database keep deleted rows, as far as the database can tell its disk.

    SQLite overwrites deleted rows (`secure_delete`); what its write-ahead log still holds of them
    goes with that log. On PostgreSQL dead rows are vacuumed. Backups are the operator's: they end
    with the backup window that the certificate states.

    Raises:
        DatabaseUnavailable: it did not do it, or somebody reads the old state all the time; do it
            again.
    """
    if database.dialect != "sqlite":
        connection = await database.session()
        try:
            await Transaction(connection).execute(text("VACUUM record, blob, set_aside"))
        finally:
            await connection.close()
        return
    for _ in range(_ATTEMPTS):
        if await _truncate_log(database):
            return
        await asyncio.sleep(_PAUSE_S)
    raise DatabaseUnavailable(
        "the database's write-ahead log still holds deleted rows, because somebody has "
        "been reading an old state of it all the time; end long reads (a backup, `sqlite3`), then "
        "try again"
    )


async def _truncate_log(database: Database) -> bool:
    is_busy = True

    def truncate(connection: Connection) -> None:
        nonlocal is_busy
        # Not by a statement of SQLAlchemy's, which would begin a transaction before it.
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        row = cursor.fetchone()
        cursor.close()
        is_busy = row is None or bool(row[0])

    await database.run_migrations(truncate)
    return not is_busy
