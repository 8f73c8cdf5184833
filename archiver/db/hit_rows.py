"""What the database knows of the records of one page of hits: one statement for 500 of them.

A statement costs more than its rows: what three would say, one does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import BindParameter, Connection, bindparam, select

from archiver.db.holds import IS_HELD
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.db.tables import log_entry, record, segment

_BATCH = 500  # SQLite allows 32,766 variables; short lists also keep plans cached
_COLUMNS = tuple(RecordRow.__dataclass_fields__)
_NAMED: BindParameter[Sequence[object]] = bindparam("named", expanding=True)
_OF_SEGMENT = tuple(SegmentRow.__dataclass_fields__)
_ROWS = (
    select(
        log_entry.c.entry,
        IS_HELD,
        *(record.c[name] for name in _COLUMNS),
        *(segment.c[name] for name in _OF_SEGMENT),
    )
    .join(log_entry, log_entry.c.log_index == record.c.log_index)
    .join(segment, segment.c.id == record.c.segment_id)
    .where(record.c.log_index.in_(_NAMED))
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
        for entry, is_held, *values in connection.execute(_ROWS, chunk):
            row = RecordRow(**dict(zip(_COLUMNS, values, strict=False)))
            rows[row.log_index] = row, bytes(entry)
            if is_held:
                held.add(row.log_index)
            if row.segment_id not in segments:
                of_segment = values[len(_COLUMNS) :]
                segments[row.segment_id] = SegmentRow(
                    **dict(zip(_OF_SEGMENT, of_segment, strict=True))
                )
    return HitRows(rows=rows, segments=segments, held=frozenset(held))
