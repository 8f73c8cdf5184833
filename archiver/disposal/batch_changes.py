"""Changing a batch: each change is an event made upon the batch as it was looked at.

What is refused is an event too, with the reason; so nobody tries in silence whether a record can be
got rid of.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, rfc3339
from archiver.db import batches as rows
from archiver.db.batches import BatchRow
from archiver.db.transaction import Database
from archiver.disposal.batch_views import BatchView, approvals_of
from archiver.errors import Conflict, Denied, InvalidInput
from archiver.model.actor import Actor
from archiver.model.batch import BatchState
from archiver.model.post import Part
from archiver.preserve.batch_effects import (
    BATCH,
    BatchChanged,
    BatchFormed,
    batch_effect,
    members_part,
)
from archiver.preserve.event_record import EventBody, legible

_REASON = range(1, 4001)
_TICK = timedelta(milliseconds=1)

Details = Mapping[str, str | int | bool]


class BatchChanges:
    """Reads batches for use cases and records what they change. One for all use cases."""

    def __init__(self, *, database: Database, trail: Trail, clock: Clock) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock

    async def view(self, batch_id: str) -> BatchView:
        """Return one batch. Raises NotFound."""
        async with self._database.reading() as tx:
            row = await rows.get(tx, batch_id)
            counts = await rows.counts(tx, [batch_id])
            approvals = await rows.approvals(tx, [batch_id])
        return BatchView(
            row=row, counts=counts[batch_id], approvals=approvals_of(approvals, batch_id)
        )

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

    async def change(
        self,
        action: Action,
        view: BatchView,
        details: Details,
        *,
        parts: Sequence[Part] = (),
        actor: Actor,
    ) -> BatchView:
        """Record a change made upon `view`; return the batch as it stands then.

        Raises:
            Conflict: somebody else changed it a moment before; the change has no effect then.
        """
        row = view.row
        at = max(self._clock(), from_millis(row.stated_at) + _TICK)
        said = {**_about(row), **details, "was": row.stated_at}
        effect = _effect(_body(action, row.id, said, actor, at), parts)
        await self._trail.record(
            action,
            actor=actor,
            object_type=BATCH,
            object_id=row.id,
            details=said,
            parts=parts,
            effect=effect,
            at=at,
        )
        if not effect.took:
            raise Conflict(
                f"batch {row.id} was changed by somebody else a moment ago, and your change had no "
                "effect; look at it again"
            )
        return await self.view(row.id)

    @asynccontextmanager
    async def refusing(self, action: Action, batch_id: str, *, actor: Actor) -> AsyncIterator[None]:
        """Record an attempt that is refused, with why, and let the error pass."""
        try:
            yield
        except (Denied, Conflict, InvalidInput) as error:
            await self._trail.record(
                action,
                actor=actor,
                object_type=BATCH,
                object_id=batch_id,
                result="denied" if isinstance(error, Denied) else "refused",
                details={"why": str(error)},
            )
            raise

    async def note(
        self, action: Action, batch_id: str = "", *, actor: Actor, **details: str | int | bool
    ) -> None:
        """Record that somebody looked at a batch, or at several."""
        await self._trail.record(
            action, actor=actor, object_type=BATCH, object_id=batch_id, details=details
        )


def reason_of(reason: str) -> str:
    """Return a reason as it is kept. Raises InvalidInput: none, or a very long one."""
    if len(reason.strip()) not in _REASON:
        raise InvalidInput(
            f"expected a reason of {_REASON.start} to {_REASON.stop - 1:,} characters, found "
            f"{len(reason.strip())}",
            pointer="reason",
        )
    return legible(reason.strip())


def require_version(view: BatchView, version: int | None) -> None:
    """Pass if the batch stands as the caller last saw it, or where they named no version.

    Raises:
        Conflict: it was changed since.
    """
    if version is not None and version != view.version:
        raise Conflict(
            f"batch {view.id} was changed since you looked at it: expected version {version}, "
            f"found {view.version}; look at it again"
        )


def require_state(view: BatchView, *allowed: BatchState) -> None:
    """Pass if the batch is in one of these states. Raises Conflict."""
    if view.state not in allowed:
        raise Conflict(
            f"expected batch {view.id} to be {' or '.join(allowed)}, found it {view.state}: "
            f"{view.next_step}"
        )


def _about(row: BatchRow) -> dict[str, str | int | bool]:
    return {
        "class_code": row.class_code,
        "platform": row.platform,
        "account": row.account,
        "period": row.period,
    }


def _body(action: Action, batch_id: str, said: Details, actor: Actor, at: datetime) -> EventBody:
    return EventBody(
        at=rfc3339(at),
        actor=legible(actor.name),
        roles=[],
        via=actor.via,
        action=action.value,
        object_type=BATCH,
        object_id=batch_id,
        result="ok",
        details=dict(said),
    )


def _effect(body: EventBody, parts: Sequence[Part]) -> BatchChanged:
    effect = batch_effect(body, {part.name: part.content for part in parts}.get)
    if not isinstance(effect, BatchChanged):
        raise TypeError(f"{body.action} changes no batch")
    return effect
