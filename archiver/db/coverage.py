"""What an answer of the search index does not speak of: what it has not read, and what it cannot.

Everything here is counted within a reach. How far the log and the index are is nobody's secret.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    TextClause,
    bindparam,
    func,
    select,
)

from archiver.db import records as record_rows
from archiver.db import set_aside
from archiver.db.reach import Part, is_within
from archiver.db.records import RecordRow
from archiver.db.set_aside import SetAside
from archiver.db.tables import log_state, not_searchable, record
from archiver.db.tables import set_aside as set_aside_table
from archiver.db.transaction import Transaction

LOOKED_THROUGH = 10_000
"""Entries after the index's end that are looked through for posts which wait for it."""

_COLUMNS = tuple(RecordRow.__dataclass_fields__)


class Counts(NamedTuple):
    """What the log below a watermark holds that an answer does not speak of, or should.

    `aside` are all posts set aside, `aside_within` and `empty` those within a reach that are set
    aside and that hold nothing to be searched. `posts` are the searchable ones from `since` on.
    """

    aside: int
    aside_within: int
    empty: int
    posts: int
    since: int


class Position(NamedTuple):
    """How far the log is, and when the newest entry an index has read was kept (Unix ms).

    `waiting` posts within a reach are not read yet (`count_waiting`).
    """

    log_size: int
    newest: int | None
    waiting: int


def counts(connection: Connection, reach: Part, *, since: int, log_size: int) -> Counts:
    """Return the counts of the log below `log_size` in one statement: every answer has them."""
    statement = _OF_ALL if reach.everything else _counts(is_within(reach))
    values = {"since": since, "log_size": log_size}
    aside, aside_within, empty, posts = map(int, connection.execute(statement, values).one())
    return Counts(aside, aside_within, empty, posts, since)


def position(connection: Connection, reach: Part, read: int) -> Position:
    """Return how far the log is of which an index has read so much."""
    statement = _POSITION_OF_ALL if reach.everything else _position(is_within(reach))
    return Position(*connection.execute(statement, {"log_size": read}).one())


async def count_not_searchable(tx: Transaction, reach: Part, log_size: int) -> int:
    """Return how many posts below `log_size` no search finds.

    They hold nothing that can be searched, or the index could not take them in (`db.set_aside`).
    """
    empty = await count_empty(tx, reach, log_size)
    return empty + await set_aside.count_within(tx, reach, log_size)


async def count_empty(tx: Transaction, reach: Part, log_size: int) -> int:
    """Return how many posts below `log_size` hold nothing that can be searched."""
    statement = (
        select(func.count())
        .select_from(record)
        .where(not_searchable, record.c.log_index < log_size, is_within(reach))
    )
    return int((await tx.execute(statement)).scalar_one())


async def list_not_searchable(
    tx: Transaction, reach: Part, *, log_size: int, below: int, limit: int
) -> tuple[list[RecordRow], Mapping[int, SetAside]]:
    """Return such posts below the log indexes `log_size` and `below`, the newest first.

    Beside them what is set aside among them, by log index; the others hold nothing to be searched.
    """
    end = min(log_size, below)
    rows = await tx.execute(
        select(*(record.c[name] for name in _COLUMNS))
        .where(not_searchable, record.c.log_index < end, is_within(reach))
        .order_by(record.c.log_index.desc())
        .limit(limit)
    )
    empty = {row["log_index"]: RecordRow(**row) for row in rows.mappings()}
    aside = await set_aside.newest_within(tx, reach, below=end, limit=limit)
    both = empty | await record_rows.list_by_index(tx, list(aside))
    newest = sorted(both.values(), key=lambda row: row.log_index, reverse=True)[:limit]
    return newest, {row.log_index: aside[row.log_index] for row in newest if row.log_index in aside}


def _position(within: ColumnElement[bool] | None) -> Select[int, int | None, int]:
    """Return all of `Position` as one statement; `within` None is the whole archive.

    Of a long stretch that is not read only the first `LOOKED_THROUGH` entries are looked through.
    """
    read: BindParameter[int] = bindparam("log_size")
    newest = (
        select(record.c.captured_at)
        .where(record.c.log_index < read)
        .order_by(record.c.log_index.desc())
        .limit(1)
    )
    waiting = _count(
        record.c.log_index >= read,
        record.c.log_index < read + LOOKED_THROUGH,
        record.c.entry_type == "rec",
        record.c.duplicate_of.is_(None),
        *(() if within is None else (within,)),
    )
    return select(log_state.c.next_index, newest.scalar_subquery(), waiting)


def _counts(within: ColumnElement[bool] | None) -> Select[int, int, int, int]:
    """Return all of `Counts` as one statement; `within` None is the whole archive."""
    log_size: BindParameter[int] = bindparam("log_size")
    inside = () if within is None else (within,)
    aside = _count(set_aside_table.c.log_index < log_size)
    aside_within = aside
    if within is not None:
        of_records = select(record.c.log_index).where(within)
        aside_within = _count(
            set_aside_table.c.log_index < log_size, set_aside_table.c.log_index.in_(of_records)
        )
    return select(
        aside,
        aside_within,
        _count(not_searchable, record.c.log_index < log_size, *inside),
        _count(
            record.c.log_index >= bindparam("since"),
            record.c.log_index < log_size,
            record.c.entry_type == "rec",
            record.c.searchable.is_(True),
            record.c.duplicate_of.is_(None),
        ),
    )


def _count(*where: ColumnElement[bool] | TextClause) -> ScalarSelect[int]:
    return select(func.count()).where(*where).scalar_subquery()


_OF_ALL = _counts(None)
_POSITION_OF_ALL = _position(None)
