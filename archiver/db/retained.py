"""What retention is counted from, page after page of records: columns and no objects.

Whoever asks of a million records how long they are kept (a simulation, a refiling) reads these
pages and asks `retention.ends`. The facts are those of `archiver.db.facts`, as numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select, true

from archiver.db import retention_events
from archiver.db.chunks import chunks
from archiver.db.facts import versions_of_posts
from archiver.db.holds import ACTIVE
from archiver.db.retention_events import Named
from archiver.db.tables import blob, hold, hold_record, record, schedule, segment
from archiver.db.transaction import Connection
from archiver.model.lock import LockMode
from retention.ends import NOTHING, Ends, Happened

Where = ColumnElement[bool]
"""A condition on records."""


def among(
    *,
    class_code: str = "",
    posts_only: bool = False,
    platform: str = "",
    account: str = "",
    below: int | None = None,
) -> Where:
    """Return the condition that records meet all that is given."""
    conditions: list[Where] = [true()]
    for column, value in (
        (record.c.class_code, class_code),
        (record.c.platform, platform),
        (record.c.account, account),
    ):
        if value:
            conditions.append(column == value)
    if posts_only:
        conditions.append(record.c.entry_type == "rec")
    if below is not None:
        conditions.append(record.c.log_index < below)
    return and_(*conditions)


class Needs(NamedTuple):
    """What is to be read beside the columns of records: reading less takes less time."""

    superseded: bool = False
    events: frozenset[str] = frozenset()
    filing: bool = False  # `kind` and `tags`: what class rules ask for beside the account

    @classmethod
    def of(cls, schedules: Sequence[Ends]) -> "Needs":
        """Return what these schedules count from."""
        return cls(
            superseded=any(each.needs_superseded for each in schedules),
            events=frozenset().union(*(each.awaited for each in schedules)),
        )


class RetainedRow(NamedTuple):
    """The columns of one record, in the order they are read in."""

    log_index: int
    id: str
    entry_type: str
    duplicate_of: str | None
    platform: str
    account: str
    class_code: str
    schedule_version: int
    posted_at: int | None
    captured_at: int
    retain_until: int | None
    segment_id: str
    frame_length: int


COLUMNS = tuple(record.c[name] for name in RetainedRow._fields)
_FOR_FILING = (record.c.kind, record.c.tags)


@dataclass(frozen=True, slots=True)
class Page:
    """Records in log order, and what else is known of them."""

    rows: Sequence[Any]  # rows of `COLUMNS`: making a million NamedTuples takes a second
    superseded: Mapping[str, int]
    of_account: Mapping[tuple[str, str], Mapping[str, Happened]]
    of_record: Mapping[str, Mapping[str, Happened]]

    def until(self, ends: Ends, row: Any) -> int | None:
        """Return until when a schedule keeps a row of this page (see `Ends.until`)."""
        if not ends.needs_superseded and not ends.awaited:
            return ends.until(row.posted_at, row.captured_at)
        if row.entry_type != "rec":
            return ends.until(row.posted_at, row.captured_at)
        post = row.duplicate_of or row.id
        superseded = self.superseded.get(post)
        if superseded is not None:
            superseded = max(superseded, row.captured_at)
        events = self.of_account.get((row.platform, row.account), NOTHING)
        of_record = self.of_record.get(post)
        if of_record:
            events = latest_of((*events.items(), *of_record.items()))
        return ends.until(row.posted_at, row.captured_at, superseded, events)


def read_page(connection: Connection, where: Where, after: int, limit: int, needs: Needs) -> Page:
    """Return up to `limit` records above the log index `after` for which `where` holds."""
    columns = (*COLUMNS, *_FOR_FILING) if needs.filing else COLUMNS
    statement = (
        select(*columns)
        .where(record.c.log_index > after, where)
        .order_by(record.c.log_index)
        .limit(limit)
    )
    return page_of(connection, connection.execute(statement).all(), needs)


def read_at(connection: Connection, log_indexes: Sequence[int], needs: Needs) -> Page:
    """Return the records at these ascending log indexes; unknown ones are absent."""
    rows: list[Any] = []
    for some in chunks(log_indexes):
        rows += connection.execute(_AT, {"indexes": some})
    return page_of(connection, rows, needs)


def page_of(connection: Connection, rows: Sequence[Any], needs: Needs) -> Page:
    """Return rows of `COLUMNS` with what else `needs` asks for."""
    posts = [row for row in rows if row.entry_type == "rec"]
    superseded: dict[str, int] = {}
    of_account: dict[tuple[str, str], Mapping[str, Happened]] = {}
    of_record: dict[str, Mapping[str, Happened]] = {}
    if needs.superseded and posts:
        superseded = _superseded(connection, posts)
    if needs.events and posts:
        handles = {row.account for row in posts}
        found = retention_events.of_accounts(connection, handles)
        of_account = {place: latest_of(happened) for place, happened in found.items()}
        if retention_events.any_of_records(connection):
            ids = {row.duplicate_of or row.id for row in posts}
            own = retention_events.of_records(connection, ids)
            of_record = {record_id: latest_of(happened) for record_id, happened in own.items()}
    return Page(rows, superseded, of_account, of_record)


def latest_of(stated: Iterable[Named]) -> Mapping[str, Happened]:
    """Return when each named event last happened, of what was stated."""
    latest: dict[str, Happened] = {}
    for name, happened in stated:
        known = latest.get(name)
        latest[name] = happened if known is None else known.or_later(happened)
    return latest


def held_among(connection: Connection, first: int, last: int) -> set[int]:
    """Return the log indexes from `first` to `last` that a hold in force covers."""
    return set(connection.execute(_HELD, {"first": first, "last": last}).scalars())


def media_among(connection: Connection, first: int, last: int) -> dict[int, int]:
    """Return the stored bytes of the objects of their own of records from `first` to `last`."""
    rows = connection.execute(_MEDIA, {"first": first, "last": last})
    return {row[0]: int(row[1]) for row in rows}


def media_at(connection: Connection, log_indexes: Sequence[int]) -> dict[int, int]:
    """Return what `media_among` does, of the records at up to 500 log indexes."""
    rows = connection.execute(_MEDIA_AT, {"indexes": list(log_indexes)})
    return {row[0]: int(row[1]) for row in rows}


def lock_ends(connection: Connection) -> dict[str, int]:
    """Return the end of each segment's object lock in milliseconds; those not locked are absent."""
    rows = connection.execute(
        select(segment.c.id, segment.c.lock_until).where(segment.c.lock_mode != LockMode.NONE)
    )
    return {row.id: row.lock_until for row in rows}


def schedules_in_force(connection: Connection, at: int) -> dict[str, tuple[int, str]]:
    """Return version and JSON body of each class's schedule in force at a moment (ms)."""
    newest = (
        select(schedule.c.class_code, func.max(schedule.c.version).label("version"))
        .where(schedule.c.in_force_from <= at)
        .group_by(schedule.c.class_code)
        .subquery()
    )
    rows = connection.execute(
        select(schedule).join(
            newest,
            and_(
                newest.c.class_code == schedule.c.class_code,
                newest.c.version == schedule.c.version,
            ),
        )
    )
    return {row.class_code: (row.version, row.body) for row in rows}


def _superseded(connection: Connection, posts: Sequence[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunks(posts):
        indexes = [row.log_index for row in some]
        for row in connection.execute(_VERSIONS, {"indexes": indexes}):
            if row.superseded_by is not None:
                found[row.id] = row.superseded_by
    return found


def _held() -> Select[Any]:
    return (
        select(hold_record.c.log_index)
        .join(hold, hold.c.id == hold_record.c.hold_id)
        .where(
            hold.c.state == ACTIVE,
            hold_record.c.log_index >= bindparam("first"),
            hold_record.c.log_index <= bindparam("last"),
        )
    )


def _media(where: Where) -> Select[Any]:
    return (
        select(record.c.log_index, func.sum(blob.c.size))
        .join(blob, blob.c.record_id == record.c.id)
        .where(where)
        .group_by(record.c.log_index)
    )


_AT = (
    select(*COLUMNS)
    .where(record.c.log_index.in_(bindparam("indexes", expanding=True)))
    .order_by(record.c.log_index)
)
_VERSIONS = versions_of_posts(record.c.log_index.in_(bindparam("indexes", expanding=True)))
_HELD = _held()
_MEDIA = _media(
    and_(record.c.log_index >= bindparam("first"), record.c.log_index <= bindparam("last"))
)
_MEDIA_AT = _media(record.c.log_index.in_(bindparam("indexes", expanding=True)))
