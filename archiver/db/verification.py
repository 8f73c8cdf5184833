"""Queries of full verification: rows as plain tuples, a page of log indexes at a time.

A million records are compared, so that nothing here makes an object per row but the tuple itself.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, func, select

from archiver.db import approvals, frozen_sets, refiling, retained, term_witness
from archiver.db.approvals import ApprovalRow
from archiver.db.chunks import chunks
from archiver.db.frozen_sets import FrozenSetRow
from archiver.db.records import FACTS
from archiver.db.refiled_classes import RECLASSIFIED
from archiver.db.tables import (
    event,
    hold,
    hold_record,
    log_entry,
    log_state,
    record,
    schedule,
    segment,
)
from archiver.db.term_witness import Schedules
from archiver.db.transaction import Connection, Transaction
from archiver.db.ways_in import WaysIn, ways_in
from retention.ends import Ends
from retention.schedules import Schedule

PLACES = ("log_index", "id", "entry_type", "segment_id", "frame", "frame_offset", "frame_length")
"""The columns of `places`."""

_PLACES = select(*(record.c[name] for name in PLACES))
_FACTS = select(record.c.log_index, record.c.duplicate_of, *(record.c[name] for name in FACTS))


class HoldFacts(NamedTuple):
    """What of a hold the log says as well. Moments are milliseconds since 1970 UTC."""

    id: str
    state: str
    records: int
    members_sha256: bytes
    placed_at: int
    released_at: int | None


_HOLD_FACTS = select(*(hold.c[name] for name in HoldFacts._fields))


async def holds_after(tx: Transaction, hold_id: str, limit: int) -> list[HoldFacts]:
    """Return holds with ids after one, in order, released ones included."""
    rows = await tx.execute(_HOLD_FACTS.where(hold.c.id > hold_id).order_by(hold.c.id).limit(limit))
    return [HoldFacts(*row) for row in rows]


async def held_entries(
    tx: Transaction, hold_id: str, after: int, limit: int
) -> list[tuple[int, bytes]]:
    """Return `(log index, entry)` of members of a hold after an index, in order; b"" for none."""
    rows = await tx.execute(
        select(hold_record.c.log_index, log_entry.c.entry)
        .outerjoin(log_entry, log_entry.c.log_index == hold_record.c.log_index)
        .where(hold_record.c.hold_id == hold_id, hold_record.c.log_index > after)
        .order_by(hold_record.c.log_index)
        .limit(limit)
    )
    return [(row[0], row[1] if isinstance(row[1], bytes) else b"") for row in rows]


class Views(NamedTuple):
    """What only events state: schedules, retention events in force, frozen sets and so on."""

    schedules: Schedules
    statements: frozenset[tuple[Any, ...]]
    sets: Mapping[str, FrozenSetRow]
    ways_in: WaysIn
    approvals: Sequence[ApprovalRow]


async def views(tx: Transaction) -> Views:
    """Return what the database says that only events can tell it."""
    sets = {row.id: row for row in await frozen_sets.list_all(tx)}
    entrances = await ways_in(tx)
    requests = await approvals.list_all(tx)
    return await tx.run_sync(
        lambda connection: Views(
            schedules=term_witness.schedules(connection),
            statements=term_witness.statements(connection),
            sets=sets,
            ways_in=entrances,
            approvals=requests,
        )
    )


async def reclassified(tx: Transaction, after: int, limit: int) -> list[tuple[int, str, str]]:
    """Return `(log index, id, class)` of records after an index that rows say were reclassified."""
    rows = await tx.execute(
        select(record.c.log_index, record.c.id, record.c.class_code)
        .where(record.c.rule == RECLASSIFIED, record.c.log_index > after)
        .order_by(record.c.log_index)
        .limit(limit)
    )
    return [tuple(row) for row in rows]


async def never_reclassified(tx: Transaction, record_ids: Sequence[str]) -> list[str]:
    """Return those of these posts of which no row says that they were reclassified."""
    rows = await tx.execute(
        select(record.c.id).where(
            record.c.id.in_(record_ids), record.c.rule != RECLASSIFIED, record.c.entry_type == "rec"
        )
    )
    return list(rows.scalars())


async def entries(tx: Transaction, start: int, end: int) -> list[tuple[int, bytes]]:
    """Return `(log index, entry)` with indexes in [start, end), in order.

    SQLite keeps a text in a column of bytes if somebody puts one there; that is read as b"".
    """
    rows = await tx.execute(
        select(log_entry.c.log_index, log_entry.c.entry)
        .where(log_entry.c.log_index >= start, log_entry.c.log_index < end)
        .order_by(log_entry.c.log_index)
    )
    return [(row[0], row[1] if isinstance(row[1], bytes) else b"") for row in rows]


async def entries_of(tx: Transaction, indexes: Sequence[int]) -> dict[int, bytes]:
    """Return the entries at these indexes, as `entries`."""
    found: dict[int, bytes] = {}
    for some in chunks(sorted(set(indexes))):
        rows = await tx.execute(select(log_entry).where(log_entry.c.log_index.in_(some)))
        found |= {row[0]: row[1] if isinstance(row[1], bytes) else b"" for row in rows}
    return found


async def places(tx: Transaction, start: int, end: int) -> list[tuple[Any, ...]]:
    """Return the values of `PLACES` of the records with indexes in [start, end), in order."""
    rows = await tx.execute(
        _PLACES.where(record.c.log_index >= start, record.c.log_index < end).order_by(
            record.c.log_index
        )
    )
    return [tuple(row) for row in rows]


async def facts(
    tx: Transaction, start: int, end: int
) -> dict[int, tuple[str | None, tuple[Any, ...]]]:
    """Return `{log index: (duplicate_of, values of FACTS)}` of records in [start, end)."""
    rows = await tx.execute(_FACTS.where(record.c.log_index >= start, record.c.log_index < end))
    return {row[0]: (row[1], tuple(row[2:])) for row in rows}


async def ended_segments(tx: Transaction, period: str, now_ms: int) -> dict[str, int]:
    """Return the segments of a period all of whose records have ended: id, and when the last did.

    Records that were destroyed count as ended.
    """
    last = func.max(record.c.retain_until)
    rows = await tx.execute(
        select(segment.c.id, last)
        .join(
            record,
            and_(
                record.c.log_index >= segment.c.first_index,
                record.c.log_index < segment.c.first_index + segment.c.records,
            ),
        )
        .where(segment.c.period == period)
        .group_by(segment.c.id)
        .having(func.count() == func.count(record.c.retain_until), last <= now_ms)
    )
    return {row[0]: int(row[1]) for row in rows}


class Filing(NamedTuple):
    """How the file plan has records by now.

    `ends` are by log index until when they are kept (None: no end is known), each by the schedule
    version that its row names and by what was stated since it was captured; of a version that is
    not in the file plan there is none. `versions` are those in force of each class. `waits` is why
    not all rows were brought to it yet, "" where they were; `is_moving` while they are.
    """

    ends: Mapping[int, int | None]
    versions: Mapping[str, int]
    waits: str
    is_moving: bool


async def filing(tx: Transaction, start: int, end: int, now_ms: int) -> Filing:
    """Return how the file plan has the records in [start, end)."""
    return await tx.run_sync(
        lambda connection: Filing(
            ends=_ends_by_plan(connection, start, end),
            versions={
                code: version
                for code, (version, _) in retained.schedules_in_force(connection, now_ms).items()
            },
            waits=refiling.behind(connection, at=now_ms, below=end),
            is_moving=bool(refiling.pending(connection)),
        )
    )


def _ends_by_plan(connection: Connection, start: int, end: int) -> dict[int, int | None]:
    where = and_(record.c.log_index >= start, record.c.log_index < end)
    named = select(record.c.class_code, record.c.schedule_version).where(where).distinct()
    ends = {
        (row.class_code, row.version): Ends(Schedule.from_dict(json.loads(row.body)))
        for code, version in connection.execute(named)
        for row in connection.execute(
            select(schedule).where(schedule.c.class_code == code, schedule.c.version == version)
        )
    }
    needs = retained.Needs.of(list(ends.values()))
    page = retained.read_page(connection, where, start - 1, end - start, needs)
    return {
        row.log_index: page.until(ends[row.class_code, row.schedule_version], row)
        for row in page.rows
        if (row.class_code, row.schedule_version) in ends
    }


async def events(tx: Transaction, start: int, end: int) -> dict[str, tuple[Any, ...]]:
    """Return the event rows, by record id, of the records in [start, end)."""
    rows = await tx.execute(
        select(event)
        .join(record, record.c.id == event.c.record_id)
        .where(record.c.log_index >= start, record.c.log_index < end)
    )
    return {row.record_id: tuple(row) for row in rows}


async def last_index(tx: Transaction) -> int:
    """Return the greatest index in the tables of entries and records, -1 where both are empty."""
    found = [
        (await tx.execute(select(column).order_by(column.desc()).limit(1))).scalar()
        for column in (log_entry.c.log_index, record.c.log_index)
    ]
    return max((index for index in found if index is not None), default=-1)


async def next_index(tx: Transaction) -> int:
    """Return the first log index that is not yet assigned."""
    return int((await tx.execute(select(log_state.c.next_index))).scalar_one())
