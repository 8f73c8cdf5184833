"""One object after the other: judged, looked at again, put right, read back, told.

A difference counts only if it is still there when rows and object are read a second time: holds
are placed, segments destroyed and objects repaired meanwhile.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from archiver.assurance.lock_drift import MENDED, Drift, Judged, judge
from archiver.assurance.lock_promises import ObjectNeed, needs_of
from archiver.assurance.lock_report import Tally
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.db import lock_states
from archiver.db import segments as segment_rows
from archiver.db.lock_states import NOT_HELD
from archiver.db.transaction import Database
from archiver.jobs.lock_store import Seen, Side
from archiver.model.actor import Actor
from archiver.model.lock import LockMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What a run looks at and tells to. `clock` raises Stopping while it is in doubt."""

    archive_id: str
    database: Database
    trail: Trail
    clock: Clock
    log_lock: LockMode
    lock_limit: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an object: whether its lock is known to be as needed, and was extended."""

    need: ObjectNeed
    confirmed: bool
    extended: bool


@dataclass(slots=True, kw_only=True)
class Settling:
    """Settles the objects of one run, and counts them in its `tally`."""

    archive: Archive
    actor: Actor
    tally: Tally = field(default_factory=Tally)

    async def compare(
        self, side: Side, needs: Sequence[ObjectNeed], now: datetime
    ) -> list[Outcome]:
        """Compare objects with what they are to be, and put right what may be.

        Raises:
            StorageUnavailable, ConfigurationError: the store does not answer; do it again.
            DatabaseUnavailable: rows could not be read again, or an event not be kept.
        """
        seen = await side.look(needs)
        self.tally.objects += len(seen)
        return list(await asyncio.gather(*(self._settle(side, each, now) for each in seen)))

    async def note(self, drift: Drift) -> None:
        """Count a drift, and put the first ones into the trail."""
        if not self.tally.note(drift):
            return
        await self.archive.trail.record(
            Action.OBJECT_DRIFTED,
            actor=self.actor,
            object_type="object",
            object_id=drift.object_key,
            result="integrity",
            details={
                "kind": drift.kind.value,
                "store": drift.store,
                "found": drift.found,
                "mended": drift.mended,
                "why_not": drift.why_not,
            },
        )

    async def tell_extended(
        self, objects: int, stores: Sequence[Side], segment_ids: Sequence[str] = ()
    ) -> None:
        """Put into the trail how many objects were extended, of which segments, in which stores."""
        self.tally.extended_segments += len(segment_ids)
        await self.archive.trail.record(
            Action.LOCKS_EXTENDED,
            actor=self.actor,
            object_type="archive",
            object_id=self.archive.archive_id,
            details={
                "segments": len(segment_ids),
                "objects": objects,
                "segment_ids": " ".join(segment_ids),
                "stores": ", ".join(side.name for side in stores),
            },
        )

    async def _settle(self, side: Side, seen: Seen, now: datetime) -> Outcome:
        judged = _judged(side, seen, now)
        if judged.found:  # it may have changed since the rows were read
            need = await self._again(seen.need)
            if need is None:
                return Outcome(need=seen.need, confirmed=False, extended=False)
            (seen,) = await side.look([need])
            judged = _judged(side, seen, now)
        if not judged.found and not judged.is_mendable:
            return Outcome(need=seen.need, confirmed=True, extended=False)
        why_not = ""
        if judged.is_mendable and seen.stored is not None:
            why_not = await side.mend(seen.stored, judged)
            if judged.hold is False:
                await self._hold_again(side, seen)
        for kind, found in judged.found:
            mended = not why_not and kind in MENDED
            await self.note(side.drift(kind, seen.need.key, found, mended=mended, why_not=why_not))
        # A lock that is set again is put right, which its drift says; extended is what is new.
        extended = judged.lock is not None and not why_not and not judged.found
        self.tally.extended += extended
        confirmed = seen.stored is not None and (judged.lock is None or not why_not)
        return Outcome(need=seen.need, confirmed=confirmed, extended=extended)

    async def _again(self, need: ObjectNeed) -> ObjectNeed | None:
        """Return what an object is to be by the rows of this moment, None if it need not be."""
        if need.lane is not None:
            async with self.archive.database.reading() as tx:
                held = need.lane in await segment_rows.held_lanes(tx)
            if held == (need.held.since is not None):
                return need
            return replace(need, held=NOT_HELD, noted=True)  # it changed meanwhile: not judged now
        if not need.segment_id:
            return need
        find = partial(lock_states.one, segment_id=need.segment_id)
        state = await self.archive.database.run(find, writes=False)
        if state is None or not state.standing:
            return None
        needs = needs_of(state, self.archive.clock(), self.archive.lock_limit)
        return next((each for each in needs if each.key == need.key), None)

    async def _hold_again(self, side: Side, seen: Seen) -> None:
        """Hold an object again if a hold was placed while its leftover hold was being lifted."""
        need = await self._again(seen.need)
        if need is not None and need.held.since is not None and seen.stored is not None:
            await side.mend(seen.stored, Judged(hold=True))


def _judged(side: Side, seen: Seen, now: datetime) -> Judged:
    if seen.problem is not None or seen.stored is None:
        return Judged(found=(seen.problem,) if seen.problem else ())
    return judge(seen.need, seen.stored, now, is_first=side.is_first)
