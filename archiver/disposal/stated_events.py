"""Retention events as people state them and are shown them."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from archiver.clock import from_millis, rfc3339, to_millis
from archiver.db.retention_events import RetentionEventRow, happened_of
from archiver.errors import InvalidInput
from archiver.model.actor import Actor
from archiver.preserve.retention_event_effects import Statement
from retention.ends import Happened
from retention.errors import DefinitionError
from retention.facts import EARLIEST
from retention.schedules import Trigger

FURTHEST_AHEAD = timedelta(days=366 * 50)
"""An event further ahead than this is a slip of the pen; its locks could not be undone."""

LONGEST_NOTE = 4000
LONGEST_NAME = 1024
_UNPRINTABLE = re.compile("[\0-\x1f\x7f\ud800-\udfff]")

Key = tuple[str, str, str, str, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """What somebody wants to state: of an account (`platform`, `account`), or of a record.

    Where a calendar day is stated, `day` is what terms count from, in whatever zone they do, and
    `happened_at` its end in the archive's zone.
    """

    name: str
    happened_at: datetime
    platform: str = ""
    account: str = ""
    record_id: str = ""
    note: str = ""
    day: date | None = None

    @property
    def subject(self) -> tuple[str, str, str]:
        """What it happened to."""
        return self.platform, self.account, self.record_id

    @property
    def key(self) -> Key:
        """What makes two statements the same."""
        return (*self.subject, self.name, to_millis(self.happened_at), self.day_text)

    @property
    def day_text(self) -> str:
        """The day that was stated, as it is stored; empty for a moment."""
        return "" if self.day is None else self.day.isoformat()

    @property
    def happened(self) -> Happened:
        """What terms would count from."""
        return happened_of(to_millis(self.happened_at), self.day_text)


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """When something happened as people write it: a moment, or a calendar `day` with its end."""

    at: datetime
    day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One statement, for people. `warnings` are for whoever has just stated it."""

    row: RetentionEventRow
    warnings: tuple[str, ...] = ()

    @property
    def happened_at(self) -> datetime:
        """When it happened."""
        return from_millis(self.row.happened_at)

    @property
    def stated_at(self) -> datetime:
        """When it was stated."""
        return from_millis(self.row.stated_at)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        row = self.row
        return {
            "id": row.id,
            "name": row.name,
            "platform": row.platform,
            "account": row.account,
            "record_id": row.record_id,
            "happened_at": rfc3339(from_millis(row.happened_at)),
            "day": row.day,
            "note": row.note,
            "source": row.source,
            "corrects": row.corrects,
            "in_force": row.in_force,
            "stated_by": row.stated_by,
            "stated_at": rfc3339(from_millis(row.stated_at)),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EventList:
    """One page of statements, the newest first."""

    items: tuple[EventView, ...]
    next_cursor: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "items": [view.to_dict() for view in self.items],
            "next_cursor": self.next_cursor,
        }


def checked(event: NewEvent, now: datetime) -> NewEvent:
    """Return an event with its values as they are stored; no record is looked for.

    Raises:
        InvalidInput: a value is not well formed; `pointer` names the field.
    """
    name = event.name.strip()
    try:
        Trigger.parse(f"event:{name}")
    except DefinitionError as error:
        raise InvalidInput(str(error), pointer="/name") from error
    if bool(event.record_id) == bool(event.platform or event.account):
        raise InvalidInput(
            "expected an event of an account (platform and account) or of a record, found "
            + ("both" if event.record_id else "neither"),
            pointer="/record_id" if event.record_id else "/account",
        )
    if not event.record_id and not (event.platform and event.account):
        raise InvalidInput(
            "expected platform and account together, as captures write them",
            pointer="/account" if event.platform else "/platform",
        )
    moment = event.happened_at
    if moment.tzinfo is None or not EARLIEST <= moment <= now + FURTHEST_AHEAD:
        raise InvalidInput(
            f"expected a moment with its offset, from 1970 to fifty years ahead, found {moment}",
            pointer="/happened_at",
        )
    return NewEvent(
        name=name,
        happened_at=from_millis(to_millis(moment)),
        platform=words_of("platform", event.platform.lower(), LONGEST_NAME),
        account=words_of("account", event.account, LONGEST_NAME),
        record_id=event.record_id.strip(),
        note=words_of("note", event.note, LONGEST_NOTE),
        day=event.day,
    )


def new_statement(
    statement_id: str, event: NewEvent, *, source: str, corrects: str = ""
) -> Statement:
    """Return what somebody wants to state as an event of the trail names it."""
    return Statement(
        id=statement_id,
        name=event.name,
        happened_at=to_millis(event.happened_at),
        platform=event.platform,
        account=event.account,
        record_id=event.record_id,
        note=event.note,
        source=source,
        corrects=corrects,
        day=event.day_text,
    )


def as_new(row: RetentionEventRow) -> NewEvent:
    """Return what a row states, as if it were to be stated anew."""
    return NewEvent(
        name=row.name,
        happened_at=from_millis(row.happened_at),
        platform=row.platform,
        account=row.account,
        record_id=row.record_id,
        note=row.note,
        day=date.fromisoformat(row.day) if row.day else None,
    )


def told_of(event: NewEvent) -> dict[str, str | int | bool]:
    """Return what the sentence of an event of the trail is made of."""
    return {
        "name": event.name,
        "about": event.record_id or f"{event.account} on {event.platform}",
        "happened": event.day_text or rfc3339(event.happened_at),
    }


def source_of(source: str, actor: Actor) -> str:
    """Return how a statement came: as told, or by what way its actor did."""
    return source or actor.via


def words_of(field: str, text: str, most: int, *, required: bool = False) -> str:
    """Return a text without blanks around it. Raises InvalidInput: too long, or not printable."""
    found = text.strip()
    if len(found) > most or _UNPRINTABLE.search(found) or (required and not found):
        least = 1 if required else 0
        raise InvalidInput(
            f"expected {field} of {least} to {most:,} printable characters, found {len(found):,}",
            pointer=f"/{field}",
        )
    return found


def moment_of_text(text: str, zone: ZoneInfo) -> datetime:
    """Return the moment that people write; a day alone is its last millisecond in `zone`.

    Raises:
        InvalidInput: as `when_of_text`.
    """
    return when_of_text(text, zone).at


def when_of_text(text: str, zone: ZoneInfo) -> When:
    """Return when people write that something happened: `2026-03-31`, or a moment with its offset.

    A day alone is that day wherever a schedule counts: the day before it, which it may still be at
    its end in the zone of a schedule, would take a day off the term (ADR 0056). Its moment is its
    last millisecond in `zone`, the archive's.

    Raises:
        InvalidInput: it is neither; the pointer is `/happened_at`.
    """
    try:
        day = date.fromisoformat(text.strip())
        next_day = day + timedelta(days=1)
        midnight = datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone)
        return When(at=from_millis(to_millis(midnight) - 1), day=day)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is not None:
            return When(at=from_millis(to_millis(moment)))
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(
        "expected a day such as 2026-03-31, or a moment with its offset such as "
        f"2026-03-31T17:00:00+02:00, found {text[:80]!r}",
        pointer="/happened_at",
    )
