"""What is shown of the audit trail: its views, as the documents that the faces hand out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from archiver.audit.sentences import details_in_words, read_details, sentence
from archiver.clock import from_millis, rfc3339
from archiver.db.events import COLUMNS, EventRow, FoundEvent, Reading
from archiver.db.records import RecordRow
from archiver.errors import NotFound
from archiver.preserve.event_record import EventBody, event_row

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One event in a list. `relation` says why it stands in a list about something else."""

    row: EventRow
    log_index: int
    object_name: str = ""
    relation: str = ""
    names: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def at(self) -> datetime:
        """When it happened."""
        return from_millis(self.row.at)

    def to_dict(self) -> Json:
        """Return the JSON document."""
        row = self.row
        details = read_details(row.details)
        told = sentence(
            row.action,
            actor=row.actor,
            object_type=row.object_type,
            object_id=row.object_id,
            result=row.result,
            details=details,
            names=self.names,
        )
        return {
            "id": row.record_id,
            "log_index": self.log_index,
            "at": rfc3339(self.at),
            "actor": row.actor,
            "action": row.action,
            "object_type": row.object_type,
            "object_id": row.object_id,
            "object_name": self.object_name,
            "result": row.result,
            "details": details,
            "sentence": told,
            "relation": self.relation,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """A page of events, newest first.

    `total` counts what matches, up to a limit; where `total_is_exact` is false there are more.
    `log_size` is how far the log was when the page was read: whoever follows begins there.
    """

    items: tuple[EventView, ...]
    next_cursor: str
    total: int
    total_is_exact: bool
    log_size: int
    as_of: datetime

    def to_dict(self) -> Json:
        """Return the JSON document."""
        return {
            "items": [item.to_dict() for item in self.items],
            "next_cursor": self.next_cursor,
            "total": self.total,
            "total_is_exact": self.total_is_exact,
            "log_size": self.log_size,
            "as_of": rfc3339(self.as_of),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Everything the trail knows about one object.

    `readers` tells of a record who opened, explained, verified or exported it. Which searches
    showed it in their results is not kept: an event of a search holds its query and its count.
    """

    object_type: str
    object_id: str
    name: str
    facts: tuple[tuple[str, str], ...]
    readers: tuple[Reading, ...]
    page: EventPage

    def to_dict(self) -> Json:
        """Return the JSON document."""
        return {
            "object_type": self.object_type,
            "object_id": self.object_id,
            "name": self.name,
            "facts": dict(self.facts),
            "readers": [
                {
                    "actor": each.actor,
                    "action": each.action,
                    "times": each.times,
                    "first": rfc3339(from_millis(each.first)),
                    "last": rfc3339(from_millis(each.last)),
                }
                for each in self.readers
            ],
            **self.page.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetail:
    """One event, read from its record and compared with the trail's row.

    `body` is None where the record could not be opened. `problem` says what is not as promised;
    empty, the record has the hashes that the log commits to and the row says the same as it.
    """

    found: EventView
    body: EventBody | None
    raw: str
    problem: str
    covered: bool

    def to_dict(self) -> Json:
        """Return the JSON document; `event` is what the record holds, not what the row says."""
        listed = self.found.to_dict()
        body = self.body
        details = read_details(self.found.row.details) if body is None else body.details
        return {
            **listed,
            "ok": not self.problem,
            "problem": self.problem,
            "under_checkpoint": self.covered,
            "roles": [] if body is None else list(body.roles),
            "via": "" if body is None else body.via,
            "details_in_words": [list(pair) for pair in details_in_words(details)],
            "event": self.raw,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Events since a place in the log, newest first, as whoever follows is told them."""

    items: tuple[EventView, ...]
    more: bool
    as_of: datetime

    def to_dict(self) -> Json:
        """Return the JSON document."""
        return {
            "items": [item.to_dict() for item in self.items],
            "more": self.more,
            "as_of": rfc3339(self.as_of),
        }


def view_of(found: FoundEvent, names: Mapping[str, str], *, relation: str = "") -> EventView:
    """Return an event as a list shows it."""
    return EventView(
        row=found.row,
        log_index=found.log_index,
        object_name=names.get(found.row.object_id, ""),
        relation=relation,
        names=names,
    )


def difference(record_id: str, listed: FoundEvent | None, body: EventBody | None) -> str:
    """Return in which fields the trail's row differs from the record; empty if in none."""
    if listed is None:
        return (
            f"record {record_id} is an event of the log that the trail's table does not list; run "
            "`muniment recover` to derive the table again"
        )
    if body is None:
        return ""
    promised = event_row(record_id, body)
    wrong = [
        f"{name} is {getattr(listed.row, name)!r} and {value!r} in the record"
        for name, value in zip(COLUMNS, promised, strict=True)
        if getattr(listed.row, name) != value
    ]
    return "" if not wrong else f"the trail's row is not what the log holds: {'; '.join(wrong)}"


def found_in_record(record: RecordRow, body: EventBody | None) -> FoundEvent:
    """Return the row as it ought to be, where the table lacks it.

    Raises:
        NotFound: the record could not be opened either.
    """
    if body is None:
        raise NotFound(f"there is no event {record.id}")
    values = dict(zip(COLUMNS, event_row(record.id, body), strict=True))
    return FoundEvent(row=EventRow(**values), log_index=record.log_index)  # type: ignore[arg-type] # as `event_row` promises
