"""The lock keeper: locks are extended, holds mirrored, and what is stored compared with the rows.

Daily, on demand as a job, and from the command line; one process at a time. What a run did and
found is an event, from which every face tells it. A run that did not come to its end says how far
it came, is tried again in an hour, and never counts as a day's run.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, runtime_checkable

import structlog

from archiver.access.rules import Permission, require
from archiver.assurance.lock_promises import Lanes
from archiver.assurance.lock_report import LockReport, Tally, report_of
from archiver.audit.actions import Action
from archiver.clock import from_millis, to_millis
from archiver.db import integrity as integrity_rows
from archiver.db.archive import ArchiveRow
from archiver.db.lease import try_alone
from archiver.errors import Conflict, IntegrityError, NotFound, OperatorError
from archiver.jobs.lock_run import PAGE, LockRun
from archiver.jobs.lock_settling import Archive, Settling
from archiver.jobs.lock_store import FIRST, SECOND, THREADS, Side, Sleep
from archiver.jobs.lock_versions import Progress
from archiver.jobs.loops import Chore
from archiver.jobs.work import Kind, Result
from archiver.jobs.work_run import Run
from archiver.model.actor import SYSTEM, Actor
from archiver.preserve.ledger.checkpoint import open_checkpoint
from archiver.preserve.ledger.note import Verifier
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.store import ObjectStore

LOCKS = "locks"
"""The kind of a job that keeps the locks."""

EVERY = timedelta(days=1)
AGAIN_AFTER = timedelta(hours=1)
"""A run that did not come to its end is tried again so long after it."""

_LOOK_EVERY_S = 60.0
_LOOKED_AT = 50  # runs: the newest whole one is among them, or it is time for another anyway

_log = structlog.get_logger("muniment.locks")


@runtime_checkable
class ConfiguresLocks(Protocol):
    """A store with settings that locks depend on, which an operator may have changed."""

    def lock_faults(self) -> Sequence[str]:
        """Return in words what is wrong with them. Raises OperatorError."""


@dataclass(slots=True, kw_only=True)
class LockKeeping:
    """The use case of one archive.

    `second` opens the second store, None where there is none.
    """

    archive: ArchiveRow
    parts: Archive
    verifiers: Sequence[Verifier]
    store: ObjectStore
    second: Callable[[], ObjectStore] | None
    sleep: Sleep = asyncio.sleep
    page: int = PAGE
    drift: int = 0
    """How many differences the newest run of this process found, for `/metrics`."""
    _tried_at: datetime | None = field(default=None, init=False)
    _failed: str = field(default="", init=False)

    async def keep(
        self, *, actor: Actor, progress: Progress = lambda _phase, _done, _total: None
    ) -> LockReport:
        """Go through everything once, and return what was done and found.

        Raises:
            Denied: the actor may not verify.
            Conflict: another process does it just now.
            Stopping: the clock is in doubt, or the run was cancelled. Nothing more was extended.
            OperatorError: the database did not answer.
        """
        require(actor, Permission.VERIFY)
        self.parts.clock()  # by a doubtful clock no lock is judged and none extended
        lease = await try_alone(self.parts.database, "lock keeper")
        if lease is None:
            raise Conflict("another process is going through the locks; look at its result soon")
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="locks")
        try:
            return await self._run(threads, actor, progress)
        finally:
            await asyncio.to_thread(threads.shutdown)
            await lease.release()

    async def newest(self) -> LockReport | None:
        """Return the newest run, whole or not; None where there was none yet."""
        return next(iter(await self._runs(1)), None)

    @property
    def chore(self) -> Chore:
        """The loop: look every minute whether a day has passed since the last whole run."""
        return Chore(name="lock keeper", act=self.daily, every_s=_LOOK_EVERY_S)

    async def daily(self) -> str:
        """Run where it is due; return what an operator should know, or nothing.

        Raises:
            Stopping: the clock is in doubt.
            OperatorError: the database did not answer.
        """
        now = self.parts.clock()
        runs = await self._runs(_LOOKED_AT)
        founded = from_millis(self.archive.created_at)
        whole = next((run.at for run in runs if run.whole), founded)
        rests = self._tried_at is not None and now - self._tried_at < AGAIN_AFTER
        if now - whole >= EVERY and not rests:
            self._tried_at = now
            try:
                return _notice(await self.keep(actor=SYSTEM))
            except Conflict:
                return ""
        return self._failed or (_notice(runs[0]) if runs else "")

    async def _run(
        self, threads: ThreadPoolExecutor, actor: Actor, progress: Progress
    ) -> LockReport:
        sides, missing = await self._sides(threads)
        settling = Settling(archive=self.parts, actor=actor)
        run = LockRun(
            settling=settling,
            sides=sides,
            lanes=Lanes(self.archive.id),
            progress=progress,
            page=self.page,
        )
        tally = settling.tally
        tally.unfinished += missing
        try:
            tally.bucket += await self._bucket(sides)
            await run.go()
        except OperatorError as error:
            self._failed = f"{tally.segments:,} of {tally.total:,} segments compared, then {error}"
            tally.unfinished.append(self._failed)
            with suppress(OperatorError):  # what stopped the run may keep its event out as well
                await self._tell(tally, actor)
            raise
        report = await self._tell(tally, actor)
        self._failed = ""
        return report

    async def _sides(self, threads: ThreadPoolExecutor) -> tuple[list[Side], list[str]]:
        make = partial(Side, threads=threads, sleep=self.sleep)
        sides = [make(name=FIRST, store=self.store)]
        if self.second is None:
            return sides, []
        try:
            second = await asyncio.to_thread(self.second)
            copied = await asyncio.to_thread(self._copied, second)
        except OperatorError as error:
            return sides, [f"{SECOND}: not compared: {error}"]
        return [*sides, make(name=SECOND, store=second, copied=copied)], []

    def _copied(self, second: ObjectStore) -> int:
        """Return how much of the log the second store has: the checkpoint it shows says it."""
        try:
            note = second.get(f"{log_prefix(self.archive.id)}checkpoint")
            return open_checkpoint(note, self.archive.origin, self.verifiers).size
        except (NotFound, IntegrityError):
            return 0

    async def _bucket(self, sides: Sequence[Side]) -> list[str]:
        said = []
        for side in sides:
            if isinstance(side.store, ConfiguresLocks):
                try:
                    faults = await side.call(side.store.lock_faults)
                except OperatorError as error:
                    side.problem = str(error)
                else:
                    said += [f"{side.name}: {fault}" for fault in faults]
        return said

    async def _tell(self, tally: Tally, actor: Actor) -> LockReport:
        at = from_millis(to_millis(self.parts.clock()))
        report = tally.report(at, actor.name)
        self.drift = report.drift
        (_log.info if report.ok else _log.error)("locks.kept", said=report.sentence)
        result = "ok" if report.ok else "integrity" if report.drift else "unfinished"
        await self.parts.trail.record(
            Action.LOCKS_KEPT,
            actor=actor,
            object_type="archive",
            object_id=self.archive.id,
            result=result,
            details=report.details(),
            at=at,
        )
        return report

    async def _runs(self, limit: int) -> list[LockReport]:
        async with self.parts.database.reading() as tx:
            found = await integrity_rows.newest_events(tx, Action.LOCKS_KEPT.value, limit)
        return [report_of(event) for event in found]


def locks_kind(keeping: LockKeeping) -> Kind:
    """Return the kind of job that keeps the locks now."""

    async def run(job: Run) -> Result:
        report = await keeping.keep(actor=job.actor, progress=job.progress)
        job.say(report.sentence)
        for words in (*report.unfinished, *report.bucket):
            job.say(words)
        return report.to_dict()

    return Kind(name=LOCKS, title="Locks and holds", permission=Permission.VERIFY, run=run)


def _notice(report: LockReport) -> str:
    said = [] if report.ok else [report.sentence, *report.unfinished]
    return "; ".join([*said, *report.bucket])
