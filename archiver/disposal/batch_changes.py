"""Disposal batches for their use cases: formed, looked at, changed (`changes`)."""

from collections.abc import Sequence
from datetime import datetime

from archiver.audit.actions import Action
from archiver.db import batches as rows
from archiver.db.batches import BatchRow
from archiver.db.transaction import Transaction
from archiver.disposal.batch_views import BatchView, approvals_of
from archiver.disposal.changes import Changes, Details
from archiver.errors import Conflict
from archiver.model.actor import Actor
from archiver.model.batch import BatchState
from archiver.preserve.batch_effects import BATCH, BatchFormed, batch_effect
from archiver.preserve.effect import PartOf
from archiver.preserve.event_effects import Effect
from archiver.preserve.event_record import EventBody
from archiver.preserve.named_records import members_part


class BatchChanges(Changes[BatchView]):
    """Reads batches for use cases and records what they change."""

    object_type = BATCH

    async def view(self, object_id: str) -> BatchView:
        """Return one batch. Raises NotFound."""
        async with self._database.reading() as tx:
            return (await views_of(tx, [await rows.get(tx, object_id)]))[0]

    def about(self, seen: BatchView) -> Details:
        """Return of which class, account and month it is."""
        row = seen.row
        return {
            "class_code": row.class_code,
            "platform": row.platform,
            "account": row.account,
            "period": row.period,
        }

    def effect(self, body: EventBody, part: PartOf) -> Effect | None:
        """Return what an event about a batch changes."""
        return batch_effect(body, part)

    async def form(self, formed: BatchFormed, *, actor: Actor, at: datetime) -> None:
        """Record that a batch was formed."""
        await self._trail.record(
            Action.BATCH_FORMED,
            actor=actor,
            object_type=BATCH,
            object_id=formed.row.id,
            details=formed.details,
            parts=[members_part(formed.indexes)],
            effect=formed,
            at=at,
        )


async def views_of(tx: Transaction, found: Sequence[BatchRow]) -> list[BatchView]:
    """Return batches as they may be shown, in the order of their rows."""
    ids = [row.id for row in found]
    counts = await rows.counts(tx, ids)
    approvals = await rows.approvals(tx, ids)
    return [
        BatchView(row=row, counts=counts[row.id], approvals=approvals_of(approvals, row.id))
        for row in found
    ]


def require_state(view: BatchView, *allowed: BatchState) -> None:
    """Pass if the batch is in one of these states. Raises Conflict."""
    if view.state not in allowed:
        raise Conflict(
            f"expected batch {view.id} to be {' or '.join(allowed)}, found it {view.state}: "
            f"{view.next_step}"
        )
