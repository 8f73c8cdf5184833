"""Importing files: read, sealed in worker processes, gathered per lane, stored once.

The path of bytes: `importers.chunks` cuts raw items here; a worker process decodes, normalises and
seals a chunk (`prepare_chunk`); this process looks up which posts are known, gathers the rest per
lane within a memory bound, and writes segments of thousands of records. History spread over many
expiry months thus does not shatter into tiny segments. Running an import again is how it is
resumed: what is stored is found by its content and counted as unchanged.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.capture.importers import Chunk, arrivals
from archiver.capture.ingest import Ingest
from archiver.capture.preparation import Identified, identify, prepare_all
from archiver.clock import Clock
from archiver.db import records as record_rows
from archiver.db.transaction import Database
from archiver.errors import ArchiverError, OperatorError
from archiver.ids import Ulids
from archiver.model.actor import Actor
from archiver.model.post import Arrival, Refusal
from archiver.preserve.filing import FilePlan
from archiver.preserve.lanes import Lane
from archiver.preserve.plan_versions import Refresh
from archiver.preserve.sealing import SECRET_BYTES, Sealed
from archiver.preserve.writer import Writer

SEGMENT_RECORDS = 2048
SEGMENT_BYTES = 4 * 1024 * 1024
GATHERED_BYTES = 16 * 1024 * 1024
"""Bytes gathered over all lanes before the fullest lane is written."""

_AHEAD = 4  # chunks a worker may be ahead, per worker: bounds memory
_SENDER = "import"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a worker made of a chunk: sealed records, posts with large parts, and refusals."""

    sealed: tuple[Sealed, ...]
    large: tuple[Arrival, ...]
    refused: tuple[Refusal, ...]
    read: int


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker process needs to know to seal records."""

    archive_id: str
    plan: FilePlan
    inline_limit: int


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What an import did; `to_dict` is the JSON of DESIGN section 11."""

    read: int = 0
    captured: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """Return `{"read", "captured", "unchanged", "refused": [{"line", "reason"}]}`."""
        return {
            "read": self.read,
            "captured": self.captured,
            "unchanged": self.unchanged,
            "refused": [{"line": each.line, "reason": each.reason} for each in self.refused],
        }


Progress = Callable[[ImportReport], None]


def prepare_chunk(worker: Worker, chunk: Chunk, captured_at: datetime) -> Prepared:
    """Decode, normalise and seal one chunk. Pure but for randomness; runs in a worker process."""
    sealable: list[Identified] = []
    large: list[Arrival] = []
    refused: list[Refusal] = []
    items = arrivals(chunk)
    for item in items:
        if isinstance(item, Refusal):
            refused.append(item)
        elif any(len(part.content) > worker.inline_limit for part in item.parts):
            large.append(item)
        else:
            sealable.append(identify(item, _SENDER))
    sealed = prepare_all(
        sealable,
        worker.plan,
        archive_id=worker.archive_id,
        record_ids=Ulids(os.urandom).take(len(sealable), captured_at),
        captured_at=captured_at,
        secrets=os.urandom(SECRET_BYTES * len(sealable)),
    )
    return Prepared(tuple(sealed), tuple(large), tuple(refused), len(items))


class Importing:
    """The import use case."""

    def __init__(
        self,
        *,
        worker: Worker,
        writer: Writer,
        ingest: Ingest,
        database: Database,
        trail: Trail,
        clock: Clock,
        following: Callable[[], AbstractAsyncContextManager[None]],
        refresh_plan: Refresh,
    ) -> None:
        self._refresh_plan = refresh_plan
        self._following = following
        self._worker = worker
        self._writer = writer
        self._ingest = ingest
        self._database = database
        self._trail = trail
        self._clock = clock

    async def run(
        self,
        chunks: Iterator[Chunk],
        *,
        source: str,
        actor: Actor,
        executor: Executor,
        workers: int,
        progress: Progress = lambda _report: None,
        job_id: str = "",
    ) -> ImportReport:
        """Import every chunk; return exact counts and each refused line with its reason.

        That it ended is an event, also where it was stopped after it had captured something;
        `job_id` names the job it ran as.

        Raises:
            InvalidInput: the file could not be read further; what was read is kept.
            OperatorError: a component did not answer. Run it again: nothing is stored twice.
        """
        require(actor, Permission.CAPTURE)
        report = ImportReport()
        note = partial(self._note, source=source, actor=actor, report=report, job_id=job_id)
        try:
            async with self._following():
                await self._read(chunks, report, actor, executor, workers, progress)
        except ArchiverError:
            if report.captured:
                with suppress(OperatorError):  # what stopped the import is the error to tell
                    await note(result="stopped")
            raise
        await note(result="ok")
        return report

    async def _note(
        self, *, source: str, actor: Actor, report: ImportReport, job_id: str, result: str
    ) -> None:
        counts: dict[str, str | int | bool] = {
            "read": report.read,
            "captured": report.captured,
            "unchanged": report.unchanged,
            "refused": len(report.refused),
        }
        await self._trail.record(
            Action.IMPORT_FINISHED,
            actor=actor,
            object_type="import",
            object_id=source,
            result=result,
            details=counts | ({"job": job_id} if job_id else {}),
        )

    async def _read(  # noqa: PLR0917 - the arguments of `run`
        self,
        chunks: Iterator[Chunk],
        report: ImportReport,
        actor: Actor,
        executor: Executor,
        workers: int,
        progress: Progress,
    ) -> None:
        lanes = _Lanes(self._writer)
        loop = asyncio.get_running_loop()
        under_way: deque[asyncio.Future[Prepared]] = deque()
        try:
            while chunk := await asyncio.to_thread(next, chunks, None):
                await self._refresh_plan()  # the command line has no loop that does it
                now = self._clock()
                under_way.append(
                    loop.run_in_executor(executor, prepare_chunk, self._worker, chunk, now)
                )
                while len(under_way) >= workers * _AHEAD:
                    await self._take(await under_way.popleft(), lanes, report, actor)
                    progress(report)
            while under_way:
                await self._take(await under_way.popleft(), lanes, report, actor)
                progress(report)
        finally:
            # Whatever stopped the reading, what was gathered is kept: it was counted as captured.
            for waiting in under_way:
                waiting.cancel()
            await lanes.flush_all()

    async def _take(
        self, prepared: Prepared, lanes: "_Lanes", report: ImportReport, actor: Actor
    ) -> None:
        report.read += prepared.read
        report.refused.extend(prepared.refused)
        fresh = await self._unknown(prepared.sealed, lanes)
        report.captured += len(fresh)
        report.unchanged += len(prepared.sealed) - len(fresh)
        await lanes.add(fresh)
        if prepared.large:
            for outcome in await self._ingest.submit(prepared.large, actor=actor):
                if outcome.status == "captured":
                    report.captured += 1
                else:
                    report.unchanged += 1

    async def _unknown(self, sealed: Sequence[Sealed], lanes: "_Lanes") -> list[Sealed]:
        """Return the records that are neither stored nor gathered by this import already."""
        keys = [record.content_key for record in sealed if record.content_key]
        stored, _ = await self._database.run(
            lambda connection: record_rows.find_stored(connection, keys, []), writes=False
        )
        fresh = []
        for record in sealed:
            key = record.content_key or b""
            if key not in stored and key not in lanes.keys:
                lanes.keys.add(key)
                fresh.append(record)
        return fresh


class _Lanes:
    """Records gathered per lane until a segment is full or memory is short.

    `keys` are the content keys not yet committed: what is committed is found in the database.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._gathered: dict[Lane, list[Sealed]] = {}
        self._bytes: dict[Lane, int] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self.keys: set[bytes] = set()

    async def add(self, records: Sequence[Sealed]) -> None:
        """Gather records, writing what is full."""
        for record in records:
            lane = record.lane
            self._gathered.setdefault(lane, []).append(record)
            self._bytes[lane] = self._bytes.get(lane, 0) + len(record.frame)
            full = self._bytes[lane] >= SEGMENT_BYTES
            if full or len(self._gathered[lane]) >= SEGMENT_RECORDS:
                await self._write(lane)
        while sum(self._bytes.values()) > GATHERED_BYTES:
            await self._write(max(self._bytes, key=lambda lane: self._bytes[lane]))

    async def flush_all(self) -> None:
        """Write everything gathered and wait for its commit."""
        for lane in list(self._gathered):
            await self._write(lane)
        while self._writing:
            await self._wait()

    async def _write(self, lane: Lane) -> None:
        records = self._gathered.pop(lane)
        del self._bytes[lane]
        while len(self._writing) >= 2:  # noqa: PLR2004 - one is put while the other commits
            await self._wait()
        self._writing.add(asyncio.create_task(self._write_segment(lane, records)))

    async def _write_segment(self, lane: Lane, records: list[Sealed]) -> None:
        await self._writer.write_segment(lane, records)
        self.keys.difference_update(record.content_key or b"" for record in records)

    async def _wait(self) -> None:
        done, self._writing = await asyncio.wait(self._writing, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
