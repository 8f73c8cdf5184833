"""People: the list, inviting, one person with their roles, disabling, links."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from archiver.access.people import PeopleFilter
from archiver.access.roster import PersonView
from archiver.access.rules import Permission, allowed
from archiver.errors import CallerError, Conflict, InvalidInput
from archiver.model.actor import Role
from archiver.model.grants import Grants
from archiver.web.errors import status_of
from archiver.web.pages.rendering import PAGES
from archiver.web.pages.role_choice import CHOICES, LIMITABLE, NEW_PARTS, chosen, duties
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.session import origin_of

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_ONE = "/people/{id:[0-9A-Z]{26}}"
_DONE = {
    "roles": "The roles are in force.",
    "disabled": "The person is disabled, and signed out everywhere.",
    "enabled": "The person may act again.",
    "session": "The session has ended.",
}


@route(
    "GET",
    "/people",
    permission=Permission.READ_AUDIT,
    summary="People and their access",
    parameters=(
        Parameter(name="q", what="Words in the name or e-mail"),
        Parameter(name="role", what="Only who holds this role, anywhere"),
        Parameter(name="state", what="invited, active or disabled"),
    ),
    answers={200: _HTML},
)
async def people(request: web.Request) -> web.StreamResponse:
    """Show the people."""
    asked = PeopleFilter(
        words=text_of(request, "q", default=""),
        role=text_of(request, "role", default=""),
        state=text_of(request, "state", default=""),
    )
    shown = await services_of(request).people.list(asked, actor=actor_of(request))
    return request.app[PAGES].render(
        request,
        "people.html",
        people=shown,
        asked=asked,
        chips=_chips(asked),
        roles=tuple(Role),
        may_write=_may_write(request),
    )


@route(
    "GET",
    "/people/new",
    permission=Permission.MANAGE_ACCESS,
    summary="Invite a person",
    answers={200: _HTML},
    confirm=True,
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show the form."""
    return _invite_form(request, {}, Grants())


@route(
    "POST",
    "/people/new",
    permission=Permission.MANAGE_ACCESS,
    summary="Invite a person",
    takes=(_FORM,),
    answers={200: _HTML, 400: _HTML, 409: _HTML},
    confirm=True,
)
async def invite(request: web.Request) -> web.StreamResponse:
    """Take somebody in, and show the link to hand over, this once."""
    services, fields, grants = services_of(request), await read_form(request), Grants()
    try:
        grants = chosen(_pairs(await request.post()))
        made = await services.people.invite(
            fields.get("name", ""), fields.get("email", ""), grants, actor=actor_of(request)
        )
    except CallerError as error:
        return _invite_form(request, fields, grants, error)
    return await _link(request, made)


@route(
    "GET",
    _ONE,
    permission=Permission.READ_AUDIT,
    summary="One person",
    parameters=(Parameter(name="done", what="What was just done"),),
    answers={200: _HTML},
)
async def person(request: web.Request) -> web.StreamResponse:
    """Show one person: roles, sessions, the tokens they made."""
    services, actor = services_of(request), actor_of(request)
    whose = await services.people.show(request.match_info["id"], actor=actor)
    managing = _may_write(request)
    sessions = await services.sessions.list(person_id=whose.id, actor=actor) if managing else ()
    tokens = await services.tokens.list(actor=actor) if managing else ()
    return request.app[PAGES].render(
        request,
        "person.html",
        person=whose,
        sessions=sessions,
        tokens=[each for each in tokens if each.created_by == whose.email],
        duties=duties(whose.grants),
        may_write=managing and whose.id != actor.person_id,
        done=_DONE.get(text_of(request, "done", default=""), ""),
    )


@route(
    "GET",
    _ONE + "/roles",
    permission=Permission.MANAGE_ACCESS,
    summary="Choose a person's roles",
    answers={200: _HTML},
    confirm=True,
)
async def choose_roles(request: web.Request) -> web.StreamResponse:
    """Show the roles to choose from, with those that are held."""
    whose = await _show(request)
    return _choice(request, whose, whose.grants)


@route(
    "GET",
    _ONE + "/roles/change",
    permission=Permission.MANAGE_ACCESS,
    summary="What a change of roles would do",
    answers={200: _HTML, 400: _HTML},
    confirm=True,
)
async def look_at_roles(request: web.Request) -> web.StreamResponse:
    """Show what would change, before it does."""
    whose = await _show(request)
    try:
        wanted = chosen(request.query.items())
    except InvalidInput as error:
        return _choice(request, whose, whose.grants, error)
    return _consequences(request, whose, wanted)


@route(
    "POST",
    _ONE + "/roles/change",
    permission=Permission.MANAGE_ACCESS,
    summary="Change a person's roles",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML, 403: _HTML, 409: _HTML},
    confirm=True,
)
async def change_roles(request: web.Request) -> web.StreamResponse:
    """Put the chosen roles in force."""
    fields, person_id = await read_form(request), request.match_info["id"]
    wanted = Grants.from_text(fields.get("grants", ""))
    try:
        await services_of(request).people.grant(
            person_id, wanted, reason=_reason(fields), actor=actor_of(request)
        )
    except (InvalidInput, Conflict) as error:
        return _consequences(request, await _show(request), wanted, fields, error)
    return _to(person_id, "roles")


@route(
    "GET",
    _ONE + "/disable",
    permission=Permission.MANAGE_ACCESS,
    summary="What disabling a person would do",
    answers={200: _HTML},
    confirm=True,
)
async def look_at_disabling(request: web.Request) -> web.StreamResponse:
    """Show what would happen, before it does."""
    return _turn(request, await _show(request), {})


@route(
    "POST",
    _ONE + "/disable",
    permission=Permission.MANAGE_ACCESS,
    summary="Disable or enable a person",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML, 403: _HTML, 409: _HTML},
    confirm=True,
)
async def disable(request: web.Request) -> web.StreamResponse:
    """Disable the person, or let them act again."""
    fields, person_id = await read_form(request), request.match_info["id"]
    people, enabling = services_of(request).people, fields.get("act") == "enable"
    act = people.enable if enabling else people.disable
    try:
        await act(person_id, reason=_reason(fields), actor=actor_of(request))
    except (InvalidInput, Conflict) as error:
        return _turn(request, await _show(request), fields, error)
    return _to(person_id, "enabled" if enabling else "disabled")


@route(
    "POST",
    _ONE + "/link",
    permission=Permission.MANAGE_ACCESS,
    summary="Make a one-time link for a person",
    takes=(_FORM,),
    answers={200: _HTML, 403: _HTML, 409: _HTML},
    confirm=True,
)
async def link(request: web.Request) -> web.StreamResponse:
    """Make a link and show it, this once."""
    return await _link(request, await _show(request))


@route(
    "POST",
    _ONE + "/sessions/{session}/end",
    permission=Permission.MANAGE_ACCESS,
    summary="End a session of a person",
    takes=(_FORM,),
    answers={303: _HTML},
    confirm=True,
)
async def end_session(request: web.Request) -> web.StreamResponse:
    """Sign a person out of one browser."""
    sessions = services_of(request).sessions
    await sessions.revoke(request.match_info["session"], actor=actor_of(request))
    return _to(request.match_info["id"], "session")


ROUTES = (
    people,
    new,
    invite,
    person,
    choose_roles,
    look_at_roles,
    change_roles,
    look_at_disabling,
    disable,
    link,
    end_session,
)


async def _show(request: web.Request) -> PersonView:
    return await services_of(request).people.show(request.match_info["id"], actor=actor_of(request))


async def _link(request: web.Request, whose: PersonView) -> web.Response:
    made = await services_of(request).invitations.link(whose.id, actor=actor_of(request))
    return request.app[PAGES].render(
        request, "person_link.html", person=whose, link=made, origin=origin_of(request)
    )


def _pairs(sent: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    return [(name, value) for name, value in sent.items() if isinstance(value, str)]


def _invite_form(
    request: web.Request,
    fields: Mapping[str, str],
    grants: Grants,
    error: CallerError | None = None,
) -> web.Response:
    return request.app[PAGES].render(
        request,
        "person_new.html",
        status=200 if error is None else status_of(error),
        given=fields,
        **_choices(grants),
        errors=_errors(error),
    )


def _choice(
    request: web.Request, whose: PersonView, grants: Grants, error: CallerError | None = None
) -> web.Response:
    return request.app[PAGES].render(
        request,
        "person_roles.html",
        status=200 if error is None else status_of(error),
        person=whose,
        given=dict(request.query),
        **_choices(grants),
        errors=_errors(error),
    )


def _consequences(
    request: web.Request,
    whose: PersonView,
    wanted: Grants,
    fields: Mapping[str, str] | None = None,
    error: CallerError | None = None,
) -> web.Response:
    before, after = set(whose.grants.lines), set(wanted.lines)
    return request.app[PAGES].render(
        request,
        "person_roles_change.html",
        status=200 if error is None else status_of(error),
        person=whose,
        wanted=wanted,
        given=duties(Grants.from_text("\n".join(after - before))),
        taken=duties(Grants.from_text("\n".join(before - after))),
        reason=_reason(fields or {}),
        errors=_errors(error),
    )


def _turn(
    request: web.Request,
    whose: PersonView,
    fields: Mapping[str, str],
    error: CallerError | None = None,
) -> web.Response:
    return request.app[PAGES].render(
        request,
        "person_disable.html",
        status=200 if error is None else status_of(error),
        person=whose,
        reason=_reason(fields),
        errors=_errors(error),
    )


def _choices(grants: Grants) -> dict[str, Any]:
    return {
        "grants": grants,
        "choices": CHOICES,
        "limitable": LIMITABLE,
        "parts": range(1, NEW_PARTS + 1),
    }


def _chips(asked: PeopleFilter) -> list[tuple[str, str]]:
    given = {"q": asked.words, "role": asked.role, "state": asked.state}
    labels = {"q": "Words", "role": "Role", "state": "State"}
    chips = []
    for name, value in given.items():
        rest = {other: kept for other, kept in given.items() if kept and other != name}
        if value:
            chips.append((f"{labels[name]}: {value}", f"/people?{urlencode(rest)}"))
    return chips


def _may_write(request: web.Request) -> bool:
    return allowed(actor_of(request), Permission.MANAGE_ACCESS)


def _reason(fields: Mapping[str, str]) -> str:
    return fields.get("reason", "")


def _errors(error: CallerError | None) -> list[tuple[str, str]]:
    return [] if error is None else [(getattr(error, "pointer", "") or "", str(error))]


def _to(person_id: str, done: str) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/people/{person_id}?done={done}"})
