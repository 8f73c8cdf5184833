"""Signing in with the identity provider, and proving there once more who one is."""

import structlog
from aiohttp import web

from archiver.errors import ArchiverError, Conflict, Denied, NotFound, PeerUnavailable
from archiver.model.person import Method
from archiver.web import ceremony_cookie
from archiver.web.errors import status_of
from archiver.web.keys import SIGNED_IN
from archiver.web.pages.rendering import PAGES
from archiver.web.public_address import public_origin
from archiver.web.reading import actor_of, services_of, text_of
from archiver.web.routing import Access, Body, Parameter, route
from archiver.web.session import address_of, keep_session, session_secret, way_back
from archiver.web.sign_in_services import Provider

_log = structlog.get_logger("muniment.web")

COOKIE = "oidc"
CALLBACK = "/sign-in/provider/callback"

_HTML = Body(media_type="text/html")
_NEXT = Parameter(name="next", what="The page to go to afterwards")
_TOLD = (Conflict, Denied, NotFound, PeerUnavailable)


@route(
    "GET",
    "/sign-in/provider",
    permission=Access.PUBLIC,
    summary="Sign in with the provider",
    parameters=(_NEXT,),
    answers={303: _HTML, 503: _HTML},
)
async def begin(request: web.Request) -> web.StreamResponse:
    """Lead to the provider."""
    provider = _provider(request)
    try:
        departure = await provider.begin(
            redirect_uri=public_origin(request) + CALLBACK,
            next_path=way_back(text_of(request, "next", default="/")),
        )
    except PeerUnavailable as error:
        return _failed(request, provider, error)
    return _depart(request, departure.url, departure.cookie)


@route(
    "GET",
    "/confirm/provider",
    permission=Access.SIGNED_IN,
    summary="Confirm who you are with the provider",
    parameters=(_NEXT,),
    answers={303: _HTML, 409: _HTML, 503: _HTML},
)
async def begin_again(request: web.Request) -> web.StreamResponse:
    """Lead to the provider, which has to ask anew."""
    provider, signed_in = _provider(request), request.get(SIGNED_IN)
    if signed_in is None:
        raise Conflict("expected a browser session to confirm, found a token; tokens need none")
    try:
        departure = await provider.begin_again(
            redirect_uri=public_origin(request) + CALLBACK,
            next_path=way_back(text_of(request, "next", default="/")),
            session_id=signed_in.session_id,
            actor=actor_of(request),
        )
    except (Conflict, PeerUnavailable) as error:
        return _failed(request, provider, error)
    return _depart(request, departure.url, departure.cookie)


@route(
    "GET",
    CALLBACK,
    permission=Access.PUBLIC,
    summary="Back from the provider",
    parameters=tuple(
        Parameter(name=name, what=what)
        for name, what in (
            ("code", "What the provider exchanges for tokens, once"),
            ("state", "Which sign-in this answers"),
            ("iss", "Who answers (RFC 9207)"),
            ("error", "Why there is no code"),
        )
    ),
    answers={303: _HTML, 403: _HTML, 503: _HTML},
)
async def callback(request: web.Request) -> web.StreamResponse:
    """Start or confirm the session of whom the provider's answer proves."""
    provider = _provider(request)
    response: web.StreamResponse
    try:
        location, secret = await _arrive(request, provider)
    except _TOLD as error:
        response = _failed(request, provider, error)
    else:
        response = web.Response(status=303, headers={"Location": location})
        keep_session(request, response, secret)
    ceremony_cookie.forget(request, response, COOKIE)
    return response


ROUTES = (begin, begin_again, callback)


async def _arrive(request: web.Request, provider: Provider) -> tuple[str, str]:
    """Return where the browser goes on to, and the secret of its session."""
    sessions = services_of(request).sessions
    proven = await provider.complete(
        dict(request.query), cookie=ceremony_cookie.kept(request, COOKIE)
    )
    if proven.session_id:
        return proven.next_path, await sessions.confirm(proven.session_id, method=Method.OIDC)
    secret = await sessions.start(
        proven.person_id,
        method=Method.OIDC,
        address=address_of(request),
        agent=request.headers.get("User-Agent", ""),
        replacing=session_secret(request),
    )
    return proven.next_path, secret


def _provider(request: web.Request) -> Provider:
    provider = services_of(request).provider
    if provider is None:
        raise NotFound("this archive has no identity provider; sign in another way")
    return provider


def _depart(request: web.Request, url: str, cookie: str) -> web.Response:
    response = web.Response(status=303, headers={"Location": url})
    ceremony_cookie.keep(request, response, COOKIE, cookie)
    return response


def _failed(request: web.Request, provider: Provider, error: ArchiverError) -> web.Response:
    unavailable = isinstance(error, PeerUnavailable)
    if unavailable:
        _log.error("the provider did not answer", reason=str(error))
    return request.app[PAGES].render(
        request,
        "oidc_failed.html",
        status=status_of(error),
        label=provider.label,
        unavailable=unavailable,
        # What a peer answered names hosts, which are the operator's to read.
        reason="" if unavailable else str(error),
        again="/confirm" if request.get(SIGNED_IN) else "/sign-in",
    )
