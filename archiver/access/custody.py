"""The life of one record in order: what the log and the store say was done with it, and by whom.

Pure. Its own life (captured, sealed, sequenced, covered, timestamped, witnessed, held, released) is
told to everybody who may open it; who looked at it, to those who may read the audit trail.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.access.record_views import HoldOnRecord, Json, RecordView
from archiver.audit.sentences import read_details, sentence
from archiver.clock import from_millis, rfc3339
from archiver.db.events import EventRow
from archiver.preserve.segments.manifest import parse_moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """A timestamp that covers the record: whose, when by its clock, over how many entries."""

    authority: str
    at: datetime | None
    size: int
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """A cosignature that covers the record: of which witness, on how many entries."""

    witness: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What others attest of a record's place in the log: each the first that covers it."""

    stamps: tuple[Stamped, ...] = ()
    witnesses: tuple[Witnessed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened. `at` is None where only the order is known; `event` is its id."""

    at: datetime | None
    what: str
    detail: str = ""
    event: str = ""

    def to_dict(self) -> Json:
        """Return the JSON document."""
        return {
            "at": rfc3339(self.at) if self.at else None,
            "what": self.what,
            "detail": self.detail,
            "event": self.event,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """The life of a record. `events_shown` tells whether who looked is told too."""

    steps: tuple[Step, ...]
    events_shown: bool
    more_events: bool

    def to_dict(self) -> Json:
        """Return the JSON document."""
        return {
            "items": [step.to_dict() for step in self.steps],
            "total": len(self.steps),
            "total_is_exact": not self.more_events,
            "events_shown": self.events_shown,
            "next_cursor": "",
        }


def custody(
    view: RecordView,
    *,
    log_size: int,
    origin: str,
    attested: Attested,
    events: Sequence[EventRow] | None,
    more_events: bool = False,
) -> Custody:
    """Return the life of a record, oldest first.

    Args:
        view: the record.
        log_size: how many entries the newest checkpoint covers.
        origin: the log's name.
        attested: what others say of its place.
        events: events about it, None where the actor may not read them.
        more_events: whether there are older ones.
    """
    made = list(_made(view, log_size, origin))
    since = (
        *_attested(attested),
        *(step for hold in view.record.holds for step in _held(hold)),
        *(_event(row) for row in events or ()),
    )
    newest = made[-1].at or from_millis(view.record.row.captured_at)
    ordered = sorted(since, key=lambda step: step.at or newest)
    return Custody(
        steps=(*made, *ordered), events_shown=events is not None, more_events=more_events
    )


def _made(view: RecordView, log_size: int, origin: str) -> Iterator[Step]:
    row, segment, source = view.record.row, view.record.segment, view.manifest.source
    how = f"{source.method} {source.source}".strip()
    connector = f" by {source.connector} {source.version}".rstrip() if source.connector else ""
    yield Step(
        at=parse_moment(view.manifest.captured_at),
        what="Captured",
        detail=f"{how}{connector}",
    )
    until = from_millis(segment.lock_until)
    lock = "without a lock" if segment.lock_mode == "none" else f"locked until {until:%Y-%m-%d}"
    yield Step(
        at=from_millis(segment.created_at),
        what="Sealed",
        detail=f"frame {row.frame} of segment {segment.id}, encrypted with its own key, {lock}",
    )
    yield Step(at=None, what="Sequenced", detail=f"entry {row.log_index} of the log {origin}")
    if log_size > row.log_index:
        detail = f"the newest signed checkpoint covers {log_size} entries, this one among them"
        yield Step(at=None, what="Under a checkpoint", detail=detail)


def _attested(attested: Attested) -> Iterator[Step]:
    for stamp in attested.stamps:
        over = f"over the checkpoint of {stamp.size} entries"
        detail = f"{over}; it does not verify: {stamp.problem}" if stamp.problem else over
        yield Step(at=stamp.at, what=f"Timestamped by {stamp.authority}", detail=detail)
    for seen in attested.witnesses:
        detail = f"cosigned the checkpoint of {seen.size} entries"
        yield Step(at=None, what=f"Witnessed by {seen.witness}", detail=detail)


def _held(hold: HoldOnRecord) -> Iterator[Step]:
    name = hold.name if hold.visible else "a hold you may not see"
    matter = f"matter {hold.matter}" if hold.visible and hold.matter else ""
    yield Step(at=hold.placed_at, what=f"Held by {name}", detail=matter)
    if hold.released_at:
        yield Step(at=hold.released_at, what=f"Released from {name}", detail=matter)


def _event(row: EventRow) -> Step:
    told = sentence(
        row.action,
        actor=row.actor,
        object_type=row.object_type,
        object_id=row.object_id,
        result=row.result,
        details=read_details(row.details),
    )
    return Step(
        at=from_millis(row.at),
        what=told.replace(f"record {row.object_id}", "this record").removesuffix("."),
        event=row.record_id,
    )
