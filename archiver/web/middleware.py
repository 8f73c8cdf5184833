"""What every request passes: one rim around all handlers, and the admission in front of each.

One middleware instead of five, because each costs the capture path about as much as decoding a
post. In order: request id, handler (admitted by `admitted`), errors to answers, security headers,
metrics, access log. Neither log nor metrics ever hold a query string, a body or a token.
"""

import itertools
import re
import secrets
import traceback
from collections.abc import Callable
from time import perf_counter
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from archiver.errors import Denied
from archiver.web import errors
from archiver.web.badges import badges_of
from archiver.web.hosts import check_host, page_policy
from archiver.web.keys import BADGES, REQUEST_ID, ROUTE, SERVICES
from archiver.web.metrics import METRICS
from archiver.web.pages.rendering import PAGES
from archiver.web.routing import Route, is_page
from archiver.web.sent_forms import SENT_FORMS
from archiver.web.session import Confirm, admit, confirm_first, sign_in_first

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_REFUSED = 400
_FAULT = 500

API_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Server", "muniment"),  # aiohttp would tell its version and Python's
)
PAGE_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Server", "muniment"),
)

HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
"""Only over TLS may it be said (RFC 6797 section 7.2), and only where no proxy says it already."""

_log = structlog.get_logger("muniment.web")


def admitted(route: Route) -> Handler:
    """Return the route's handler behind the check of who is asking. There is no way around it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = route
        check_host(request, route, request.app[SERVICES].settings.content_origin)
        await admit(request, route)
        if not route.is_page:
            return await route.handler(request)
        if request.method == "GET":
            request[BADGES] = await badges_of(request)
        if route.looks:
            return await route.handler(request)
        return await request.app[SENT_FORMS].answer(request, route.handler)

    return handle


def rim(content_origin: str = "", *, hsts: bool = False) -> Any:
    """Return the middleware around all handlers.

    Pages may show content of `content_origin`; with `hsts`, browsers are told to come by TLS only.
    """
    next_id = _ids()
    policy = page_policy(content_origin)

    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        sent = request.headers.get("X-Request-Id")
        request_id = sent if sent is not None and _ID.fullmatch(sent) else next_id()
        request[REQUEST_ID] = request_id
        try:
            response = await handler(request)
        except Exception as error:  # noqa: BLE001 - the outermost loop of the server
            response = _refuse(request, error, request_id)
        if _is_page(request):
            response.headers.setdefault("Content-Security-Policy", policy)
        if hsts:
            response.headers.setdefault(*HSTS)
        _finish(request, response, perf_counter() - started)
        return response

    return around


def _refuse(request: web.Request, error: Exception, request_id: str) -> web.Response:
    page = _is_page(request)
    if page and isinstance(error, Denied) and not error.authenticated:
        return _lead(request, sign_in_first(request))
    if page and isinstance(error, Confirm):
        return _lead(request, confirm_first(request))
    problem, headers = errors.problem_of(error, request_id)
    if problem.status >= _FAULT:
        # As text: a logger set to show locals would write tokens and posts beside the trace.
        trace = "".join(traceback.format_exception(error))
        _log.error("request failed", request_id=request_id, status=problem.status, trace=trace)
    if page:
        return request.app[PAGES].problem(request, problem, headers)
    return errors.answer(problem, headers)


def _lead(request: web.Request, location: str) -> web.Response:
    if "HX-Request" in request.headers:  # a redirect would be swapped into the middle of the page
        return web.Response(status=401, headers={"HX-Redirect": location})
    return web.Response(status=303, headers={"Location": location})


def _finish(request: web.Request, response: web.StreamResponse, seconds: float) -> None:
    route = request.get(ROUTE)
    headers = response.headers
    headers["X-Request-Id"] = request[REQUEST_ID]
    for name, value in PAGE_HEADERS if _is_page(request) else API_HEADERS:
        headers.setdefault(name, value)
    # What was not matched, path or method, is the sender's invention: an unbounded label.
    path, method = ("unmatched", "any") if route is None else (route.template, request.method)
    request.app[METRICS].answered(method, path, response.status, seconds)
    if route is None or route.log or response.status >= _REFUSED:
        _log.info(
            "request",
            request_id=request[REQUEST_ID],
            method=method,
            route=path,
            status=response.status,
            seconds=round(seconds, 6),
        )


def _is_page(request: web.Request) -> bool:
    route = request.get(ROUTE)
    return is_page(request.path) if route is None else route.is_page


def _ids() -> Callable[[], str]:
    prefix = secrets.token_hex(6)
    counter = itertools.count(1)
    return lambda: f"{prefix}-{next(counter)}"
