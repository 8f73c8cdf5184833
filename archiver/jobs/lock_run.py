"""One run of the lock keeper over everything that is stored: compare, put right, extend, tell.

Three passes, each flat in memory however large the archive is: segments by log index, a page at a
time; the epoch keys of their lanes; and every version that the stores list.

An extension is noted in this order: the store, read back; the event; the row. Whoever dies between
two of them leaves a row that asks for the same again, and the store has nothing more to do.
"""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from archiver.assurance.lock_drift import Drift, DriftKind
from archiver.assurance.lock_promises import Lanes, ObjectNeed, locks_of, needs_of
from archiver.assurance.row_check import row_drift
from archiver.clock import to_millis
from archiver.db import ledger as ledger_rows
from archiver.db import lock_states
from archiver.db.lock_states import SegmentState
from archiver.errors import ConfigurationError, IntegrityError, StorageUnavailable
from archiver.jobs.lock_settling import Outcome, Settling
from archiver.jobs.lock_store import Side
from archiver.jobs.lock_versions import Progress, Versions

PAGE = 100
"""Segments in memory at once, with their log entries: 25,600 of a few hundred bytes at most."""

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class LockRun:
    """One run over some stores. The tally of `settling` says at every moment how far it came."""

    settling: Settling
    sides: Sequence[Side]
    lanes: Lanes
    progress: Progress
    page: int

    async def go(self) -> None:
        """Go through everything that is stored.

        A store that stops answering is left, and what was not compared of it is in the tally.

        Raises:
            Stopping: the clock is in doubt, or the run was cancelled.
            DatabaseUnavailable: the rows could not be read, or an event not be kept.
        """
        try:
            await self._segments()
            await self._epochs()
            versions = Versions(settling=self.settling, progress=self.progress)
            for side in self._standing():
                await self._with(side, versions.look(side))
        finally:
            self._tell_unfinished()

    async def _segments(self) -> None:
        run, tally = self.settling.archive.database.run, self.settling.tally
        tally.total = await run(lock_states.count, writes=False)
        start = 0
        while self._standing():
            read = partial(lock_states.page, start=start, limit=self.page)
            states = await run(read, writes=False)
            if not states:
                return
            await self._page(states)
            start = states[-1].segment.first_index + 1
            compared = [side.segments for side in self.sides]
            tally.segments = min(compared)
            tally.total = max(tally.total, *compared)  # what comes in meanwhile is compared as well
            self.progress("Comparing segments", sum(compared), tally.total * len(compared))

    async def _page(self, states: Sequence[SegmentState]) -> None:
        await self._compare_rows(states)
        archive = self.settling.archive
        now, limit = archive.clock(), archive.lock_limit
        # Where no record stands, a destruction is about to remove all of it.
        left = [state for state in states if state.standing]
        needs = {state.segment.id: needs_of(state, now, limit) for state in left}
        for state in left:
            self.lanes.take_in(state, now, limit)
        outcomes: list[Outcome] = []
        for side in self._standing():
            here = [state.segment for state in left if side.has(state.segment.first_index)]
            wanted = [need for row in here for need in needs[row.id]]
            outcomes += await self._compare(side, wanted, now)
            if not side.problem:
                side.segments += len(states)
        await self._note_extended(left, outcomes, now)

    async def _note_extended(
        self, states: Sequence[SegmentState], outcomes: Sequence[Outcome], now: datetime
    ) -> None:
        """State what was extended, and then let the rows say it where every store has it."""
        failed = {each.need.segment_id for each in outcomes if not each.confirmed}
        extended = {each.need.segment_id for each in outcomes if each.extended}
        until: dict[str, int] = {}
        for state in states:
            promised, needed = locks_of(state, now, self.settling.archive.lock_limit)
            if needed is not None and needed != promised and state.segment.id not in failed:
                until[state.segment.id] = to_millis(needed.until)
        if any(side.problem for side in self.sides):
            until = {}
        named = sorted(extended | until.keys())
        if named:
            objects = sum(each.extended for each in outcomes)
            await self.settling.tell_extended(objects, self._standing(), named)
            note = partial(lock_states.note_extended, until=until)
            await self.settling.archive.database.run(note, writes=True)

    async def _compare_rows(self, states: Sequence[SegmentState]) -> None:
        rows = [state.segment for state in states]
        start, end = rows[0].first_index, rows[-1].first_index + rows[-1].records
        async with self.settling.archive.database.reading() as tx:
            entries = await ledger_rows.entries(tx, start, end)
            told = await tx.run_sync(partial(lock_states.sequenced, start=start, end=end))
        for row in rows:
            found = list(row_drift(row, entries, start, told))
            if found:
                more = f", and {len(found) - 1} more" if len(found) > 1 else ""
                await self.settling.note(
                    Drift(
                        kind=DriftKind.ROW_DIFFERS,
                        object_key=row.object_key,
                        store="database",
                        found=found[0] + more,
                    )
                )

    async def _epochs(self) -> None:
        for side in self._standing():
            needs = self.lanes.needs(below=side.copied)
            for start in range(0, len(needs), self.page):
                now = self.settling.archive.clock()
                outcomes = await self._compare(side, needs[start : start + self.page], now)
                objects = sum(each.extended for each in outcomes)
                self.progress("Comparing epoch keys", start + len(outcomes), len(needs))
                if objects:
                    await self.settling.tell_extended(objects, [side])

    async def _compare(
        self, side: Side, needs: Sequence[ObjectNeed], now: datetime
    ) -> list[Outcome]:
        return await self._with(side, self.settling.compare(side, needs, now)) or []

    async def _with(self, side: Side, work: Coroutine[object, object, T]) -> T | None:
        """Do work on a side, and leave the side where its store does not answer."""
        try:
            return await work
        except (StorageUnavailable, ConfigurationError, IntegrityError) as error:
            side.problem = str(error)
            return None

    def _standing(self) -> list[Side]:
        return [side for side in self.sides if not side.problem]

    def _tell_unfinished(self) -> None:
        tally = self.settling.tally
        for side in self.sides:
            if side.problem:
                tally.unfinished.append(
                    f"{side.name}: {side.segments:,} of {tally.total:,} segments compared, then "
                    f"{side.problem}"
                )
