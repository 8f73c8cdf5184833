"""Which records stand in a part of the archive: those of some units' accounts, of some matters.

A record is of a unit while its platform and account are those of a registered account of the unit,
and of a matter while a hold of the matter, active or released, has it as a member. Every question
is asked of sets: no statement is run for each record.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from sqlalchemy import ColumnElement, Select, or_, select, true

from archiver.db.chunks import chunks
from archiver.db.tables import account, hold, hold_record, record
from archiver.db.transaction import Transaction


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


async def states_of(tx: Transaction, matters: Collection[str]) -> tuple[tuple[str, bytes], ...]:
    """Return `(id, digest of its members)` of every hold of these matters: they tell a change."""
    rows = await tx.execute(
        select(hold.c.id, hold.c.members_sha256)
        .where(hold.c.matter.in_(_named(matters)))
        .order_by(hold.c.id)
    )
    return tuple((row.id, bytes(row.members_sha256)) for row in rows)


async def in_reach(tx: Transaction, reach: Part, log_indexes: Sequence[int]) -> set[int]:
    """Return which of these log indexes are of posts within `reach`; those of nothing are not."""
    found: set[int] = set()
    for chunk in chunks(log_indexes):
        rows = await tx.execute(_posts(reach).where(record.c.log_index.in_(chunk)))
        found.update(rows.scalars())
    return found


def _posts(reach: Part) -> Select[tuple[int]]:
    return select(record.c.log_index).where(record.c.entry_type == "rec", is_within(reach))


def is_within(reach: Part) -> ColumnElement[bool]:
    """Return the condition that a row of `record` is within `reach`."""
    if reach.everything:
        return true()
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
