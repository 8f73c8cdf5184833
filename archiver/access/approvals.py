"""The two-person rule: who asks for an act with legal effect does not approve it.

A request names an act and its object; somebody else who may do the act approves or refuses it. The
act itself, and that it happens together with the approval, is the business of the use case that
asked. Only people count: whoever holds a token, or two, could otherwise be two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from archiver.access.rules import Permission, allowed_somewhere, require
from archiver.access.tokens import Trail
from archiver.audit.actions import Action
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.config import Settings
from archiver.db import approvals as rows
from archiver.db.approvals import PENDING, ApprovalRow
from archiver.db.transaction import Database
from archiver.errors import Conflict, Denied, InvalidInput
from archiver.ids import Ulids
from archiver.model.actor import Actor

_REASON = range(1, 4001)


class Act(StrEnum):
    """What can wait for a second person."""

    DISPOSE = "dispose"
    CHANGE_SCHEDULE = "change-schedule"
    RELEASE_HOLD = "release-hold"


APPROVED_WITH: Mapping[Act, Permission] = {
    Act.DISPOSE: Permission.APPROVE_DISPOSAL,
    Act.CHANGE_SCHEDULE: Permission.APPROVE_FILE_PLAN,
    Act.RELEASE_HOLD: Permission.RELEASE_HOLDS,
}
"""What the second person needs."""

ASKED_WITH: Mapping[Act, Permission] = {
    Act.DISPOSE: Permission.PROPOSE_DISPOSAL,
    Act.CHANGE_SCHEDULE: Permission.EDIT_FILE_PLAN,
    Act.RELEASE_HOLD: Permission.RELEASE_HOLDS,
}
"""What the first person needs."""


class ApprovalState(StrEnum):
    """Where a request stands."""

    PENDING = PENDING
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


_DECIDED = {
    ApprovalState.APPROVED: Action.APPROVAL_GRANTED,
    ApprovalState.REFUSED: Action.APPROVAL_REFUSED,
    ApprovalState.WITHDRAWN: Action.APPROVAL_WITHDRAWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """A request as it is shown. `mine` is true for who asked: they cannot approve it."""

    id: str
    act: Act
    object_type: str
    object_id: str
    reason: str
    state: ApprovalState
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    mine: bool

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document of this request."""
        return {
            "id": self.id,
            "act": self.act.value,
            "object_type": self.object_type,
            "object_id": self.object_id,
            "reason": self.reason,
            "state": self.state.value,
            "requested_by": self.requested_by,
            "requested_at": rfc3339(self.requested_at),
            "decided_by": self.decided_by,
            "decided_at": None if self.decided_at is None else rfc3339(self.decided_at),
            "mine": self.mine,
        }


def needs_second_person(act: Act, settings: Settings) -> bool:
    """Return whether the settings ask for a second person before this act."""
    asked = {
        Act.DISPOSE: settings.two_person_disposal,
        Act.CHANGE_SCHEDULE: settings.two_person_schedule,
        Act.RELEASE_HOLD: settings.two_person_hold_release,
    }
    return asked[act]


class Approvals:
    """The use cases on requests for a second person."""

    def __init__(self, *, database: Database, clock: Clock, ulids: Ulids, trail: Trail) -> None:
        self._database = database
        self._clock = clock
        self._ulids = ulids
        self._trail = trail

    async def request(
        self, act: Act, object_type: str, object_id: str, reason: str, *, actor: Actor
    ) -> ApprovalView:
        """Ask for a second person; nothing else happens yet.

        Raises:
            Denied: the actor may not ask for this act, or is a token.
            InvalidInput: no reason, or one of more than 4,000 characters.
            Conflict: the same act on the same object waits already.
        """
        require(actor, ASKED_WITH[act])
        if not actor.person_id and actor.via != "cli":  # whose hand guides a token, nobody knows
            raise Denied("a request for a second person is made by a person, not by a token")
        if len(reason.strip()) not in _REASON:
            raise InvalidInput(
                f"expected a reason of 1 to {_REASON.stop - 1} characters, found "
                f"{len(reason.strip())}",
                pointer="reason",
            )
        now = self._clock()
        row = ApprovalRow(
            id=self._ulids.one(now),
            act=act,
            object_type=object_type,
            object_id=object_id,
            reason=reason.strip(),
            state=PENDING,
            requested_by=actor.name,
            requester_id=_who(actor),
            requested_at=to_millis(now),
        )
        async with self._database.reading() as tx:
            known = await rows.list_about(tx, object_type, object_id)
        if any(each.state == PENDING and each.act == act for each in known):
            raise Conflict(f"a request to {act} {object_type} {object_id} waits already")
        await self._note(Action.APPROVAL_REQUESTED, row, actor)
        async with self._database.transaction() as tx:
            await rows.add(tx, row)
        return _view(row, actor)

    async def decide(self, approval_id: str, *, approve: bool, actor: Actor) -> ApprovalView:
        """Approve or refuse a request of somebody else.

        Raises:
            Denied: the actor may not approve this act, asked for it themselves, or is no person.
            NotFound: no such request.
            Conflict: it was decided already.
        """
        async with self._database.reading() as tx:
            row = await rows.get(tx, approval_id)
        require(actor, APPROVED_WITH[Act(row.act)])
        if not actor.person_id:
            raise Denied("a second person is a person who signs in; a token cannot be one")
        if row.requester_id == _who(actor):
            raise Denied("who asks for an act does not approve it; ask somebody else")
        state = ApprovalState.APPROVED if approve else ApprovalState.REFUSED
        return await self._decide(row, state, actor)

    async def withdraw(self, approval_id: str, *, actor: Actor) -> ApprovalView:
        """Take one's own request back.

        Raises:
            Denied: it is somebody else's.
            NotFound: no such request.
            Conflict: it was decided already.
        """
        async with self._database.reading() as tx:
            row = await rows.get(tx, approval_id)
        if row.requester_id != _who(actor):
            raise Denied("only who asked can withdraw a request; you can refuse it")
        return await self._decide(row, ApprovalState.WITHDRAWN, actor)

    async def pending(self, actor: Actor) -> Sequence[ApprovalView]:
        """Return the waiting requests that the actor made or may decide, oldest first."""
        async with self._database.reading() as tx:
            found = await rows.list_pending(tx)
        return tuple(
            _view(row, actor)
            for row in found
            if row.requester_id == _who(actor)
            or allowed_somewhere(actor, APPROVED_WITH[Act(row.act)])
        )

    async def about(
        self, object_type: str, object_id: str, *, actor: Actor
    ) -> Sequence[ApprovalView]:
        """Return all requests about one object, newest first; who may see it is the caller's."""
        async with self._database.reading() as tx:
            found = await rows.list_about(tx, object_type, object_id)
        return tuple(_view(row, actor) for row in found)

    async def _decide(self, row: ApprovalRow, state: ApprovalState, actor: Actor) -> ApprovalView:
        if row.state != PENDING:
            raise Conflict(f"this request was {row.state} by {row.decided_by} already")
        await self._note(_DECIDED[state], row, actor)
        at = to_millis(self._clock())
        async with self._database.transaction() as tx:
            if not await rows.decide(tx, row.id, state=state, by=actor.name, at=at):
                raise Conflict("this request was decided a moment ago; look at it again")
            row = await rows.get(tx, row.id)
        return _view(row, actor)

    async def _note(self, action: Action, row: ApprovalRow, actor: Actor) -> None:
        await self._trail.record(
            action,
            actor=actor,
            object_type="approval",
            object_id=row.id,
            details={
                "act": row.act,
                "about": f"{row.object_type} {row.object_id}",
                "reason": row.reason,
                "requested_by": row.requested_by,
                "requester": row.requester_id,
            },
        )


def _who(actor: Actor) -> str:
    return actor.person_id or actor.via


def _view(row: ApprovalRow, actor: Actor) -> ApprovalView:
    return ApprovalView(
        id=row.id,
        act=Act(row.act),
        object_type=row.object_type,
        object_id=row.object_id,
        reason=row.reason,
        state=ApprovalState(row.state),
        requested_by=row.requested_by,
        requested_at=from_millis(row.requested_at),
        decided_by=row.decided_by,
        decided_at=None if row.decided_at is None else from_millis(row.decided_at),
        mine=row.requester_id == _who(actor),
    )
