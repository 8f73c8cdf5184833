"""Posts that the search index could not take in, for review.

Whoever searches is told that they exist: nobody knows whether they would have been found.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, update

from archiver.db.chunks import chunks
from archiver.db.reach import Part, is_within
from archiver.db.tables import record, set_aside
from archiver.db.transaction import Transaction


class SetAside(NamedTuple):
    """One such post. `why` is a word of `archiver.jobs.documents.Why`, `reason` says it in full.

    Moments are milliseconds since 1970 UTC.
    """

    log_index: int
    why: str
    reason: str
    since: int
    tried_at: int


class Named(NamedTuple):
    """One such post with the record's id."""

    record_id: str
    log_index: int
    why: str
    reason: str
    since: int


async def put(tx: Transaction, rows: Sequence[tuple[int, str, str]], now: int) -> None:
    """Set posts aside, each `(log index, why, reason)`; those that are already keep their date."""
    if not rows:
        return
    known = set(await among(tx, [index for index, _, _ in rows]))
    fresh = [
        {"log_index": index, "why": why, "reason": reason, "since": now, "tried_at": now}
        for index, why, reason in rows
        if index not in known
    ]
    again = [
        {"at": index, "why": why, "reason": reason, "tried_at": now}
        for index, why, reason in rows
        if index in known
    ]
    if fresh:
        await tx.execute(insert(set_aside), fresh)
    if again:
        changed = update(set_aside).where(set_aside.c.log_index == bindparam("at"))
        await tx.execute(changed, again)


async def drop(tx: Transaction, indexes: Sequence[int]) -> None:
    """Forget posts that the index has taken in after all; others are ignored."""
    for chunk in chunks(indexes):
        await tx.execute(delete(set_aside).where(set_aside.c.log_index.in_(chunk)))


async def among(tx: Transaction, indexes: Sequence[int]) -> list[int]:
    """Return those of `indexes` that are set aside."""
    found: list[int] = []
    for chunk in chunks(indexes):
        rows = await tx.execute(
            select(set_aside.c.log_index).where(set_aside.c.log_index.in_(chunk))
        )
        found.extend(row.log_index for row in rows)
    return found


async def between(tx: Transaction, start: int, end: int) -> dict[int, str]:
    """Return the log indexes in [start, end) that are set aside, ascending, each with its why."""
    rows = await tx.execute(
        select(set_aside.c.log_index, set_aside.c.why)
        .where(set_aside.c.log_index >= start, set_aside.c.log_index < end)
        .order_by(set_aside.c.log_index)
    )
    return {row.log_index: row.why for row in rows}


async def due(tx: Transaction, before: int, limit: int) -> list[int]:
    """Return log indexes last tried before a moment, the longest ago first."""
    rows = await tx.execute(
        select(set_aside.c.log_index)
        .where(set_aside.c.tried_at < before)
        .order_by(set_aside.c.tried_at, set_aside.c.log_index)
        .limit(limit)
    )
    return [row.log_index for row in rows]


async def count(tx: Transaction, log_size: int) -> int:
    """Return how many posts below `log_size` are set aside."""
    statement = select(func.count()).where(set_aside.c.log_index < log_size)
    return int((await tx.execute(statement)).scalar_one())


async def count_by_why(tx: Transaction) -> dict[str, int]:
    """Return how many posts are set aside, by why."""
    rows = await tx.execute(select(set_aside.c.why, func.count()).group_by(set_aside.c.why))
    return {why: int(many) for why, many in rows}


async def count_within(tx: Transaction, reach: Part, log_size: int) -> int:
    """Return how many posts of a part of the archive below `log_size` are set aside."""
    # Asked of each of the few: joined, SQLite goes through the records, and there are many.
    of_part = select(record.c.id).where(
        record.c.log_index == set_aside.c.log_index, is_within(reach)
    )
    statement = select(func.count()).where(set_aside.c.log_index < log_size, of_part.exists())
    return int((await tx.execute(statement)).scalar_one())


async def newest_within(
    tx: Transaction, reach: Part, *, below: int, limit: int
) -> Mapping[int, SetAside]:
    """Return the newest posts of a part of the archive that are set aside, by log index."""
    rows = await tx.execute(
        select(set_aside)
        .join(record, record.c.log_index == set_aside.c.log_index)
        .where(set_aside.c.log_index < below, is_within(reach))
        .order_by(set_aside.c.log_index.desc())
        .limit(limit)
    )
    return {row.log_index: SetAside(*row) for row in rows}


async def named(tx: Transaction, limit: int) -> list[Named]:
    """Return the newest posts that are set aside, with their ids."""
    rows = await tx.execute(
        select(
            record.c.id,
            set_aside.c.log_index,
            set_aside.c.why,
            set_aside.c.reason,
            set_aside.c.since,
        )
        .join(record, record.c.log_index == set_aside.c.log_index)
        .order_by(set_aside.c.log_index.desc())
        .limit(limit)
    )
    return [Named(*row) for row in rows]
