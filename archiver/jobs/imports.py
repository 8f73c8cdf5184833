"""Importing a file that was sent: a look at it first, then a job, and the history of all imports.

What was looked at is exactly what is imported: the same file, read by the same importer.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.capture.import_request import ImportRequest, import_executor, worker_count
from archiver.capture.importers import AUTO, Chunk, arrivals, chunks, detect
from archiver.capture.importing import Importing, ImportReport
from archiver.clock import Clock, from_millis, rfc3339
from archiver.csv_rows import csv_lines
from archiver.db import integrity as rows
from archiver.db.events import EventRow
from archiver.db.transaction import Database
from archiver.errors import InvalidInput
from archiver.ids import Ulids
from archiver.jobs.loops import Chore, Loops
from archiver.jobs.uploads import Receiving, Upload, Uploads
from archiver.jobs.work import FILES_KEPT, Kind, Result, Work
from archiver.jobs.work_run import Run
from archiver.jobs.work_views import JobView
from archiver.jobs.worm_probing import WormProbing
from archiver.model.actor import Actor
from archiver.model.post import Arrival, Refusal
from archiver.model.requester import requester_of

KIND = "import"
LOOKED_AT = 20
"""Posts and refusals shown before an import."""

_SHOWN_REFUSALS = 50
_HISTORY = 200
_EXCERPT = 200
_SWEEP_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One post as it would be imported; times are None where the file says none."""

    post_id: str
    platform: str
    account: str
    author: str
    posted_at: datetime | None
    text: str
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The first posts of a file and what is refused among them; `more` says that there is more.

    `problem` says why nothing could be read at all, and `pointer` which choice is to blame.
    """

    upload: Upload
    request: ImportRequest
    posts: tuple[Looked, ...] = ()
    refused: tuple[Refusal, ...] = ()
    more: bool = False
    problem: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastImport:
    """One import that ended, as its event tells it. `job_id` is empty for the command line."""

    event_id: str
    at: datetime
    by: str
    source: str
    stopped: bool
    read: int
    captured: int
    unchanged: int
    refused: int
    job_id: str

    def to_dict(self) -> dict[str, object]:
        """Return the import for JSON."""
        return {
            "event": self.event_id,
            "at": rfc3339(self.at),
            "by": self.by,
            "source": self.source,
            "stopped": self.stopped,
            "read": self.read,
            "captured": self.captured,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "job": self.job_id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportHistory:
    """The newest imports, newest first, and the jobs of imports that have not ended well."""

    past: tuple[PastImport, ...]
    jobs: tuple[JobView, ...]


class Imports:
    """The use cases of importing sent files."""

    def __init__(
        self,
        *,
        uploads: Uploads,
        importing: Importing,
        work: Work,
        worm: WormProbing,
        loops: Loops,
        database: Database,
        clock: Clock,
        ulids: Ulids,
    ) -> None:
        self._uploads = uploads
        self._importing = importing
        self._work = work
        self._worm = worm
        self._loops = loops
        self._database = database
        self._clock = clock
        self._ulids = ulids

    @property
    def kind(self) -> Kind:
        """The job: what it refused is in its file, which is for who sent the posts."""
        return Kind(
            name=KIND,
            title="Import",
            permission=Permission.CAPTURE,
            run=self._run,
            holds_content=True,
        )

    @property
    def chore(self) -> Chore:
        """What is to be done in the background: forget files that were sent a week ago."""
        return Chore(name="uploads", act=self.sweep, every_s=_SWEEP_S)

    async def receive(self, name: str, *, size: int, actor: Actor) -> Receiving:
        """Begin to take a file of about `size` bytes, of which the sender speaks.

        Raises:
            Denied: the actor may not capture.
            InvalidInput: it has no name.
            TooLarge: it says it is larger than files may be.
            StorageUnavailable: there is no room.
        """
        require(actor, Permission.CAPTURE)
        self._uploads.require_fits(size)
        upload_id = self._ulids.one(self._clock())
        return await asyncio.to_thread(self._uploads.receive, upload_id, name)

    async def finish(self, receiving: Receiving, *, actor: Actor) -> Upload:
        """Return a file, now that all of it is here. Raises as `Receiving.finish`."""
        return await asyncio.to_thread(
            lambda: receiving.finish(sent_by=requester_of(actor), at=self._clock())
        )

    async def preview(self, upload_id: str, request: ImportRequest, *, actor: Actor) -> Preview:
        """Read the beginning of a sent file as an import would; nothing is stored.

        Raises:
            Denied: the actor may not capture.
            NotFound: no such file, or not the actor's.
        """
        require(actor, Permission.CAPTURE)
        upload = self._uploads.get(upload_id, sent_by=requester_of(actor))
        try:
            return await asyncio.to_thread(_look, upload, request)
        except InvalidInput as error:
            return Preview(
                upload=upload, request=request, problem=str(error), pointer=error.pointer or ""
            )

    async def start(self, upload_id: str, request: ImportRequest, *, actor: Actor) -> JobView:
        """Queue the import of a sent file.

        Raises:
            Denied, NotFound: as `preview`.
            InvalidInput: the request asks for a format, field or zone that there is not.
            Conflict: as `Work.start`.
        """
        require(actor, Permission.CAPTURE)
        request.options()
        upload = self._uploads.get(upload_id, sent_by=requester_of(actor))
        return await self._work.start(
            KIND,
            subject=upload.name,
            object_type="upload",
            object_id=upload.id,
            arguments={"upload": upload.id, **request.to_dict()},
            actor=actor,
        )

    async def history(self, *, actor: Actor) -> ImportHistory:
        """Return the newest imports, by whichever face, and the jobs that did not end well.

        Raises:
            Denied: the actor may not read the settings, which is who sees everybody's jobs.
        """
        require(actor, Permission.READ_SETTINGS)
        async with self._database.reading() as tx:
            events = await rows.newest_events(tx, Action.IMPORT_FINISHED.value, _HISTORY)
        jobs = await self._work.list(kind=KIND, limit=_HISTORY, actor=actor)
        past = tuple(_past(event) for event in events)
        told = {each.job_id for each in past}
        return ImportHistory(past=past, jobs=tuple(job for job in jobs.items if job.id not in told))

    async def sweep(self) -> str:
        """Delete the files that were sent longer ago than the files of jobs are kept."""
        old = await asyncio.to_thread(self._uploads.older_than, self._clock() - FILES_KEPT)
        for upload_id in old:
            await asyncio.to_thread(self._uploads.remove, upload_id)
        return ""

    async def _run(self, run: Run) -> Result:
        upload = self._uploads.get(str(run.arguments["upload"]), sent_by=requester_of(run.actor))
        request = ImportRequest.from_dict(run.arguments)
        await self._worm.require_for_capture()
        workers = worker_count(None, [upload.path])
        with import_executor(workers) as executor:
            report = await self._importing.run(
                _chunks(upload, request),
                source=upload.name,
                actor=run.actor,
                executor=executor,
                workers=max(1, workers),
                progress=lambda report: run.progress("Reading and storing posts", report.read),
                job_id=run.id,
            )
        await self._loops.catch_up(
            lambda done, total: run.progress("Sealing and indexing", done, total)
        )
        run.say(f"{report.captured:,} captured, {report.unchanged:,} stored before")
        if report.refused:
            await asyncio.to_thread(_keep_refusals, run, upload, report)
        return _told(report)


def _past(event: EventRow) -> PastImport:
    told = json.loads(event.details)
    return PastImport(
        event_id=event.record_id,
        at=from_millis(event.at),
        by=event.actor,
        source=event.object_id,
        stopped=event.result != "ok",
        read=int(told.get("read", 0)),
        captured=int(told.get("captured", 0)),
        unchanged=int(told.get("unchanged", 0)),
        refused=int(told.get("refused", 0)),
        job_id=str(told.get("job", "")),
    )


def _chunks(upload: Upload, request: ImportRequest) -> Iterator[Chunk]:
    """Cut a sent file; what came from it says the name it was sent under, not the one on disk."""
    for chunk in chunks(request.format, [upload.path], request.options()):
        inside = chunk.source.removeprefix(upload.path.name)
        yield replace(chunk, source=upload.name + inside)


def _look(upload: Upload, request: ImportRequest) -> Preview:
    posts: list[Looked] = []
    refused: list[Refusal] = []
    found = request.format if request.format != AUTO else detect(upload.path)
    settled = replace(request, format=found)
    items = (item for chunk in _chunks(upload, settled) for item in arrivals(chunk))
    for item in islice(items, LOOKED_AT):
        if isinstance(item, Refusal):
            refused.append(item)
        else:
            posts.append(_looked(item))
    more = next(items, None) is not None
    return Preview(
        upload=upload,
        request=settled,
        posts=tuple(posts),
        refused=tuple(refused),
        more=more,
    )


def _looked(item: Arrival) -> Looked:
    post = item.post
    return Looked(
        post_id=post.post_id,
        platform=post.platform,
        account=post.account,
        author=post.author.handle or post.author.name or post.author.id,
        posted_at=post.posted_at,
        text=post.text[:_EXCERPT],
        parts=len(item.parts),
    )


def _told(report: ImportReport) -> Result:
    return {
        "read": report.read,
        "captured": report.captured,
        "unchanged": report.unchanged,
        "refused": len(report.refused),
        "private": {
            "refused": [
                {"line": each.line, "reason": each.reason}
                for each in report.refused[:_SHOWN_REFUSALS]
            ]
        },
    }


def _keep_refusals(run: Run, upload: Upload, report: ImportReport) -> None:
    with run.result_path.open("wb") as file:
        refused = ((each.line, each.reason) for each in report.refused)
        file.writelines(csv_lines(("line", "reason"), refused))
    run.keep(f"{upload.name}-refused.csv", "text/csv; charset=utf-8")
