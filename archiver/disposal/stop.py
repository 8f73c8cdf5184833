"""The emergency stop: whoever may dispose, approve it or place holds stops all of it at once.

Stopping takes one person and a reason. Going on takes another one, who may approve disposal: with
the two-person rule a person who signs in and has stated none of the stops that are lifted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.access.rules import Permission, allowed_somewhere, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, rfc3339
from archiver.db import disposal_stop as rows
from archiver.db.disposal_stop import StopRow
from archiver.db.transaction import Database
from archiver.errors import Conflict, Denied, InvalidInput
from archiver.ids import Ulids
from archiver.model.actor import Actor
from archiver.model.requester import requester_of
from archiver.preserve.event_record import legible

MAY_STOP = (Permission.PROPOSE_DISPOSAL, Permission.APPROVE_DISPOSAL, Permission.PLACE_HOLDS)
"""Any of these is enough to stop, be it in one unit or matter only: a stop harms nothing."""

_REASON = range(1, 4001)
_STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One stop in force."""

    id: str
    reason: str
    stated_by: str
    stated_at: datetime

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "id": self.id,
            "reason": self.reason,
            "stated_by": self.stated_by,
            "stated_at": rfc3339(self.stated_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StopState:
    """Whether all disposal is stopped, and by what: the stops in force, oldest first.

    `may_stop` and `barred` are about who asked: whether they may stop it, and why they may not let
    it go on ("" where they may).
    """

    stops: tuple[Stop, ...]
    may_stop: bool = False
    barred: str = ""

    @property
    def stopped(self) -> bool:
        """Whether nothing may be disposed of."""
        return bool(self.stops)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {"stopped": self.stopped, "stops": [stop.to_dict() for stop in self.stops]}


class DisposalStop:
    """The use cases of the emergency stop."""

    def __init__(
        self, *, database: Database, trail: Trail, clock: Clock, ulids: Ulids, two_person: bool
    ) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock
        self._ulids = ulids
        self._two_person = two_person

    async def state(self, *, actor: Actor) -> StopState:
        """Return whether all disposal is stopped.

        Raises:
            Denied: the actor may not read the file plan.
        """
        if not allowed_somewhere(actor, Permission.READ_FILE_PLAN):
            require(actor, Permission.READ_FILE_PLAN)
        return self._state(await self._in_force(), actor)

    async def stop(self, *, reason: str, actor: Actor) -> StopState:
        """Stop all disposal at once, also what is being carried out.

        Raises:
            Denied: the actor may neither dispose, nor approve it, nor place holds.
            InvalidInput: no reason, or one of more than 4,000 characters.
        """
        if not _may_stop(actor):
            await self._note_refused(Action.DISPOSAL_STOPPED, actor)
            require(actor, Permission.PLACE_HOLDS)
        await self._record(Action.DISPOSAL_STOPPED, reason, {}, actor)
        return self._state(await self._in_force(), actor)

    async def resume(self, *, reason: str, actor: Actor) -> StopState:
        """Lift every stop in force; what was stopped goes on.

        A stop that somebody states meanwhile stays.

        Raises:
            Denied: the actor may not approve disposal, stated one of the stops, or is no person.
            InvalidInput: no reason, or one of more than 4,000 characters.
            Conflict: nothing is stopped.
        """
        stops = await self._in_force()
        try:
            self._require_second(stops, actor)
        except Denied:
            await self._note_refused(Action.DISPOSAL_RESUMED, actor)
            raise
        if not stops:
            raise Conflict("disposal is not stopped; there is nothing to resume")
        lifts = " ".join(row.id for row in stops)
        await self._record(Action.DISPOSAL_RESUMED, reason, {"lifts": lifts}, actor)
        return self._state(await self._in_force(), actor)

    def _require_second(self, stops: Sequence[StopRow], actor: Actor) -> None:
        require(actor, Permission.APPROVE_DISPOSAL)
        if not self._two_person:
            return
        if not actor.person_id:
            raise Denied("disposal is resumed by a person who signs in; a token cannot be one")
        if requester_of(actor) in {row.stated_by_id for row in stops}:
            raise Denied("who stopped disposal does not resume it; ask somebody else")

    def _state(self, stops: Sequence[StopRow], actor: Actor) -> StopState:
        barred = ""
        try:
            self._require_second(stops, actor)
        except Denied as error:
            barred = str(error)
        return StopState(
            stops=tuple(
                Stop(
                    id=row.id,
                    reason=row.reason,
                    stated_by=row.stated_by,
                    stated_at=from_millis(row.stated_at),
                )
                for row in stops
            ),
            may_stop=_may_stop(actor),
            barred=barred,
        )

    async def _in_force(self) -> tuple[StopRow, ...]:
        async with self._database.reading() as tx:
            return await rows.in_force(tx)

    async def _record(
        self, action: Action, reason: str, details: dict[str, str], actor: Actor
    ) -> None:
        said = reason.strip()
        if len(said) not in _REASON:
            raise InvalidInput(
                f"expected a reason of 1 to {_REASON.stop - 1} characters, found {len(said)}",
                pointer="reason",
            )
        now = self._clock()
        await self._trail.record(
            action,
            actor=actor,
            object_type=_STOP,
            object_id=self._ulids.one(now),
            details={
                **details,
                "reason": legible(said),
                "stated_by_id": legible(requester_of(actor)),
            },
            at=now,
        )

    async def _note_refused(self, action: Action, actor: Actor) -> None:
        await self._trail.record(action, actor=actor, object_type=_STOP, result="refused")


def _may_stop(actor: Actor) -> bool:
    return any(allowed_somewhere(actor, permission) for permission in MAY_STOP)
