"""The loop that runs jobs, one in each process, two jobs at a time.

A job is claimed by compare-and-swap, so that two processes never run one. While it runs, this
process says so every few seconds; a job whose process fell silent ends as failed, "interrupted",
and is never lost in silence nor begun again by itself: what made a process die may do so again.
"""

import asyncio
import json
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from archiver.clock import Clock, to_millis
from archiver.db import disposed as disposed_rows
from archiver.db import jobs as rows
from archiver.db.jobs import Beat, JobRow, JobState
from archiver.db.transaction import Database
from archiver.errors import (
    ArchiverError,
    ConfigurationError,
    EvidenceError,
    NotFound,
    OperatorError,
)
from archiver.jobs.loops import Chore
from archiver.jobs.work import Kind, oldest_kept
from archiver.jobs.work_run import Halt, Run, WorkFiles
from archiver.model.requester import actor_of

AT_ONCE = 2
LOST_AFTER = timedelta(seconds=30)
"""A process that said nothing for so long is taken for dead."""

FILES_OF_JOBS = "files of jobs"
"""The loop that deletes files of jobs which are over."""

INTERRUPTED = "The process that ran this job ended before the job did. Start it again."
_UNFORESEEN = "Something nobody foresaw went wrong. Give the operator the id of this job."
_MISCONFIGURED = "The installation is misconfigured. Give the operator the id of this job."
_NOT_AS_PROMISED = (
    "Something stored is not what was promised. Give the operator the id of this job, and verify "
    "the archive."
)

_BEAT_S = 1.0
_SILENCE_BEATS = 5  # nothing new to tell: say so every fifth time only
_IDLE_S = 4.0
_GRACE_S = 6.0  # for work that is told to stop; the server has ten seconds to end
_SWEEP_S = 3600.0

_log = structlog.get_logger("muniment.work")


@dataclass(frozen=True, slots=True)
class _Started:
    run: Run
    task: "asyncio.Task[None]"


class Runner:
    """Runs the jobs of `kinds`. `name` is this process's among all that ever ran jobs."""

    def __init__(
        self,
        *,
        name: str,
        database: Database,
        kinds: Mapping[str, Kind],
        clock: Clock,
        files: WorkFiles,
    ) -> None:
        self._name = name
        self._database = database
        self._kinds = kinds
        self._clock = clock
        self._files = files
        self._news = asyncio.Event()
        self._running: dict[str, _Started] = {}

    @property
    def chores(self) -> tuple[Chore, ...]:
        """What is to be done in the background: run jobs, and delete the files of old ones."""
        return (
            Chore(name="jobs", act=self.act, every_s=0.05),
            Chore(name=FILES_OF_JOBS, act=self.sweep, every_s=_SWEEP_S),
        )

    def notify(self) -> None:
        """Tell the loop that there is a job."""
        self._news.set()

    async def act(self) -> str:
        """Run what waits until nothing does; then wait a few seconds for news.

        When cancelled, running jobs are told to stop and end as interrupted before this returns.
        """
        try:
            while await self._begin():
                ended = [each.task for each in self._running.values()]
                news = asyncio.create_task(self._news.wait())
                await asyncio.wait(
                    [*ended, news], timeout=_IDLE_S, return_when=asyncio.FIRST_COMPLETED
                )
                news.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_S):
                    await self._news.wait()
        except asyncio.CancelledError:
            await self._stop()
            raise
        return ""

    async def work_off(self) -> None:
        """Run all that waits, and return when it has ended."""
        while await self._begin():
            await asyncio.wait([each.task for each in self._running.values()])

    async def sweep(self) -> str:
        """Delete the folders of jobs that are over.

        Those that ended more than seven days ago, that nobody knows, those that hold a destroyed
        record, and those with content of nobody knows which records, read before a disposal.
        """
        found = await asyncio.to_thread(self._files.all)
        since = oldest_kept(self._clock())
        with_content = [kind.name for kind in self._kinds.values() if kind.holds_content]
        async with self._database.reading() as tx:
            kept = await rows.kept(tx, found, ended_since=since, with_content=with_content)
            done = await rows.done(tx, set(found) - kept, ended_since=since)
        for job_id in set(found) - kept:
            if not await self._holds_nothing_destroyed(job_id, done.get(job_id, "")):
                await asyncio.to_thread(self._files.remove, job_id)
        return ""

    async def _holds_nothing_destroyed(self, job_id: str, kind_name: str) -> bool:
        """Return whether it is known which records stand in a job's file, and all of them stay."""
        kind = self._kinds.get(kind_name)
        if kind is None or kind.records_in is None:
            return False
        with suppress(NotFound):
            ids = await asyncio.to_thread(kind.records_in, self._files.result(job_id))
            async with self._database.reading() as tx:
                return bool(ids) and not await disposed_rows.any_destroyed(tx, ids)
        return False

    async def _begin(self) -> bool:
        """Claim and start what waits, as far as there are places; False where nothing runs."""
        self._news.clear()
        self._running = {
            job_id: each for job_id, each in self._running.items() if not each.task.done()
        }
        now = self._clock()
        async with self._database.transaction() as tx:
            await rows.fail_lost(
                tx,
                silent_since=to_millis(now - LOST_AFTER),
                now=to_millis(now),
                error=INTERRUPTED,
                but=list(self._running),  # this process slept, or the clock was set: they go on
            )
            free = AT_ONCE - len(self._running)
            waiting = await rows.queued(tx, list(self._kinds), free) if free else ()
            claimed = [
                row
                for row in waiting
                if await rows.claim(tx, row.id, runner=self._name, now=to_millis(now))
            ]
        for row in claimed:
            self._start(row)
        return bool(self._running)

    def _start(self, row: JobRow) -> None:
        run = Run(
            job_id=row.id,
            arguments=json.loads(row.arguments),
            actor=actor_of(row.requester),
            clock=self._clock,
            files=self._files,
        )
        task = asyncio.create_task(self._do(self._kinds[row.kind], run), name=f"job {row.id}")
        self._running[row.id] = _Started(run, task)

    async def _do(self, kind: Kind, run: Run) -> None:
        beats = asyncio.create_task(self._beat(run))
        work = asyncio.ensure_future(kind.run(run))
        stopper = asyncio.create_task(_stop_when_told(run, work))
        try:
            state, result, error = await _outcome(run, work)
        finally:
            for each in (beats, stopper, work):
                each.cancel()
        if run.file is not None:
            result = {**result, "file": run.file.to_dict()}
        try:
            async with self._database.transaction() as tx:
                await rows.beat(
                    tx, run.id, runner=self._name, now=to_millis(self._clock()), at=run.beat()
                )
                await rows.finish(
                    tx,
                    run.id,
                    runner=self._name,
                    now=to_millis(self._clock()),
                    state=state,
                    result=json.dumps(result, ensure_ascii=False),
                    error=error,
                )
        except OperatorError as failure:  # its silence will end it as interrupted
            _log.warning("job.end_not_written", job=run.id, error=str(failure))

    async def _beat(self, run: Run) -> None:
        told: Beat | None = None
        silent = 0
        while True:
            at = run.beat()
            silent += 1
            if at != told or silent >= _SILENCE_BEATS:
                with suppress(OperatorError):  # it is tried again in a second
                    if why := await self._say(run, at):
                        run.stop(why)
                    told, silent = at, 0
            await asyncio.sleep(_BEAT_S)

    async def _say(self, run: Run, at: Beat) -> Halt | None:
        async with self._database.transaction() as tx:
            halt_by = await rows.beat(
                tx, run.id, runner=self._name, now=to_millis(self._clock()), at=at
            )
        if halt_by is None:
            return Halt.LOST
        return Halt.CANCELLED if halt_by else None

    async def _stop(self) -> None:
        for each in self._running.values():
            each.run.stop(Halt.STOPPING)
        tasks = [each.task for each in self._running.values()]
        if tasks:
            await asyncio.wait(tasks)
        self._running = {}


async def _stop_when_told(run: Run, work: "asyncio.Future[Mapping[str, object]]") -> None:
    """Cancel work that was told to stop and has not."""
    await run.told.wait()
    await asyncio.sleep(_GRACE_S)
    work.cancel()


async def _outcome(
    run: Run, work: "asyncio.Future[Mapping[str, object]]"
) -> tuple[JobState, Mapping[str, object], str]:
    """Return how the work ended: its state, its result, and the error in words for people."""
    await asyncio.wait([work])
    error = asyncio.CancelledError() if work.cancelled() else work.exception()
    if error is None:
        return JobState.DONE, work.result(), ""
    if run.halt is Halt.CANCELLED:
        return JobState.CANCELLED, {}, ""
    if run.halt is not None:
        return JobState.FAILED, {}, INTERRUPTED
    return JobState.FAILED, {}, _words(run, error)


def _words(run: Run, error: BaseException) -> str:
    # As for a request: what can name hosts and files is for the operator's log.
    hidden = {ConfigurationError: _MISCONFIGURED, EvidenceError: _NOT_AS_PROMISED}
    for family, words in hidden.items():
        if isinstance(error, family):
            _log.error("job.failed", job=run.id, error=str(error))
            return words
    if isinstance(error, ArchiverError):
        return str(error)
    _log.error("job.failed", job=run.id, trace="".join(traceback.format_exception(error)))
    return _UNFORESEEN
