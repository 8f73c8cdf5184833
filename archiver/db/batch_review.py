"""What reviewers of a disposal batch ask: what is in it, what stands out, what is not in it, why.

A handful of statements for a whole batch, whatever its size.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    func,
    or_,
    select,
)

from archiver.db.batches import BatchRow
from archiver.db.disposal_tables import batch, batch_record
from archiver.db.holds import ACTIVE, IS_HELD, WAS_HELD
from archiver.db.tables import blob, frozen_members, frozen_set, hold, hold_record, record, segment
from archiver.db.transaction import Transaction
from archiver.model.batch import OPEN, MemberState
from archiver.model.lock import LockMode
from archiver.model.number_list import unpack
from archiver.model.post import Change

_ANSWER = record.alias("answer")


class Standout(StrEnum):
    """Why a record of a batch deserves a look before the others."""

    CHANGED = "changed"  # an edited or deleted version of its post
    RELEASED_HOLD = "released-hold"
    IN_SET = "in-set"  # in a frozen set, and so in the reports over it
    ANSWERED = "answered"  # other posts reply to it
    ATTACHMENTS = "attachments"
    RECLASSIFIED = "reclassified"
    DEFAULT_CLASS = "default-class"  # no rule named its class


_CONDITIONS: Mapping[Standout, ColumnElement[bool]] = {
    Standout.CHANGED: record.c.change.in_((Change.EDITED.value, Change.DELETED.value)),
    Standout.RELEASED_HOLD: WAS_HELD,
    Standout.ANSWERED: select(_ANSWER.c.log_index)
    .where(
        _ANSWER.c.platform == record.c.platform,
        _ANSWER.c.in_reply_to == record.c.post_id,
        record.c.post_id != "",
    )
    .exists(),
    Standout.ATTACHMENTS: record.c.media > 0,
    # A rule is "<version>/<rule id>"; whatever else put a record into its class is written apart.
    Standout.RECLASSIFIED: ~record.c.rule.like("%/%"),
    Standout.DEFAULT_CLASS: record.c.rule.like("%/default"),
}


class Described(NamedTuple):
    """What statistics count of one record; `size` is of its frame and media, in bytes."""

    platform: str
    kind: str
    lang: str
    media: int
    size: int
    posted_at: int | None
    captured_at: int


class NotIn(NamedTuple):
    """Records of the same class and account that are in no such batch now, by what keeps them."""

    held: int
    locked: int
    no_end: int
    kept_by_review: int
    in_another_batch: int


class HeldBy(NamedTuple):
    """A hold in force, and how many due records of the class and account it keeps out."""

    hold_id: str
    name: str
    matter: str
    records: int


class SegmentShare(NamedTuple):
    """A stored object with records of a batch: how many go, how many are in it."""

    segment_id: str
    going: int
    records: int
    lock_mode: str
    lock_until: int


async def describe(tx: Transaction, batch_id: str) -> list[Described]:
    """Return what statistics count of the records that are in a batch, in log order."""
    # The sum of integers is a decimal on PostgreSQL.
    media_bytes = (
        select(cast(func.coalesce(func.sum(blob.c.size), 0), BigInteger))
        .where(blob.c.record_id == record.c.id)
        .scalar_subquery()
    )
    rows = await tx.execute(
        _in(
            batch_id,
            record.c.platform,
            record.c.kind,
            record.c.lang,
            record.c.media,
            (record.c.frame_length + media_bytes).label("size"),
            record.c.posted_at,
            record.c.captured_at,
        ).order_by(record.c.log_index)
    )
    return [Described(*row) for row in rows]


async def standouts(tx: Transaction, batch_id: str) -> dict[Standout, int]:
    """Return how many records of a batch stand out, by why; those in sets are `in_sets`."""
    sums = [
        func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
        for condition in _CONDITIONS.values()
    ]
    row = (await tx.execute(_in(batch_id, *sums))).one()
    return dict(zip(_CONDITIONS, map(int, row), strict=True))


async def count_standing_out(tx: Transaction, batch_ids: Collection[str]) -> dict[str, int]:
    """Return how many records of each batch stand out, each counted once.

    Not counted is who stands in a frozen set, which is packed, and that no rule named a class,
    which all of a batch have in common. Batches none of whose records do are absent.
    """
    rows = await tx.execute(
        select(batch_record.c.batch_id, func.count())
        .select_from(batch_record)
        .join(record, record.c.log_index == batch_record.c.log_index)
        .where(
            batch_record.c.batch_id.in_(batch_ids),
            batch_record.c.state == MemberState.IN.value,
            or_(*(_CONDITIONS[why] for why in _CONDITIONS if why is not Standout.DEFAULT_CLASS)),
        )
        .group_by(batch_record.c.batch_id)
    )
    return {row[0]: int(row[1]) for row in rows}


async def standing_out(
    tx: Transaction, batch_id: str, why: Standout, *, after: int, limit: int
) -> list[int]:
    """Return the log indexes of records of a batch that stand out, behind one, in log order."""
    rows = await tx.execute(
        _in(batch_id, record.c.log_index)
        .where(_CONDITIONS[why], record.c.log_index > after)
        .order_by(record.c.log_index)
        .limit(limit)
    )
    return list(rows.scalars())


async def in_sets(tx: Transaction, members: Collection[int]) -> list[int]:
    """Return which of these log indexes are in a frozen result set, ascending."""
    if not members:
        return []
    wanted, found = set(members), set[int]()
    rows = await tx.execute(
        select(frozen_set.c.records, frozen_members.c.log_indexes)
        .join(frozen_members, frozen_members.c.set_id == frozen_set.c.id)
        .where(frozen_set.c.log_size > min(wanted))
        .order_by(frozen_set.c.id)
    )
    for row in rows:
        found |= wanted.intersection(unpack(bytes(row.log_indexes), row.records))
    return sorted(found)


async def not_in(tx: Transaction, row: BatchRow, at: int) -> NotIn:
    """Return what of the class and account is not in a batch, by what keeps it at `at`."""
    due = record.c.retain_until <= at
    locked = and_(segment.c.lock_mode != LockMode.NONE.value, segment.c.lock_until > at)
    other = _member_of(batch.c.state.in_(OPEN), batch.c.id != row.id)
    reviewed = _member_of(batch_record.c.keep_until > at)
    reasons = (
        (and_(due, IS_HELD), "held"),
        (and_(due, ~IS_HELD, locked), "locked"),
        (record.c.retain_until.is_(None), "no_end"),
        (and_(due, ~IS_HELD, ~locked, reviewed), "kept_by_review"),
        (and_(due, ~IS_HELD, ~locked, ~reviewed, other), "in_another_batch"),
    )
    statement = (
        select(
            *(
                func.coalesce(func.sum(case((condition, 1), else_=0)), 0).label(name)
                for condition, name in reasons
            )
        )
        .select_from(record)
        .join(segment, segment.c.id == record.c.segment_id)
        .where(_same_place(row), ~_member_of(batch.c.id == row.id, _NOT_EXCLUDED))
    )
    return NotIn(*map(int, (await tx.execute(statement)).one()))


async def held_by(tx: Transaction, row: BatchRow, at: int) -> list[HeldBy]:
    """Return the holds in force that keep due records of the class and account out."""
    rows = await tx.execute(
        select(hold.c.id, hold.c.name, hold.c.matter, func.count())
        .select_from(hold_record)
        .join(hold, hold.c.id == hold_record.c.hold_id)
        .join(record, record.c.log_index == hold_record.c.log_index)
        .where(hold.c.state == ACTIVE, _same_place(row), record.c.retain_until <= at)
        .group_by(hold.c.id, hold.c.name, hold.c.matter)
        .order_by(hold.c.id)
    )
    return [HeldBy(*each) for each in rows]


async def segments(tx: Transaction, batch_id: str) -> list[SegmentShare]:
    """Return the stored objects that hold records of a batch, with how much of each goes."""
    going = (
        _in(batch_id, record.c.segment_id, func.count().label("going"))
        .group_by(record.c.segment_id)
        .subquery()
    )
    there = select(func.count()).where(record.c.segment_id == going.c.segment_id).scalar_subquery()
    rows = await tx.execute(
        select(going.c.segment_id, going.c.going, there, segment.c.lock_mode, segment.c.lock_until)
        .join(segment, segment.c.id == going.c.segment_id)
        .order_by(going.c.segment_id)
    )
    return [SegmentShare(*row) for row in rows]


async def media(tx: Transaction, batch_id: str) -> tuple[int, int]:
    """Return how many objects of large parts go with a batch, and their bytes."""
    statement = _in(
        batch_id, func.count(blob.c.object_key), func.coalesce(func.sum(blob.c.size), 0)
    ).join(blob, blob.c.record_id == record.c.id)
    row = (await tx.execute(statement)).one()
    return int(row[0]), int(row[1])


async def indexes_of(tx: Transaction, batch_id: str, record_ids: Sequence[str]) -> dict[str, int]:
    """Return the log index of each of these records that is in a batch, excluded ones too."""
    found: dict[str, int] = {}
    for start in range(0, len(record_ids), 500):
        rows = await tx.execute(
            select(record.c.id, record.c.log_index)
            .join(batch_record, batch_record.c.log_index == record.c.log_index)
            .where(
                batch_record.c.batch_id == batch_id,
                record.c.id.in_(record_ids[start : start + 500]),
            )
        )
        found.update((row.id, row.log_index) for row in rows)
    return found


_NOT_EXCLUDED = batch_record.c.state != MemberState.EXCLUDED.value


def _in(batch_id: str, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(batch_record)
        .join(record, record.c.log_index == batch_record.c.log_index)
        .where(batch_record.c.batch_id == batch_id, batch_record.c.state == MemberState.IN.value)
    )


def _member_of(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        select(batch_record.c.log_index)
        .join(batch, batch.c.id == batch_record.c.batch_id)
        .where(batch_record.c.log_index == record.c.log_index, *conditions)
        .exists()
    )


def _same_place(row: BatchRow) -> ColumnElement[bool]:
    return and_(
        record.c.account == row.account,
        record.c.platform == row.platform,
        record.c.class_code == row.class_code,
        record.c.entry_type == "rec",
    )
