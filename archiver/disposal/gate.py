"""The gate of destruction: the one way for a record to be condemned.

Whoever destroys asks here, and nobody else lets go. The decision falls inside the transaction that
sequences the gate's event (`archiver.preserve.disposal_effects.Condemned`), by the pure rules of
`archiver.preserve.condemnation`: what was approved, by whom, holds, locks, terms and the emergency
stop as they are in that moment. What it lets go stands in `dis` entries behind the event; what it
does not is kept, and an event says why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from archiver.access.rules import Permission, allowed, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.db import disposal as rows
from archiver.db.disposal_stop import reason_if_on
from archiver.db.refiling import behind
from archiver.db.transaction import Connection, Database
from archiver.errors import Conflict, Denied
from archiver.model.actor import Actor
from archiver.preserve.condemnation import objection_to_batch
from archiver.preserve.disposal_effects import (
    MOST_CLAIMS,
    Condemned,
    Kept,
    Stated,
    claims_part,
    stated_of,
)

BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the gate decided on some records of a batch: who goes, who stays and why."""

    condemned: tuple[int, ...]
    kept: Mapping[int, str]


class Gate:
    """Condemns records of approved batches. `clock` is the guarded one: in doubt it refuses."""

    def __init__(self, *, database: Database, trail: Trail, clock: Clock) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock

    async def admit(self, batch_id: str, *, actor: Actor) -> None:
        """Pass if a batch may be executed now by this actor. Raises as `condemn`, and audits so."""
        await self._require(batch_id, actor)
        if objection := await self.objection(batch_id):
            await self.refuse(batch_id, objection, actor=actor)

    async def objection(self, batch_id: str) -> str:
        """Return why nothing of a batch may go now, "" if something may. No attempt, so no event.

        Raises:
            Stopping: the clock is in doubt.
            OperatorError: the database did not answer.
        """
        now = to_millis(self._clock())
        _, objection = await self._database.run(
            lambda connection: _look(connection, batch_id, (), now),
            writes=False,
        )
        return objection

    async def condemn(self, batch_id: str, chunk: Sequence[int], *, actor: Actor) -> Judged:
        """Judge members of a batch, by log index, and condemn those that may go.

        Members that are condemned or destroyed already are passed over, so that it may be asked
        again after a crash.

        Raises:
            Denied: the actor neither proposes nor approves disposals. The attempt is an event.
            Conflict: nothing of the batch may go now (not approved by the people needed, or all
                disposal is stopped). The attempt is an event.
            Stopping: the clock is in doubt; nothing is judged by it, and no event can be dated.
            OperatorError: it is not known whether they are condemned; ask again.
        """
        await self._require(batch_id, actor)
        now = self._clock()
        found, objection = await self._database.run(
            lambda connection: _look(connection, batch_id, chunk, to_millis(now)), writes=False
        )
        if objection:
            await self.refuse(batch_id, objection, actor=actor)
        if not found:
            return Judged(condemned=(), kept={})
        gate = Condemned(batch_id=batch_id, at=to_millis(now), claims=tuple(found))
        await self._trail.record(
            Action.DISPOSAL_CONDEMNED,
            actor=actor,
            object_type=BATCH,
            object_id=batch_id,
            details={"records": len(found)},
            parts=(claims_part(found),),
            effect=gate,
            at=now,
        )
        verdict = gate.verdict
        if verdict is None or verdict.objection:  # it changed between the look and the judgement
            objection = verdict.objection if verdict else "it was not sequenced here"
            await self.refuse(batch_id, objection, actor=actor)
        if verdict.kept:
            await self.keep(batch_id, verdict.kept, actor=actor)
        return Judged(condemned=verdict.condemned, kept=verdict.kept)

    async def keep(self, batch_id: str, reasons: Mapping[int, str], *, actor: Actor) -> None:
        """Keep members of a batch, condemned ones too, each for its reason: it is an event."""
        now = self._clock()
        effect = Kept(batch_id=batch_id, reasons=dict(reasons), at=to_millis(now))
        await self._trail.record(
            Action.DISPOSAL_KEPT,
            actor=actor,
            object_type=BATCH,
            object_id=batch_id,
            result="refused",
            details={"records": len(reasons), "reason": reasons[min(reasons)]},
            parts=(effect.part,),
            effect=effect,
            at=now,
        )

    async def refuse(self, batch_id: str, objection: str, *, actor: Actor) -> NoReturn:
        """Refuse to destroy anything of a batch: it is an event, and an error.

        Raises:
            Conflict: always.
        """
        await self.note_refusal(batch_id, objection, actor)
        raise Conflict(f"batch {batch_id} cannot be destroyed: {objection}")

    async def _require(self, batch_id: str, actor: Actor) -> None:
        if allowed(actor, Permission.APPROVE_DISPOSAL):
            return
        try:
            require(actor, Permission.PROPOSE_DISPOSAL)
        except Denied as error:
            await self.note_refusal(batch_id, str(error), actor)
            raise

    async def note_refusal(self, batch_id: str, reason: str, actor: Actor) -> None:
        """Record that nothing of a batch may be destroyed now, and why."""
        await self._trail.record(
            Action.DISPOSAL_CONDEMNED,
            actor=actor,
            object_type=BATCH,
            object_id=batch_id,
            result="refused",
            details={"reason": reason},
        )


def _look(
    connection: Connection, batch_id: str, chunk: Sequence[int], at: int
) -> tuple[list[Stated], str]:
    """Return what undecided members are held to be, and why none of them may go ("")."""
    batch = rows.find_batch(connection, batch_id)
    objection = objection_to_batch(
        batch, reason_if_on(connection), behind(connection, at=at, below=0)
    )
    if objection:
        return [], objection
    found = rows.candidates(connection, batch_id, chunk[:MOST_CLAIMS])
    undecided = (each for each in sorted(found.values()) if each.state == rows.IN)
    return [stated_of(each) for each in undecided], ""
