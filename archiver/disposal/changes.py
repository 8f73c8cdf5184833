"""Changing what lives by its events: each change is an event made upon it as it was looked at.

What is refused is an event too, with the reason; so nobody tries in silence whether a record can be
got rid of.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import ClassVar, Generic, Protocol, TypeVar

from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, rfc3339
from archiver.db.transaction import Database
from archiver.errors import Conflict, Denied, InvalidInput
from archiver.model.actor import Actor
from archiver.model.post import Part
from archiver.preserve.effect import PartOf
from archiver.preserve.event_effects import Effect
from archiver.preserve.event_record import EventBody, legible
from archiver.preserve.transitions import Transition

_REASON = range(1, 4001)
_TICK = timedelta(milliseconds=1)

Details = Mapping[str, str | int | bool]


class Standing(Protocol):
    """Something as it was looked at; a change names by `version` what it was made upon."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def title(self) -> str:
        """What messages call it."""

    @property
    def version(self) -> int:
        """The moment of the event that it is the outcome of, in milliseconds."""


S = TypeVar("S", bound=Standing)


class Changes(ABC, Generic[S]):
    """Reads things of one type for use cases, and records what they change. One for all of them."""

    object_type: ClassVar[str]

    def __init__(self, *, database: Database, trail: Trail, clock: Clock) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock

    @abstractmethod
    async def view(self, object_id: str) -> S:
        """Return one of them. Raises NotFound."""

    @abstractmethod
    def about(self, seen: S) -> Details:
        """Return what every event about it says of it."""

    @abstractmethod
    def effect(self, body: EventBody, part: PartOf) -> Effect | None:
        """Return what an event about one of them changes."""

    async def seen(self, object_id: str, version: int | None) -> S:
        """Return one that stands as the caller last saw it, or where they named no version.

        Raises:
            NotFound: there is none.
            Conflict: it was changed since.
        """
        found = await self.view(object_id)
        if version is not None and version != found.version:
            raise Conflict(
                f"{found.title} was changed since you looked at it: expected version {version}, "
                f"found {found.version}; look at it again"
            )
        return found

    async def change(
        self,
        action: Action,
        seen: S,
        details: Details,
        *,
        parts: Sequence[Part] = (),
        actor: Actor,
    ) -> S:
        """Record a change made upon `seen`; return the thing as it stands then.

        Raises:
            Conflict: somebody else changed it a moment before; the change has no effect then.
        """
        at = max(self._clock(), from_millis(seen.version) + _TICK)
        said = {**self.about(seen), **details, "was": seen.version}
        body = self._body(action, seen.id, said, actor=actor, at=at)
        transition = _transition(self.effect(body, {part.name: part.content for part in parts}.get))
        await self._trail.record(
            action,
            actor=actor,
            object_type=self.object_type,
            object_id=seen.id,
            details=said,
            parts=parts,
            effect=transition,
            at=at,
        )
        if not transition.took:
            raise Conflict(
                f"{seen.title} was changed by somebody else a moment ago, and your change had no "
                "effect; look at it again"
            )
        return await self.view(seen.id)

    def _body(
        self, action: Action, object_id: str, said: Details, *, actor: Actor, at: datetime
    ) -> EventBody:
        return EventBody(
            at=rfc3339(at),
            actor=legible(actor.name),
            roles=[],
            via=actor.via,
            action=action.value,
            object_type=self.object_type,
            object_id=object_id,
            result="ok",
            details=dict(said),
        )

    @asynccontextmanager
    async def refusing(
        self, action: Action, object_id: str, *, actor: Actor
    ) -> AsyncIterator[None]:
        """Record an attempt that is refused, with why, and let the error pass."""
        try:
            yield
        except (Denied, Conflict, InvalidInput) as error:
            await self._trail.record(
                action,
                actor=actor,
                object_type=self.object_type,
                object_id=object_id,
                result="denied" if isinstance(error, Denied) else "refused",
                details={"why": str(error)},
            )
            raise

    async def note(
        self, action: Action, object_id: str = "", *, actor: Actor, **details: str | int | bool
    ) -> None:
        """Record that somebody looked at one, or at several."""
        await self._trail.record(
            action, actor=actor, object_type=self.object_type, object_id=object_id, details=details
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


def _transition(effect: Effect | None) -> Transition:
    if not isinstance(effect, Transition):
        raise TypeError(f"expected an action that changes what stands already, found {effect!r}")
    return effect
