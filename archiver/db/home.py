"""The figures of the page one lands on: each is one statement, however large the archive is."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, select

from archiver.db.events import EventRow
from archiver.db.tables import event, job, person, session, token
from archiver.db.transaction import Transaction


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
    some = (
        select(event.c.record_id)
        .where(event.c.at >= since, event.c.actor != but_by)
        .limit(most)
        .subquery()
    )
    return int((await tx.execute(select(func.count()).select_from(some))).scalar_one())


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
