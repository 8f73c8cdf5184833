"""Coming in and leaving: the form, the one-time link, signing out."""

from aiohttp import web

from archiver.errors import CallerError, Denied, TooMany
from archiver.model.person import Method
from archiver.web.errors import headers_of, status_of
from archiver.web.keys import SIGNED_IN
from archiver.web.pages.rendering import PAGES
from archiver.web.public_address import has_public_origin
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Access, Body, Parameter, route
from archiver.web.session import (
    address_of,
    forget_session,
    keep_session,
    session_secret,
    way_back,
)

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_LINK = "/welcome/{secret:[A-Za-z0-9_-]{1,100}}"
_NEXT = Parameter(name="next", what="The page to go to afterwards")


@route(
    "GET",
    "/sign-in",
    permission=Access.PUBLIC,
    summary="Sign in",
    parameters=(_NEXT,),
    answers={200: _HTML},
)
async def form(request: web.Request) -> web.StreamResponse:
    """Show the form."""
    return _form(request, email="", next_path=text_of(request, "next", default="/"))


@route(
    "POST",
    "/sign-in",
    permission=Access.PUBLIC,
    summary="Sign in with e-mail and password",
    takes=(_FORM,),
    answers={303: _HTML, 403: _HTML, 429: _HTML},
)
async def sign_in(request: web.Request) -> web.StreamResponse:
    """Start a session of whoever has this e-mail and password."""
    fields = await read_form(request)
    email, next_path = fields.get("email", ""), fields.get("next", "/")
    try:
        person_id = await services_of(request).passwords.sign_in(
            email, fields.get("password", ""), address=address_of(request)
        )
        return await _enter(request, person_id, Method.PASSWORD, next_path)
    except (Denied, TooMany) as error:
        return _form(request, email=email, next_path=next_path, error=error)


@route(
    "POST",
    "/sign-out",
    permission=Access.SIGNED_IN,
    summary="Sign out",
    takes=(_FORM,),
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


@route(
    "GET",
    _LINK,
    permission=Access.PUBLIC,
    summary="Come in with a one-time link",
    answers={200: _HTML, 403: _HTML},
)
async def welcome(request: web.Request) -> web.StreamResponse:
    """Show whom the link is for, and the form to set a password; the link is not used up."""
    return await _welcome(request)


@route(
    "POST",
    _LINK,
    permission=Access.PUBLIC,
    summary="Set a password with a one-time link",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML, 403: _HTML},
)
async def accept(request: web.Request) -> web.StreamResponse:
    """Set the password, and start the session of whoever the link is for."""
    fields = await read_form(request)
    try:
        person_id = await services_of(request).invitations.accept(
            request.match_info["secret"], fields.get("password", "")
        )
    except CallerError as error:
        return await _welcome(request, error)
    return await _enter(request, person_id, Method.LINK, "/")


ROUTES = (form, sign_in, sign_out, welcome, accept)


async def _enter(
    request: web.Request, person_id: str, method: Method, next_path: str
) -> web.Response:
    secret = await services_of(request).sessions.start(
        person_id,
        method=method,
        address=address_of(request),
        agent=request.headers.get("User-Agent", ""),
        replacing=session_secret(request),
    )
    response = web.Response(status=303, headers={"Location": way_back(next_path)})
    keep_session(request, response, secret)
    return response


def _form(
    request: web.Request, *, email: str, next_path: str, error: CallerError | None = None
) -> web.Response:
    provider = services_of(request).provider
    response = request.app[PAGES].render(
        request,
        "sign_in.html",
        status=200 if error is None else status_of(error),
        email=email,
        next_path=way_back(next_path),
        errors=[] if error is None else [("", str(error))],
        provider=None if provider is None else provider.label,
        passkeys=has_public_origin(request),
    )
    response.headers.update({} if error is None else headers_of(error))
    return response


async def _welcome(request: web.Request, error: CallerError | None = None) -> web.Response:
    found = await services_of(request).invitations.open(request.match_info["secret"])
    provider = services_of(request).provider
    response = request.app[PAGES].render(
        request,
        "accept_invitation.html",
        status=200 if error is None else status_of(error),
        welcome=found,
        here="/welcome",  # which pages show, on paper: this one's address is a secret
        errors=[] if error is None else [("password", str(error))],
        provider=None if provider is None else provider.label,
    )
    # The path is a secret: no page and no server that is linked here learns it. `no-referrer` would
    # keep it too, but hides from us that our own form was sent by our own page.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
