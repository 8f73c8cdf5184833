"""Reading the audit trail: lists, everything about one object, one event from its record.

The rows are a view of the log's `aud` records. Lists are read from the rows; one event is read from
its record, whose bytes are checked against the log, and then compared with the row.

Reading the trail is an event of the trail: who watches is watched. A page is one event; following
it is one event a minute.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from archiver.access.rules import Permission, require
from archiver.assurance.audit_events import (
    EventDetail,
    EventPage,
    EventView,
    News,
    Timeline,
    difference,
    found_in_record,
    view_of,
)
from archiver.assurance.audit_filter import TrailFilter
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, rfc3339
from archiver.db import events as event_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.events import Arm, FoundEvent, FoundPage, Place
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import IntegrityError, InvalidInput, NotFound
from archiver.model.actor import Actor
from archiver.preserve.event_record import EventBody, legible, parse_event
from archiver.preserve.reader import RecordReader

COUNTED = 10_000
"""Events are counted up to this; beyond it a page says that there are more."""

FOLLOWED = 100
"""Events shown to whoever follows."""

MAX_PAGE = 200

READING_ACTIONS = tuple(
    action.value
    for action in Action
    if action.startswith("record:") or action is Action.EVIDENCE_EXPORTED
)
"""Acts that show something of one record."""

_LOOKED_BACK = 50_000  # entries of the log that following goes back at most
_ONCE_A = timedelta(minutes=1)
_REMEMBERED = 1_000
_CURSOR = re.compile(r"([0-9]{1,15})\.([0-9A-Z]{26})")


class AuditView:
    """The audit trail of one archive, for reading."""

    def __init__(
        self, *, database: Database, reader: RecordReader, trail: Trail, clock: Clock
    ) -> None:
        self._database = database
        self._reader = reader
        self._trail = trail
        self._clock = clock
        self._followed: dict[tuple[str, str], datetime] = {}

    async def list(
        self, wanted: TrailFilter, *, cursor: str = "", limit: int = 50, actor: Actor
    ) -> EventPage:
        """Return a page of the events a filter describes, newest first.

        Raises:
            Denied: the actor may not read the trail.
            InvalidInput: a cursor that is none, or a limit out of 1 to `MAX_PAGE`.
        """
        require(actor, Permission.READ_AUDIT)
        async with self._database.reading() as tx:
            page = await self._page(tx, wanted.arms(), cursor, limit)
        await self._note(page, actor, how=_how(cursor), filters=wanted.in_words())
        return page

    async def mine(self, *, cursor: str = "", limit: int = 50, actor: Actor) -> EventPage:
        """Return a page of what the actor did, newest first. Raises InvalidInput as `list`."""
        async with self._database.reading() as tx:
            page = await self._page(tx, (Arm(actor=actor.name),), cursor, limit)
        await self._note(page, actor, how="their own acts")
        return page

    async def about(
        self,
        object_type: str,
        object_id: str,
        *,
        cursor: str = "",
        limit: int = 50,
        actor: Actor,
    ) -> Timeline:
        """Return everything about one object, newest first.

        Of a record also what happened to the holds it is or was under; of a person and of a token
        also what they did, and what happened to a person's sessions.

        Raises:
            Denied, InvalidInput: as `list`.
            NotFound: no such object, and no event about one.
        """
        require(actor, Permission.READ_AUDIT)
        object_id = legible(object_id)
        async with self._database.reading() as tx:
            acts_as = await _acts_as(tx, object_type, object_id)
            arms, facts, holds = await _reach_of(tx, object_type, object_id, acts_as)
            page = await self._page(tx, arms, cursor, limit)
            name = (await event_rows.names(tx, [object_id])).get(object_id, "")
            is_record = object_type == "record"
            readings = (
                await event_rows.readings(tx, object_id, READING_ACTIONS) if is_record else []
            )
        if not (page.items or name or facts):
            raise NotFound(f"there is no {object_type} {object_id!r}, and no event about one")
        related = tuple(_related(item, object_id, holds, acts_as) for item in page.items)
        page = replace(page, items=related)
        await self._note(page, actor, object_type, object_id, how=_how(cursor), about=object_type)
        return Timeline(
            object_type=object_type,
            object_id=object_id,
            name=name,
            facts=facts,
            readers=tuple(readings),
            page=page,
        )

    async def follow(self, wanted: TrailFilter, *, start: int, actor: Actor) -> News:
        """Return what happened since the log had `start` entries, newest first.

        Raises:
            Denied: the actor may not read the trail.
        """
        require(actor, Permission.READ_AUDIT)
        async with self._database.reading() as tx:
            end = (await ledger_rows.state(tx)).next_index
            found = await event_rows.newer(
                tx,
                wanted.arms(),
                start=max(start, end - _LOOKED_BACK),
                end=end,
                limit=FOLLOWED + 1,
            )
            names = await _names(tx, found)
        if self._is_due(actor, wanted.in_words()):
            await self._note(None, actor, how="following it", filters=wanted.in_words())
        return News(
            items=tuple(view_of(each, names) for each in found[:FOLLOWED]),
            more=len(found) > FOLLOWED,
            as_of=self._clock(),
        )

    async def show(self, record_id: str, *, actor: Actor) -> EventDetail:
        """Return one event as its record in the log holds it, compared with the trail's row.

        A difference is an answer, not an error: it is what an auditor looks for.

        Raises:
            Denied: the actor may not read the trail.
            NotFound: no such event.
            StorageUnavailable: the store did not answer.
        """
        require(actor, Permission.READ_AUDIT)
        async with self._database.reading() as tx:
            record, segment, entry = await _stored(tx, record_id)
            listed = await event_rows.get(tx, record_id)
            signed = (await ledger_rows.state(tx)).size
            names = await _names(tx, [listed] if listed else [])
        body, raw, problem = await asyncio.to_thread(self._open, record, segment, entry)
        if listed is None or body is not None:
            problem = problem or difference(record_id, listed, body)
        if listed is None:
            listed = found_in_record(record, body)
        await self._note(
            None,
            actor,
            "event",
            record_id,
            how="one event",
            result="integrity" if problem else "ok",
        )
        return EventDetail(
            found=view_of(listed, names),
            body=body,
            raw=raw,
            problem=problem,
            covered=record.log_index < signed,
        )

    async def matters(self, *, actor: Actor) -> Sequence[str]:
        """Return the matters that events can be filtered by. Raises Denied."""
        require(actor, Permission.READ_AUDIT)
        async with self._database.reading() as tx:
            return await event_rows.matters(tx)

    async def _page(
        self, tx: Transaction, arms: Sequence[Arm], cursor: str, limit: int
    ) -> EventPage:
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(
                f"expected a limit of 1 to {MAX_PAGE}, found {limit}", pointer="limit"
            )
        found = await event_rows.page(tx, arms, before=_place(cursor), limit=limit)
        names = await _names(tx, found.events)
        total, exact = await _total(tx, arms, found, first=not cursor)
        state = await ledger_rows.state(tx)
        return EventPage(
            items=tuple(view_of(each, names) for each in found.events),
            next_cursor=_cursor(found.next_place),
            total=total,
            total_is_exact=exact,
            log_size=state.next_index,
            as_of=self._clock(),
        )

    def _open(
        self, record: RecordRow, segment: SegmentRow, entry: bytes
    ) -> tuple[EventBody | None, str, str]:
        try:
            opened = self._reader.open(segment, record, entry)
            content = self._reader.part(opened, 0).content
            return parse_event(content), content.decode(), ""
        except (IntegrityError, NotFound) as error:
            return None, "", str(error)

    def _is_due(self, actor: Actor, filters: str) -> bool:
        """Return whether following this is an event again: once a minute in this process."""
        now = self._clock()
        asked = (actor.name, filters)
        last = self._followed.get(asked)
        if last is not None and now - last < _ONCE_A:
            return False
        self._followed.pop(asked, None)
        self._followed[asked] = now
        while len(self._followed) > _REMEMBERED:
            del self._followed[next(iter(self._followed))]
        return True

    async def _note(
        self,
        page: EventPage | None,
        actor: Actor,
        object_type: str = "audit",
        object_id: str = "",
        *,
        result: str = "ok",
        **details: str,
    ) -> None:
        told: dict[str, str | int | bool] = {
            name: value for name, value in details.items() if value
        }
        if page is not None:
            told["shown"] = len(page.items)
        await self._trail.record(
            Action.AUDIT_VIEWED,
            actor=actor,
            object_type=object_type,
            object_id=object_id,
            result=result,
            details=told,
        )


async def _stored(tx: Transaction, record_id: str) -> tuple[RecordRow, SegmentRow, bytes]:
    record = await record_rows.get(tx, record_id)
    if record.entry_type != "aud":
        raise NotFound(f"there is no event {record_id}; it is the id of a record")
    (entry,) = await ledger_rows.entries(tx, record.log_index, record.log_index + 1)
    return record, await segment_rows.get(tx, record.segment_id), entry


async def _acts_as(tx: Transaction, object_type: str, object_id: str) -> str:
    is_actor = object_type in {"person", "token"}
    return await event_rows.acts_as(tx, object_type, object_id) if is_actor else ""


async def _reach_of(
    tx: Transaction, object_type: str, object_id: str, acts_as: str
) -> tuple[tuple[Arm, ...], tuple[tuple[str, str], ...], Mapping[str, str]]:
    """Return what to look for about an object, what else is known of it, and the holds over it."""
    itself = Arm(object_id=object_id, object_types=(object_type,))
    if object_type == "record":
        record = await record_rows.get(tx, object_id)
        holds = await event_rows.holds_over(tx, record.log_index)
        told = (
            ("captured", rfc3339(from_millis(record.captured_at))),
            ("log index", f"{record.log_index:,}"),
            ("holds", ", ".join(holds.values()) or "none so far"),
        )
        return (itself, Arm(holds_over=record.log_index, object_types=("hold",))), told, holds
    did = (Arm(actor=acts_as),) if acts_as else ()
    sessions = (Arm(sessions_of=object_id),) if object_type == "person" else ()
    facts = (("acts as", acts_as),) if acts_as else ()
    return (itself, *did, *sessions), facts, {}


def _related(item: EventView, object_id: str, holds: Mapping[str, str], acts_as: str) -> EventView:
    """Mark an event that is not about the object itself with what connects it."""
    row = item.row
    if row.object_id == object_id:
        return item
    if row.object_id in holds:
        return replace(item, relation="hold")
    return replace(item, relation="by" if row.actor == acts_as else "session")


async def _names(tx: Transaction, found: Sequence[FoundEvent]) -> dict[str, str]:
    return await event_rows.names(tx, sorted({each.row.object_id for each in found} - {""}))


async def _total(
    tx: Transaction, arms: Sequence[Arm], found: FoundPage, *, first: bool
) -> tuple[int, bool]:
    if first and found.next_place is None:
        return len(found.events), True
    if arms[0].text:  # no index answers it; a page looks through a part of the trail only
        return len(found.events), False
    total = await event_rows.count(tx, arms, most=COUNTED)
    return min(total, COUNTED), total <= COUNTED


def _how(cursor: str) -> str:
    return "a further page" if cursor else ""


def _cursor(place: Place | None) -> str:
    return "" if place is None else f"{place.at}.{place.record_id}"


def _place(cursor: str) -> Place | None:
    if not cursor:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InvalidInput(
            "expected a cursor as a page gave it, found another text; begin again without one",
            pointer="cursor",
        )
    return Place(int(found[1]), found[2])
