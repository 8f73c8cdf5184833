"""Signing in, signing out, and the page one lands on."""

from aiohttp import web

from archiver.web.keys import SIGNED_IN
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Access, Body, route
from archiver.web.session import forget_session

_HTML = Body(media_type="text/html")


@route("GET", "/sign-in", permission=Access.PUBLIC, summary="Sign in", answers={200: _HTML})
async def form(request: web.Request) -> web.StreamResponse:
    """Show the form."""
    return request.app[PAGES].render(request, "sign_in.html", error="")


@route(
    "POST",
    "/sign-out",
    permission=Access.SIGNED_IN,
    summary="Sign out",
    takes=(Body(media_type="application/x-www-form-urlencoded"),),
    answers={303: _HTML},
)
async def sign_out(request: web.Request) -> web.StreamResponse:
    """End the session."""
    signed_in = request.get(SIGNED_IN)
    if signed_in is not None:
        await services_of(request).sessions.end(signed_in.session_id, actor=actor_of(request))
    response = web.Response(status=303, headers={"Location": "/sign-in"})
    forget_session(request, response)
    return response


ROUTES = (form, sign_out)
