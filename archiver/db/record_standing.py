"""What else stands against a record besides holds: restrictions, and the batch that it is in."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from archiver.clock import from_millis
from archiver.db.disposal_tables import batch, batch_record
from archiver.db.privacy_tables import privacy_record, privacy_request
from archiver.db.transaction import Transaction
from archiver.model.batch import OPEN
from archiver.model.privacy import PrivacyDecision


class Restriction(NamedTuple):
    """A privacy request that restricts a record: why, by whom, and when (ms) that was decided."""

    request_id: str
    reference: str
    reason: str
    decided_by: str
    decided_at: int

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
    rows = await tx.execute(
        select(
            privacy_request.c.id,
            privacy_request.c.reference,
            privacy_record.c.reason,
            privacy_record.c.decided_by,
            privacy_record.c.decided_at,
        )
        .join(privacy_request, privacy_request.c.id == privacy_record.c.request_id)
        .where(
            privacy_record.c.log_index == log_index,
            privacy_record.c.decision == PrivacyDecision.RESTRICT.value,
        )
        .order_by(privacy_request.c.id)
    )
    return [Restriction(*row) for row in rows]


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
