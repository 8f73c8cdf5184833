"""Disposal batches: their rows, members, approvals and packages.

Rows are written by the effects of events (`archiver.preserve.batch_effects`) and derived again from
those. Each event names in `was` the moment of the one it was made upon: `claim` takes the batch
from there or not at all, so that two people who decide at once never both do, and an event that is
applied again changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Select, case, delete, func, insert, select, update

from archiver.db.disposal_tables import batch, batch_approval, batch_package, batch_record
from archiver.db.tables import record
from archiver.db.transaction import Connection, Row, Transaction, insert_rows
from archiver.errors import NotFound
from archiver.model.batch import OPEN, BatchState, MemberState

REVIEW = "review"
"""The action of a batch whose schedule asks for a review: what is to become of it is not known."""

REVIEWED = "reviewed"
"""The action of such a batch while a review proposes to destroy what was left in it."""

_BATCH = 500  # SQLite allows 32,766 variables; short lists also keep plans cached


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
    """What a batch was handed over as; `receiver` is empty until they confirmed its hash."""

    batch_id: str
    sha256: bytes
    size: int
    records: int
    exported_by: str
    exported_at: int
    receiver: str = ""
    confirmed_by: str = ""
    confirmed_at: int | None = None


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


class Claim(NamedTuple):
    """Which batch an event changes: upon which earlier event, in which states, and when."""

    batch_id: str
    was: int
    at: int
    states: tuple[BatchState, ...]


_COLUMNS = tuple(BatchRow.__dataclass_fields__)
_MEMBER = ("batch_id", "log_index", "state", "reason")


# --- What effects change. ----------------------------------------------------------------------


def insert_formed(connection: Connection, row: BatchRow, indexes: Sequence[int]) -> None:
    """Insert a batch with its members, unless there is one with this id.

    A record that another open batch took in the meantime stands in this one as excluded.
    """
    if connection.execute(select(batch.c.id).where(batch.c.id == row.id)).first() is not None:
        return
    taken = _taken(connection, indexes)
    insert_rows(connection, batch, _COLUMNS, [[getattr(row, name) for name in _COLUMNS]])
    members: list[Row] = [
        (row.id, index, MemberState.EXCLUDED.value, f"it is in batch {taken[index]}")
        if index in taken
        else (row.id, index, MemberState.IN.value, "")
        for index in indexes
    ]
    insert_rows(connection, batch_record, _MEMBER, members)


def _taken(connection: Connection, indexes: Sequence[int], *, but: str = "") -> dict[int, str]:
    """Return the open batch, other than `but`, of those of these log indexes that are in one."""
    if not indexes:
        return {}
    rows = connection.execute(
        select(batch_record.c.log_index, batch_record.c.batch_id)
        .join(batch, batch.c.id == batch_record.c.batch_id)
        .where(
            batch_record.c.log_index.between(min(indexes), max(indexes)),
            batch_record.c.batch_id != but,
            batch.c.state.in_(OPEN),
        )
    )
    return {row.log_index: row.batch_id for row in rows}


def claim(connection: Connection, claimed: Claim) -> bool:
    """Take a batch from the event a change was made upon to that change; False: it moved on."""
    done = connection.execute(
        update(batch)
        .where(
            batch.c.id == claimed.batch_id,
            batch.c.stated_at == claimed.was,
            batch.c.state.in_(claimed.states),
        )
        .values(stated_at=claimed.at)
    )
    return done.rowcount == 1


def set_state(connection: Connection, batch_id: str, state: BatchState) -> None:
    """Set the state of a batch that was claimed."""
    connection.execute(update(batch).where(batch.c.id == batch_id).values(state=state.value))


def exclude(
    connection: Connection,
    batch_id: str,
    indexes: Sequence[int],
    *,
    reason: str,
    keep_until: int | None,
) -> None:
    """Leave records out of a batch; whatever was proposed or approved is so no more."""
    values = {"state": MemberState.EXCLUDED.value, "reason": reason, "keep_until": keep_until}
    _set_members(connection, batch_id, indexes, MemberState.IN, values)
    _unpropose(connection, batch_id)


def include(connection: Connection, batch_id: str, indexes: Sequence[int]) -> None:
    """Put excluded records back; whatever was proposed or approved is so no more.

    Those that are in another open batch stay excluded.
    """
    taken = _taken(connection, indexes, but=batch_id)
    back = [index for index in indexes if index not in taken]
    values = {"state": MemberState.IN.value, "reason": "", "keep_until": None}
    _set_members(connection, batch_id, back, MemberState.EXCLUDED, values)
    _unpropose(connection, batch_id)


def _set_members(
    connection: Connection,
    batch_id: str,
    indexes: Sequence[int],
    now: MemberState,
    values: Mapping[str, object],
) -> None:
    for start in range(0, len(indexes), _BATCH):
        connection.execute(
            update(batch_record)
            .where(
                batch_record.c.batch_id == batch_id,
                batch_record.c.log_index.in_(indexes[start : start + _BATCH]),
                batch_record.c.state == now.value,
            )
            .values(values)
        )


def _unpropose(connection: Connection, batch_id: str) -> None:
    connection.execute(delete(batch_approval).where(batch_approval.c.batch_id == batch_id))
    connection.execute(delete(batch_package).where(batch_package.c.batch_id == batch_id))
    connection.execute(
        update(batch)
        .where(batch.c.id == batch_id)
        .values(
            state=BatchState.FORMED.value,
            action=case((batch.c.action == REVIEWED, REVIEW), else_=batch.c.action),
            proposed_by="",
            proposed_by_id="",
            proposal="",
            approvals_needed=0,
        )
    )


def propose(
    connection: Connection, batch_id: str, *, by: str, by_id: str, reason: str, needed: int
) -> None:
    """Note that somebody reviewed a batch and proposes it to `needed` approvers."""
    connection.execute(
        update(batch)
        .where(batch.c.id == batch_id)
        .values(
            state=BatchState.REVIEWED.value,
            action=case((batch.c.action == REVIEW, REVIEWED), else_=batch.c.action),
            proposed_by=by,
            proposed_by_id=by_id,
            proposal=reason,
            approvals_needed=needed,
        )
    )


def approve(connection: Connection, row: ApprovalRow) -> None:
    """Add an approval; with the last that is needed the batch is approved."""
    connection.execute(insert(batch_approval).values(_values(row)))
    found = connection.execute(
        select(func.count())
        .select_from(batch_approval)
        .where(batch_approval.c.batch_id == row.batch_id)
    ).scalar_one()
    connection.execute(
        update(batch)
        .where(batch.c.id == row.batch_id, batch.c.approvals_needed <= found)
        .values(state=BatchState.APPROVED.value)
    )


def withdraw(connection: Connection, batch_id: str, approver_id: str) -> None:
    """Take one approval back."""
    connection.execute(
        delete(batch_approval).where(
            batch_approval.c.batch_id == batch_id, batch_approval.c.approver_id == approver_id
        )
    )
    set_state(connection, batch_id, BatchState.REVIEWED)


def note_package(connection: Connection, row: PackageRow) -> None:
    """Note what a batch was handed over as, in place of an earlier package; no receiver yet."""
    connection.execute(delete(batch_package).where(batch_package.c.batch_id == row.batch_id))
    connection.execute(insert(batch_package).values(_values(row)))


def confirm_package(
    connection: Connection, batch_id: str, *, receiver: str, by: str, at: int
) -> None:
    """Note that the receiver has the package, by its hash."""
    connection.execute(
        update(batch_package)
        .where(batch_package.c.batch_id == batch_id)
        .values(receiver=receiver, confirmed_by=by, confirmed_at=at)
    )


def _values(row: ApprovalRow | PackageRow) -> dict[str, object]:
    return {name: getattr(row, name) for name in type(row).__dataclass_fields__}


# --- What use cases ask. -----------------------------------------------------------------------


async def get(tx: Transaction, batch_id: str) -> BatchRow:
    """Return one batch. Raises NotFound."""
    row = (await tx.execute(select(batch).where(batch.c.id == batch_id))).mappings().first()
    if row is None:
        raise no_batch(batch_id)
    return BatchRow(**row)


def no_batch(batch_id: str) -> NotFound:
    """Return the error that tells that there is no such batch."""
    return NotFound(f"no batch {batch_id!r}; `muniment disposition list` has those there are")


async def page(tx: Transaction, *, state: str, before: str, limit: int) -> list[BatchRow]:
    """Return batches, newest first, those with ids below `before`; all states where it is empty."""
    statement = select(batch).order_by(batch.c.id.desc()).limit(limit)
    if state:
        statement = statement.where(batch.c.state == state)
    if before:
        statement = statement.where(batch.c.id < before)
    return [BatchRow(**row) for row in (await tx.execute(statement)).mappings()]


async def count(tx: Transaction, *, state: str) -> int:
    """Return how many batches there are, in one state or in all."""
    statement = select(func.count()).select_from(batch)
    if state:
        statement = statement.where(batch.c.state == state)
    return int((await tx.execute(statement)).scalar_one())


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

    The rows of destroyed records are gone: of them only index, state and reason are known.
    """
    statement = _members(batch_id).where(batch_record.c.log_index > after).limit(limit)
    if state:
        statement = statement.where(batch_record.c.state == state)
    return [Member(*row) for row in await tx.execute(statement)]


async def members_at(tx: Transaction, batch_id: str, indexes: Sequence[int]) -> list[Member]:
    """Return those records of a batch that stand at these log indexes, in log order."""
    found: list[Member] = []
    for start in range(0, len(indexes), _BATCH):
        chunk = indexes[start : start + _BATCH]
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
            func.coalesce(record.c.id, ""),
            func.coalesce(record.c.kind, ""),
            func.coalesce(record.c.change, ""),
            record.c.posted_at,
            func.coalesce(record.c.author_handle, ""),
        )
        .outerjoin(record, record.c.log_index == batch_record.c.log_index)
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
