"""Browser sessions. Only the hash of a secret is stored: a copy of the database opens nothing.

Moments are milliseconds since 1970 UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from archiver.db.people import COLUMNS as PERSON_COLUMNS
from archiver.db.people import ROLE_COLUMNS, PersonRow, grants_of
from archiver.db.tables import person, person_role, session
from archiver.db.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One session. `expires_at` is the absolute end; `seen_at` is at most a minute late."""

    id: str
    sha256: bytes
    person_id: str
    method: str
    started_at: int
    seen_at: int
    expires_at: int
    confirmed_at: int
    ended_at: int | None
    address: str
    agent: str
    glass_until: int | None
    glass_reason: str | None


_COLUMNS = tuple(SessionRow.__dataclass_fields__)


async def add(tx: Transaction, row: SessionRow) -> None:
    """Insert a new session."""
    await tx.execute(insert(session).values({name: getattr(row, name) for name in _COLUMNS}))


async def find_by_hash(tx: Transaction, sha256: bytes) -> tuple[SessionRow, PersonRow] | None:
    """Return a session, ended or not, with its person and their roles; one statement."""
    theirs = [column.label(f"whose_{column.name}") for column in PERSON_COLUMNS]
    rows = (
        (
            await tx.execute(
                select(session, *theirs, *ROLE_COLUMNS)
                .join(person, person.c.id == session.c.person_id)
                .outerjoin(person_role, person_role.c.person_id == person.c.id)
                .where(session.c.sha256 == sha256)
            )
        )
        .mappings()
        .all()
    )
    if not rows:
        return None
    first = rows[0]
    whose = {column.name: first[f"whose_{column.name}"] for column in PERSON_COLUMNS}
    grants = grants_of(
        (row["role"], row["unit"], row["matter"]) for row in rows if row["role"] is not None
    )
    return SessionRow(**{name: first[name] for name in _COLUMNS}), PersonRow(**whose, grants=grants)


async def get(tx: Transaction, session_id: str) -> SessionRow | None:
    """Return one session, or None."""
    row = (await tx.execute(select(session).where(session.c.id == session_id))).mappings().first()
    return None if row is None else SessionRow(**row)


async def list_of(tx: Transaction, person_id: str, *, now: int) -> Sequence[SessionRow]:
    """Return a person's sessions that have neither ended nor expired, newest first."""
    rows = await tx.execute(
        select(session)
        .where(
            session.c.person_id == person_id,
            session.c.ended_at.is_(None),
            session.c.expires_at > now,
        )
        .order_by(session.c.id.desc())
    )
    return [SessionRow(**row) for row in rows.mappings()]


async def change(tx: Transaction, session_id: str, **values: Any) -> None:
    """Set columns of one session that has not ended."""
    await tx.execute(
        update(session)
        .where(session.c.id == session_id, session.c.ended_at.is_(None))
        .values(**values)
    )


async def end_all_of(tx: Transaction, person_id: str, *, at: int, but: str = "") -> None:
    """End a person's sessions, all or `but` one."""
    await tx.execute(
        update(session)
        .where(session.c.person_id == person_id, session.c.ended_at.is_(None), session.c.id != but)
        .values(ended_at=at)
    )


async def end_by_hash(tx: Transaction, sha256: bytes, *, at: int) -> None:
    """End the session with this hash, if there is one."""
    await tx.execute(
        update(session)
        .where(session.c.sha256 == sha256, session.c.ended_at.is_(None))
        .values(ended_at=at)
    )


async def forget_before(tx: Transaction, moment: int) -> None:
    """Delete sessions that expired before a moment: where people were is not kept for long."""
    await tx.execute(delete(session).where(session.c.expires_at < moment))
