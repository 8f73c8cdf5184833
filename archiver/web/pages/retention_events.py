"""Retention events: the list, one statement with its history, correcting and withdrawing it.

What terms count from decides when records may go, so each act shows first whose ends it moves.
Stating one stands in `new_event.py`, files of them in `event_import.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.stated_events import when_of_text
from archiver.errors import CallerError, Conflict, InvalidInput
from archiver.web.pages.refusals import refused, refused_status
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, flag_of, read_form, services_of, text_of
from archiver.web.routing import Body, Parameter, route

HTML = Body(media_type="text/html")
FORM = Body(media_type="application/x-www-form-urlencoded")
_PER_PAGE = 50
_ID = "/retention-events/{id}"
_DONE = {
    "stated": "The event is stated.",
    "known": "It was stated already; nothing was changed.",
    "corrected": "The event is corrected.",
    "withdrawn": "The statement is withdrawn.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which statements the list shows, as the address says it."""

    account: str = ""
    platform: str = ""
    record: str = ""
    name: str = ""
    in_force: bool = False

    @classmethod
    def of(cls, request: web.Request) -> Self:
        """Return the filter in the request's address. Raises InvalidInput."""
        words = {
            each: text_of(request, each, default="").strip()
            for each in ("account", "platform", "record", "name")
        }
        return cls(**words, in_force=flag_of(request, "in_force"))

    @property
    def chips(self) -> tuple[tuple[str, str], ...]:
        """The filters in force, each with the address without it."""
        named = (
            (self.account, f"Account {self.account}", replace(self, account="")),
            (self.platform, f"Platform {self.platform}", replace(self, platform="")),
            (self.record, f"Record {self.record}", replace(self, record="")),
            (self.name, self.name, replace(self, name="")),
            (self.in_force, "In force", replace(self, in_force=False)),
        )
        return tuple((label, without.href()) for value, label, without in named if value)

    def href(self, cursor: str = "") -> str:
        """Return the address of the list with this filter."""
        pairs = {
            "account": self.account,
            "platform": self.platform,
            "record": self.record,
            "name": self.name,
            "in_force": "true" if self.in_force else "",
            "cursor": cursor,
        }
        query = urlencode({key: value for key, value in pairs.items() if value})
        return f"/retention-events?{query}" if query else "/retention-events"


@route(
    "GET",
    "/retention-events",
    permission=Permission.READ_FILE_PLAN,
    summary="Retention events",
    answers={200: HTML},
    parameters=(
        Parameter(name="account", what="Only of accounts of this handle"),
        Parameter(name="platform", what="Only of accounts of this platform"),
        Parameter(name="record", what="Only of this record"),
        Parameter(name="name", what="Only events of this name"),
        Parameter(name="in_force", what="`true`: only what is in force", type="boolean"),
        Parameter(name="cursor", what="The page"),
        Parameter(name="done", what="What was just done"),
    ),
)
async def events(request: web.Request) -> web.StreamResponse:
    """Show a page of what was stated, the newest first."""
    asked, keeping = EventFilter.of(request), services_of(request).keeping
    found = await keeping.events.list(
        account=asked.account,
        platform=asked.platform.lower(),
        record_id=asked.record,
        name=asked.name,
        in_force_only=asked.in_force,
        limit=_PER_PAGE,
        cursor=text_of(request, "cursor", default=""),
        actor=actor_of(request),
    )
    return request.app[PAGES].render(
        request,
        "retention_events.html",
        found=found,
        asked=asked,
        names=[(name, name) for name in await _names(request, asked.name)],
        next_href=asked.href(found.next_cursor) if found.next_cursor else "",
        done=_DONE.get(text_of(request, "done", default=""), ""),
    )


@route(
    "GET",
    _ID,
    permission=Permission.READ_FILE_PLAN,
    summary="One statement of an event, with its history",
    answers={200: HTML},
    parameters=(Parameter(name="done", what="What was just done"),),
)
async def event(request: web.Request) -> web.StreamResponse:
    """Show one statement and everything that was said of the event."""
    page = await services_of(request).keeping.history.show(
        request.match_info["id"], actor=actor_of(request)
    )
    row = page.view.row
    of_it = EventFilter(account=row.account, platform=row.platform, record=row.record_id)
    return request.app[PAGES].render(
        request,
        "retention_event.html",
        page=page,
        all_href=of_it.href(),
        done=_DONE.get(text_of(request, "done", default=""), ""),
    )


@route(
    "GET",
    _ID + "/correct",
    permission=Permission.EDIT_FILE_PLAN,
    summary="What another date of an event would do",
    answers={200: HTML, 400: HTML, 409: HTML},
    parameters=(
        Parameter(name="happened_at", what="The day it happened"),
        Parameter(name="note", what="Where it is known from"),
    ),
    confirm=True,
)
async def correct_form(request: web.Request) -> web.StreamResponse:
    """Ask for the day; where it is given, show whose ends it would move."""
    given = {name: request.query[name] for name in ("happened_at", "note") if name in request.query}
    return await _correct_form(request, given)


@route(
    "POST",
    _ID + "/correct",
    permission=Permission.EDIT_FILE_PLAN,
    summary="State another date for an event",
    takes=(FORM,),
    answers={303: HTML, 400: HTML, 409: HTML},
    confirm=True,
)
async def correct(request: web.Request) -> web.StreamResponse:
    """Correct the event; the statement before stays, in force no longer."""
    fields, keeping = await read_form(request), services_of(request).keeping
    try:
        when = when_of_text(fields.get("happened_at", ""), keeping.zone)
        view = await keeping.events.correct(
            request.match_info["id"],
            happened_at=when.at,
            day=when.day,
            note=fields.get("note"),
            reason=fields.get("reason", ""),
            actor=actor_of(request),
        )
    except (InvalidInput, Conflict) as error:
        return await _correct_form(request, fields, error)
    return to_event(view.row.id, "corrected")


@route(
    "GET",
    _ID + "/withdraw",
    permission=Permission.EDIT_FILE_PLAN,
    summary="What withdrawing a statement would do",
    answers={200: HTML, 409: HTML},
    confirm=True,
)
async def withdraw_form(request: web.Request) -> web.StreamResponse:
    """Show whose ends move when it did not happen."""
    return await _withdraw_form(request)


@route(
    "POST",
    _ID + "/withdraw",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Withdraw a statement",
    takes=(FORM,),
    answers={303: HTML, 400: HTML, 409: HTML},
    confirm=True,
)
async def withdraw(request: web.Request) -> web.StreamResponse:
    """Take the statement back; it stays on record."""
    fields = await read_form(request)
    try:
        view = await services_of(request).keeping.events.withdraw(
            request.match_info["id"], reason=fields.get("reason", ""), actor=actor_of(request)
        )
    except InvalidInput as error:
        return await _withdraw_form(request, error)
    return to_event(view.row.id, "withdrawn")


ROUTES = (
    events,
    event,
    correct_form,
    correct,
    withdraw_form,
    withdraw,
)


async def _names(request: web.Request, asked: str) -> list[str]:
    return sorted({asked, *await services_of(request).keeping.events.awaited_names()} - {""})


async def _correct_form(
    request: web.Request, given: Mapping[str, str], error: CallerError | None = None
) -> web.Response:
    keeping, event_id = services_of(request).keeping, request.match_info["id"]
    page = await keeping.history.show(event_id, actor=actor_of(request))
    preview = None
    if given.get("happened_at"):
        try:
            when = when_of_text(given["happened_at"], keeping.zone)
            preview = await keeping.previews.correct(
                event_id, happened_at=when.at, day=when.day, actor=actor_of(request)
            )
        except (InvalidInput, Conflict) as problem:
            error = error or problem
    return request.app[PAGES].render(
        request,
        "event_correct.html",
        status=refused_status(error),
        page=page,
        given=given,
        preview=preview,
        errors=refused(error),
    )


async def _withdraw_form(request: web.Request, error: CallerError | None = None) -> web.Response:
    preview = await services_of(request).keeping.previews.withdraw(
        request.match_info["id"], actor=actor_of(request)
    )
    return request.app[PAGES].render(
        request,
        "event_withdraw.html",
        status=refused_status(error),
        preview=preview,
        errors=refused(error),
    )


def to_event(event_id: str, done: str) -> web.Response:
    """Lead to the page of a statement, where what was done is told."""
    return web.Response(
        status=303, headers={"Location": f"/retention-events/{event_id}?done={done}"}
    )
