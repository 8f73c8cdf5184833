"""What an evidence bundle asks of the database: as it stood below a log size, so that it repeats.

A bundle made again for the same log size must come out the same, whatever was captured, held or
recorded since.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from sqlalchemy import and_, func, or_, select

from archiver.db.chunks import chunks
from archiver.db.holds import HoldRow
from archiver.db.records import VERSION_MOMENT, RecordRow
from archiver.db.tables import blob, event, hold, hold_record, record
from archiver.db.transaction import Transaction

_HOLD_COLUMNS = tuple(HoldRow.__dataclass_fields__)

PostKey: TypeAlias = tuple[str, str, str]
"""What names a post: platform, account, its id there."""


class Version(NamedTuple):
    """One version of a post: its record id, and when it was captured (milliseconds)."""

    record_id: str
    captured_at: int


async def versions_then(
    tx: Transaction, rows: Sequence[RecordRow], log_size: int
) -> dict[PostKey, list[Version]]:
    """Return the versions below `log_size` of the posts of these records, oldest first.

    Ordered as `archiver.db.records.versions` orders them; duplicates are left out.
    """
    found: dict[PostKey, list[Version]] = {}
    for platform in sorted({row.platform for row in rows}):
        posts = sorted({row.post_id for row in rows if row.platform == platform})
        for some in chunks(posts):
            versions = await tx.execute(
                select(record.c.account, record.c.post_id, record.c.id, record.c.captured_at)
                .where(
                    record.c.platform == platform,
                    record.c.post_id.in_(some),
                    record.c.entry_type == "rec",
                    record.c.duplicate_of.is_(None),
                    record.c.log_index < log_size,
                )
                .order_by(VERSION_MOMENT, record.c.log_index)
            )
            for row in versions:
                version = Version(row.id, row.captured_at)
                found.setdefault((platform, row.account, row.post_id), []).append(version)
    return found


async def trails(tx: Transaction, record_ids: Sequence[str], log_size: int) -> dict[str, list[int]]:
    """Return the log indexes below `log_size` of the events about each record, in log order.

    Records without an event are absent.
    """
    found: dict[str, list[int]] = {}
    for some in chunks(record_ids):
        rows = await tx.execute(
            select(event.c.object_id, record.c.log_index)
            .join(record, record.c.id == event.c.record_id)
            .where(
                event.c.object_id.in_(some),
                event.c.object_type == "record",
                record.c.log_index < log_size,
            )
            .order_by(record.c.log_index)
        )
        for row in rows:
            found.setdefault(row.object_id, []).append(row.log_index)
    return found


async def holds_then(
    tx: Transaction, indexes: Sequence[int], log_size: int, at: int
) -> dict[int, list[HoldRow]]:
    """Return the holds in force on these records when the log had `log_size` entries, at `at` ms.

    A hold is placed by an entry at its `log_size`, so the log says whether it was there; when it
    was released is the archive's own time. Records without a hold are absent.
    """
    in_force = and_(
        hold.c.log_size < log_size, or_(hold.c.released_at.is_(None), hold.c.released_at > at)
    )
    found: dict[int, list[HoldRow]] = {}
    for some in chunks(indexes):
        rows = await tx.execute(
            select(hold_record.c.log_index, hold)
            .join(hold, hold.c.id == hold_record.c.hold_id)
            .where(hold_record.c.log_index.in_(some), in_force)
            .order_by(hold_record.c.log_index, hold.c.id)
        )
        for row in rows.mappings():
            held = HoldRow(**{name: row[name] for name in _HOLD_COLUMNS})
            found.setdefault(row["log_index"], []).append(held)
    return found


async def blob_bytes(tx: Transaction, record_id: str) -> int:
    """Return how many bytes the large parts of one record take in the store."""
    total = select(func.coalesce(func.sum(blob.c.size), 0)).where(blob.c.record_id == record_id)
    return int((await tx.execute(total)).scalar_one())
