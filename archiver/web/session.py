"""Who is asking: a browser by the cookie of its session, a program by its Bearer token.

The cookie is HttpOnly and SameSite=Lax (a link in an e-mail must find its reader signed in), and
over HTTPS its name begins with `__Host-`, so no other host or path can plant it. Whatever changes
something must come from a page of ours twice over: the browser's own word (`Origin`), and a token
that only our pages know (`csrf`).
"""

import asyncio
import hmac
from urllib.parse import quote, urlsplit

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from archiver.access.rules import Permission, allowed_somewhere, require
from archiver.access.sessions import SignedIn
from archiver.errors import Denied
from archiver.model.actor import Actor
from archiver.web.keys import ACTOR, FORM, SERVICES, SIGNED_IN
from archiver.web.reading import read_form
from archiver.web.routing import Access, Route

COOKIE = "muniment_session"
HOST_COOKIE = "__Host-muniment"
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"

_SAFE = frozenset({"GET", "HEAD"})
_BEARER = "Bearer "
URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_PATIENCE_S = 30.0
_FIELD_BYTES = 1024


class Confirm(Denied):
    """The last proof of identity is too old for an act with legal effect."""


async def admit(request: web.Request, route: Route) -> None:
    """Let the request pass to the route's handler, its actor noted on it.

    Raises:
        Denied: not signed in, not permitted anywhere, or sent by a page of another site.
        Confirm: the person must first prove again who they are.
    """
    if route.permission is Access.PUBLIC:
        if request.method not in _SAFE:
            check_origin(request)
        return
    actor = request[ACTOR] = await _authenticate(request)
    needed = route.permission_under(request.app[SERVICES].settings)
    if not isinstance(needed, Access):
        _require_somewhere(actor, needed)
    signed_in = request.get(SIGNED_IN)
    if signed_in is not None:
        if request.method not in _SAFE:
            await _check_form(request, route, signed_in)
        if route.confirm and not signed_in.is_confirmed(request.app[SERVICES].clock()):
            raise Confirm(
                "this act needs a proof of identity of the last ten minutes; confirm who you are "
                "at /confirm, then do it again"
            )


def check_origin(request: web.Request) -> None:
    """Pass if the request was sent by a page of this host.

    Browsers send `Origin` on every POST, but hide it (`null`) for pages that allow no referrer;
    `Sec-Fetch-Site` then still tells. Either scheme will do: behind a proxy that ends TLS this
    process does not know its own.

    Raises:
        Denied: it came from elsewhere, or does not say where from.
    """
    origin = request.headers.get("Origin", "")
    if origin in {f"https://{request.host}", f"http://{request.host}"}:
        return
    if origin in {"", "null"} and request.headers.get("Sec-Fetch-Site") == "same-origin":
        return
    raise Denied(
        f"expected the form to be sent from {request.host}, found {origin or 'no origin'}; "
        "open the page again and send it from there"
    )


def keep_session(request: web.Request, response: web.StreamResponse, secret: str) -> None:
    """Give this browser the secret of its session, in place of any it had."""
    secure = _is_https(request)
    response.set_cookie(
        HOST_COOKIE if secure else COOKIE,
        secret,
        httponly=True,
        samesite="Lax",
        secure=secure,
        path="/",
    )


def forget_session(request: web.Request, response: web.StreamResponse) -> None:
    """Make this browser forget its session, and whatever else it kept of this site."""
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    secure = _is_https(request)
    response.del_cookie(
        HOST_COOKIE if secure else COOKIE, httponly=True, samesite="Lax", secure=secure, path="/"
    )


def session_secret(request: web.Request) -> str:
    """Return the secret the browser sent, or nothing.

    Over HTTPS only the `__Host-` cookie counts: the other one a page without TLS could have set.
    """
    return request.cookies.get(HOST_COOKIE if _is_https(request) else COOKIE, "")


def origin_of(request: web.Request) -> str:
    """Return the address under which whoever asks reaches these pages, to show it to them."""
    stated: str = request.app[SERVICES].settings.public_url
    return stated or f"{'https' if _is_https(request) else 'http'}://{request.host}"


def address_of(request: web.Request) -> str:
    """Return where the request comes from, as far as the proxies in front can be believed."""
    proxies = request.app[SERVICES].settings.trusted_proxies
    passed = request.headers.get("X-Forwarded-For", "").split(",")
    if proxies and len(passed) >= proxies and passed[-proxies].strip():
        return passed[-proxies].strip()
    return request.remote or ""


def way_back(path: str) -> str:
    """Return `path` if it is one on this site, else the start page: never another host."""
    # Browsers take `//host`, and also `/\host`, for another host.
    sound = path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isprintable()
    return path if sound else "/"


def sign_in_first(request: web.Request) -> str:
    """Return where a page sends those who are not signed in; they come back to it afterwards."""
    return _then("/sign-in", request)


def confirm_first(request: web.Request) -> str:
    """Return where a page sends those who have to prove again who they are."""
    return _then("/confirm", request)


def _then(path: str, request: web.Request) -> str:
    # A form that was sent cannot be sent again by a redirect; its page can be shown again.
    wanted = request.path_qs
    if request.method not in _SAFE:
        wanted = urlsplit(request.headers.get("Referer", "")).path
    wanted = way_back(wanted)
    return path if wanted == "/" else f"{path}?next={quote(wanted, safe='/')}"


async def _authenticate(request: web.Request) -> Actor:
    services, authorization = request.app[SERVICES], request.headers.get("Authorization")
    if authorization is not None:
        if not _is_bearer(authorization):
            raise _nobody()
        return await services.tokens.authenticate(authorization[len(_BEARER) :])
    secret = session_secret(request)
    if not secret:
        raise _nobody()
    signed_in = await services.sessions.authenticate(secret)
    request[SIGNED_IN] = signed_in
    return signed_in.actor


def _require_somewhere(actor: Actor, permission: Permission) -> None:
    if not allowed_somewhere(actor, permission):
        require(actor, permission)


async def _check_form(request: web.Request, route: Route, signed_in: SignedIn) -> None:
    check_origin(request)
    found = request.headers.get(CSRF_HEADER) or await _csrf_field(request, route)
    if not hmac.compare_digest(found.encode(errors="replace"), signed_in.csrf.encode()):
        raise Denied(
            "expected the form's token of this session, found none or another's; open the page "
            "again and send it from there"
        )


async def _csrf_field(request: web.Request, route: Route) -> str:
    if request.content_type == URLENCODED:
        return (await read_form(request)).get(CSRF_FIELD, "")
    if request.content_type == _MULTIPART and any(
        body.media_type == _MULTIPART for body in route.takes
    ):
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await _first_part(request)
        except TimeoutError as error:
            raise web.HTTPRequestTimeout(text="the form did not arrive in time") from error
    return ""


async def _first_part(request: web.Request) -> str:
    """Return the form's token, which uploads send first; what follows waits under `FORM`."""
    try:
        reader = await request.multipart()
        first = await reader.next()
        if not isinstance(first, BodyPartReader) or first.name != CSRF_FIELD:
            return ""
        found = bytearray()
        while not first.at_eof() and len(found) <= _FIELD_BYTES:
            found += await first.read_chunk(_FIELD_BYTES)
    except (ValueError, AssertionError, HttpProcessingError):  # aiohttp's, of what is no form
        return ""
    request[FORM] = reader
    return found.decode(errors="replace")


def _nobody() -> Denied:
    return Denied(
        "expected a browser that is signed in, or `Authorization: Bearer mun_…`; found neither",
        authenticated=False,
    )


def _is_bearer(authorization: str) -> bool:
    # RFC 9110 section 11.1: the scheme is case-insensitive.
    return authorization[: len(_BEARER)].lower() == _BEARER.lower()


def _is_https(request: web.Request) -> bool:
    # A proxy that ends TLS and does not say so must not cost the cookie its `Secure`.
    stated: str = request.app[SERVICES].settings.public_url
    told = request.headers.get("X-Forwarded-Proto") == "https"
    return request.secure or told or stated.startswith("https:")
