"""One's own account: sessions, password, preferences, breaking the glass."""

from aiohttp import web

from archiver.access.people import may_do
from archiver.access.rules import Permission, allowed, allowed_somewhere
from archiver.access.sessions import SignedIn
from archiver.errors import CallerError, Conflict, InvalidInput
from archiver.model.person import Density, Preferences, Theme
from archiver.web.errors import status_of
from archiver.web.keys import SIGNED_IN
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Access, Body, Parameter, route
from archiver.web.session import address_of, way_back

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_DONE = {
    "password": "Your password is changed. You are signed out everywhere else.",
    "session": "That session has ended.",
    "preferences": "Your preferences are kept.",
    "mended": "You read content no more than your roles let you.",
}


@route(
    "GET",
    "/me",
    permission=Access.SIGNED_IN,
    summary="My account",
    parameters=(Parameter(name="done", what="What was just done"),),
    answers={200: _HTML},
)
async def me(request: web.Request) -> web.StreamResponse:
    """Show one's own account."""
    return await _me(request)


@route(
    "POST",
    "/me/password",
    permission=Access.SIGNED_IN,
    summary="Change my password",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML, 403: _HTML, 429: _HTML},
)
async def change_password(request: web.Request) -> web.StreamResponse:
    """Change one's own password."""
    fields, signed_in = await read_form(request), _session(request)
    try:
        await services_of(request).passwords.change(
            fields.get("current", ""),
            fields.get("password", ""),
            session_id=signed_in.session_id,
            actor=signed_in.actor,
            address=address_of(request),
        )
    except CallerError as error:
        return await _me(request, error)
    return _to("/me?done=password")


@route(
    "POST",
    "/me/preferences",
    permission=Access.SIGNED_IN,
    summary="Keep how I like the pages",
    takes=(_FORM,),
    answers={303: _HTML},
)
async def prefer(request: web.Request) -> web.StreamResponse:
    """Keep theme, density and single keys; go back to where one was."""
    fields = await read_form(request)
    try:
        chosen = Preferences(
            theme=Theme(fields.get("theme", Theme.SYSTEM)),
            density=Density(fields.get("density", Density.COMFORTABLE)),
            single_keys=fields.get("single_keys") == "yes",
        )
    except ValueError as error:
        raise InvalidInput(f"expected a theme and a density, found others: {error}") from error
    await services_of(request).people.prefer(chosen, actor=actor_of(request))
    return _to(way_back(fields.get("next", "/me?done=preferences")))


@route(
    "POST",
    "/me/stay",
    permission=Access.SIGNED_IN,
    summary="Stay signed in",
    takes=(_FORM,),
    answers={303: _HTML},
)
async def stay(request: web.Request) -> web.StreamResponse:
    """Go back; that the request came has renewed the session."""
    return _to(way_back((await read_form(request)).get("next", "/")))


@route(
    "POST",
    "/me/sessions/{id}/end",
    permission=Access.SIGNED_IN,
    summary="End a session of mine",
    takes=(_FORM,),
    answers={303: _HTML},
)
async def end_session(request: web.Request) -> web.StreamResponse:
    """End a session from elsewhere."""
    actor = actor_of(request)
    await services_of(request).sessions.revoke(request.match_info["id"], actor=actor)
    return _to("/me?done=session")


@route(
    "GET",
    "/me/break-glass",
    permission=Permission.BREAK_GLASS,
    summary="Read content behind glass",
    answers={200: _HTML},
    confirm=True,
)
async def glass(request: web.Request) -> web.StreamResponse:
    """Show what breaking the glass means."""
    return _glass(request)


@route(
    "POST",
    "/me/break-glass",
    permission=Permission.BREAK_GLASS,
    summary="Break the glass",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML, 409: _HTML},
    confirm=True,
)
async def break_glass(request: web.Request) -> web.StreamResponse:
    """Let this session read content for a while."""
    fields, signed_in = await read_form(request), _session(request)
    try:
        await services_of(request).sessions.break_glass(
            signed_in.session_id, fields.get("reason", ""), actor=signed_in.actor
        )
    except (InvalidInput, Conflict) as error:
        return _glass(request, fields.get("reason", ""), error)
    return _to("/search")


@route(
    "POST",
    "/me/mend-glass",
    permission=Access.SIGNED_IN,
    summary="Stop reading content behind broken glass",
    takes=(_FORM,),
    answers={303: _HTML},
)
async def mend_glass(request: web.Request) -> web.StreamResponse:
    """End it before its time."""
    signed_in = _session(request)
    sessions = services_of(request).sessions
    await sessions.mend_glass(signed_in.session_id, actor=signed_in.actor)
    return _to("/me?done=mended")


ROUTES = (me, change_password, prefer, stay, end_session, glass, break_glass, mend_glass)


async def _me(request: web.Request, error: CallerError | None = None) -> web.Response:
    services, actor = services_of(request), actor_of(request)
    person = await services.people.show(actor.person_id, actor=actor)
    wrong = [] if error is None else [(getattr(error, "pointer", "") or "current", str(error))]
    return request.app[PAGES].render(
        request,
        "my_account.html",
        status=200 if error is None else status_of(error),
        person=person,
        sessions=await services.sessions.list(actor=actor),
        passkeys=await services.passkeys.list(actor=actor),
        provider=services.provider.label if services.provider and person.has_provider else "",
        duties=[(role, may_do(role)) for role in sorted(actor.roles)]
        + [(held, may_do(held.role)) for held in sorted(actor.limited)],
        glassy=allowed(actor, Permission.BREAK_GLASS)
        and not allowed_somewhere(actor, Permission.READ_CONTENT),
        done=_DONE.get(text_of(request, "done", default=""), ""),
        errors=wrong,
    )


def _glass(
    request: web.Request, reason: str = "", error: CallerError | None = None
) -> web.Response:
    wrong = [] if error is None else [(getattr(error, "pointer", "") or "", str(error))]
    return request.app[PAGES].render(
        request,
        "break_glass.html",
        status=200 if error is None else status_of(error),
        reason=reason,
        errors=wrong,
    )


def _session(request: web.Request) -> SignedIn:
    signed_in: SignedIn | None = request.get(SIGNED_IN)
    if signed_in is None:
        raise Conflict("expected a browser that is signed in, found a token; sign in on a page")
    return signed_in


def _to(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})
