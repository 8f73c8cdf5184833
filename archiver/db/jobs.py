"""The rows of jobs: long work that people ask for. What a job did is in the log, not here.

Of several processes one runs a job: `claim` is a compare-and-swap, and whoever runs it says every
few seconds that it still does (`beat`). Who stopped saying so is taken for dead (`fail_lost`), and
whatever it still writes finds the row no longer its own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update

from archiver.db.disposal_tables import batch
from archiver.db.tables import job
from archiver.db.transaction import Transaction
from archiver.errors import NotFound
from archiver.model.batch import BatchState


class JobState(StrEnum):
    """Where a job stands. The last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job. Moments are milliseconds since 1970 UTC.

    `arguments`, `requester`, `lines` and `result` are JSON. `runner` names the process that runs
    it, `alive_at` is when that process last said so, `halt_by` who asked to cancel it.
    """

    id: str
    kind: str
    subject: str
    object_type: str
    object_id: str
    arguments: str
    state: str
    phase: str
    done: int
    total: int | None
    requested_by: str
    requester_id: str
    requester: str
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None
    runner: str | None = None
    alive_at: int | None = None
    halt_by: str | None = None
    lines: str = "[]"
    result: str = "{}"
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which jobs to list: empty fields leave open. `requester_id` None means everybody's."""

    requester_id: str | None = None
    kind: str = ""
    state: str = ""
    object_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """How far a job is, as its process says while it runs it."""

    phase: str
    done: int
    total: int | None
    lines: str


_COLUMNS = tuple(JobRow.__dataclass_fields__)
_ALL = select(*(job.c[name] for name in _COLUMNS))


async def add(tx: Transaction, row: JobRow) -> None:
    """Insert a new job."""
    await tx.execute(insert(job).values({name: getattr(row, name) for name in _COLUMNS}))


async def get(tx: Transaction, job_id: str) -> JobRow:
    """Return one job.

    Raises:
        NotFound: there is none.
    """
    row = (await tx.execute(_ALL.where(job.c.id == job_id))).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no job {job_id!r}; the list of jobs has those there are")
    return JobRow(**row)


async def page(tx: Transaction, wanted: Wanted, *, before: str, limit: int) -> Sequence[JobRow]:
    """Return the newest jobs with ids below `before` ("" from the start), newest first."""
    query = _ALL.where(_matching(wanted)).order_by(job.c.id.desc()).limit(limit)
    rows = await tx.execute(query.where(job.c.id < before) if before else query)
    return [JobRow(**row) for row in rows.mappings()]


async def under_way(tx: Transaction, kind: str, limit: int) -> Sequence[JobRow]:
    """Return the jobs of a kind that wait or run, oldest first."""
    wanted = and_(job.c.kind == kind, job.c.state.in_(UNDER_WAY))
    rows = await tx.execute(_ALL.where(wanted).order_by(job.c.id).limit(limit))
    return [JobRow(**row) for row in rows.mappings()]


async def count(tx: Transaction, wanted: Wanted) -> int:
    """Return how many jobs there are."""
    query = select(func.count()).select_from(job).where(_matching(wanted))
    return int((await tx.execute(query)).scalar_one())


async def count_by_state(tx: Transaction, requester_id: str | None = None) -> dict[str, int]:
    """Return how many jobs there are in each state: one requester's, or with None everybody's."""
    query = select(job.c.state, func.count()).group_by(job.c.state)
    if requester_id is not None:
        query = query.where(job.c.requester_id == requester_id)
    return {row[0]: int(row[1]) for row in await tx.execute(query)}


async def queued(tx: Transaction, kinds: Sequence[str], limit: int) -> Sequence[JobRow]:
    """Return the oldest jobs of these kinds that wait."""
    waiting = and_(job.c.state == JobState.QUEUED, job.c.kind.in_(kinds))
    rows = await tx.execute(_ALL.where(waiting).order_by(job.c.id).limit(limit))
    return [JobRow(**row) for row in rows.mappings()]


async def claim(tx: Transaction, job_id: str, *, runner: str, now: int) -> bool:
    """Take a waiting job; False where another process, or its cancelling, was first."""
    values = {"state": JobState.RUNNING, "runner": runner, "started_at": now, "alive_at": now}
    waiting = and_(job.c.id == job_id, job.c.state == JobState.QUEUED)
    return (await tx.execute(update(job).where(waiting).values(values))).rowcount == 1


async def beat(tx: Transaction, job_id: str, *, runner: str, now: int, at: Beat) -> str | None:
    """Say that `runner` still runs the job and how far it is; return who asked to cancel it, or "".

    None where the job is no longer this runner's: it was taken for dead.
    """
    mine = _mine(job_id, runner)
    values = {
        "alive_at": now,
        "phase": at.phase,
        "done": at.done,
        "total": at.total,
        "lines": at.lines,
    }
    if (await tx.execute(update(job).where(mine).values(values))).rowcount == 0:
        return None
    return (await tx.execute(select(job.c.halt_by).where(mine))).scalar() or ""


async def finish(
    tx: Transaction,
    job_id: str,
    *,
    runner: str,
    now: int,
    state: JobState,
    result: str = "{}",
    error: str = "",
) -> bool:
    """End a job this runner runs; False where it is no longer this runner's."""
    values = {"state": state, "ended_at": now, "result": result, "error": error}
    done = await tx.execute(update(job).where(_mine(job_id, runner)).values(values))
    return done.rowcount == 1


async def ask_halt(tx: Transaction, job_id: str, *, by: str, now: int) -> bool:
    """Cancel a waiting job at once, ask a running one to stop; False where it has ended."""
    waiting = and_(job.c.id == job_id, job.c.state == JobState.QUEUED)
    values = {"state": JobState.CANCELLED, "ended_at": now, "halt_by": by}
    if (await tx.execute(update(job).where(waiting).values(values))).rowcount == 1:
        return True
    running = and_(job.c.id == job_id, job.c.state == JobState.RUNNING)
    return (await tx.execute(update(job).where(running).values(halt_by=by))).rowcount == 1


async def fail_lost(
    tx: Transaction, *, silent_since: int, now: int, error: str, but: Collection[str] = ()
) -> int:
    """End the running jobs whose process said nothing since then, `but` these; return how many."""
    lost = and_(
        job.c.state == JobState.RUNNING, job.c.alive_at < silent_since, job.c.id.not_in(but)
    )
    values = {"state": JobState.FAILED, "ended_at": now, "error": error}
    return (await tx.execute(update(job).where(lost).values(values))).rowcount


async def kept(
    tx: Transaction, ids: Sequence[str], *, ended_since: int, with_content: Sequence[str]
) -> set[str]:
    """Return which of these jobs are under way, or ended at that moment or later.

    A job of a kind in `with_content` that began before the newest disposal ended is not kept: what
    was destroyed may stand in its file.
    """
    under_way = job.c.state.in_(UNDER_WAY)
    disposing = select(batch.c.id).where(batch.c.state == BatchState.EXECUTING).exists()
    ended = (
        select(func.coalesce(func.max(batch.c.stated_at), 0))
        .where(batch.c.state == BatchState.DONE)
        .scalar_subquery()
    )
    is_free = or_(job.c.kind.not_in(with_content), and_(~disposing, job.c.started_at > ended))
    needed = or_(under_way, and_(job.c.ended_at >= ended_since, is_free))
    rows = await tx.execute(select(job.c.id).where(job.c.id.in_(ids), needed))
    return {row[0] for row in rows}


async def done(tx: Transaction, ids: Collection[str], *, ended_since: int) -> dict[str, str]:
    """Return the kinds, by id, of those of these jobs that were done at that moment or later."""
    rows = await tx.execute(
        select(job.c.id, job.c.kind).where(
            job.c.id.in_(ids), job.c.state == JobState.DONE, job.c.ended_at >= ended_since
        )
    )
    return {row.id: row.kind for row in rows}


def _mine(job_id: str, runner: str) -> ColumnElement[bool]:
    return and_(job.c.id == job_id, job.c.state == JobState.RUNNING, job.c.runner == runner)


def _matching(wanted: Wanted) -> ColumnElement[bool]:
    asked = {
        job.c.requester_id: wanted.requester_id,
        job.c.kind: wanted.kind or None,
        job.c.state: wanted.state or None,
        job.c.object_id: wanted.object_id or None,
    }
    return and_(job.c.id.is_not(None), *(c == value for c, value in asked.items() if value))
