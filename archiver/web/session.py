"""Who is asking: a Bearer token from programs, the same token in a cookie from browsers.

The cookie is HttpOnly and SameSite=Strict, and whatever changes something must also come from a
page of ours (`Origin`), so another site can neither read it nor make it act. It lasts as long as
the browser session, and never longer than its token: revoking the token ends it everywhere.
"""

from aiohttp import web

from archiver.access.rules import require
from archiver.errors import Denied
from archiver.model.actor import Actor
from archiver.web.keys import ACTOR, SERVICES
from archiver.web.routing import Access, Route

COOKIE = "muniment_session"
_SAFE = frozenset({"GET", "HEAD"})
_BEARER = "Bearer "


async def admit(request: web.Request, route: Route) -> None:
    """Let the request pass to the route's handler, its actor noted on it.

    Raises:
        Denied: not signed in, not permitted, or sent by a page of another site.
    """
    if route.permission is Access.PUBLIC:
        if request.method not in _SAFE:
            check_origin(request)
        return
    actor = await _authenticate(request)
    if not isinstance(route.permission, Access):
        require(actor, route.permission)
    request[ACTOR] = actor


def check_origin(request: web.Request) -> None:
    """Pass if the request was sent by a page of this host.

    Browsers send `Origin` on every POST. Either scheme will do: behind a proxy that ends TLS this
    process does not know its own.

    Raises:
        Denied: it came from elsewhere, or does not say where from.
    """
    origin = request.headers.get("Origin", "")
    if origin not in {f"https://{request.host}", f"http://{request.host}"}:
        raise Denied(
            f"expected the form to be sent from {request.host}, found {origin or 'no origin'}; "
            "open the page again and send it from there"
        )


def start_session(request: web.Request, response: web.Response, secret: str) -> None:
    """Keep the token in this browser until it closes."""
    secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
    response.set_cookie(COOKIE, secret, httponly=True, samesite="Strict", secure=secure, path="/")


def end_session(response: web.Response) -> None:
    """Make this browser forget the token."""
    response.del_cookie(COOKIE, httponly=True, samesite="Strict", path="/")


async def _authenticate(request: web.Request) -> Actor:
    authorization = request.headers.get("Authorization")
    if authorization is None:
        secret = request.cookies.get(COOKIE)
        if secret is not None and request.method not in _SAFE:
            check_origin(request)
    else:
        secret = authorization[len(_BEARER) :] if _is_bearer(authorization) else None
    if not secret:
        raise Denied(
            "expected `Authorization: Bearer mun_…` or a signed-in browser, found neither",
            authenticated=False,
        )
    return await request.app[SERVICES].tokens.authenticate(secret)


def _is_bearer(authorization: str) -> bool:
    # RFC 9110 section 11.1: the scheme is case-insensitive.
    return authorization[: len(_BEARER)].lower() == _BEARER.lower()
