"""What the database knows of the records of one page of hits: three statements, however many.

They run in one go (`Database.run`): awaited one by one, their hops cost more than their work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import BindParameter, Connection, bindparam, select

from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.db.tables import hold, hold_record, log_entry, record, segment

_BATCH = 500  # SQLite allows 32,766 variables; short lists also keep plans cached
_COLUMNS = tuple(RecordRow.__dataclass_fields__)
_NAMED: BindParameter[Sequence[object]] = bindparam("named", expanding=True)
_ROWS = (
    select(*(record.c[name] for name in _COLUMNS), log_entry.c.entry)
    .join(log_entry, log_entry.c.log_index == record.c.log_index)
    .where(record.c.log_index.in_(_NAMED))
)
_SEGMENTS = select(*(segment.c[name] for name in SegmentRow.__dataclass_fields__)).where(
    segment.c.id.in_(_NAMED)
)
_HELD = (
    select(hold_record.c.log_index)
    .join(hold, hold.c.id == hold_record.c.hold_id)
    .where(hold_record.c.log_index.in_(_NAMED), hold.c.state == "active")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HitRows:
    """Records by log index with their log entries, the segments they are in, and what is held."""

    rows: Mapping[int, tuple[RecordRow, bytes]] = field(default_factory=dict)
    segments: Mapping[str, SegmentRow] = field(default_factory=dict)
    held: frozenset[int] = frozenset()


def read(connection: Connection, indexes: Sequence[int]) -> HitRows:
    """Return what is known of the records at these log indexes; unknown ones are absent."""
    rows: dict[int, tuple[RecordRow, bytes]] = {}
    segments: dict[str, SegmentRow] = {}
    held: set[int] = set()
    for start in range(0, len(indexes), _BATCH):
        chunk = {"named": indexes[start : start + _BATCH]}
        for *values, entry in connection.execute(_ROWS, chunk):
            row = RecordRow(**dict(zip(_COLUMNS, values, strict=True)))
            rows[row.log_index] = row, bytes(entry)
        held.update(connection.execute(_HELD, chunk).scalars())
        named = {row.segment_id for row, _ in rows.values()} - segments.keys()
        found = connection.execute(_SEGMENTS, {"named": sorted(named)})
        segments.update((each["id"], SegmentRow(**each)) for each in found.mappings())
    return HitRows(rows=rows, segments=segments, held=frozenset(held))
