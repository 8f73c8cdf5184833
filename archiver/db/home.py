"""The figures of the page one lands on: each is one statement, however large the archive is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, func, select

from archiver.db.disposal_tables import batch, plan_draft
from archiver.db.events import EventRow
from archiver.db.holds import ACTIVE
from archiver.db.plan_drafts import OPEN
from archiver.db.tables import (
    a_post,
    event,
    hold,
    hold_record,
    job,
    person,
    record,
    session,
    token,
)
from archiver.db.transaction import Transaction
from archiver.model.batch import BatchState


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessFigures:
    """People invited who never came in, people locked out now, tokens that expire soon."""

    invited: int
    locked: int
    expiring: int


async def own_events(tx: Transaction, actor: str, action: str, limit: int) -> Sequence[EventRow]:
    """Return the newest events of one kind by one actor."""
    rows = await tx.execute(
        select(event)
        .where(event.c.actor == actor, event.c.action == action)
        .order_by(event.c.at.desc())
        .limit(limit)
    )
    return [EventRow(**row) for row in rows.mappings()]


async def count_events(tx: Transaction, *, since: int, but_by: str, most: int) -> int:
    """Return how many events there were from a moment on that are not by `but_by`; `most` at most.

    Counting stops there, so that a long absence costs no more than a short one.
    """
    by_others = select(event.c.record_id).where(event.c.at >= since, event.c.actor != but_by)
    return await _count(tx, by_others.limit(most))


async def count_action(tx: Transaction, action: str, *, since: int) -> int:
    """Return how many events of one kind there were from a moment on."""
    found = await tx.execute(
        select(func.count()).select_from(event).where(event.c.action == action, event.c.at >= since)
    )
    return int(found.scalar_one())


async def previous_sign_in(tx: Transaction, person_id: str, session_id: str) -> int | None:
    """Return when the session before this one of a person began, None where none is known."""
    found = await tx.execute(
        select(session.c.started_at)
        .where(session.c.person_id == person_id, session.c.id < session_id)
        .order_by(session.c.id.desc())
        .limit(1)
    )
    moment: int | None = found.scalar()
    return moment


async def count_jobs(tx: Transaction, state: str, *, since: int) -> int:
    """Return how many jobs made from a moment on are in a state."""
    found = await tx.execute(
        select(func.count()).select_from(job).where(job.c.created_at >= since, job.c.state == state)
    )
    return int(found.scalar_one())


async def access_figures(
    tx: Transaction, *, now: int, expires_before: int, invited: str
) -> AccessFigures:
    """Return the figures on who may come in; `invited` is the state of those invited."""
    people = (
        await tx.execute(
            select(
                func.coalesce(func.sum(case((person.c.state == invited, 1), else_=0)), 0),
                func.coalesce(func.sum(case((person.c.locked_until > now, 1), else_=0)), 0),
            )
        )
    ).one()
    tokens = await tx.execute(
        select(func.count())
        .select_from(token)
        .where(
            token.c.revoked_at.is_(None),
            token.c.expires_at > now,
            token.c.expires_at <= expires_before,
        )
    )
    return AccessFigures(invited=people[0], locked=people[1], expiring=int(tokens.scalar_one()))


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposalFigures:
    """Batches by what they wait for, drafts that are not decided, and the batch to open next.

    `next_batch` is the oldest that a records manager has the next step on, empty without one.
    `held` are due records that holds keep, `most` of them at most.
    """

    to_review: int
    to_approve: int
    to_execute: int
    executing: int
    drafts: int
    held: int
    next_batch: str


@dataclass(frozen=True, slots=True)
class EndCounts:
    """Posts past their end, those ending within a span, those without one."""

    ended: int = 0
    ending: int = 0
    without: int = 0


async def disposal_figures(tx: Transaction, *, now: int, most: int) -> DisposalFigures:
    """Return what a records manager works on.

    Batches and drafts are hundreds; no more than `most` held records are counted.
    """
    found = await tx.execute(select(batch.c.state, func.count()).group_by(batch.c.state))
    states: dict[str, int] = {row[0]: int(row[1]) for row in found}
    waiting = (BatchState.FORMED.value, BatchState.APPROVED.value)
    following = await tx.execute(
        select(batch.c.id).where(batch.c.state.in_(waiting)).order_by(batch.c.id).limit(1)
    )
    drafts = await tx.execute(
        select(func.count()).select_from(plan_draft).where(plan_draft.c.state.in_(OPEN))
    )
    return DisposalFigures(
        to_review=states.get(BatchState.FORMED, 0),
        to_approve=states.get(BatchState.REVIEWED, 0),
        to_execute=states.get(BatchState.APPROVED, 0),
        executing=states.get(BatchState.EXECUTING, 0),
        drafts=int(drafts.scalar_one()),
        held=await _held_due(tx, now, most),
        next_batch=following.scalar() or "",
    )


async def _held_due(tx: Transaction, now: int, most: int) -> int:
    """Return how many due records holds keep, `most` at most.

    The fewer are gone through: what is due where that is little, else what is held.
    """
    due = select(record.c.log_index).where(a_post, record.c.retain_until <= now)
    is_little = await _count(tx, due.limit(most + 1)) <= most
    by_hold = (
        select(hold_record.c.log_index)
        .join(hold, hold.c.id == hold_record.c.hold_id)
        .where(hold.c.state == ACTIVE)
    )
    if is_little:
        of_record = hold_record.c.log_index == record.c.log_index
        return await _count(tx, due.where(by_hold.where(of_record).exists()))
    of_due = (record.c.log_index == hold_record.c.log_index) & (record.c.retain_until <= now)
    return await _count(tx, by_hold.join(record, of_due).where(a_post).distinct().limit(most))


async def _count(tx: Transaction, found: Select[Any]) -> int:
    return int((await tx.execute(select(func.count()).select_from(found.subquery()))).scalar_one())


async def count_ends(tx: Transaction, *, first: int, below: int, now: int, until: int) -> EndCounts:
    """Return the posts of a stretch of the log by their ends: past, before `until`, none."""
    end = record.c.retain_until
    row = (
        await tx.execute(
            select(
                func.coalesce(func.sum(case((end <= now, 1), else_=0)), 0),
                func.coalesce(func.sum(case((and_(end > now, end <= until), 1), else_=0)), 0),
                func.coalesce(func.sum(case((end.is_(None), 1), else_=0)), 0),
            ).where(
                record.c.log_index >= first,
                record.c.log_index < below,
                record.c.entry_type == "rec",
            )
        )
    ).one()
    return EndCounts(*map(int, row))
