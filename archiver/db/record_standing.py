"""What else stands against a record besides holds: restrictions, and the batch that it is in."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, select

from archiver.clock import from_millis
from archiver.db.disposal_tables import batch, batch_record
from archiver.db.privacy_tables import privacy_record, privacy_request
from archiver.db.restricted import requests_behind
from archiver.db.transaction import Transaction
from archiver.model.batch import OPEN


class Restriction(NamedTuple):
    """A privacy request that restricts a record: why, by whom, and when (ms) that was decided.

    `is_later`: that was decided on an earlier record of the same post.
    """

    request_id: str
    reference: str
    reason: str
    decided_by: str
    decided_at: int
    is_later: bool = False

    @property
    def moment(self) -> datetime:
        """When it was decided."""
        return from_millis(self.decided_at)


class InBatch(NamedTuple):
    """The open batch that has a record; `member` is what is to become of it there."""

    id: str
    state: str
    action: str
    member: str
    reason: str


async def restrictions(tx: Transaction, log_index: int) -> list[Restriction]:
    """Return what restricts a record, oldest request first."""
    behind = requests_behind(log_index).subquery()
    rows = await tx.execute(
        select(
            privacy_request.c.id,
            privacy_request.c.reference,
            privacy_record.c.reason,
            privacy_record.c.decided_by,
            privacy_record.c.decided_at,
            privacy_record.c.log_index != log_index,
        )
        .select_from(behind)
        .join(privacy_request, privacy_request.c.id == behind.c.request_id)
        .join(
            privacy_record,
            and_(
                privacy_record.c.request_id == behind.c.request_id,
                privacy_record.c.log_index == behind.c.decided_index,
            ),
        )
        .order_by(privacy_request.c.id, privacy_record.c.log_index.desc())
    )
    found: dict[str, Restriction] = {}
    for row in rows:  # of the records of a post that a request restricts, the newest says why
        found.setdefault(row.id, Restriction(*row))
    return list(found.values())


async def open_batch(tx: Transaction, log_index: int) -> InBatch | None:
    """Return the open batch that has a record, left out of it or not; there is one at most."""
    rows = await tx.execute(
        select(
            batch.c.id, batch.c.state, batch.c.action, batch_record.c.state, batch_record.c.reason
        )
        .join(batch, batch.c.id == batch_record.c.batch_id)
        .where(batch_record.c.log_index == log_index, batch.c.state.in_(OPEN))
        .order_by(batch.c.id.desc())
        .limit(1)
    )
    row = rows.first()
    return None if row is None else InBatch(*row)
