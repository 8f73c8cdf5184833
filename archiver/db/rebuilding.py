"""Queries of a recovery: inserting what is missing, never changing what is there.

Rows of the log and of holds are evidence and append-only, so a row that contradicts the store
cannot be mended here; it is named, and a recovery into an empty database goes round it.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from archiver.db import account_totals
from archiver.db.archive import ArchiveRow
from archiver.db.chunks import chunks
from archiver.db.disposal_tables import disposed
from archiver.db.ledger import LogState
from archiver.db.segments import SegmentRow
from archiver.db.tables import (
    archive,
    blob,
    event,
    hold_record,
    log_entry,
    log_state,
    orphan,
    record,
    segment,
)
from archiver.db.transaction import Row, Transaction, insert_rows
from archiver.errors import IntegrityError

_ONLY = 1
AFRESH = "move this database away and run `muniment recover` again: it builds a new one"


class KnownSegment(NamedTuple):
    """A segment with a row: where it says it begins, its records, and how many have rows.

    What is known as destroyed needs none, and counts.
    """

    first_index: int
    records: int
    present: int


class HeldObject(NamedTuple):
    """An object that the store holds though no hold, in force or released, ever covered it."""

    object_key: str
    is_segment: bool


def insert_missing_entries(
    connection: Connection, start: int, entries: Sequence[bytes], *, dry_run: bool = False
) -> int:
    """Insert those of some consecutive entries that are not there; return how many.

    Raises:
        IntegrityError: the database has another entry at one of these indexes.
    """
    rows = connection.execute(
        select(log_entry).where(
            log_entry.c.log_index >= start, log_entry.c.log_index < start + len(entries)
        )
    )
    present = {row.log_index: row.entry for row in rows}
    for index, found in present.items():
        if found != entries[index - start]:
            raise IntegrityError(
                f"entry {index} of the log is {_shown(entries[index - start])} in the store and "
                f"{_shown(found)} in the database. The store's is the log; {AFRESH}",
                object_key="database:log_entry",
            )
    missing: list[Row] = [
        (index, entry) for index, entry in enumerate(entries, start) if index not in present
    ]
    if not dry_run:
        insert_rows(connection, log_entry, ("log_index", "entry"), missing)
    return len(missing)


def _shown(entry: object) -> str:
    return entry[:64].decode("ascii", "replace") if isinstance(entry, bytes) else repr(entry)


async def known_segments(tx: Transaction, segment_ids: Sequence[str]) -> dict[str, KnownSegment]:
    """Return what the database knows of these segments, by id."""
    found: dict[str, KnownSegment] = {}
    for some in chunks(segment_ids):
        rows = await tx.execute(
            select(
                segment.c.id,
                segment.c.first_index,
                segment.c.records,
                segment.c.destroyed,
                select(func.count())
                .where(
                    record.c.log_index >= segment.c.first_index,
                    record.c.log_index < segment.c.first_index + segment.c.records,
                    record.c.segment_id == segment.c.id,
                )
                .scalar_subquery()
                .label("present"),
            ).where(segment.c.id.in_(some))
        )
        found.update(
            (row.id, KnownSegment(row.first_index, row.records, row.present + row.destroyed))
            for row in rows
        )
    return found


def note_held_blobs(connection: Connection, object_keys: Sequence[str]) -> None:
    """Note that the store holds these blobs."""
    for chunk in chunks(object_keys):
        connection.execute(update(blob).where(blob.c.object_key.in_(chunk)).values(legal_hold=True))


async def entries_without_record(tx: Transaction) -> list[tuple[int, bytes]]:
    """Return the entries that have no record: other kinds, and records of unreadable segments.

    Those that were destroyed are not among them.
    """
    rows = await tx.execute(
        select(log_entry)
        .outerjoin(record, record.c.log_index == log_entry.c.log_index)
        .outerjoin(disposed, disposed.c.log_index == log_entry.c.log_index)
        .where(record.c.log_index.is_(None), disposed.c.log_index.is_(None))
        .order_by(log_entry.c.log_index)
    )
    return [(row.log_index, row.entry) for row in rows]


async def partly_destroyed(tx: Transaction) -> list[SegmentRow]:
    """Return the segments of which some records were destroyed."""
    of_segment = select(disposed.c.log_index).where(disposed.c.segment_id == segment.c.id)
    rows = await tx.execute(select(segment).where(of_segment.exists()))
    return [SegmentRow(**row) for row in rows.mappings()]


async def member_indexes(tx: Transaction, hold_id: str) -> list[int]:
    """Return the log indexes of a hold's members, ascending."""
    rows = await tx.execute(
        select(hold_record.c.log_index)
        .where(hold_record.c.hold_id == hold_id)
        .order_by(hold_record.c.log_index)
    )
    return list(rows.scalars())


async def details_of(tx: Transaction, action: str) -> dict[str, Any] | None:
    """Return the details of the first event of a kind, None where there is none."""
    found = (
        await tx.execute(
            select(event.c.details)
            .where(event.c.action == action)
            .order_by(event.c.record_id)
            .limit(1)
        )
    ).scalar()
    return None if found is None else dict(json.loads(found))


async def held_without_hold(tx: Transaction) -> list[HeldObject]:
    """Return the objects noted as held that no hold of the database ever covered."""
    segments = await tx.execute(
        select(segment.c.object_key).where(segment.c.legal_hold.is_(True), ~_segment_covered())
    )
    blobs = await tx.execute(
        select(blob.c.object_key).where(blob.c.legal_hold.is_(True), ~_blob_covered())
    )
    return [HeldObject(key, is_segment=True) for key in segments.scalars()] + [
        HeldObject(key, is_segment=False) for key in blobs.scalars()
    ]


async def not_covered(tx: Transaction, held: Sequence[HeldObject]) -> list[HeldObject]:
    """Return those of these objects that no hold of the database ever covered."""
    found = []
    for each in held:
        table, covered = (
            (segment, _segment_covered()) if each.is_segment else (blob, _blob_covered())
        )
        statement = select(table.c.object_key).where(
            table.c.object_key == each.object_key, ~covered
        )
        if (await tx.execute(statement)).first() is not None:
            found.append(each)
    return found


def _segment_covered() -> ColumnElement[bool]:
    return (
        select(hold_record.c.log_index)
        .where(
            hold_record.c.log_index >= segment.c.first_index,
            hold_record.c.log_index < segment.c.first_index + segment.c.records,
        )
        .exists()
    )


def _blob_covered() -> ColumnElement[bool]:
    return (
        select(hold_record.c.log_index)
        .join(record, record.c.log_index == hold_record.c.log_index)
        .where(record.c.id == blob.c.record_id)
        .exists()
    )


def disown_holds(connection: Connection, held: Sequence[HeldObject]) -> None:
    """Note these objects as not held by us, so that nothing ever lifts what the store holds."""
    for each in held:
        table = segment if each.is_segment else blob
        connection.execute(
            update(table).where(table.c.object_key == each.object_key).values(legal_hold=False)
        )


def finish(
    connection: Connection,
    *,
    row: ArchiveRow,
    state: LogState,
    entries: Sequence[bytes],
    orphans: Collection[tuple[str, int]],
) -> None:
    """Make the database one that may be opened: its archive, its log's state, its last entries.

    `state.next_index` is that before `entries`, which are appended here. A state that has signed
    more than `state` is left as it is.
    """
    account_totals.reset(connection)  # records came in behind the watermark
    first: list[Row] = [(state.next_index + n, entry) for n, entry in enumerate(entries)]
    insert_rows(connection, log_entry, ("log_index", "entry"), first)
    end = state.next_index + len(entries)
    known = set(connection.execute(select(orphan.c.object_key)).scalars())
    new: list[Row] = [(key, index) for key, index in orphans if key not in known]
    insert_rows(connection, orphan, ("object_key", "log_index"), new)
    if connection.execute(select(archive.c.id)).first() is None:
        values = {name: getattr(row, name) for name in ArchiveRow.__dataclass_fields__}
        connection.execute(insert(archive).values(**values))
    signed = {"size": state.size, "root": state.root, "checkpoint": state.checkpoint}
    if connection.execute(select(log_state.c.id)).first() is None:
        connection.execute(insert(log_state).values(id=_ONLY, next_index=end, **signed))
        return
    connection.execute(update(log_state).values(next_index=end))
    connection.execute(update(log_state).where(log_state.c.size < state.size).values(**signed))
