"""Passkeys: signing in with one, confirming with one, and the pages where people keep theirs.

Each page of a ceremony carries its options, and its form takes the answer along: a script asks the
authenticator in between, and nothing else is done by script.
"""

from urllib.parse import quote

from aiohttp import web

from archiver.access.passkeys import Offer
from archiver.errors import CallerError, Conflict
from archiver.model.person import Method
from archiver.web import ceremony_cookie
from archiver.web.errors import status_of
from archiver.web.keys import SIGNED_IN
from archiver.web.pages.rendering import PAGES
from archiver.web.public_address import passkey_site
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Access, Body, Parameter, route
from archiver.web.session import address_of, keep_session, session_secret, way_back

COOKIE = "passkey"

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_NEXT = Parameter(name="next", what="The page to go to afterwards")
_ONE = "/me/passkeys/{id:[A-Za-z0-9_-]{1,1400}}"


@route(
    "GET",
    "/sign-in/passkey",
    permission=Access.PUBLIC,
    summary="Sign in with a passkey",
    parameters=(_NEXT,),
    answers={200: _HTML},
)
async def sign_in_form(request: web.Request) -> web.StreamResponse:
    """Show the form of signing in."""
    return await _ask(request, next_path=text_of(request, "next", default="/"))


@route(
    "POST",
    "/sign-in/passkey",
    permission=Access.PUBLIC,
    summary="Sign in with a passkey's answer",
    takes=(_FORM,),
    answers={303: _HTML, 403: _HTML},
)
async def sign_in(request: web.Request) -> web.StreamResponse:
    """Start the session of the passkey's owner."""
    services, fields = services_of(request), await read_form(request)
    try:
        person_id = await services.passkeys.prove(
            fields.get("credential", ""),
            cookie=ceremony_cookie.kept(request, COOKIE),
            site=passkey_site(request),
        )
        secret = await services.sessions.start(
            person_id,
            method=Method.PASSKEY,
            address=address_of(request),
            agent=request.headers.get("User-Agent", ""),
            replacing=session_secret(request),
        )
    except CallerError as error:
        return await _ask(request, next_path=fields.get("next", "/"), error=error)
    return _on(request, fields.get("next", "/"), secret)


@route(
    "GET",
    "/confirm/passkey",
    permission=Access.SIGNED_IN,
    summary="Confirm who you are with a passkey",
    parameters=(_NEXT,),
    answers={200: _HTML},
)
async def confirm_form(request: web.Request) -> web.StreamResponse:
    """Show the form of confirming."""
    return await _ask(request, next_path=text_of(request, "next", default="/"))


@route(
    "POST",
    "/confirm/passkey",
    permission=Access.SIGNED_IN,
    summary="Confirm with a passkey's answer",
    takes=(_FORM,),
    answers={303: _HTML, 403: _HTML},
)
async def confirm(request: web.Request) -> web.StreamResponse:
    """Note that whoever is signed in proved it again."""
    services, fields = services_of(request), await read_form(request)
    signed_in = request.get(SIGNED_IN)
    if signed_in is None:
        raise Conflict("expected a browser session to confirm, found a token; tokens need none")
    try:
        await services.passkeys.prove(
            fields.get("credential", ""),
            cookie=ceremony_cookie.kept(request, COOKIE),
            site=passkey_site(request),
            actor=actor_of(request),
        )
    except CallerError as error:
        return await _ask(request, next_path=fields.get("next", "/"), error=error)
    secret = await services.sessions.confirm(signed_in.session_id, method=Method.PASSKEY)
    return _on(request, fields.get("next", "/"), secret)


@route(
    "GET",
    "/me/passkeys",
    permission=Access.SIGNED_IN,
    summary="My passkeys",
    answers={200: _HTML},
)
async def mine(request: web.Request) -> web.StreamResponse:
    """List one's own passkeys."""
    passkeys = await services_of(request).passkeys.list(actor=actor_of(request))
    return request.app[PAGES].render(request, "my_passkeys.html", passkeys=passkeys)


@route(
    "GET",
    "/me/passkeys/new",
    permission=Access.SIGNED_IN,
    summary="Add a passkey",
    answers={200: _HTML},
    confirm=True,
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show the form of adding one."""
    return await _ask_new(request, name="")


@route(
    "POST",
    "/me/passkeys",
    permission=Access.SIGNED_IN,
    summary="Keep the passkey that the browser made",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML, 403: _HTML, 409: _HTML},
    confirm=True,
)
async def add(request: web.Request) -> web.StreamResponse:
    """Keep a passkey."""
    fields = await read_form(request)
    try:
        await services_of(request).passkeys.add(
            fields.get("credential", ""),
            name=fields.get("name", ""),
            cookie=ceremony_cookie.kept(request, COOKIE),
            site=passkey_site(request),
            actor=actor_of(request),
        )
    except CallerError as error:
        return await _ask_new(request, name=fields.get("name", ""), error=error)
    return _back()


@route("GET", _ONE, permission=Access.SIGNED_IN, summary="One passkey", answers={200: _HTML})
async def one(request: web.Request) -> web.StreamResponse:
    """Show a passkey, to rename or remove it."""
    view = await services_of(request).passkeys.show(
        request.match_info["id"], actor=actor_of(request)
    )
    return request.app[PAGES].render(request, "passkey.html", passkey=view, errors=())


@route(
    "POST",
    _ONE + "/name",
    permission=Access.SIGNED_IN,
    summary="Give a passkey another name",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML},
)
async def rename(request: web.Request) -> web.StreamResponse:
    """Rename a passkey."""
    fields = await read_form(request)
    await services_of(request).passkeys.rename(
        request.match_info["id"], fields.get("name", ""), actor=actor_of(request)
    )
    return _back()


@route(
    "POST",
    _ONE + "/remove",
    permission=Access.SIGNED_IN,
    summary="Remove a passkey",
    takes=(_FORM,),
    answers={303: _HTML, 409: _HTML},
    confirm=True,
)
async def remove(request: web.Request) -> web.StreamResponse:
    """Remove a passkey."""
    await services_of(request).passkeys.remove(request.match_info["id"], actor=actor_of(request))
    return _back()


ROUTES = (
    sign_in_form,
    sign_in,
    confirm_form,
    confirm,
    mine,
    new,
    add,
    one,
    rename,
    remove,
)


async def _ask(
    request: web.Request, *, next_path: str, error: CallerError | None = None
) -> web.Response:
    """Return the page that asks for a passkey: anybody's, or that of who is signed in."""
    confirming = request.path.startswith("/confirm")
    offer = await services_of(request).passkeys.offer(
        site=passkey_site(request), actor=actor_of(request) if confirming else None
    )
    next_path = way_back(next_path)
    response = request.app[PAGES].render(
        request,
        "passkey_ask.html",
        status=200 if error is None else status_of(error),
        confirming=confirming,
        options=offer.options,
        next_path=next_path,
        otherwise=("/confirm" if confirming else "/sign-in") + f"?next={quote(next_path)}",
        errors=_errors(error),
    )
    return _with(request, response, offer)


async def _ask_new(
    request: web.Request, *, name: str, error: CallerError | None = None
) -> web.Response:
    offer = await services_of(request).passkeys.offer_new(
        site=passkey_site(request), actor=actor_of(request)
    )
    response = request.app[PAGES].render(
        request,
        "passkey_new.html",
        status=200 if error is None else status_of(error),
        options=offer.options,
        name=name,
        errors=_errors(error),
    )
    return _with(request, response, offer)


def _errors(error: CallerError | None) -> list[tuple[str, str]]:
    if error is None:
        return []
    return [(getattr(error, "pointer", "") or "", str(error))]


def _with(request: web.Request, response: web.Response, offer: Offer) -> web.Response:
    ceremony_cookie.keep(request, response, COOKIE, offer.cookie)
    return response


def _on(request: web.Request, next_path: str, secret: str) -> web.Response:
    response = web.Response(status=303, headers={"Location": way_back(next_path)})
    keep_session(request, response, secret)
    ceremony_cookie.forget(request, response, COOKIE)
    return response


def _back() -> web.Response:
    return web.Response(status=303, headers={"Location": "/me/passkeys"})
