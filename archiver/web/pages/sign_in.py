"""Signing in with an API token, signing out, and the page one lands on."""

from aiohttp import web

from archiver.access.rules import Permission, allowed
from archiver.errors import Denied, InvalidInput
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_body, services_of
from archiver.web.routing import Access, Body, route
from archiver.web.session import end_session, start_session

_HTML = Body(media_type="text/html")
_FORM_LIMIT = 4096


@route("GET", "/", permission=Access.SIGNED_IN, summary="Home", answers={200: _HTML, 303: _HTML})
async def home(request: web.Request) -> web.StreamResponse:
    """Lead to search whoever may search; tell the others what their roles are for."""
    if allowed(actor_of(request), Permission.SEARCH):
        return web.Response(status=303, headers={"Location": "/search"})
    return request.app[PAGES].render(request, "home.html")


@route("GET", "/sign-in", permission=Access.PUBLIC, summary="Sign in", answers={200: _HTML})
async def form(request: web.Request) -> web.StreamResponse:
    """Show the form."""
    return request.app[PAGES].render(request, "sign_in.html", error="")


@route(
    "POST",
    "/sign-in",
    permission=Access.PUBLIC,
    summary="Sign in with a token",
    takes=(Body(media_type="application/x-www-form-urlencoded"),),
    answers={303: _HTML, 403: _HTML},
)
async def sign_in(request: web.Request) -> web.StreamResponse:
    """Start a session if the token is good."""
    await read_body(request, limit=_FORM_LIMIT)
    token = (await request.post()).get("token", "")
    if not isinstance(token, str):
        raise InvalidInput("expected the token as text, found a file", pointer="token")
    try:
        await services_of(request).tokens.authenticate(token.strip())
    except Denied as error:
        return request.app[PAGES].render(request, "sign_in.html", error=str(error), status=403)
    response = web.Response(status=303, headers={"Location": "/"})
    start_session(request, response, token.strip())
    return response


@route(
    "POST",
    "/sign-out",
    permission=Access.PUBLIC,
    summary="Sign out",
    answers={303: _HTML},
)
async def sign_out(request: web.Request) -> web.StreamResponse:  # noqa: ARG001 - a handler
    """End the session."""
    response = web.Response(status=303, headers={"Location": "/sign-in"})
    end_session(response)
    return response


ROUTES = (home, form, sign_in, sign_out)
