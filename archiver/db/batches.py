"""Disposal batches: their rows, members, approvals and packages.

Rows are written by the effects of events (`batch_steps`) and derived again from those.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select

from archiver.db.chunks import chunks
from archiver.db.disposal_tables import (
    batch,
    batch_approval,
    batch_package,
    batch_record,
    disposed,
)
from archiver.db.tables import record
from archiver.db.transaction import Transaction
from archiver.errors import NotFound
from archiver.model.batch import BatchState, MemberState

REVIEW = "review"
"""The action of a batch whose schedule asks for a review: what is to become of it is not known."""

REVIEWED = "reviewed"
"""The action of such a batch while a review proposes to destroy what was left in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """One batch. Moments are milliseconds since 1970 UTC; `records` and `bytes` as formed.

    `proposed_by` is empty until somebody reviewed and proposed it; `approvals_needed` is 0 so far.
    """

    id: str
    class_code: str
    schedule_version: int
    action: str
    platform: str
    account: str
    period: str
    state: str
    log_size: int
    records: int
    bytes: int
    method: str = ""
    formed_by: str
    formed_by_id: str
    formed_at: int
    proposed_by: str = ""
    proposed_by_id: str = ""
    proposal: str = ""
    approvals_needed: int = 0
    stated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """One approval in force: by whom, of how many records, why."""

    batch_id: str
    approver_id: str
    approved_by: str
    records: int
    reason: str
    approved_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageRow:
    """What a batch was handed over as; `receiver` is empty until they confirmed its hash.

    `exported_by_id` is a person's id, or how else they came; empty where it was not stated yet.
    """

    batch_id: str
    sha256: bytes
    size: int
    records: int
    exported_by: str
    exported_at: int
    receiver: str = ""
    confirmed_by: str = ""
    confirmed_at: int | None = None
    exported_by_id: str = ""


class Member(NamedTuple):
    """A record of a batch as a list shows it; empty where its row is gone with it."""

    log_index: int
    state: str
    reason: str
    keep_until: int | None
    id: str
    kind: str
    change: str
    posted_at: int | None
    author_handle: str


class Wanted(NamedTuple):
    """Which batches a list has: those in some of the states (None: in any), of a class, an account.

    `approver` leaves out proposed ones that this person formed, proposed or approved already.
    """

    states: tuple[str, ...] | None = None
    class_code: str = ""
    account: str = ""
    approver: str = ""


async def get(tx: Transaction, batch_id: str) -> BatchRow:
    """Return one batch. Raises NotFound."""
    row = (await tx.execute(select(batch).where(batch.c.id == batch_id))).mappings().first()
    if row is None:
        raise no_batch(batch_id)
    return BatchRow(**row)


async def get_many(tx: Transaction, batch_ids: Collection[str]) -> dict[str, BatchRow]:
    """Return these batches by id."""
    rows = (await tx.execute(select(batch).where(batch.c.id.in_(batch_ids)))).mappings()
    return {row["id"]: BatchRow(**row) for row in rows}


def no_batch(batch_id: str) -> NotFound:
    """Return the error that tells that there is no such batch."""
    return NotFound(f"no batch {batch_id!r}; `muniment disposition list` has those there are")


async def page(tx: Transaction, wanted: Wanted, *, before: str, limit: int) -> list[BatchRow]:
    """Return batches, newest first, those with ids below `before`; the newest where it is empty."""
    statement = select(batch).where(*_conditions(wanted)).order_by(batch.c.id.desc()).limit(limit)
    if before:
        statement = statement.where(batch.c.id < before)
    return [BatchRow(**row) for row in (await tx.execute(statement)).mappings()]


async def count_by_state(tx: Transaction, wanted: Wanted) -> dict[str, int]:
    """Return how many such batches there are in each state that any is in."""
    rows = await tx.execute(
        select(batch.c.state, func.count()).where(*_conditions(wanted)).group_by(batch.c.state)
    )
    return {row[0]: int(row[1]) for row in rows}


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.states is not None:
        found.append(batch.c.state.in_(wanted.states))
    if wanted.class_code:
        found.append(batch.c.class_code == wanted.class_code)
    if wanted.account:
        found.append(batch.c.account == wanted.account)
    if wanted.approver:
        theirs = (
            select(batch_approval.c.batch_id)
            .where(
                batch_approval.c.batch_id == batch.c.id,
                batch_approval.c.approver_id == wanted.approver,
            )
            .exists()
        )
        by = (batch.c.proposed_by_id, batch.c.formed_by_id)
        mine = or_(theirs, *(column == wanted.approver for column in by))
        found.append(or_(batch.c.state != BatchState.REVIEWED.value, ~mine))
    return found


async def counts(tx: Transaction, batch_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many records each of these batches has in each state it has any in."""
    found: dict[str, dict[str, int]] = {each: {} for each in batch_ids}
    rows = await tx.execute(
        select(batch_record.c.batch_id, batch_record.c.state, func.count().label("records"))
        .where(batch_record.c.batch_id.in_(batch_ids))
        .group_by(batch_record.c.batch_id, batch_record.c.state)
    )
    for row in rows:
        found[row.batch_id][row.state] = row.records
    return found


async def members(
    tx: Transaction, batch_id: str, *, state: str, after: int, limit: int
) -> list[Member]:
    """Return records of a batch behind a log index, in log order; of one state where it is named.

    The rows of destroyed records are gone: of them only index, id, state and reason are known.
    """
    statement = _members(batch_id).where(batch_record.c.log_index > after).limit(limit)
    if state:
        statement = statement.where(batch_record.c.state == state)
    return [Member(*row) for row in await tx.execute(statement)]


async def members_at(tx: Transaction, batch_id: str, indexes: Sequence[int]) -> list[Member]:
    """Return those records of a batch that stand at these log indexes, in log order."""
    found: list[Member] = []
    for chunk in chunks(indexes):
        rows = await tx.execute(_members(batch_id).where(batch_record.c.log_index.in_(chunk)))
        found.extend(Member(*row) for row in rows)
    return found


def _members(batch_id: str) -> Select[tuple[object, ...]]:
    return (
        select(
            batch_record.c.log_index,
            batch_record.c.state,
            batch_record.c.reason,
            batch_record.c.keep_until,
            func.coalesce(record.c.id, disposed.c.id, ""),
            func.coalesce(record.c.kind, ""),
            func.coalesce(record.c.change, ""),
            record.c.posted_at,
            func.coalesce(record.c.author_handle, ""),
        )
        .outerjoin(record, record.c.log_index == batch_record.c.log_index)
        .outerjoin(disposed, disposed.c.log_index == batch_record.c.log_index)
        .where(batch_record.c.batch_id == batch_id)
        .order_by(batch_record.c.log_index)
    )


async def indexes_in(tx: Transaction, batch_id: str, state: MemberState) -> list[int]:
    """Return the log indexes of the records of a batch in one state, ascending."""
    rows = await tx.execute(
        select(batch_record.c.log_index)
        .where(batch_record.c.batch_id == batch_id, batch_record.c.state == state.value)
        .order_by(batch_record.c.log_index)
    )
    return list(rows.scalars())


async def decided_to_keep(tx: Transaction, *, first: int, last: int, at: int) -> set[int]:
    """Return which records of a stretch of the log a review decided to keep beyond `at`."""
    rows = await tx.execute(
        select(batch_record.c.log_index).where(
            batch_record.c.log_index.between(first, last),
            batch_record.c.state == MemberState.EXCLUDED.value,
            batch_record.c.keep_until > at,
        )
    )
    return set(rows.scalars())


async def approvals(tx: Transaction, batch_ids: Sequence[str]) -> list[ApprovalRow]:
    """Return the approvals in force of these batches, oldest first."""
    rows = await tx.execute(
        select(batch_approval)
        .where(batch_approval.c.batch_id.in_(batch_ids))
        .order_by(batch_approval.c.approved_at, batch_approval.c.approver_id)
    )
    return [ApprovalRow(**row) for row in rows.mappings()]


async def package(tx: Transaction, batch_id: str) -> PackageRow | None:
    """Return what a batch was handed over as, None where nothing was made."""
    statement = select(batch_package).where(batch_package.c.batch_id == batch_id)
    row = (await tx.execute(statement)).mappings().first()
    return None if row is None else PackageRow(**row)
