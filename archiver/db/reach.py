"""Which records stand in a part of the archive: those of some units' accounts, of some matters.

A record is of a unit while its platform and account are those of a registered account of the unit,
and of a matter while a hold of the matter, active or released, has it as a member. Every question
is asked of sets: no statement is run for each record.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from sqlalchemy import ColumnElement, Select, func, or_, select

from archiver.db.tables import account, hold, hold_record, not_searchable, record
from archiver.db.transaction import Transaction

_BATCH = 500  # SQLite allows 32,766 variables; short lists also keep plans cached


class Part(Protocol):
    """A part of the archive, as `archiver.access.rules.Reach` says it."""

    @property
    def everything(self) -> bool:
        """Whether it is the whole archive."""

    @property
    def units(self) -> frozenset[str]:
        """The units whose accounts are in it."""

    @property
    def matters(self) -> frozenset[str]:
        """The matters whose holds' members are in it."""


async def accounts_of(tx: Transaction, units: Collection[str]) -> frozenset[tuple[str, str]]:
    """Return `(platform, handle)` of every registered account of these units, closed ones too."""
    rows = await tx.execute(
        select(account.c.platform, account.c.handle).where(account.c.unit.in_(_named(units)))
    )
    return frozenset((row.platform, row.handle) for row in rows)


async def members_of(tx: Transaction, matters: Collection[str]) -> list[int]:
    """Return the log indexes of every member of a hold of these matters, ascending, each once."""
    rows = await tx.execute(_of_matters(matters).distinct().order_by(hold_record.c.log_index))
    return list(rows.scalars())


async def in_reach(tx: Transaction, reach: Part, log_indexes: Sequence[int]) -> set[int]:
    """Return which of these log indexes are of posts within `reach`; those of nothing are not."""
    found: set[int] = set()
    for start in range(0, len(log_indexes), _BATCH):
        chunk = log_indexes[start : start + _BATCH]
        rows = await tx.execute(_posts(reach).where(record.c.log_index.in_(chunk)))
        found.update(rows.scalars())
    return found


async def count_not_searchable(tx: Transaction, reach: Part, log_size: int) -> int:
    """Return how many posts below `log_size` within `reach` hold nothing that can be searched."""
    statement = (
        select(func.count())
        .select_from(record)
        .where(not_searchable, record.c.log_index < log_size)
    )
    if not reach.everything:
        statement = statement.where(_within(reach))
    return int((await tx.execute(statement)).scalar_one())


async def list_not_searchable(
    tx: Transaction, reach: Part, *, log_size: int, after: int, limit: int
) -> list[int]:
    """Return the log indexes of such posts after the index `after`, ascending."""
    statement = select(record.c.log_index).where(
        not_searchable, record.c.log_index < log_size, record.c.log_index > after
    )
    if not reach.everything:
        statement = statement.where(_within(reach))
    rows = await tx.execute(statement.order_by(record.c.log_index).limit(limit))
    return list(rows.scalars())


def _posts(reach: Part) -> Select[tuple[int]]:
    statement = select(record.c.log_index).where(record.c.entry_type == "rec")
    return statement if reach.everything else statement.where(_within(reach))


def _within(reach: Part) -> ColumnElement[bool]:
    of_units = (
        select(account.c.id)
        .where(
            account.c.unit.in_(_named(reach.units)),
            account.c.platform == record.c.platform,
            account.c.handle == record.c.account,
        )
        .exists()
    )
    of_matters = _of_matters(reach.matters).where(hold_record.c.log_index == record.c.log_index)
    return or_(of_units, of_matters.exists())


def _of_matters(matters: Collection[str]) -> Select[tuple[int]]:
    return (
        select(hold_record.c.log_index)
        .join(hold, hold.c.id == hold_record.c.hold_id)
        .where(hold.c.matter.in_(_named(matters)))
    )


def _named(names: Collection[str]) -> list[str]:
    # An account of no unit has the unit "", which is nobody's part of the archive.
    return sorted(name for name in names if name)
