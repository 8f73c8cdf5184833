"""Queries that compare what a destruction goes by with what the log and the store say."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select, union

from archiver.db.disposal_tables import disposed
from archiver.db.holds import ACTIVE
from archiver.db.records import FACTS
from archiver.db.tables import blob, hold, hold_record, log_entry, record
from archiver.db.transaction import Connection

_BATCH = 500
_FACTS = select(record.c.log_index, *(record.c[name] for name in FACTS))


class RecordFacts(NamedTuple):
    """What the database says of a record: the values of `records.FACTS`, and its large parts."""

    id: str
    facts: tuple[Any, ...]
    blobs: frozenset[str]


def facts_at(connection: Connection, log_indexes: Sequence[int]) -> dict[int, RecordFacts]:
    """Return what the database says of the records at these log indexes, by index."""
    rows = [
        row
        for chunk in _chunks(log_indexes)
        for row in connection.execute(_FACTS.where(record.c.log_index.in_(chunk)))
    ]
    blobs: dict[str, set[str]] = {}
    for chunk in _chunks([row.id for row in rows]):
        for row in connection.execute(
            select(blob.c.record_id, blob.c.object_key).where(blob.c.record_id.in_(chunk))
        ):
            blobs.setdefault(row.record_id, set()).add(row.object_key)
    return {
        row[0]: RecordFacts(
            id=row.id,
            facts=tuple(row[1:]),
            blobs=frozenset(blobs.get(row.id, ())),
        )
        for row in rows
    }


def active_holds(connection: Connection) -> set[str]:
    """Return the ids of the holds in force."""
    return set(connection.execute(select(hold.c.id).where(hold.c.state == ACTIVE)).scalars())


def entries_from(connection: Connection, log_index: int) -> list[bytes]:
    """Return the log's entries from `log_index` on."""
    rows = connection.execute(select(log_entry.c.entry).where(log_entry.c.log_index >= log_index))
    return [bytes(entry) for entry in rows.scalars()]


def ids_held_by(connection: Connection, hold_id: str) -> list[str]:
    """Return the ids of a hold's records, those that were destroyed before it too."""
    statement = union(
        *(
            select(table.c.id)
            .join(hold_record, hold_record.c.log_index == table.c.log_index)
            .where(hold_record.c.hold_id == hold_id)
            for table in (record, disposed)
        )
    )
    return list(connection.execute(statement).scalars())


def _chunks(items: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _BATCH):
        yield list(items[start : start + _BATCH])
