"""What the retention engine may know of records, made of their rows: the one place that does it.

Whoever asks the engine about stored records (the explanation of one, the gate of destruction, a
refiling that proves itself) takes the facts from here, many records by a handful of statements.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select

from archiver.clock import from_millis
from archiver.db import retention_events
from archiver.db.chunks import chunks
from archiver.db.records import VERSION_MOMENT
from archiver.db.retention_events import Named
from archiver.db.tables import account, record
from archiver.db.transaction import Connection, Transaction
from retention.facts import Facts

_OF_POST = ("platform", "account", "post_id")
_OF_ROW = (
    "log_index",
    "entry_type",
    "platform",
    "account",
    "captured_at",
    "posted_at",
    "kind",
    "tags",
)


def facts_of_rows(connection: Connection, log_indexes: Sequence[int]) -> dict[int, Facts]:
    """Return the facts of the records at these log indexes, by index; unknown ones are absent.

    `superseded_at` is when the next version of the same post took this one's place: counted from
    our captures, never from a platform's edit time, for that may be wrong, and the later moment
    keeps longer. Where versions arrived out of order, neither ends before both were here.

    `events` and `days` are those in force that were stated of the record or of its account. What
    is stated of a post counts for every stored copy of it. The archive's own events have neither.
    """
    found: dict[int, Facts] = {}
    for indexes in chunks(log_indexes):
        rows = list(connection.execute(_RECORDS, {"indexes": indexes}))
        events = _Events(connection, rows)
        found.update((row.log_index, _facts(row, events.of(row))) for row in rows)
    return found


async def facts_of(tx: Transaction, log_indexes: Sequence[int]) -> dict[int, Facts]:
    """Return the same as `facts_of_rows`, from a transaction of asynchronous code."""
    return await tx.run_sync(lambda connection: facts_of_rows(connection, log_indexes))


def _facts(row: Any, stated: Sequence[Named]) -> Facts:
    superseded = row.superseded_by
    return Facts(
        platform=row.platform,
        account=row.account,
        captured_at=from_millis(row.captured_at),
        posted_at=None if row.posted_at is None else from_millis(row.posted_at),
        superseded_at=(
            None if superseded is None else from_millis(max(row.captured_at, superseded))
        ),
        unit=row.unit or "",
        kind=row.kind,
        tags=tuple(row.tags.split()),
        events=moments_of(stated),
        days=days_of(stated),
    )


def moments_of(stated: Sequence[Named]) -> tuple[tuple[str, datetime], ...]:
    """Return the events of which a moment was stated, as `Facts.events`."""
    return tuple(
        (name, from_millis(happened.moment))
        for name, happened in stated
        if happened.moment is not None
    )


def days_of(stated: Sequence[Named]) -> tuple[tuple[str, date], ...]:
    """Return the events of which a calendar day was stated, as `Facts.days`."""
    return tuple((name, happened.day) for name, happened in stated if happened.day is not None)


class _Events:
    """The events in force that concern some rows: two statements, whatever their number."""

    def __init__(self, connection: Connection, rows: Sequence[Any]) -> None:
        posts = [row for row in rows if row.entry_type == "rec"]
        self._of_account = retention_events.of_accounts(connection, {row.account for row in posts})
        self._of_record = retention_events.of_records(connection, {row.post for row in posts})

    def of(self, row: Any) -> Sequence[Named]:
        """Return the events of one row, those of its account first."""
        if row.entry_type != "rec":
            return ()
        of_account = self._of_account.get((row.platform, row.account), ())
        return (*of_account, *self._of_record.get(row.post, ()))


def _records() -> Select[Any]:
    wanted = record.c.log_index.in_(bindparam("indexes", expanding=True))
    versions = versions_of_posts(wanted).subquery()
    post = func.coalesce(record.c.duplicate_of, record.c.id)
    return (
        select(
            *(record.c[name] for name in _OF_ROW),
            account.c.unit,
            post.label("post"),
            versions.c.superseded_by,
        )
        .select_from(record)
        .outerjoin(
            account,
            and_(account.c.platform == record.c.platform, account.c.handle == record.c.account),
        )
        .outerjoin(versions, versions.c.id == post)
        .where(wanted)
        .order_by(record.c.log_index)
    )


def versions_of_posts(wanted: ColumnElement[bool]) -> Select[Any]:
    """Return the query of `id` and `superseded_by` of every version of the wanted records' posts.

    `superseded_by` is when the next version was captured, null for the last one. All versions of a
    post are put in order once: a post that was edited a thousand times must not be compared with
    itself a million times.
    """
    posts = (
        select(*(record.c[name] for name in _OF_POST))
        .where(wanted, record.c.entry_type == "rec")
        .distinct()
        .subquery()
    )
    successor = func.lead(record.c.captured_at).over(
        partition_by=[record.c[name] for name in _OF_POST],
        order_by=(VERSION_MOMENT, record.c.log_index),
    )
    return (
        select(record.c.id, successor.label("superseded_by"))
        .join(posts, and_(*(record.c[name] == posts.c[name] for name in _OF_POST)))
        .where(record.c.duplicate_of.is_(None))
    )


_RECORDS = _records()
