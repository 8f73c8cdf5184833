"""What holds share: the records under several of them, and what the end of one would free."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, ScalarSelect, case, distinct, func, literal, select

from archiver.db import holds as hold_rows
from archiver.db.holds import ACTIVE, of_members
from archiver.db.number_lists import AT_ONCE, listed
from archiver.db.tables import hold, hold_record, record
from archiver.db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another hold in force on some of the same records, and on how many."""

    id: str
    name: str
    matter: str
    records: int


@dataclass(frozen=True, slots=True)
class Freed:
    """What the end of one hold would free: members under no other hold in force.

    `due` of them are past their retention, `later` end on a known day, `undated` are permanent or
    await an event.
    """

    due: int
    later: int
    undated: int

    @property
    def records(self) -> int:
        """How many in all."""
        return self.due + self.later + self.undated


async def overlaps(tx: Transaction, hold_id: str) -> list[Overlap]:
    """Return the other holds in force on members of this one, those with most of them first."""
    records = (await hold_rows.get(tx, hold_id)).records
    # Of each pair the smaller one is gone through, however large or long released the others are.
    shared = case(
        (hold.c.records < records, _shared(hold.c.id, hold_id)), else_=_shared(hold_id, hold.c.id)
    ).label("shared")
    rows = await tx.execute(
        select(hold.c.id, hold.c.name, hold.c.matter, shared).where(
            hold.c.id != hold_id, hold.c.state == ACTIVE
        )
    )
    # Asked for in the statement, to be more than none and in order, it would be counted twice.
    return _most_first(Overlap(*row) for row in rows if row.shared)


def _shared(few: Column[str] | str, many: Column[str] | str) -> ScalarSelect[int]:
    """Return how many members of one hold are members of another as well."""
    mine, theirs = hold_record.alias(), hold_record.alias()
    is_shared = (
        select(theirs.c.log_index)
        .where(theirs.c.hold_id == many, theirs.c.log_index == mine.c.log_index)
        .correlate(hold, mine)
        .exists()
    )
    counted = select(func.count()).select_from(mine).where(mine.c.hold_id == few, is_shared)
    return counted.correlate(hold).scalar_subquery()


async def freed_by(tx: Transaction, hold_id: str, now: int, others: Collection[str]) -> Freed:
    """Return what the release of this hold would free at a moment in milliseconds.

    `others` are the holds in force that share members with it (`overlaps`).
    """
    ends = record.c.retain_until
    counts = (
        func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
        for condition in (ends <= now, ends > now, ends.is_(None))
    )
    freed = of_members(select(*counts), hold_id)
    if others:  # asked of each member, which is dear where there are many
        other = hold_record.alias("other")
        held_otherwise = select(other.c.log_index).where(
            other.c.log_index == hold_record.c.log_index, other.c.hold_id.in_(others)
        )
        freed = freed.where(~held_otherwise.exists())
    return Freed(*(int(count) for count in (await tx.execute(freed)).one()))


async def held_among(tx: Transaction, indexes: Sequence[int]) -> tuple[int, list[Overlap]]:
    """Return how many of these log indexes are under a hold in force, and under which."""
    held = 0
    shared: Counter[str] = Counter()
    for start in range(0, len(indexes), AT_ONCE):
        wanted = listed(tx.dialect, indexes[start : start + AT_ONCE]).subquery()
        active = (
            select(hold_record.c.log_index, hold_record.c.hold_id)
            .join_from(wanted, hold_record, hold_record.c.log_index == wanted.c[0])
            .join(hold, hold.c.id == hold_record.c.hold_id)
            .where(hold.c.state == ACTIVE)
            .cte()  # named twice below, gone through once
        )
        in_all = select(literal(""), func.count(distinct(active.c.log_index)))
        of_each = select(active.c.hold_id, func.count()).group_by(active.c.hold_id)
        counts = {row[0]: row[1] for row in await tx.execute(in_all.union_all(of_each))}
        held += counts.pop("")
        shared.update(counts)
    return held, _most_first(
        Overlap(each.id, each.name, each.matter, shared[each.id])
        for each in await hold_rows.list_active(tx)
        if each.id in shared
    )


def _most_first(found: Iterable[Overlap]) -> list[Overlap]:
    return sorted(found, key=lambda each: (-each.records, each.id))
