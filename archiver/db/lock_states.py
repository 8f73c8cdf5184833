"""What the rows ask of the store, segment by segment: locked until when, held or not.

Pages go by log index. Each costs a constant number of statements, and nothing is remembered between
two of them: needs are worked out anew from the ends and holds of that moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, bindparam, case, func, select, update

from archiver.db.disposal_tables import disposed
from archiver.db.holds import ACTIVE
from archiver.db.segments import BlobRow, SegmentRow
from archiver.db.tables import blob, hold, hold_record, record, segment
from archiver.db.transaction import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The holds over a segment or a blob: since when one is in force, when the last was released.

    Moments are milliseconds, None where there is none.
    """

    since: int | None = None
    released: int | None = None

    @property
    def ever(self) -> bool:
        """Whether a hold covers it or did."""
        return self.since is not None or self.released is not None


NOT_HELD = Held()
"""No hold covers it, nor ever did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentState:
    """What the rows ask of the objects of one segment. Moments are milliseconds.

    `standing` records are left in it: not destroyed, and not claimed by a destruction under way.
    `latest_end` is the latest end any of them has; `endless` of them have none. `blobs` are those
    of standing records.
    """

    segment: SegmentRow
    standing: int
    latest_end: int | None
    endless: int
    held: Held
    blobs: tuple[tuple[BlobRow, Held], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequenced:
    """What the rows say stands at a stretch of the log: record ids by log index."""

    present: Mapping[int, str]
    destroyed: Mapping[int, str]


def page(connection: Connection, *, start: int, limit: int) -> list[SegmentState]:
    """Return the states of up to `limit` segments that begin at log index `start` or after."""
    return _states(
        connection,
        select(segment)
        .where(segment.c.first_index >= start)
        .order_by(segment.c.first_index)
        .limit(limit),
    )


def one(connection: Connection, segment_id: str) -> SegmentState | None:
    """Return the state of a segment now, None where no row of it is left."""
    return next(iter(_states(connection, select(segment).where(segment.c.id == segment_id))), None)


def count(connection: Connection) -> int:
    """Return how many segments there are."""
    return int(connection.execute(select(func.count()).select_from(segment)).scalar_one())


def sequenced(connection: Connection, start: int, end: int) -> Sequenced:
    """Return which records the rows place at log indexes in [start, end)."""
    present = connection.execute(
        select(record.c.log_index, record.c.id).where(
            record.c.log_index >= start, record.c.log_index < end
        )
    )
    destroyed = connection.execute(
        select(disposed.c.log_index, disposed.c.id).where(
            disposed.c.log_index >= start, disposed.c.log_index < end
        )
    )
    return Sequenced(
        present={row[0]: row[1] for row in present},
        destroyed={row[0]: row[1] for row in destroyed},
    )


def note_extended(connection: Connection, until: Mapping[str, int]) -> None:
    """Note until when these segments are locked; a row that says later already stays."""
    if until:
        connection.execute(
            update(segment)
            .where(segment.c.id == bindparam("of"), segment.c.lock_until < bindparam("to"))
            .values(lock_until=bindparam("to")),
            [{"of": segment_id, "to": moment} for segment_id, moment in until.items()],
        )


def _states(connection: Connection, wanted: Select[tuple[object, ...]]) -> list[SegmentState]:
    rows = [SegmentRow(**row) for row in connection.execute(wanted).mappings()]
    if not rows:
        return []
    start, end = rows[0].first_index, rows[-1].first_index + rows[-1].records
    ends = _ends(connection, start, end)
    held = _held(connection, start, end)
    blobs = _blobs(connection, start, end)
    return [
        SegmentState(
            segment=row,
            standing=ends.get(row.id, (0, None, 0))[0],
            latest_end=ends.get(row.id, (0, None, 0))[1],
            endless=ends.get(row.id, (0, None, 0))[2],
            held=held.get(row.id, NOT_HELD),
            blobs=tuple(blobs.get(row.id, ())),
        )
        for row in rows
    ]


def _ends(connection: Connection, start: int, end: int) -> dict[str, tuple[int, int | None, int]]:
    rows = connection.execute(
        select(
            record.c.segment_id,
            func.count(),
            func.max(record.c.retain_until),
            func.count() - func.count(record.c.retain_until),
        )
        .outerjoin(disposed, disposed.c.log_index == record.c.log_index)
        .where(
            record.c.log_index >= start, record.c.log_index < end, disposed.c.log_index.is_(None)
        )
        .group_by(record.c.segment_id)
    )
    return {row[0]: (int(row[1]), row[2], int(row[3])) for row in rows}


_SINCE = func.min(case((hold.c.state == ACTIVE, hold.c.placed_at)))
_RELEASED = func.max(case((hold.c.state != ACTIVE, hold.c.released_at)))


def _held(connection: Connection, start: int, end: int) -> dict[str, Held]:
    rows = connection.execute(
        select(record.c.segment_id, _SINCE, _RELEASED)
        .select_from(hold_record)
        .join(hold, hold.c.id == hold_record.c.hold_id)
        .join(record, record.c.log_index == hold_record.c.log_index)
        .where(hold_record.c.log_index >= start, hold_record.c.log_index < end)
        .group_by(record.c.segment_id)
    )
    return {row[0]: Held(since=row[1], released=row[2]) for row in rows}


def _blobs(connection: Connection, start: int, end: int) -> dict[str, list[tuple[BlobRow, Held]]]:
    rows = connection.execute(
        select(
            record.c.segment_id,
            *blob.c,
            _SINCE.label("since"),
            _RELEASED.label("released"),
        )
        .select_from(record)
        .join(blob, blob.c.record_id == record.c.id)
        .outerjoin(disposed, disposed.c.log_index == record.c.log_index)
        .outerjoin(hold_record, hold_record.c.log_index == record.c.log_index)
        .outerjoin(hold, hold.c.id == hold_record.c.hold_id)
        .where(
            record.c.log_index >= start,
            record.c.log_index < end,
            disposed.c.log_index.is_(None),
        )
        .group_by(record.c.segment_id, *blob.c)
        .order_by(blob.c.object_key)
    )
    found: dict[str, list[tuple[BlobRow, Held]]] = {}
    for row in rows.mappings():
        stored = BlobRow(**{name: row[name] for name in BlobRow.__dataclass_fields__})
        held = Held(since=row["since"], released=row["released"])
        found.setdefault(row["segment_id"], []).append((stored, held))
    return found
