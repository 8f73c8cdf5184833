"""The totals that are followed from the log: records by account, by its months, and by class.

Each batch is counted by the database itself, one statement for each table, in the transaction that
moves the watermark: a crash counts it wholly or not at all. A post that two servers stored is one
record (`record.duplicate_of`). Events of the archive's own are records of their class, and of no
account.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, Table, case, delete, func, literal, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from archiver.db.chunks import chunks
from archiver.db.tables import account_month, account_total, class_total, follower, record
from archiver.db.transaction import Connection

FOLLOWER = "account totals"
"""The name of their watermark in `follower`."""

_TABLES = (account_total, account_month, class_total)
_MILLIS = 1000.0


def begin(connection: Connection, now: int) -> None:
    """Set the watermark to the beginning of the log, unless there is one."""
    insert = _dialect(connection).insert(follower)
    row = {"name": FOLLOWER, "position": 0, "updated_at": now}
    connection.execute(insert.values(row).on_conflict_do_nothing())


def advance(connection: Connection, start: int, end: int, now: int) -> bool:
    """Count the records in [start, end) and move the watermark from `start` to `end`.

    False, and nothing is counted, where the watermark is not at `start`: another process was first.
    """
    moved = connection.execute(  # first of all: it makes other processes wait, then see it moved
        update(follower)
        .where(follower.c.name == FOLLOWER, follower.c.position == start)
        .values(position=end, updated_at=now)
    )
    if moved.rowcount != 1:
        return False
    place = (record.c.platform, record.c.account)
    captured = record.c.captured_at
    month = _month(connection, func.coalesce(record.c.posted_at, captured))
    batch = (
        record.c.log_index >= start,
        record.c.log_index < end,
        record.c.duplicate_of.is_(None),
    )
    posts = (*batch, record.c.entry_type == "rec")
    for table, where, grouped, values in (
        (account_total, posts, place, (func.count(), func.min(captured), func.max(captured))),
        (account_month, posts, (*place, month), (func.count(),)),
        (class_total, batch, (record.c.class_code,), (func.count(),)),
    ):
        _add(connection, table, select(*grouped, *values).where(*where).group_by(*grouped))
    return True


def move_class(connection: Connection, log_indexes: Sequence[int], class_code: str) -> None:
    """Count records, still as their rows say, in another class; those not counted yet are left.

    Called before the rows are changed, and in the same transaction.
    """
    named = follower.c.name == FOLLOWER
    # Makes a batch that is being counted wait, or waits for it: it would count their old class.
    connection.execute(update(follower).where(named).values(position=follower.c.position))
    position = connection.execute(select(follower.c.position).where(named)).scalar_one_or_none()
    left: Counter[str] = Counter()
    counted = [index for index in log_indexes if index < (position or 0)]
    for some in chunks(counted):
        moving = select(record.c.class_code, func.count()).where(
            record.c.log_index.in_(some),
            record.c.duplicate_of.is_(None),
            record.c.class_code != class_code,
        )
        for code, records in connection.execute(moving.group_by(record.c.class_code)):
            left[code] += records
    for code, records in ((class_code, left.total()), *((code, -n) for code, n in left.items())):
        group: tuple[Any, ...] = (literal(code), literal(records))
        _add(connection, class_total, select(*group).where(true()))


def reset(connection: Connection) -> None:
    """Forget every total; they are followed again from the beginning of the log."""
    connection.execute(delete(follower).where(follower.c.name == FOLLOWER))
    for table in _TABLES:
        connection.execute(delete(table))


def _add(connection: Connection, table: Table, batch: Select[Any]) -> None:
    """Add the groups of a batch, in the order of the table's columns, to its totals."""
    names = [column.name for column in table.c]
    statement = _dialect(connection).insert(table).from_select(names, batch)
    new = statement.excluded
    sums: dict[str, Any] = {"records": table.c.records + new.records}
    if "first_captured_at" in table.c:
        sums["first_captured_at"] = _extreme(table, new, "first_captured_at", least=True)
        sums["last_captured_at"] = _extreme(table, new, "last_captured_at", least=False)
    key = [column.name for column in table.primary_key]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=sums))


def _dialect(connection: Connection) -> Any:
    return sqlite if connection.dialect.name == "sqlite" else postgresql


def _extreme(table: Table, new: Any, name: str, *, least: bool) -> Any:
    # SQLite and PostgreSQL name the scalar functions differently.
    old, other = table.c[name], new[name]
    return case((other < old if least else other > old, other), else_=old)


def _month(connection: Connection, moment: Any) -> Any:
    """Return the month of a moment in milliseconds, `YYYY-MM` in UTC."""
    if connection.dialect.name == "sqlite":
        return func.strftime("%Y-%m", moment / _MILLIS, "unixepoch")
    return func.to_char(func.timezone("UTC", func.to_timestamp(moment / _MILLIS)), "YYYY-MM")
