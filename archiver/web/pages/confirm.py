"""Proving once more who one is, before an act with legal effect (step-up)."""

from aiohttp import web

from archiver.errors import CallerError, Conflict, Denied, TooMany
from archiver.model.person import Method
from archiver.web.errors import headers_of, status_of
from archiver.web.keys import SIGNED_IN
from archiver.web.pages.rendering import PAGES
from archiver.web.public_address import has_public_origin
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Access, Body, Parameter, route
from archiver.web.session import address_of, keep_session, way_back

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")


@route(
    "GET",
    "/confirm",
    permission=Access.SIGNED_IN,
    summary="Confirm who you are",
    parameters=(Parameter(name="next", what="The page to go to afterwards"),),
    answers={200: _HTML},
)
async def form(request: web.Request) -> web.StreamResponse:
    """Ask for the password, or offer the other ways."""
    return await _ask(request, text_of(request, "next", default="/"))


@route(
    "POST",
    "/confirm",
    permission=Access.SIGNED_IN,
    summary="Confirm with the password",
    takes=(_FORM,),
    answers={303: _HTML, 403: _HTML, 429: _HTML},
)
async def confirm(request: web.Request) -> web.StreamResponse:
    """Note that whoever is signed in proved it again, under a new secret."""
    services, fields = services_of(request), await read_form(request)
    next_path, signed_in = fields.get("next", "/"), request.get(SIGNED_IN)
    if signed_in is None:
        raise Conflict("expected a browser session to confirm, found a token; tokens need none")
    try:
        await services.passwords.prove(
            fields.get("password", ""), actor=actor_of(request), address=address_of(request)
        )
    except (Denied, TooMany) as error:
        return await _ask(request, next_path, error)
    secret = await services.sessions.confirm(signed_in.session_id, method=Method.PASSWORD)
    response = web.Response(status=303, headers={"Location": way_back(next_path)})
    keep_session(request, response, secret)
    return response


ROUTES = (form, confirm)


async def _ask(
    request: web.Request, next_path: str, error: CallerError | None = None
) -> web.Response:
    services, actor = services_of(request), actor_of(request)
    whose = await services.people.show(actor.person_id, actor=actor)
    has_passkey = has_public_origin(request) and await services.passkeys.list(actor=actor)
    response = request.app[PAGES].render(
        request,
        "confirm.html",
        status=200 if error is None else status_of(error),
        person=whose,
        next_path=way_back(next_path),
        errors=[] if error is None else [("password", str(error))],
        provider=services.provider.label if services.provider and whose.has_provider else None,
        has_passkey=bool(has_passkey),
    )
    response.headers.update({} if error is None else headers_of(error))
    return response
