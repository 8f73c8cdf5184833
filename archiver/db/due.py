"""The records that may be proposed for disposal: page after page, by one anti-join.

They are read in the order of their ends, from an index: what is not due costs nothing.

`due` proposes; nothing here decides. The gate asks the retention engine about each record again at
the moment of destruction, with the holds, the lock and the clock of that moment.

The archive's own events are never due: they are kept as long as the longest audited record
(17 CFR 240.17a-4(f)(3)(iii)(B)), which no row of theirs can tell.
"""

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, BindParameter, Select, bindparam, func, or_, select, tuple_

from archiver.clock import from_millis
from archiver.db.disposal_tables import batch, batch_record
from archiver.db.holds import IS_HELD
from archiver.db.tables import a_post, blob, record, segment
from archiver.db.transaction import Transaction
from archiver.model.batch import OPEN
from archiver.model.lock import LockMode

_NEVER = -(2**63)
"""Before every end there can be."""


class DueRow(NamedTuple):
    """A record whose retention has ended and that nothing keeps.

    `retain_until` is milliseconds. `period` is the month of its last kept moment, `YYYY-MM` in UTC,
    as lanes name it; `size` is of its frame and its media in the store, in bytes.
    """

    log_index: int
    retain_until: int
    class_code: str
    schedule_version: int
    platform: str
    account: str
    period: str
    size: int


async def due(tx: Transaction, *, at: int, after: DueRow | None = None, limit: int) -> list[DueRow]:
    """Return up to `limit` records that are due at `at` (ms) and follow `after`, None: the first.

    Those whose retention ended first come first, of one moment in log order. A record is due when
    its effective retention has ended, no hold in force covers it, its object lock has ended, and no
    open batch holds it. Permanent records and those that await an event have no end.
    """
    end, index = (_NEVER, -1) if after is None else (after.retain_until, after.log_index)
    values = {"at": at, "end": end, "index": index, "limit": limit}
    return [_row(row) for row in await tx.execute(_DUE, values)]


def _row(row: Any) -> DueRow:
    last_kept = from_millis(row.retain_until - 1)
    return DueRow(
        log_index=row.log_index,
        retain_until=row.retain_until,
        class_code=row.class_code,
        schedule_version=row.schedule_version,
        platform=row.platform,
        account=row.account,
        period=f"{last_kept:%Y-%m}",
        size=row.frame_length + row.media_bytes,
    )


def _due() -> Select[Any]:
    taken = (
        select(batch_record.c.log_index)
        .join(batch, batch.c.id == batch_record.c.batch_id)
        .where(
            batch_record.c.log_index == record.c.log_index,
            batch.c.state.in_(OPEN),
        )
        .exists()
    )
    media = (
        select(func.coalesce(func.sum(blob.c.size), 0))
        .where(blob.c.record_id == record.c.id)
        .scalar_subquery()
    )
    at: BindParameter[int] = bindparam("at", type_=BigInteger)
    end: BindParameter[int] = bindparam("end", type_=BigInteger)
    return (
        select(
            record.c.log_index,
            record.c.class_code,
            record.c.schedule_version,
            record.c.platform,
            record.c.account,
            record.c.retain_until,
            record.c.frame_length,
            media.label("media_bytes"),
        )
        .join(segment, segment.c.id == record.c.segment_id)
        .where(
            tuple_(record.c.retain_until, record.c.log_index) > tuple_(end, bindparam("index")),
            record.c.retain_until <= at,
            a_post,
            or_(segment.c.lock_mode == LockMode.NONE, segment.c.lock_until <= at),
            ~IS_HELD,
            ~taken,
        )
        .order_by(record.c.retain_until, record.c.log_index)
        .limit(bindparam("limit"))
    )


_DUE = _due()
