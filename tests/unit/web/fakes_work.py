# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Jobs, imports and integrity kept in memory, for tests of the face alone."""

import atexit
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from archiver.access.rules import Permission, allowed, allowed_somewhere, require
from archiver.assurance.integrity_judgement import judge
from archiver.assurance.integrity_status import (
    Found,
    IntegrityFacts,
    Signals,
    StorePromise,
    Verification,
)
from archiver.assurance.integrity_view import IntegrityStatus
from archiver.assurance.lock_report import LockReport
from archiver.assurance.proof_bundle import ProofBundle
from archiver.capture.import_request import ImportRequest
from archiver.db.jobs import JobState
from archiver.errors import Conflict, NotFound
from archiver.jobs.imports import ImportHistory, Looked, PastImport, Preview
from archiver.jobs.uploads import Receiving, Upload, Uploads
from archiver.jobs.work import JobFile
from archiver.jobs.work_run import KeptFile
from archiver.jobs.work_views import JobPage, JobView
from archiver.model.actor import Actor
from archiver.model.post import Refusal
from archiver.model.requester import requester_of

AT = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script>"
CONTENT = b'{"ok": true}\n'
KEPT = KeptFile(
    name="verification.json",
    media_type="application/json",
    size=len(CONTENT),
    sha256=sha256(CONTENT).hexdigest(),
)


def a_job(job_id: str, *, state: JobState = JobState.DONE, kind: str = "verification") -> JobView:
    """A job that somebody asked for."""
    under_way = state in {JobState.QUEUED, JobState.RUNNING}
    return JobView(
        id=job_id,
        kind=kind,
        title=kind.capitalize(),
        subject=HOSTILE,
        object_type="archive",
        object_id="",
        state=state,
        phase="Segments",
        done=43,
        total=100,
        requested_by="audrey",
        created_at=AT,
        started_at=AT,
        ended_at=None if under_way else AT,
        estimated_end=AT if under_way else None,
        cancelled_by="omar" if state is JobState.CANCELLED else "",
        lines=((AT, "Segments"),),
        result={"ok": True, "checked": 7, "problems": 0, "read": 3, "captured": 2, "unchanged": 0}
        | {"refused": 1},
        private={"refused": [{"line": 3, "reason": HOSTILE}]} if kind == "import" else {},
        error="The disk is full." if state is JobState.FAILED else "",
        file=None if under_way else KEPT,
        file_until=None if under_way else AT,
        is_mine=True,
        may_cancel=under_way,
        may_start_again=not under_way,
    )


REBUILT = {
    "crowded": "4 posts are more than the 3 that whoosh3 is meant for",
    "analyzer_change": {
        "before": "muniment-1",
        "after": "muniment-2",
        "not_told": "",
        "posts": 100_000,
        "posts_changed": 151,
        "tokens_changed": 2,
        "queries": 8,
        "queries_changed": [
            {
                "query": "saved-search:01K@3",
                "before": 46,
                "after": 194,
                "no_longer_found": 0,
                "newly_found": 148,
                "examples": ["01R"],
            }
        ],
    },
}
WORDS = {"tokens": [{"token": HOSTILE, "lost": 0, "gained": 148, "examples": ["01R"]}]}

_FOLDER = tempfile.TemporaryDirectory(prefix="muniment-fakes-")
atexit.register(_FOLDER.cleanup)


@dataclass
class FakeWork:
    """A job in each state; started ones are kept."""

    jobs: dict[str, JobView] = field(
        default_factory=lambda: {
            **{state.value: a_job(state.value, state=state) for state in JobState},
            "rebuilt": replace(a_job("rebuilt", kind="reindex"), result=REBUILT, private=WORDS),
        }
    )
    asked: list[tuple[float | None, bool]] = field(default_factory=list)

    async def start(
        self,
        kind: str,
        *,
        subject: str,
        object_type: str = "",
        object_id: str = "",
        arguments: Mapping[str, object] | None = None,
        actor: Actor,
    ) -> JobView:
        job = replace(a_job(f"job-{len(self.jobs)}", state=JobState.QUEUED), subject=subject)
        self.jobs[job.id] = job
        return job

    async def start_verification(
        self, *, percent: float | None = None, content: bool = False, actor: Actor
    ) -> JobView:
        require(actor, Permission.VERIFY)
        self.asked.append((percent, content))
        job = a_job(f"job-{len(self.asked)}", state=JobState.QUEUED)
        self.jobs[job.id] = job
        return job

    async def again(self, job_id: str, *, actor: Actor) -> JobView:
        return self._one(job_id)

    async def show(self, job_id: str, *, actor: Actor) -> JobView:
        return self._one(job_id)

    async def list(
        self,
        *,
        kind: str = "",
        state: str = "",
        object_id: str = "",
        mine: bool = False,
        cursor: str = "",
        limit: int = 50,
        actor: Actor,
    ) -> JobPage:
        found = [job for job in self.jobs.values() if state in {"", job.state}]
        return JobPage(
            items=tuple(found[:limit]),
            next_cursor="more" if len(found) > limit else "",
            total=len(found),
            states=Counter(job.state.value for job in self.jobs.values()),
            kinds={"import": "Import", "verification": "Verification"},
            sees_all=allowed(actor, Permission.READ_SETTINGS),
        )

    async def cancel(self, job_id: str, *, actor: Actor) -> JobView:
        job = self._one(job_id)
        if not job.is_under_way:
            raise Conflict("the job has ended: there is nothing to cancel")
        return replace(job, cancelled_by=actor.name)

    async def file(self, job_id: str, *, actor: Actor) -> JobFile:
        if self._one(job_id).file is None:
            raise NotFound("no file")
        path = Path(tempfile.mkdtemp(dir=_FOLDER.name)) / "result"
        path.write_bytes(CONTENT)
        return JobFile(path=path, kept=KEPT)

    def _one(self, job_id: str) -> JobView:
        if job_id not in self.jobs:
            raise NotFound(f"no job {job_id!r}")
        return self.jobs[job_id]


@dataclass
class FakeImports:
    """Takes files of at most a kilobyte and keeps them in a folder of its own."""

    uploads: Uploads = field(
        default_factory=lambda: Uploads(
            Path(tempfile.mkdtemp(dir=_FOLDER.name)) / "uploads",
            most=1024,
            require_room=lambda: None,
        )
    )
    received: list[Upload] = field(default_factory=list)
    started: list[ImportRequest] = field(default_factory=list)
    problem: str = ""

    async def receive(self, name: str, *, size: int, actor: Actor) -> Receiving:
        require(actor, Permission.CAPTURE)
        self.uploads.require_fits(size)
        return self.uploads.receive(f"01KAM0VP10ADS{len(self.received):013d}", name)

    async def finish(self, receiving: Receiving, *, actor: Actor) -> Upload:
        upload = receiving.finish(sent_by=requester_of(actor), at=AT)
        self.received.append(upload)
        return upload

    async def preview(self, upload_id: str, request: ImportRequest, *, actor: Actor) -> Preview:
        require(actor, Permission.CAPTURE)
        upload = self.uploads.get(upload_id, sent_by=requester_of(actor))
        if self.problem:
            return Preview(upload=upload, request=request, problem=self.problem, pointer="zone")
        post = Looked(
            post_id="1",
            platform="x",
            account="@acme",
            author="@acme",
            posted_at=AT,
            text=HOSTILE,
            parts=1,
        )
        refused = (Refusal(line=2, reason=HOSTILE),)
        return Preview(upload=upload, request=request, posts=(post,), refused=refused, more=True)

    async def start(self, upload_id: str, request: ImportRequest, *, actor: Actor) -> JobView:
        require(actor, Permission.CAPTURE)
        request.options()
        self.uploads.get(upload_id, sent_by=requester_of(actor))
        self.started.append(request)
        return a_job("queued", state=JobState.QUEUED, kind="import")

    async def history(self, *, actor: Actor) -> ImportHistory:
        require(actor, Permission.READ_SETTINGS)
        past = PastImport(
            event_id="E",
            at=AT,
            by="omar",
            source=HOSTILE,
            stopped=False,
            read=3,
            captured=2,
            unchanged=0,
            refused=1,
            job_id="done",
        )
        return ImportHistory(past=(past,), jobs=(a_job("running", state=JobState.RUNNING),))


def a_verification(*, problems: int = 0) -> Verification:
    """A full verification that found so many problems."""
    found = Found(object_key="seg/a/b.seg", record_id="01KAM0RECRD000000000000001", what=HOSTILE)
    return Verification(
        event_id="E",
        at=AT,
        by="audrey",
        extent="full",
        percent="",
        level="A",
        checked=90,
        log_size=90,
        problems=problems,
        found=(found,) * problems,
        not_checked="level B",
        seconds=1.5,
    )


def some_signals(store: StorePromise = StorePromise.AUDIT_TRAIL) -> Signals:
    """What a process without peers knows."""
    return Signals(store=store, store_words="in words", indexed=100, timestamp_problems={})


@dataclass
class FakeIntegrity:
    """An archive whose last full verification found `problems`, and whose locks drifted or not."""

    problems: int = 0
    locks: LockReport | None = None

    async def status(self, actor: Actor) -> IntegrityStatus:
        require(actor, Permission.READ_LOG)
        facts = IntegrityFacts(
            as_of=AT,
            log_size=100,
            size=98,
            root=b"\xab" * 32,
            checkpoint_at=AT,
            verifications=(a_verification(problems=self.problems),),
            verifying=(),
            timestamps=(),
            contradictions=0,
            damaged=0,
            signals=some_signals(),
            drifted=self.locks.drift if self.locks else 0,
            locks=self.locks,
        )
        return IntegrityStatus(judgement=judge(facts), facts=facts)


@dataclass
class FakeProofs:
    """A bundle that says since when."""

    async def make(self, *, since: int = 0, actor: Actor) -> ProofBundle:
        require(actor, Permission.READ_LOG)
        return ProofBundle(name="proof-98.zip", content=f"since {since}".encode())


@dataclass
class FakeSample:
    """Offers the sample company to whoever may capture, and loads it by no job."""

    async def is_offered(self, *, actor: Actor) -> bool:
        return allowed_somewhere(actor, Permission.CAPTURE)

    async def start(self, *, actor: Actor) -> JobView:
        require(actor, Permission.CAPTURE)
        raise Conflict("the archive holds posts already")
