"""What the events of disposal batches change of their rows (`archiver.preserve.batch_effects`).

Each takes the batch from the event that it was made upon, or not at all (`claims`).
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import case, delete, func, insert, select, update

from archiver.db.batches import REVIEW, REVIEWED, ApprovalRow, BatchRow, PackageRow
from archiver.db.chunks import chunks
from archiver.db.claims import Claim, take
from archiver.db.disposal_tables import (
    batch,
    batch_approval,
    batch_package,
    batch_record,
)
from archiver.db.transaction import Connection, Row, insert_rows
from archiver.model.batch import OPEN, BatchState, MemberState

_COLUMNS = tuple(BatchRow.__dataclass_fields__)
_MEMBER = ("batch_id", "log_index", "state", "reason")


def insert_formed(connection: Connection, row: BatchRow, indexes: Sequence[int]) -> None:
    """Insert a batch with its members, unless there is one with this id.

    A record that another open batch took in the meantime stands in this one as excluded.
    """
    if connection.execute(select(batch.c.id).where(batch.c.id == row.id)).first() is not None:
        return
    taken = open_batches_of(connection, indexes)
    insert_rows(connection, batch, _COLUMNS, [[getattr(row, name) for name in _COLUMNS]])
    members: list[Row] = [
        (row.id, index, MemberState.EXCLUDED.value, f"it is in batch {taken[index]}")
        if index in taken
        else (row.id, index, MemberState.IN.value, "")
        for index in indexes
    ]
    insert_rows(connection, batch_record, _MEMBER, members)


def open_batches_of(
    connection: Connection, indexes: Sequence[int], *, but: str = ""
) -> dict[int, str]:
    """Return the open batch, other than `but`, of those of these log indexes that are in one.

    What was left out of it is in it: no other batch can have that before it has ended.
    """
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
    """Take a batch to a change that was made upon it; False: it has moved on."""
    return take(connection, batch, claimed)


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
    taken = open_batches_of(connection, indexes, but=batch_id)
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
    for some in chunks(indexes):
        connection.execute(
            update(batch_record)
            .where(
                batch_record.c.batch_id == batch_id,
                batch_record.c.log_index.in_(some),
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
