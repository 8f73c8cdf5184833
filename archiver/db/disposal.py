"""Queries of the gate of destruction, and of what follows it: sets of rows, never one by one.

The gate asks inside the transaction that sequences its event. Those transactions are serial on both
databases, because each first updates the one row of `log_state`; `in_turn` gives the same place in
the line to a transaction that sequences nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from archiver.db import ledger as ledger_rows
from archiver.db.chunks import chunks
from archiver.db.disposal_tables import (
    batch,
    batch_approval,
    batch_package,
    batch_record,
    disposed,
)
from archiver.db.holds import ACTIVE
from archiver.db.segments import SegmentRow
from archiver.db.tables import (
    blob,
    hold,
    hold_record,
    log_entry,
    log_state,
    person,
    person_role,
    record,
    schedule,
    segment,
)
from archiver.db.transaction import Connection, Transaction
from archiver.model.actor import Role
from archiver.model.batch import UNDECIDED
from archiver.model.person import PersonState

IN, KEPT, CONDEMNED, DISPOSED = "in", "kept", "condemned", "disposed"
"""States of a member of a batch, besides `excluded`."""

APPROVING = (Role.COUNSEL,)
"""Roles that approve disposals, as `archiver.access.rules` has it."""

EXECUTING, DONE = "executing", "done"


class GateBatch(NamedTuple):
    """What the gate asks of a batch. `members` are all but the excluded ones.

    `approvals` are those of people who may approve a disposal now; of so many who may not any more
    there are `lapsed` ones. `handed_over` is whether the receiver of a transfer has confirmed it.
    """

    id: str
    state: str
    action: str
    class_code: str
    schedule_version: int
    platform: str
    account: str
    approvals_needed: int
    formed_by_id: str
    proposed_by_id: str
    members: int
    approvals: tuple[tuple[str, int], ...]
    handed_over: bool
    lapsed: int = 0


class Candidate(NamedTuple):
    """A member of a batch with its record, as both are now. `lock_until` is 0 for no lock."""

    log_index: int
    state: str
    id: str
    entry_type: str
    class_code: str
    rule: str
    schedule_version: int
    platform: str
    account: str
    captured_at: int
    segment_id: str
    frame: int
    size: int
    lock_mode: str
    lock_until: int


def in_turn(connection: Connection) -> int:
    """Wait for the sequencing transactions under way; none begins before this one ends.

    Returns the log index that the next entry will get.
    """
    ledger_rows.reserve(connection, 0)
    return int(connection.execute(select(log_state.c.next_index)).scalar_one())


def find_batch(connection: Connection, batch_id: str) -> GateBatch | None:
    """Return what the gate asks of a batch, None where there is none."""
    row = connection.execute(select(batch).where(batch.c.id == batch_id)).first()
    if row is None:
        return None
    members = connection.execute(
        select(func.count()).where(
            batch_record.c.batch_id == batch_id, batch_record.c.state != "excluded"
        )
    ).scalar_one()
    approvals = connection.execute(
        select(batch_approval.c.approver_id, batch_approval.c.records, _may_approve())
        .where(batch_approval.c.batch_id == batch_id)
        .order_by(batch_approval.c.approver_id)
    ).all()
    confirmed = connection.execute(
        select(batch_package.c.confirmed_at).where(batch_package.c.batch_id == batch_id)
    ).scalar()
    return GateBatch(
        id=row.id,
        state=row.state,
        action=row.action,
        class_code=row.class_code,
        schedule_version=row.schedule_version,
        platform=row.platform,
        account=row.account,
        approvals_needed=row.approvals_needed,
        formed_by_id=row.formed_by_id,
        proposed_by_id=row.proposed_by_id,
        members=int(members),
        approvals=tuple((each.approver_id, each.records) for each in approvals if each.may),
        handed_over=confirmed is not None,
        lapsed=sum(not each.may for each in approvals),
    )


def _may_approve() -> Any:
    """Whether who approved is still somebody who may, over the whole archive."""
    return (
        select(person.c.id)
        .join(person_role, person_role.c.person_id == person.c.id)
        .where(
            person.c.id == batch_approval.c.approver_id,
            person.c.state == PersonState.ACTIVE,
            person_role.c.role.in_(APPROVING),
            person_role.c.unit == "",
            person_role.c.matter == "",
        )
        .exists()
        .label("may")
    )


def members_after(connection: Connection, batch_id: str, after: int, limit: int) -> list[int]:
    """Return up to `limit` log indexes above `after` of members that the gate has not judged."""
    rows = connection.execute(
        select(batch_record.c.log_index)
        .where(
            batch_record.c.batch_id == batch_id,
            batch_record.c.state == IN,
            batch_record.c.log_index > after,
        )
        .order_by(batch_record.c.log_index)
        .limit(limit)
    )
    return list(rows.scalars())


def candidates(
    connection: Connection, batch_id: str, log_indexes: Sequence[int]
) -> dict[int, Candidate]:
    """Return those of these records that are members of the batch and have rows, by index."""
    media = (
        select(func.coalesce(func.sum(blob.c.size), 0))
        .where(blob.c.record_id == record.c.id)
        .scalar_subquery()
    )
    statement = (
        select(
            record.c.log_index,
            batch_record.c.state,
            record.c.id,
            record.c.entry_type,
            record.c.class_code,
            record.c.rule,
            record.c.schedule_version,
            record.c.platform,
            record.c.account,
            record.c.captured_at,
            record.c.segment_id,
            record.c.frame,
            record.c.frame_length + media,
            segment.c.lock_mode,
            segment.c.lock_until,
        )
        .join(batch_record, batch_record.c.log_index == record.c.log_index)
        .join(segment, segment.c.id == record.c.segment_id)
        .where(
            batch_record.c.batch_id == batch_id,
            record.c.log_index.in_(bindparam("indexes", expanding=True)),
        )
    )
    return {
        row.log_index: Candidate(*tuple(row))
        for chunk in chunks(log_indexes)
        for row in connection.execute(statement, {"indexes": chunk})
    }


def holds_on(connection: Connection, log_indexes: Sequence[int]) -> dict[int, list[Any]]:
    """Return the holds in force on each of these records: rows of id, name, matter, placed_at."""
    statement = (
        select(hold_record.c.log_index, hold.c.id, hold.c.name, hold.c.matter, hold.c.placed_at)
        .join(hold, hold.c.id == hold_record.c.hold_id)
        .where(
            hold.c.state == ACTIVE,
            hold_record.c.log_index.in_(bindparam("indexes", expanding=True)),
        )
        .order_by(hold_record.c.log_index, hold.c.id)
    )
    found: dict[int, list[Any]] = {}
    for chunk in chunks(log_indexes):
        for row in connection.execute(statement, {"indexes": chunk}):
            found.setdefault(row.log_index, []).append(row)
    return found


def schedule_body(connection: Connection, class_code: str, version: int) -> str | None:
    """Return the JSON of a schedule version, None where there is none."""
    return connection.execute(
        select(schedule.c.body).where(
            schedule.c.class_code == class_code, schedule.c.version == version
        )
    ).scalar()


def survivors(
    connection: Connection, segment_ids: Iterable[str], going: Sequence[int]
) -> dict[str, int]:
    """Return how many records of each segment stay when the records `going` have gone.

    Those that another batch has condemned already are not counted either.
    """
    left = {
        row.id: int(row.records)
        for chunk in chunks(sorted(segment_ids))
        for row in connection.execute(
            select(segment.c.id, func.count(record.c.log_index).label("records"))
            .outerjoin(record, record.c.segment_id == segment.c.id)
            .where(segment.c.id.in_(chunk), ~_is_condemned())
            .group_by(segment.c.id)
        )
    }
    for chunk in chunks(going):
        rows = connection.execute(
            select(record.c.segment_id).where(record.c.log_index.in_(chunk), ~_is_condemned())
        )
        for segment_id in rows.scalars():
            left[segment_id] -= 1
    return left


def _is_condemned() -> Any:
    return (
        select(batch_record.c.log_index)
        .where(
            batch_record.c.log_index == record.c.log_index,
            batch_record.c.state.in_((CONDEMNED, DISPOSED)),
        )
        .exists()
    )


def mark_condemned(
    connection: Connection, batch_id: str, dis_indexes: Mapping[int, int], at: int
) -> None:
    """Note the members the gate let go, each with the log index of its `dis` entry."""
    by_entry: dict[int, list[int]] = {}
    for log_index, dis_index in dis_indexes.items():
        by_entry.setdefault(dis_index, []).append(log_index)
    for dis_index, indexes in by_entry.items():
        _set_members(
            connection,
            batch_id,
            indexes,
            was=(IN,),
            values={"state": CONDEMNED, "dis_index": dis_index},
        )
    connection.execute(
        update(batch)
        .where(batch.c.id == batch_id, batch.c.state == "approved")
        .values(state=EXECUTING, stated_at=at)
    )


def condemned_among(
    connection: Connection, batch_id: str, log_indexes: Sequence[int]
) -> dict[int, str]:
    """Return those of these members that the gate has let go, with their record ids."""
    return {
        row.log_index: row.id
        for chunk in chunks(log_indexes)
        for row in connection.execute(
            select(record.c.log_index, record.c.id)
            .join(batch_record, batch_record.c.log_index == record.c.log_index)
            .where(
                batch_record.c.batch_id == batch_id,
                batch_record.c.state == CONDEMNED,
                record.c.log_index.in_(chunk),
            )
        )
    }


def mark_kept(connection: Connection, batch_id: str, reasons: Mapping[int, str]) -> None:
    """Note the members that stay and why; what the gate had let go is as before."""
    by_reason: dict[str, list[int]] = {}
    for log_index, reason in reasons.items():
        by_reason.setdefault(reason, []).append(log_index)
    for reason, indexes in by_reason.items():
        values = {"state": KEPT, "reason": reason, "dis_index": None}
        _set_members(connection, batch_id, indexes, was=(IN, CONDEMNED), values=values)
    for chunk in chunks(sorted(reasons)):
        connection.execute(
            delete(disposed).where(disposed.c.batch_id == batch_id, disposed.c.log_index.in_(chunk))
        )


def mark_disposed(connection: Connection, batch_id: str, log_indexes: Sequence[int]) -> None:
    """Note that nothing is left of these condemned members."""
    _set_members(connection, batch_id, log_indexes, was=(CONDEMNED,), values={"state": DISPOSED})


def _set_members(
    connection: Connection,
    batch_id: str,
    log_indexes: Sequence[int],
    *,
    was: Sequence[str],
    values: Mapping[str, object],
) -> None:
    for chunk in chunks(sorted(log_indexes)):
        connection.execute(
            update(batch_record)
            .where(
                batch_record.c.batch_id == batch_id,
                batch_record.c.log_index.in_(chunk),
                batch_record.c.state.in_(was),
            )
            .values(**values)
        )


def mark_done(connection: Connection, batch_id: str, method: str, at: int) -> bool:
    """End an execution; False where it had ended before."""
    changed = connection.execute(
        update(batch)
        .where(batch.c.id == batch_id, batch.c.state.in_(("approved", EXECUTING)))
        .values(state=DONE, method=method, stated_at=at)
    )
    return changed.rowcount == 1


def condemned_of(connection: Connection, batch_id: str) -> dict[int, int]:
    """Return the members that are to be destroyed, each with the log index of its `dis` entry."""
    rows = connection.execute(
        select(batch_record.c.log_index, batch_record.c.dis_index)
        .where(batch_record.c.batch_id == batch_id, batch_record.c.state == CONDEMNED)
        .order_by(batch_record.c.log_index)
    )
    return {row.log_index: row.dis_index for row in rows}


def frames_of(
    connection: Connection, log_indexes: Sequence[int]
) -> list[tuple[SegmentRow, dict[int, int]]]:
    """Return the segments of these records, in log order, each with log indexes by frame."""
    frames: dict[str, dict[int, int]] = {}
    for chunk in chunks(log_indexes):
        for row in connection.execute(
            select(record.c.segment_id, record.c.frame, record.c.log_index).where(
                record.c.log_index.in_(chunk)
            )
        ):
            frames.setdefault(row.segment_id, {})[row.frame] = row.log_index
    found = [
        SegmentRow(**row)
        for chunk in chunks(sorted(frames))
        for row in connection.execute(select(segment).where(segment.c.id.in_(chunk))).mappings()
    ]
    found.sort(key=lambda one: one.first_index)
    return [(one, frames[one.id]) for one in found]


def entries_at(connection: Connection, log_indexes: Sequence[int]) -> dict[int, bytes]:
    """Return the log's entries at these indexes."""
    return {
        row.log_index: bytes(row.entry)
        for chunk in chunks(log_indexes)
        for row in connection.execute(select(log_entry).where(log_entry.c.log_index.in_(chunk)))
    }


def outcome(connection: Connection, batch_id: str) -> tuple[dict[str, int], str]:
    """Return how many members of a batch are in each state, and the method: `erase` if any was."""
    counts = {
        row.state: int(row.records)
        for row in connection.execute(
            select(batch_record.c.state, func.count().label("records"))
            .where(batch_record.c.batch_id == batch_id)
            .group_by(batch_record.c.state)
        )
    }
    methods = connection.execute(
        select(disposed.c.method).where(disposed.c.batch_id == batch_id).distinct()
    ).scalars()
    return counts, max(methods, default="")


def undecided(connection: Connection) -> list[tuple[str, str, int, str]]:
    """Return id, class, schedule version and action of the batches of which nothing has gone."""
    rows = connection.execute(
        select(batch.c.id, batch.c.class_code, batch.c.schedule_version, batch.c.action)
        .where(batch.c.state.in_(UNDECIDED))
        .order_by(batch.c.id)
    )
    return [tuple(row) for row in rows]


async def executing(tx: Transaction) -> list[str]:
    """Return the batches whose execution has begun and not ended, oldest first."""
    rows = await tx.execute(
        select(batch.c.id).where(batch.c.state == EXECUTING).order_by(batch.c.id)
    )
    return list(rows.scalars())
