"""Long work that people ask for: started, listed, cancelled, its file fetched.

Whoever has a kind of long work declares it as a `Kind` and registers it; `work_runner` runs it, in
whichever process is free. Who may ask for a kind is its permission. Who sees a job: who asked for
it, and whoever may read the settings; but what a job of content made is for who asked alone, for as
long as the permission lasts, so that an operator reads no post through somebody else's file.

What a job did is an event of the work itself (a verification, an import, a bundle); here only
cancelling and the fetching of files are events.
"""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from archiver.access.rules import Permission, allowed, allowed_somewhere, require
from archiver.assurance.integrity_view import VERIFICATION
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.db import jobs as rows
from archiver.db.jobs import UNDER_WAY, JobRow, JobState, Wanted
from archiver.db.transaction import Database
from archiver.errors import Conflict, InvalidInput, NotFound
from archiver.ids import Ulids, ulid_bytes
from archiver.jobs.work_run import KeptFile, Run, WorkFiles
from archiver.jobs.work_views import JobPage, JobView, view_of
from archiver.model.actor import Actor
from archiver.model.requester import actor_text, requester_of

FILES_KEPT = timedelta(days=7)
"""How long the file of a job is kept after its end."""

MOST_PER_PERSON = 20
"""Jobs one person may have under way."""

_MOST_ARGUMENTS = 64 * 1024
_HUNDRED = 100

Result = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of long work.

    `run` does it and returns what it has to tell, as JSON that holds no content, but for what
    stands under `private`: that is told only to who asked. `holds_content` says that the file or an
    error may hold content: then nobody but who asked gets at them, and the next disposal deletes
    the file. `records_in` tells which records stand in a finished one, so that only the disposal of
    one of them does. `in_part` says that
    people limited to a unit or a matter may ask too, and that `run` keeps to their reach. `again`
    says that it can be started again with the same arguments.
    """

    name: str
    title: str
    permission: Permission
    run: Callable[[Run], Awaitable[Result]]
    holds_content: bool = False
    records_in: Callable[[Path], Collection[str]] | None = None
    in_part: bool = False
    again: bool = True

    def is_allowed(self, actor: Actor) -> bool:
        """Return whether the actor may ask for it."""
        able = allowed_somewhere if self.in_part else allowed
        return able(actor, self.permission)

    def require(self, actor: Actor) -> None:
        """Pass if the actor may ask for it. Raises Denied."""
        if not self.is_allowed(actor):
            require(actor, self.permission)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A file to be fetched: where it lies, and what it is."""

    path: Path
    kept: KeptFile


class Work:
    """The use cases of jobs."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        ulids: Ulids,
        trail: Trail,
        files: WorkFiles,
        news: Callable[[], None] = lambda: None,
    ) -> None:
        self.kinds: dict[str, Kind] = {}
        self._database = database
        self._clock = clock
        self._ulids = ulids
        self._trail = trail
        self._files = files
        self.news = news

    def register(self, *kinds: Kind) -> None:
        """Make kinds of work known; each name once."""
        for kind in kinds:
            if kind.name in self.kinds:
                raise ValueError(f"the kind {kind.name!r} is registered already")
            self.kinds[kind.name] = kind

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
        """Queue a job; it begins within about a second of this process having a place free.

        Args:
            kind: a registered kind.
            subject: what it is about, in words; it is shown in lists and holds no content.
            object_type: the kind of what it is about, with `object_id`, to be found from there.
            object_id: its id.
            arguments: what the work needs, as JSON of at most 64 KiB.
            actor: who asks; the work runs with these rights.

        Raises:
            Denied: the actor may not ask for this kind.
            InvalidInput: no such kind, or arguments that are no JSON or too long.
            Conflict: twenty jobs of this actor are under way.
        """
        known = self._kind(kind)
        known.require(actor)
        row = JobRow(
            id=self._ulids.one(self._clock()),
            kind=kind,
            subject=subject,
            object_type=object_type,
            object_id=object_id,
            arguments=_arguments(arguments or {}),
            state=JobState.QUEUED,
            phase="",
            done=0,
            total=None,
            requested_by=actor.name,
            requester_id=requester_of(actor),
            requester=actor_text(actor),
            created_at=to_millis(self._clock()),
        )
        async with self._database.transaction() as tx:
            by_state = await rows.count_by_state(tx, row.requester_id)
            if sum(by_state.get(state, 0) for state in UNDER_WAY) >= MOST_PER_PERSON:
                raise Conflict(
                    f"{MOST_PER_PERSON} jobs of yours are under way; wait for one, or cancel one"
                )
            await rows.add(tx, row)
        self.news()
        return self._view(row, actor)

    async def start_verification(
        self, *, percent: float | None = None, content: bool = False, actor: Actor
    ) -> JobView:
        """Queue a verification of everything, or of `percent` of the records.

        Raises:
            Denied: the actor may not verify.
            InvalidInput: no percentage above 0 and up to 100.
            Conflict: as `start`.
        """
        if percent is not None and not 0 < percent <= _HUNDRED:
            raise InvalidInput(
                f"expected a percentage above 0 and up to 100, found {percent:g}", pointer="percent"
            )
        what = "Every record and the log" if percent is None else f"{percent:g} % of the records"
        return await self.start(
            VERIFICATION,
            subject=f"{what}, contents opened" if content and percent is None else what,
            object_type="archive",
            arguments={"percent": percent, "content": content},
            actor=actor,
        )

    async def again(self, job_id: str, *, actor: Actor) -> JobView:
        """Queue a job like an ended one of the actor's own.

        Raises:
            NotFound: no such job, or not the actor's to see.
            Conflict: it is somebody else's, is under way, or cannot be started again.
            Denied: as `start`.
        """
        row = await self._row(job_id, actor)
        view = self._view(row, actor)
        if not view.may_start_again:
            raise Conflict(
                "this job cannot be started again from here: it is under way, somebody else asked "
                "for it, or what it worked on is no longer kept"
            )
        return await self.start(
            row.kind,
            subject=row.subject,
            object_type=row.object_type,
            object_id=row.object_id,
            arguments=json.loads(row.arguments),
            actor=actor,
        )

    async def show(self, job_id: str, *, actor: Actor) -> JobView:
        """Return one job.

        Raises:
            NotFound: there is none, or it is not the actor's to see.
        """
        return self._view(await self._row(job_id, actor), actor)

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
        """Return the newest jobs: the actor's own, or everybody's for who may read the settings.

        Raises:
            InvalidInput: `state` or `cursor` is none.
        """
        if state and state not in set(JobState):
            raise InvalidInput(
                f"expected a state of {', '.join(JobState)}, found {state[:40]!r}", pointer="state"
            )
        if cursor:
            ulid_bytes(cursor)
        sees_all = allowed(actor, Permission.READ_SETTINGS)
        requester = requester_of(actor) if mine or not sees_all else None
        wanted = Wanted(requester_id=requester, kind=kind, state=state, object_id=object_id)
        async with self._database.reading() as tx:
            found = await rows.page(tx, wanted, before=cursor, limit=limit + 1)
            total = await rows.count(tx, wanted)
            states = await rows.count_by_state(tx, requester)
        return JobPage(
            items=tuple(self._view(row, actor) for row in found[:limit]),
            next_cursor=found[limit - 1].id if len(found) > limit else "",
            total=total,
            states=states,
            kinds={kind.name: kind.title for kind in self.kinds.values()},
            sees_all=sees_all,
        )

    async def cancel(self, job_id: str, *, actor: Actor) -> JobView:
        """Cancel a job: at once while it waits, within seconds while it runs.

        Who asked for it may, and who may operate the archive.

        Raises:
            NotFound: no such job, or not the actor's to see.
            Denied: it is somebody else's.
            Conflict: it has ended.
        """
        row = await self._row(job_id, actor)
        if row.requester_id != requester_of(actor):
            require(actor, Permission.OPERATE)
        async with self._database.transaction() as tx:
            if not await rows.ask_halt(tx, job_id, by=actor.name, now=to_millis(self._clock())):
                raise Conflict("the job has ended: there is nothing to cancel")
            row = await rows.get(tx, job_id)
        await self._trail.record(
            Action.JOB_CANCELLED,
            actor=actor,
            object_type="job",
            object_id=job_id,
            details={"kind": row.kind},
        )
        self.news()
        return self._view(row, actor)

    async def file(self, job_id: str, *, actor: Actor) -> JobFile:
        """Return the file a job left; that it was fetched is an event.

        Raises:
            NotFound: no such job, not the actor's, no file, or not any more.
            Denied: the actor has lost the permission of its kind.
        """
        row = await self._row(job_id, actor)
        view = self._view(row, actor)
        if view.file is None:
            raise NotFound("this job left no file that is yours to fetch, or it is no longer kept")
        kind = self.kinds.get(row.kind)
        if kind is not None and view.is_mine:
            kind.require(actor)
        path = self._files.result(job_id)
        await self._trail.record(
            Action.JOB_FETCHED,
            actor=actor,
            object_type="job",
            object_id=job_id,
            details={"kind": row.kind, "sha256": view.file.sha256},
        )
        return JobFile(path=path, kept=view.file)

    async def _row(self, job_id: str, actor: Actor) -> JobRow:
        async with self._database.reading() as tx:
            row = await rows.get(tx, job_id)
        if row.requester_id != requester_of(actor) and not allowed(actor, Permission.READ_SETTINGS):
            raise NotFound(f"no job {job_id!r}; the list of jobs has those there are")
        return row

    def _view(self, row: JobRow, actor: Actor) -> JobView:
        kind = self.kinds.get(row.kind)
        mine = row.requester_id == requester_of(actor)
        return view_of(
            row,
            title=kind.title if kind else row.kind,
            now=self._clock(),
            is_mine=mine,
            shown=mine or (kind is not None and not kind.holds_content),
            may_cancel=mine or allowed(actor, Permission.OPERATE),
            may_start_again=mine and kind is not None and kind.again and kind.is_allowed(actor),
            files_kept=FILES_KEPT,
        )

    def _kind(self, name: str) -> Kind:
        known = self.kinds.get(name)
        if known is None:
            raise InvalidInput(
                f"expected a kind of {', '.join(sorted(self.kinds))}; found {name[:40]!r}",
                pointer="kind",
            )
        return known


def _arguments(arguments: Mapping[str, object]) -> str:
    text = json.dumps(arguments, ensure_ascii=False)
    if len(text) > _MOST_ARGUMENTS:
        raise InvalidInput(f"expected at most {_MOST_ARGUMENTS} characters of arguments")
    return text


def oldest_kept(now: datetime) -> int:
    """Return the moment, in milliseconds, since which a job must have ended to keep its file."""
    return to_millis(now - FILES_KEPT)
