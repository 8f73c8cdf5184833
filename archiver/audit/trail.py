"""Recording events: each becomes an encrypted record in the log before the act is answered."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from archiver.audit.actions import Action
from archiver.clock import Clock, rfc3339
from archiver.errors import DatabaseUnavailable
from archiver.ids import Randomness, Ulids
from archiver.model.actor import Actor
from archiver.model.post import Part
from archiver.preserve.event_effects import Effect, effect_of
from archiver.preserve.event_record import EventBody, event_part, event_row
from archiver.preserve.filing import FilePlan
from archiver.preserve.sealing import SECRET_BYTES, Draft, seal
from archiver.preserve.segments.manifest import Source
from archiver.preserve.writer import Writer

PATIENCE_S = 20.0
"""How long an act waits for the commit of its event before it is told that it is not known."""


class Trail:
    """The audit trail of one archive."""

    def __init__(
        self,
        *,
        archive_id: str,
        writer: Writer,
        plan: FilePlan,
        clock: Clock,
        ulids: Ulids,
        randomness: Randomness,
    ) -> None:
        self._archive_id = archive_id
        self._writer = writer
        self._plan = plan
        self._clock = clock
        self._ulids = ulids
        self._randomness = randomness

    @property
    def clock(self) -> Clock:
        """The clock that events are dated by."""
        return self._clock

    async def record(
        self,
        action: Action,
        *,
        actor: Actor,
        object_type: str = "",
        object_id: str = "",
        result: str = "ok",
        details: Mapping[str, str | int | bool] | None = None,
        parts: Sequence[Part] = (),
        effect: Effect | None = None,
        at: datetime | None = None,
    ) -> int:
        """Make one event durable and sequenced; return its log index.

        It rides the same group commit as posts, so many readers cost few writes. Where the event
        *is* an act (a hold placed, a class adopted), what it changes is committed with it.

        Args:
            action: what was done.
            actor: by whom.
            object_type: the kind of what it was done to.
            object_id: its id.
            result: how it ended.
            details: what else there is to know, in short.
            parts: what is too large for `details`, kept beside them.
            effect: what the event changes, where the caller has it at hand; else it is read from
                the event, as after a crash.
            at: when it happened; now, unless told.

        Raises:
            IntegrityError: details and parts do not state the change that the action is.
            OperatorError: the event could not be kept. The caller must not answer the act then: an
                act that left no trace did not happen.
        """
        now = self._clock() if at is None else at
        body = EventBody(
            at=rfc3339(now),
            actor=actor.name,
            roles=sorted(actor.roles),
            via=actor.via,
            action=action.value,
            object_type=object_type,
            object_id=object_id,
            result=result,
            details={**(details or {}), **_behind_glass(actor)},
        )
        filed = self._plan.file_event(now)
        record_id = self._ulids.one(now)
        draft = Draft(
            record_id=record_id,
            entry_type="aud",
            lane=filed.lane,
            source=Source(method="audit"),
            parts=(event_part(body), *parts),
            retention=filed.retention,
            event=event_row(record_id, body),
            effect=effect or effect_of(body, {part.name: part.content for part in parts}.get),
        )
        sealed = seal(self._archive_id, draft, now, self._randomness(SECRET_BYTES))
        (future,) = self._writer.write([sealed])
        try:
            async with asyncio.timeout(PATIENCE_S):
                return (await asyncio.shield(future)).log_index
        except TimeoutError as error:
            raise DatabaseUnavailable(
                f"the event {action.value} was not committed within {PATIENCE_S:.0f} s. It is "
                "stored and will be in the log, with what it does; look whether it happened before "
                "you do it again"
            ) from error


def _behind_glass(actor: Actor) -> Mapping[str, str]:
    """Return what every event says of somebody who has broken the glass: for which reason."""
    return {"broken_glass": actor.broken_glass} if actor.broken_glass else {}
