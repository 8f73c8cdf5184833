"""The audit trail's rows: the readable view of the `aud` records of the log.

Lists are newest first and cut by `(at, record_id)`, so a page costs the same however far back it
lies. What is looked for is a union of *arms*, each answered from one index in order; an `OR` over
two indexes would sort everything that matches before it shows the first fifty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    func,
    or_,
    select,
    true,
    union,
    union_all,
)

from archiver.db.tables import (
    account,
    did_not_go_well,
    event,
    hold,
    hold_record,
    job,
    person,
    record,
    session,
    token,
)
from archiver.db.transaction import Row, Transaction, insert_rows

NOT_OK = "not-ok"
"""Asked for as a result: whatever did not end well."""

LOOKED_THROUGH = 20_000
"""Events one page looks through for a text, which no index answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event. `at` is milliseconds since 1970 UTC, `details` is JSON."""

    record_id: str
    at: int
    actor: str
    action: str
    object_type: str
    object_id: str
    result: str
    details: str


COLUMNS = tuple(EventRow.__dataclass_fields__)


class Place(NamedTuple):
    """Where an event stands in the trail: its moment, and its id among those of one moment."""

    at: int
    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Events of which all that is stated holds; empty fields leave open.

    `since` is within, `until` is not. `holds_over` is a post's log index: the events of the holds
    it is or was a member of. `sessions_of` is a person's id. `text` stands anywhere in the id of
    the object, in any case.
    """

    actor: str = ""
    action: str = ""
    object_types: tuple[str, ...] = ()
    object_id: str = ""
    matter: str = ""
    holds_over: int | None = None
    sessions_of: str = ""
    result: str = ""
    since: int | None = None
    until: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEvent:
    """An event with its place in the log."""

    row: EventRow
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """A page of events, newest first; `next_place` is where older ones begin, None at the end.

    While a text is looked for a page may be short, or empty, and go on all the same.
    """

    events: tuple[FoundEvent, ...]
    next_place: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one actor did to one object, added up."""

    actor: str
    action: str
    times: int
    first: int
    last: int


def insert(connection: Connection, rows: list[Row]) -> None:
    """Insert rows of `COLUMNS`."""
    insert_rows(connection, event, COLUMNS, rows)


async def list_about(tx: Transaction, object_id: str, limit: int) -> Sequence[EventRow]:
    """Return the newest events about one object or by one actor, newest first."""
    rows = await tx.execute(
        select(event)
        .where(or_(event.c.object_id == object_id, event.c.actor == object_id))
        .order_by(event.c.at.desc(), event.c.record_id.desc())
        .limit(limit)
    )
    return [EventRow(**row) for row in rows.mappings()]


async def page(
    tx: Transaction, arms: Sequence[Arm], *, before: Place | None = None, limit: int
) -> FoundPage:
    """Return the newest events of any arm, each once, older than `before`."""
    sought = arms[0].text
    if sought:
        return await _page_with_text(tx, arms, sought, before, limit)
    found = await _read(tx, _newest(arms, before, limit + 1))
    more = len(found) > limit
    kept = found[:limit]
    return FoundPage(events=tuple(kept), next_place=_place_of(kept[-1]) if more else None)


async def _page_with_text(
    tx: Transaction, arms: Sequence[Arm], sought: str, before: Place | None, limit: int
) -> FoundPage:
    window = _newest(arms, before, LOOKED_THROUGH)
    each = window.subquery()
    matching = func.lower(each.c.object_id).contains(sought.lower(), autoescape=True)
    found = await _read(tx, _in_order(select(each).where(matching), each).limit(limit + 1))
    if len(found) > limit:
        return FoundPage(events=tuple(found[:limit]), next_place=_place_of(found[limit - 1]))
    edge = window.offset(LOOKED_THROUGH - 1).limit(1).subquery()
    last = (await tx.execute(select(edge.c.at, edge.c.record_id))).first()
    return FoundPage(events=tuple(found), next_place=None if last is None else Place(*last))


async def count(tx: Transaction, arms: Sequence[Arm], *, most: int) -> int:
    """Return how many events there are in any arm, or `most` + 1 where there are more."""
    ids = union(
        *(
            _whole(select(event.c.record_id).where(*_conditions(arm)).limit(most + 1))
            for arm in arms
        )
    ).subquery()
    some = select(ids.c.record_id).limit(most + 1).subquery()
    return int((await tx.execute(select(func.count()).select_from(some))).scalar_one())


async def newer(
    tx: Transaction, arms: Sequence[Arm], *, start: int, end: int, limit: int
) -> list[FoundEvent]:
    """Return the newest events of any arm with log indexes in [start, end), newest first.

    In the order of the log, not of their moments: of two events the later may be committed first,
    and whoever follows by time would miss the other.
    """
    any_arm = or_(*(and_(true(), *_conditions(arm)) for arm in arms))
    rows = await tx.execute(
        select(event, record.c.log_index)
        .join(record, record.c.id == event.c.record_id)
        .where(record.c.log_index >= start, record.c.log_index < end, any_arm)
        .order_by(record.c.log_index.desc())
        .limit(limit)
    )
    return [_found(row) for row in rows.mappings()]


async def get(tx: Transaction, record_id: str) -> FoundEvent | None:
    """Return one event, None where the database knows none with this record's id."""
    found = await _read(tx, select(event).where(event.c.record_id == record_id))
    return found[0] if found else None


async def readings(tx: Transaction, object_id: str, actions: Sequence[str]) -> list[Reading]:
    """Return who did which of these actions to an object, how often, first and last when."""
    rows = await tx.execute(
        select(
            event.c.actor,
            event.c.action,
            func.count().label("times"),
            func.min(event.c.at).label("first"),
            func.max(event.c.at).label("last"),
        )
        .where(event.c.object_id == object_id, event.c.action.in_(actions))
        .group_by(event.c.actor, event.c.action)
        .order_by(func.max(event.c.at).desc(), event.c.actor, event.c.action)
    )
    return [Reading(**row) for row in rows.mappings()]


async def names(tx: Transaction, ids: Sequence[str]) -> dict[str, str]:
    """Return what people call the holds, people, accounts, tokens and jobs with these ids."""
    if not ids:
        return {}
    named = (
        (hold, hold.c.name),
        (person, person.c.name),
        (account, account.c.platform + " " + account.c.handle),
        (token, token.c.name),
        (job, job.c.subject),
    )
    rows = await tx.execute(
        union_all(*(select(table.c.id, name).where(table.c.id.in_(ids)) for table, name in named))
    )
    return {row[0]: row[1] for row in rows}


async def acts_as(tx: Transaction, object_type: str, object_id: str) -> str:
    """Return under which name a person or a token acts; empty where there is none such."""
    name = (
        select(person.c.email).where(person.c.id == object_id)
        if object_type == "person"
        else select(token.c.name).where(token.c.id == object_id)
    )
    return str((await tx.execute(name)).scalar() or "")


async def matters(tx: Transaction) -> list[str]:
    """Return the matters that have holds, in order."""
    rows = await tx.execute(
        select(hold.c.matter).where(hold.c.matter != "").distinct().order_by(hold.c.matter)
    )
    return list(rows.scalars())


async def holds_over(tx: Transaction, log_index: int) -> dict[str, str]:
    """Return id and name of each hold, released ones included, that has a post as a member."""
    rows = await tx.execute(
        select(hold.c.id, hold.c.name)
        .join(hold_record, hold_record.c.hold_id == hold.c.id)
        .where(hold_record.c.log_index == log_index)
        .order_by(hold.c.id)
    )
    return {row.id: row.name for row in rows}


def _newest(arms: Sequence[Arm], before: Place | None, limit: int) -> Select[Any]:
    each = union(*(_whole(_arm(arm, before, limit)) for arm in arms)).subquery()
    return _in_order(select(each), each).limit(limit)


def _arm(arm: Arm, before: Place | None, limit: int) -> Select[Any]:
    conditions = _conditions(arm)
    if before is not None:
        # Not a row comparison: both planners take the first half for the bounds of an index.
        earlier = or_(event.c.at < before.at, event.c.record_id < before.record_id)
        conditions += [event.c.at <= before.at, earlier]
    return _in_order(select(event).where(*conditions), event).limit(limit)


def _in_order(found: Select[Any], events: FromClause) -> Select[Any]:
    return found.order_by(events.c.at.desc(), events.c.record_id.desc())


def _whole(arm: Select[Any]) -> Select[Any]:
    """Return the arm as a part of a union: SQLite takes no LIMIT in one without brackets."""
    return select(arm.subquery())


async def _read(tx: Transaction, found: Select[Any]) -> list[FoundEvent]:
    each = found.subquery()
    placed = select(each, record.c.log_index).join(record, record.c.id == each.c.record_id)
    rows = await tx.execute(_in_order(placed, each))
    return [_found(row) for row in rows.mappings()]


def _conditions(arm: Arm) -> list[ColumnElement[bool]]:
    rare = _rare(arm)
    common = ((event.c.actor, arm.actor), (event.c.action, arm.action))
    # Beside something rare an actor's or an action's own index would be the longer way, and
    # without statistics SQLite cannot know; a function of the column is no index of it.
    conditions = [
        (func.coalesce(column, "") if rare else column) == value
        for column, value in common
        if value
    ]
    if arm.object_types:
        conditions.append(event.c.object_type.in_(arm.object_types))
    if arm.since is not None:
        conditions.append(event.c.at >= arm.since)
    if arm.until is not None:
        conditions.append(event.c.at < arm.until)
    if arm.result == "ok":
        conditions.append(event.c.result == "ok")
    return conditions + rare


def _rare(arm: Arm) -> list[ColumnElement[bool]]:
    """Return the conditions that few events meet: those of one object, one matter, not well."""
    conditions = []
    if arm.object_id:
        conditions.append(event.c.object_id == arm.object_id)
    if arm.matter:
        of_matter = select(hold.c.id).where(hold.c.matter == arm.matter)
        conditions.append(event.c.object_id.in_(of_matter))
    if arm.holds_over is not None:
        over = select(hold_record.c.hold_id).where(hold_record.c.log_index == arm.holds_over)
        conditions.append(event.c.object_id.in_(over))
    if arm.sessions_of:
        theirs = select(session.c.id).where(session.c.person_id == arm.sessions_of)
        conditions.append(event.c.object_id.in_(theirs))
    if arm.result not in {"", "ok"}:
        conditions.append(and_(did_not_go_well))
        if arm.result != NOT_OK:
            conditions.append(event.c.result == arm.result)
    return conditions


def _found(row: Any) -> FoundEvent:
    return FoundEvent(
        row=EventRow(**{name: row[name] for name in COLUMNS}), log_index=row["log_index"]
    )


def _place_of(found: FoundEvent) -> Place:
    return Place(found.row.at, found.row.record_id)
