"""Privacy requests: received, given more time, listed, looked at with what may be decided on each.

What is decided stands in `privacy_decisions`, what is erased in `privacy_erasing`.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import privacy as rows
from archiver.db.privacy import RequestRow
from archiver.db.transaction import Database
from archiver.disposal.changes import reason_of
from archiver.disposal.privacy_changes import PrivacyChanges, views_of
from archiver.disposal.privacy_judging import judged
from archiver.disposal.privacy_views import (
    JudgedPage,
    RequestList,
    RequestView,
)
from archiver.disposal.stated_events import moment_of_text
from archiver.errors import Conflict, InvalidInput
from archiver.ids import Ulids, ulid_bytes
from archiver.model.actor import Actor
from archiver.model.privacy import RequestKind, RequestState
from archiver.preserve.event_record import legible
from retention.facts import EARLIEST
from retention.periods import NO_CUTOFF, Period, end_of_period

MAX_LIST = 200
MAX_PAGE = 1000
_LONGEST = 2000
_MONTHS = 1
_MORE_MONTHS = range(1, 3)
"""One month, and two more where it is complex: GDPR art. 12(3) (to be confirmed by counsel)."""


class PrivacyRequests:
    """The use cases of receiving and reading requests. `zone` is that in whose days is counted."""

    def __init__(
        self,
        *,
        database: Database,
        changes: PrivacyChanges,
        clock: Clock,
        ulids: Ulids,
        zone: ZoneInfo,
    ) -> None:
        self._database = database
        self._changes = changes
        self._clock = clock
        self._ulids = ulids
        self._zone = zone

    async def receive(
        self,
        *,
        kind: str,
        person: str,
        reference: str = "",
        received_at: datetime | None = None,
        actor: Actor,
    ) -> RequestView:
        """Note a request that was received; it is due a month later.

        Args:
            kind: erasure, restriction or objection.
            person: who asks, in as few words as tell them from others.
            reference: what the letter or the ticket is called.
            received_at: when it came; now, unless told.
            actor: who notes it.

        Raises:
            Denied: the actor may not work privacy requests.
            InvalidInput: no such kind, no person, or it was received in the future or before 1970.
        """
        async with self._changes.refusing(Action.PRIVACY_RECEIVED, "", actor=actor):
            require(actor, Permission.MANAGE_PRIVACY)
            now = self._clock()
            received = received_at or now
            if kind not in set(RequestKind):
                raise InvalidInput(
                    f"expected one of {', '.join(RequestKind)}, found {kind[:40]!r}", pointer="kind"
                )
            if not EARLIEST <= received <= now:
                raise InvalidInput(
                    f"expected a moment that has passed, since 1970, found {rfc3339(received)}",
                    pointer="received_at",
                )
            row = RequestRow(
                id=self._ulids.one(now),
                kind=kind,
                reference=_text(reference, "reference", needed=False),
                person=_text(person, "person"),
                received_at=to_millis(received),
                due_at=to_millis(self._due(received, _MONTHS)),
                made_by=legible(actor.name),
                made_at=to_millis(now),
                stated_at=to_millis(now),
            )
        return await self._changes.receive(row, actor=actor)

    async def extend(
        self,
        request_id: str,
        *,
        months: int,
        reason: str,
        version: int | None = None,
        actor: Actor,
    ) -> RequestView:
        """Take one or two months more to answer; the person has to be told why.

        Raises:
            Denied: the actor may not work privacy requests.
            NotFound: no such request.
            Conflict: it is closed, extended already, past its day, or was changed a moment ago.
            InvalidInput: not one or two months, or no reason.
        """
        async with self._changes.refusing(Action.PRIVACY_EXTENDED, request_id, actor=actor):
            require(actor, Permission.MANAGE_PRIVACY)
            view = await self._changes.open(request_id, version)
            if months not in _MORE_MONTHS:
                raise InvalidInput(f"expected 1 or 2 months, found {months}", pointer="months")
            if view.row.extended_months:
                raise Conflict(f"privacy request {request_id} was extended already")
            if self._clock() >= view.due_at:
                raise Conflict(
                    f"privacy request {request_id} was due before {rfc3339(view.due_at)}: it "
                    "cannot be extended any more; answer it"
                )
            due = self._due(from_millis(view.row.received_at), _MONTHS + months)
            details: dict[str, str | int | bool] = {
                "months": months,
                "due_at": to_millis(due),
                "reason": reason_of(reason),
            }
            return await self._changes.change(Action.PRIVACY_EXTENDED, view, details, actor=actor)

    async def list(
        self, *, state: str = "", cursor: str = "", limit: int = 50, actor: Actor
    ) -> RequestList:
        """Return requests, newest first, of one state where it is named.

        Raises:
            Denied: the actor may not see privacy requests.
            InvalidInput: no such state, a cursor that is none, a limit out of 1 to `MAX_LIST`.
        """
        require(actor, Permission.READ_PRIVACY)
        if state and state not in set(RequestState):
            raise InvalidInput(f"expected open or closed, found {state[:40]!r}", pointer="state")
        _require_limit(limit, MAX_LIST)
        if cursor:
            ulid_bytes(cursor)
        async with self._database.reading() as tx:
            found = await rows.page(tx, state=state, before=cursor, limit=limit + 1)
            total = await rows.count(tx, state=state)
            views = await views_of(tx, found[:limit])
        await self._changes.note(Action.PRIVACY_VIEWED, actor=actor, listed=len(views))
        return RequestList(
            items=tuple(views),
            total=total,
            next_cursor=found[limit - 1].id if len(found) > limit else "",
        )

    async def show(self, request_id: str, *, actor: Actor) -> RequestView:
        """Return one request. Raises Denied, NotFound."""
        require(actor, Permission.READ_PRIVACY)
        view = await self._changes.view(request_id)
        await self._changes.note(Action.PRIVACY_VIEWED, request_id, actor=actor)
        return view

    async def records(
        self, request_id: str, *, after: int = -1, limit: int = 50, actor: Actor
    ) -> JudgedPage:
        """Return records of a request behind a log index, each with what may be decided on it.

        Raises:
            Denied: the actor may not see privacy requests.
            NotFound: no such request.
            InvalidInput: a limit out of 1 to `MAX_PAGE`.
        """
        require(actor, Permission.READ_PRIVACY)
        _require_limit(limit, MAX_PAGE)
        view = await self._changes.view(request_id)
        async with self._database.reading() as tx:
            found = await rows.records(tx, request_id, after=after, limit=limit + 1)
            page = await judged(tx, found[:limit], at=to_millis(self._clock()))
        await self._changes.note(Action.PRIVACY_VIEWED, request_id, actor=actor, what="records")
        more = len(found) > limit
        return JudgedPage(
            view=view,
            records=tuple(page),
            after=found[limit - 1].log_index if more else None,
        )

    def _due(self, received: datetime, months: int) -> datetime:
        return end_of_period(
            received, cutoff=NO_CUTOFF, period=Period(months=months), zone=self._zone
        )


def _text(text: str, name: str, *, needed: bool = True) -> str:
    said = legible(text.strip())
    if (needed and not said) or len(said) > _LONGEST:
        raise InvalidInput(
            f"expected a {name} of {int(needed)} to {_LONGEST:,} characters, found {len(said)}",
            pointer=name,
        )
    return said


def _require_limit(limit: int, most: int) -> None:
    if not 1 <= limit <= most:
        raise InvalidInput(f"expected a limit of 1 to {most}, found {limit}", pointer="limit")


def past_moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """Return the moment that people write of what has happened; today, said as a day, is now.

    Raises:
        InvalidInput: it is no day and no moment with its offset.
    """
    moment = moment_of_text(text, zone)
    is_today = moment > now and moment.astimezone(zone).date() == now.astimezone(zone).date()
    return now if is_today else moment
