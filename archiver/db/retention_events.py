"""Retention events: what happened, to which account or record, and when. Terms count from them.

Nothing is ever deleted: a statement that was corrected or withdrawn stays, no longer in force.
Rows are written by the effects of events of the trail (`retention_event_effects`).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, literal, select, update

from archiver.db.chunks import chunks
from archiver.db.disposal_tables import retention_event
from archiver.db.events import EventRow
from archiver.db.tables import account, event
from archiver.db.transaction import Connection, Transaction, insert_rows
from archiver.errors import NotFound
from retention.ends import Happened

Place = tuple[str, str]
"""What records call an account: its platform and its handle."""

Named = tuple[str, Happened]
"""A named event and when it happened, as it was stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionEventRow:
    """One statement. Either `platform` and `account` are given, or `record_id`.

    `happened_at` and `stated_at` are milliseconds since 1970 UTC. Where a calendar day was stated,
    it is `day` (ISO 8601) that terms count from, and `happened_at` is its end in the archive's
    zone, by which statements are ordered. `corrects` is the id of the statement that this one took
    the place of, or empty.
    """

    id: str
    name: str
    platform: str
    account: str
    record_id: str
    happened_at: int
    note: str
    source: str
    corrects: str
    in_force: bool
    stated_by: str
    stated_at: int
    day: str = ""

    @property
    def happened(self) -> Happened:
        """What terms count from."""
        return happened_of(self.happened_at, self.day)

    @property
    def subject(self) -> tuple[str, str, str]:
        """What it happened to: platform and account, or the record."""
        return self.platform, self.account, self.record_id


def happened_of(happened_at: int, day: str) -> Happened:
    """Return when something happened of which a moment was stated, or a calendar day."""
    return Happened(day=date.fromisoformat(day)) if day else Happened(moment=happened_at)


_COLUMNS = tuple(RetentionEventRow.__dataclass_fields__)


def add(connection: Connection, rows: Sequence[RetentionEventRow]) -> set[str]:
    """Insert statements; return the ids of those that were not there, in whatever state."""
    there = _ids(connection, [row.id for row in rows])
    new = [row for row in rows if row.id not in there]
    insert_rows(
        connection,
        retention_event,
        _COLUMNS,
        [tuple(getattr(row, name) for name in _COLUMNS) for row in new],
    )
    return {row.id for row in new}


def end(connection: Connection, event_ids: Sequence[str]) -> set[str]:
    """Take statements out of force; return the ids of those that were in force."""
    in_force = _ids(connection, event_ids, retention_event.c.in_force.is_(True))
    for ids in chunks(sorted(in_force)):
        connection.execute(
            update(retention_event).where(retention_event.c.id.in_(ids)).values(in_force=False)
        )
    return in_force


def _ids(connection: Connection, event_ids: Sequence[str], *where: ColumnElement[bool]) -> set[str]:
    found: set[str] = set()
    for ids in chunks(event_ids):
        statement = select(retention_event.c.id).where(retention_event.c.id.in_(ids), *where)
        found.update(connection.execute(statement).scalars())
    return found


async def get(tx: Transaction, event_id: str) -> RetentionEventRow:
    """Return one statement. Raises NotFound."""
    row = (await tx.execute(_rows().where(retention_event.c.id == event_id))).mappings().first()
    if row is None:
        raise NotFound(f"no retention event {event_id!r}; list the events to see their ids")
    return RetentionEventRow(**row)


async def get_many(tx: Transaction, event_ids: Sequence[str]) -> list[RetentionEventRow]:
    """Return those of these statements that there are."""
    found: list[RetentionEventRow] = []
    for ids in chunks(event_ids):
        rows = await tx.execute(_rows().where(retention_event.c.id.in_(ids)))
        found += (RetentionEventRow(**row) for row in rows.mappings())
    return found


async def listed(
    tx: Transaction,
    *,
    platform: str = "",
    account: str = "",
    record_id: str = "",
    name: str = "",
    in_force_only: bool = False,
    before: str = "",
    limit: int,
) -> list[RetentionEventRow]:
    """Return statements, the newest first; those with ids below `before` where it is given."""
    wanted = {"platform": platform, "account": account, "record_id": record_id, "name": name}
    conditions = [retention_event.c[each] == value for each, value in wanted.items() if value]
    if in_force_only:
        conditions.append(retention_event.c.in_force.is_(True))
    if before:
        conditions.append(retention_event.c.id < before)
    rows = await tx.execute(
        _rows().where(*conditions).order_by(retention_event.c.id.desc()).limit(limit)
    )
    return [RetentionEventRow(**row) for row in rows.mappings()]


async def acts_since(tx: Transaction, actions: Sequence[str], since: int) -> list[EventRow]:
    """Return the acts of these kinds on statements from a moment (ms) on, oldest first.

    Which statement an act is on stands in its details, which no index answers; corrections and
    withdrawals are few.
    """
    found = await tx.execute(
        select(event)
        .where(event.c.action.in_(actions), event.c.at >= since, event.c.result == "ok")
        .order_by(event.c.at, event.c.record_id)
    )
    return [EventRow(**row) for row in found.mappings()]


async def account_acts_since(
    tx: Transaction, actions: Sequence[str], since: int
) -> list[tuple[str, str, int]]:
    """Return platform, handle and moment (ms) of acts of these kinds on accounts, oldest first."""
    found = await tx.execute(
        select(account.c.platform, account.c.handle, event.c.at)
        .join(event, event.c.object_id == account.c.id)
        .where(
            event.c.action.in_(actions),
            event.c.at >= since,
            event.c.result == "ok",
            event.c.object_type == "account",
        )
        .order_by(event.c.at, event.c.record_id)
    )
    return [(row.platform, row.handle, row.at) for row in found]


async def corrected_at(tx: Transaction, event_ids: Sequence[str]) -> dict[str, int]:
    """Return when (ms) another statement took the place of these, by id; others are absent."""
    found: dict[str, int] = {}
    for ids in chunks(event_ids):
        rows = await tx.execute(
            select(retention_event.c.corrects, retention_event.c.stated_at).where(
                retention_event.c.corrects.in_(ids)
            )
        )
        found.update((row.corrects, row.stated_at) for row in rows)
    return found


async def stated_until(
    tx: Transaction, handles: Collection[str], record_ids: Collection[str], at: int
) -> list[RetentionEventRow]:
    """Return what was stated by `at` (ms) of accounts with these handles and of these records.

    Also what is no longer in force.
    """
    found: list[RetentionEventRow] = []
    for column, values in (
        (retention_event.c.account, handles),
        (retention_event.c.record_id, record_ids),
    ):
        for some in chunks(sorted(values)):
            rows = await tx.execute(
                _rows()
                .where(column.in_(some), column != "", retention_event.c.stated_at <= at)
                .order_by(retention_event.c.id)
            )
            found += (RetentionEventRow(**row) for row in rows.mappings())
    return found


async def in_force_about(
    tx: Transaction, subjects: Collection[tuple[str, str, str]]
) -> list[RetentionEventRow]:
    """Return the statements in force about these subjects (see `RetentionEventRow.subject`)."""
    accounts = sorted({account for _, account, record_id in subjects if not record_id})
    records = sorted({record_id for *_, record_id in subjects if record_id})
    found: list[RetentionEventRow] = []
    for column, values in (
        (retention_event.c.account, accounts),
        (retention_event.c.record_id, records),
    ):
        for some in chunks(values):
            rows = await tx.execute(
                _rows().where(column.in_(some), retention_event.c.in_force.is_(True))
            )
            found += (RetentionEventRow(**row) for row in rows.mappings())
    wanted = set(subjects)
    return [row for row in found if row.subject in wanted]


def of_accounts(
    connection: Connection, handles: Collection[str]
) -> Mapping[Place, Sequence[Named]]:
    """Return the events in force of the accounts with these handles, on whatever platform."""
    found: defaultdict[Place, list[Named]] = defaultdict(list)
    for row in _happened(connection, _OF_ACCOUNTS, handles):
        happened = happened_of(row.happened_at, row.day)
        found[row.platform, row.account].append((row.name, happened))
    return found


def of_records(
    connection: Connection, record_ids: Collection[str]
) -> Mapping[str, Sequence[Named]]:
    """Return the events in force that were stated of these records themselves."""
    found: defaultdict[str, list[Named]] = defaultdict(list)
    for row in _happened(connection, _OF_RECORDS, record_ids):
        found[row.record_id].append((row.name, happened_of(row.happened_at, row.day)))
    return found


def any_of_records(connection: Connection) -> bool:
    """Return whether any event in force was stated of a record itself: most archives have none."""
    statement = select(literal(1)).where(
        retention_event.c.record_id > "", retention_event.c.in_force.is_(True)
    )
    return connection.execute(statement.limit(1)).first() is not None


def _happened(connection: Connection, statement: Select[Any], values: Collection[str]) -> list[Any]:
    ordered = sorted(values)
    rows: list[Any] = []
    for some in chunks(ordered):
        rows += connection.execute(statement, {"values": some})
    return rows


def _rows() -> Select[Any]:
    return select(*(retention_event.c[name] for name in _COLUMNS))


def _in_force() -> Select[Any]:
    return (
        _rows()
        .where(retention_event.c.in_force.is_(True))
        .order_by(retention_event.c.name, retention_event.c.happened_at, retention_event.c.id)
    )


_OF_ACCOUNTS = _in_force().where(
    and_(
        retention_event.c.account.in_(bindparam("values", expanding=True)),
        retention_event.c.record_id == "",
    )
)
_OF_RECORDS = _in_force().where(
    retention_event.c.record_id.in_(bindparam("values", expanding=True))
)
