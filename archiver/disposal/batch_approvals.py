"""Proposing and approving a batch: no record is destroyed on the word of one person.

One person reviews and proposes; others approve, each with the exact count typed and a reason. With
the two-person rule these are two people, without it one; never who formed or proposed it, and never
a token or the command line, because whoever holds two of those would be two people.
"""

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.db import batches as rows
from archiver.db.batches import REVIEW, REVIEWED
from archiver.db.transaction import Database
from archiver.disposal.batch_changes import BatchChanges, require_state
from archiver.disposal.batch_reviews import BatchReviews
from archiver.disposal.batch_views import BatchView, Preview, objection
from archiver.disposal.changes import reason_of
from archiver.errors import Conflict, InvalidInput
from archiver.model.actor import Actor
from archiver.model.batch import BatchState
from archiver.model.requester import requester_of

TRANSFER = "transfer"
_TWO, _ONE = 2, 1


class BatchApprovals:
    """The use cases of proposing, approving, and taking an approval back."""

    def __init__(
        self,
        *,
        database: Database,
        changes: BatchChanges,
        reviews: BatchReviews,
        two_person: bool,
    ) -> None:
        self._database = database
        self._changes = changes
        self._reviews = reviews
        self._needed = _TWO if two_person else _ONE

    async def propose(
        self, batch_id: str, *, reason: str, version: int | None = None, actor: Actor
    ) -> BatchView:
        """Say that a batch was reviewed and ask others to approve its disposal.

        Where the schedule asks for a review, this is its outcome for the records left in the batch.

        Raises:
            Denied: the actor may not propose a disposal.
            NotFound: no such batch.
            Conflict: it is proposed already, has no record left, or was changed a moment ago.
            InvalidInput: no reason.
        """
        async with self._changes.refusing(Action.BATCH_PROPOSED, batch_id, actor=actor):
            require(actor, Permission.PROPOSE_DISPOSAL)
            view = await self._changes.seen(batch_id, version)
            require_state(view, BatchState.FORMED)
            if not view.records:
                raise Conflict(f"batch {batch_id} has no record left to dispose of; cancel it")
            details: dict[str, str | int | bool] = {
                "by_id": requester_of(actor),
                "reason": reason_of(reason),
                "needed": self._needed,
                "records": view.records,
                "outcome": REVIEWED if view.row.action == REVIEW else view.row.action,
            }
            return await self._changes.change(Action.BATCH_PROPOSED, view, details, actor=actor)

    async def preview(self, batch_id: str, *, actor: Actor) -> Preview:
        """Return what the actor's approval of a batch would do; nothing is changed.

        Raises:
            Denied: the actor may not approve a disposal.
            NotFound: no such batch.
            Conflict: it is not proposed.
        """
        require(actor, Permission.APPROVE_DISPOSAL)
        view = await self._changes.view(batch_id)
        require_state(view, BatchState.REVIEWED)
        await self._changes.note(Action.BATCH_VIEWED, batch_id, actor=actor, what="preview")
        return Preview(
            view=view,
            missing=max(0, view.row.approvals_needed - len(view.approvals) - 1),
            consequences=await self._reviews.consequences(view),
        )

    async def approve(
        self,
        batch_id: str,
        *,
        records: int,
        reason: str,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        """Approve the disposal of exactly `records` records; the last approval makes it approved.

        Raises:
            Denied: the actor may not approve a disposal, formed or proposed this one, or is no
                person.
            NotFound: no such batch.
            Conflict: it is not proposed, the actor approved it already, its transfer is not
                confirmed, or it was changed a moment ago.
            InvalidInput: another count than the batch has, or no reason.
        """
        async with self._changes.refusing(Action.BATCH_APPROVED, batch_id, actor=actor):
            require(actor, Permission.APPROVE_DISPOSAL)
            view = await self._changes.seen(batch_id, version)
            require_state(view, BatchState.REVIEWED)
            objected = objection(view, actor)
            if objected is not None:
                raise objected
            await self._require_handed_over(view)
            if records != view.records:
                raise InvalidInput(
                    f"expected the exact number of records of batch {batch_id}, found {records:,}; "
                    "look at the batch again",
                    pointer="records",
                )
            details: dict[str, str | int | bool] = {
                "by_id": actor.person_id,
                "reason": reason_of(reason),
                "records": records,
            }
            return await self._changes.change(Action.BATCH_APPROVED, view, details, actor=actor)

    async def withdraw(
        self, batch_id: str, *, reason: str, version: int | None = None, actor: Actor
    ) -> BatchView:
        """Take one's own approval back, as long as the execution has not begun.

        Raises:
            Denied: the actor may not approve a disposal.
            NotFound: no such batch.
            Conflict: the actor has not approved it, it is being carried out, or was changed a
                moment ago.
            InvalidInput: no reason.
        """
        async with self._changes.refusing(Action.BATCH_WITHDRAWN, batch_id, actor=actor):
            require(actor, Permission.APPROVE_DISPOSAL)
            view = await self._changes.seen(batch_id, version)
            require_state(view, BatchState.REVIEWED, BatchState.APPROVED)
            mine = requester_of(actor)
            if mine not in {each.approver_id for each in view.approvals}:
                raise Conflict(f"batch {batch_id} has no approval of yours to take back")
            details = {"by_id": mine, "reason": reason_of(reason)}
            return await self._changes.change(Action.BATCH_WITHDRAWN, view, details, actor=actor)

    async def _require_handed_over(self, view: BatchView) -> None:
        if view.row.action != TRANSFER:
            return
        async with self._database.reading() as tx:
            package = await rows.package(tx, view.id)
        if package is None or package.confirmed_at is None:
            raise Conflict(
                f"batch {view.id} is to be transferred, and its receiver has not confirmed the "
                "package; `muniment disposition transfer` makes it, `confirm` takes the receiver's "
                "word for its hash"
            )
