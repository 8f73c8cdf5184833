"""Comparing the search index with the records for as long as it is written, and putting it right.

An index that silently lacks records is the worst there is (performance-and-faults, B16), so the
process that writes it looks every few seconds:

* the **number** of posts it holds against the number it has to hold: a difference shows at once;
* the **log indexes**, range by range and in both directions, so that a post too few and one too
  many do not pass for none: all ranges at the start and where the numbers differ, else some at a
  time, so that all are seen within a minute. What the index holds is read each time; the records
  are only where it holds something else than when it was right (`Agreed`), and all of them within
  an hour: at a million posts 0.3 s of CPU a minute;
* the **bytes** of its files against their checksums, so often that damage is told within a minute.

What is missing is added, what is too much is removed, what is damaged is built anew; each is an
event, an error in the process's log, a number in `/metrics` and a line on the Integrity page.
Posts that were set aside are tried again.
"""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.db import set_aside
from archiver.db.transaction import Database
from archiver.jobs.documents import EVIDENCE
from archiver.jobs.finishing import to_its_end
from archiver.jobs.index_differences import (
    RANGE,
    Agreed,
    Difference,
    compared,
    counts_agree,
    difference,
)
from archiver.jobs.loops import Chore
from archiver.jobs.search_index import SearchIndex
from archiver.model.actor import SYSTEM
from archiver.preserve.clock_guard import Stopwatch
from search.errors import IndexMissing, IndexUnavailable, RebuildNeeded
from search.index import Reader

EVERY_S = 5.0
_LOOKS_A_PASS = 10
_PASSES = 60  # in which all records are compared again, whether or not the index has changed
_CHECK_EVERY_S = 45.0  # and a look later it is told: within a minute
_CHECK_SHARE = 50  # of the time, at most one fiftieth goes into reading files
_TRY_AGAIN_AFTER = timedelta(minutes=10)
_TRIED_AT_ONCE = 100
_NAMED = 20

_log = structlog.get_logger("muniment.index")


@dataclass(slots=True, kw_only=True)
class Looked:
    """What comparing has found since the start.

    `at` and `log_size` are of the last time that all ranges had been compared, `missing` and
    `surplus` count the posts found so, `differed_at` is when last. `checked_at` is when the files
    were last read; `aside` counts what is set aside now, by why.
    """

    at: datetime | None = None
    log_size: int = 0
    missing: int = 0
    surplus: int = 0
    differed_at: datetime | None = None
    checked_at: datetime | None = None
    aside: Mapping[str, int] = field(default_factory=dict)

    @property
    def damaged(self) -> int:
        """How many posts are set aside because what is stored is not as promised."""
        return sum(self.aside.get(why, 0) for why in EVIDENCE)


class IndexComparison:
    """The comparison of one archive's index, as a chore of the process."""

    def __init__(
        self,
        *,
        index: SearchIndex,
        database: Database,
        clock: Clock,
        stopwatch: Stopwatch,
        trail: Trail,
    ) -> None:
        self.looked = Looked()
        self._index = index
        self._database = database
        self._clock = clock
        self._stopwatch = stopwatch
        self._trail = trail
        self._agreed = Agreed()
        self._next = 0  # the log index up to which this pass has compared
        self._is_whole = True  # whether the next look takes in all ranges
        self._check_at = 0.0
        self._losses_told = 0

    @property
    def chore(self) -> Chore:
        """The loop that looks."""
        return Chore(name="index comparison", act=self.act, every_s=EVERY_S)

    async def act(self) -> str:
        """Look once, where this process writes the index; return what there is to notice.

        Raises:
            OperatorError: database or index did not answer; nothing is known then.
        """
        return await to_its_end(self._act())

    async def _act(self) -> str:
        if self._index.is_written_here:
            try:
                await self._check_files()
                await self._compare()
                await self._try_again()
            except (RebuildNeeded, IndexMissing) as error:
                await self._index.condemn(str(error))
                self._is_whole = True
            except IndexUnavailable:
                self._is_whole = True  # it is just being opened or switched
        await self._tell_losses()
        async with self._database.reading() as tx:
            self.looked.aside = await set_aside.count_by_why(tx)
        return self._notice()

    async def _check_files(self) -> None:
        """Read the files, not at each look and for a small share of the time."""
        began = self._stopwatch()
        if began < self._check_at:
            return
        await asyncio.to_thread(self._check)
        took = self._stopwatch() - began
        self._check_at = began + max(_CHECK_EVERY_S, _CHECK_SHARE * took)
        self.looked.checked_at = self._clock()

    def _check(self) -> None:
        self._index.reader().check()

    async def _compare(self) -> None:
        reader = await asyncio.to_thread(self._index.reader)
        watermark = await asyncio.to_thread(_watermark, reader)
        if self._is_whole or not await counts_agree(self._database, reader):
            self._agreed.forget()
            _, found = await compared(self._database, reader, self._agreed)
            self._next = watermark
        else:
            found = await self._some(reader, watermark)
        if found:
            await self._put_right()
        if self._next >= watermark:
            self._next = 0
            self._agreed.forget(_PASSES)
            self.looked.at, self.looked.log_size = self._clock(), watermark
            self._is_whole = False

    async def _some(self, reader: Reader, watermark: int) -> Difference:
        """Compare so many ranges that a pass takes some `_LOOKS_A_PASS` looks."""
        found = Difference()
        ranges = math.ceil(watermark / RANGE / _LOOKS_A_PASS)
        for _ in range(max(1, ranges)):
            end = min(self._next + RANGE, watermark)
            found += await difference(self._database, reader, self._next, end, self._agreed)
            self._next = end
            if end == watermark:
                break
        return found

    async def _put_right(self) -> None:
        """Compare once more while nobody writes, so that nothing in between is taken for a fault.

        What was found is put right at once; the alarm is raised for it all the same.
        """
        async with self._index.alone:
            if not self._index.is_written_here:
                return
            watermark, found = await compared(self._database, self._index.reader())
            if found.stale:
                async with self._database.transaction() as tx:
                    await set_aside.drop(tx, found.stale)
            if not (found.missing or found.surplus):
                return
            self._alarm(found, watermark)
            await self._index.mend(found.missing, found.surplus)
        await self._trail.record(
            Action.INDEX_MENDED,
            actor=SYSTEM,
            object_type="index",
            details={
                "log_size": watermark,
                "missing": len(found.missing),
                "surplus": len(found.surplus),
            },
        )

    def _alarm(self, found: Difference, watermark: int) -> None:
        looked = self.looked
        looked.missing += len(found.missing)
        looked.surplus += len(found.surplus)
        looked.differed_at = self._clock()
        _log.error(
            "index.differed",
            log_size=watermark,
            missing=len(found.missing),
            surplus=len(found.surplus),
            first_missing=list(found.missing[:_NAMED]),
            first_surplus=list(found.surplus[:_NAMED]),
            next="put right",
        )

    async def _try_again(self) -> None:
        before = to_millis(self._clock() - _TRY_AGAIN_AFTER)
        async with self._database.reading() as tx:
            due = sorted(await set_aside.due(tx, before, _TRIED_AT_ONCE))
        if due:
            async with self._index.alone:
                if self._index.is_written_here:
                    await self._index.mend(due, doubtful=True)

    async def _tell_losses(self) -> None:
        if self._index.losses > self._losses_told:
            self._losses_told = self._index.losses
            await self._trail.record(
                Action.INDEX_LOST,
                actor=SYSTEM,
                object_type="index",
                details={"reason": self._index.last_loss, "layout": self._index.last_layout},
            )

    def _notice(self) -> str:
        looked = self.looked
        if looked.differed_at is None:
            return ""
        return (
            f"{looked.missing:,} posts were missing from the search index and {looked.surplus:,} "
            f"too much since the start, the last {looked.differed_at:%Y-%m-%d %H:%M} UTC; put right"
        )


def _watermark(reader: Reader) -> int:
    with reader.snapshot() as snapshot:
        return snapshot.watermark
