"""Requests for a second person. Moments are milliseconds since 1970 UTC."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from archiver.db.tables import approval
from archiver.db.transaction import Connection, Transaction
from archiver.errors import NotFound

PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """One request and its outcome. `requester_id` is a person's id, or how else they came."""

    id: str
    act: str
    object_type: str
    object_id: str
    reason: str
    state: str
    requested_by: str
    requester_id: str
    requested_at: int
    decided_by: str | None = None
    decided_at: int | None = None


async def add(tx: Transaction, row: ApprovalRow) -> None:
    """Insert a new request."""
    values = {name: getattr(row, name) for name in ApprovalRow.__dataclass_fields__}
    await tx.execute(insert(approval).values(values))


def ensure(connection: Connection, row: ApprovalRow) -> None:
    """Insert a request that an event states, unless it is there."""
    known = select(approval.c.id).where(approval.c.id == row.id)
    if connection.execute(known).first() is None:
        values = {name: getattr(row, name) for name in ApprovalRow.__dataclass_fields__}
        connection.execute(insert(approval).values(values))


def settle(connection: Connection, approval_id: str, *, state: str, by: str, at: int) -> None:
    """Decide a request as an event states, where it waits."""
    connection.execute(
        update(approval)
        .where(approval.c.id == approval_id, approval.c.state == PENDING)
        .values(state=state, decided_by=by, decided_at=at)
    )


async def get(tx: Transaction, approval_id: str) -> ApprovalRow:
    """Return one request. Raises NotFound."""
    statement = select(approval).where(approval.c.id == approval_id)
    row = (await tx.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no request has the id {approval_id!r}; list the pending ones")
    return ApprovalRow(**row)


async def list_all(tx: Transaction) -> Sequence[ApprovalRow]:
    """Return every request, oldest first."""
    rows = await tx.execute(select(approval).order_by(approval.c.id))
    return [ApprovalRow(**row) for row in rows.mappings()]


async def list_pending(tx: Transaction) -> Sequence[ApprovalRow]:
    """Return the requests that wait, oldest first."""
    rows = await tx.execute(
        select(approval).where(approval.c.state == PENDING).order_by(approval.c.id)
    )
    return [ApprovalRow(**row) for row in rows.mappings()]


async def list_about(tx: Transaction, object_type: str, object_id: str) -> Sequence[ApprovalRow]:
    """Return the requests about one object, newest first."""
    rows = await tx.execute(
        select(approval)
        .where(approval.c.object_type == object_type, approval.c.object_id == object_id)
        .order_by(approval.c.id.desc())
    )
    return [ApprovalRow(**row) for row in rows.mappings()]


async def decide(tx: Transaction, approval_id: str, *, state: str, by: str, at: int) -> bool:
    """Decide a request that waits; False where somebody was faster."""
    done = await tx.execute(
        update(approval)
        .where(approval.c.id == approval_id, approval.c.state == PENDING)
        .values(state=state, decided_by=by, decided_at=at)
    )
    return done.rowcount == 1
