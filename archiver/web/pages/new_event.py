"""Stating a retention event: the form, whose ends it would move, then the act.

The form can be filled in by the address (`?account=`, `name=`), so that an account leads here.
Nothing is kept between the steps: each carries what was filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.stated_events import NewEvent, when_of_text
from archiver.errors import InvalidInput
from archiver.web.pages.refusals import refused, refused_status
from archiver.web.pages.rendering import PAGES
from archiver.web.pages.retention_events import FORM, HTML, to_event
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Parameter, route

_MOST_RECORDS = 500
_FIELDS = ("name", "happened_at", "platform", "account", "record_ids", "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventForm:
    """What was filled in. `record_ids` has one to a line; `happened_at` is a day."""

    name: str = ""
    happened_at: str = ""
    platform: str = ""
    account: str = ""
    record_ids: str = ""
    note: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Self:
        """Return the form's fields; those not sent are empty."""
        return cls(**{name: fields.get(name, "") for name in _FIELDS})

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The fields as the next step carries them."""
        return [(name, getattr(self, name)) for name in _FIELDS]

    @property
    def account_href(self) -> str:
        """The address of the same form, filled in."""
        given = {name: value for name, value in self.hidden if value}
        return f"/retention-events/new?{urlencode(given)}"


@route(
    "GET",
    "/retention-events/new",
    permission=Permission.EDIT_FILE_PLAN,
    summary="State an event",
    answers={200: HTML},
    parameters=tuple(Parameter(name=name, what="Filled in") for name in _FIELDS),
    confirm=True,
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show the form, filled in as far as the address says."""
    given = {name: text_of(request, name, default="") for name in _FIELDS}
    return await _form(request, EventForm.of(given))


@route(
    "POST",
    "/retention-events/new",
    permission=Permission.EDIT_FILE_PLAN,
    summary="What stating an event would do",
    takes=(FORM,),
    answers={200: HTML, 400: HTML},
    confirm=True,
    looks=True,
)
async def consequences(request: web.Request) -> web.StreamResponse:
    """Show whose ends the event would move, before it is stated."""
    form = EventForm.of(await read_form(request))
    try:
        stated = _stated(request, form)
        preview = await services_of(request).keeping.previews.state(stated, actor=actor_of(request))
    except InvalidInput as error:
        return await _form(request, form, error)
    return request.app[PAGES].render(request, "event_state.html", form=form, preview=preview)


@route(
    "POST",
    "/retention-events",
    permission=Permission.EDIT_FILE_PLAN,
    summary="State an event, of an account or of records",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
    confirm=True,
)
async def state(request: web.Request) -> web.StreamResponse:
    """State the event; the records concerned are worked out anew in the background."""
    form = EventForm.of(await read_form(request))
    try:
        views = await services_of(request).keeping.events.state_all(
            _stated(request, form), actor=actor_of(request)
        )
    except InvalidInput as error:
        return await _form(request, form, error)
    if len(views) > 1:
        query = urlencode({"name": views[0].row.name, "done": "stated"})
        return web.Response(status=303, headers={"Location": f"/retention-events?{query}"})
    known = "it was stated already" in views[0].warnings
    return to_event(views[0].row.id, "known" if known else "stated")


ROUTES = (new, consequences, state)


def _stated(request: web.Request, form: EventForm) -> list[NewEvent]:
    """Return the events a form states: one of an account, or one of each record."""
    when = when_of_text(form.happened_at, services_of(request).keeping.zone)
    records = list(dict.fromkeys(form.record_ids.split()))
    if len(records) > _MOST_RECORDS:
        raise InvalidInput(
            f"expected at most {_MOST_RECORDS} records, found {len(records)}; send a CSV file",
            pointer="/record_ids",
        )
    of_account = NewEvent(
        name=form.name,
        happened_at=when.at,
        day=when.day,
        platform=form.platform,
        account=form.account,
        note=form.note,
    )
    # One that names both is refused as a whole: which of the two is meant nobody can tell.
    if not records:
        return [of_account]
    return [replace(of_account, record_id=record_id) for record_id in records]


async def _form(
    request: web.Request, form: EventForm, error: InvalidInput | None = None
) -> web.Response:
    fields = {"record_id": "record_ids"}
    names = await services_of(request).keeping.events.awaited_names()
    if names and form.name:
        names |= {form.name}
    return request.app[PAGES].render(
        request,
        "event_new.html",
        status=refused_status(error),
        form=form,
        names=[(name, name) for name in sorted(names)],
        errors=[(fields.get(name, name), message) for name, message in refused(error)],
    )
