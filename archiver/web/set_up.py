"""The guided first run: pages that found an archive where there is none yet.

A small application of its own, served by `muniment serve` until the archive is founded. Whoever
opens it must bring the code that the command printed: a new installation that listens on a network
must not belong to the first stranger who finds it. The code moves from the address into a cookie
at once; forms must come from a page of this host.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from zoneinfo import available_timezones

from aiohttp import web

from archiver import __version__
from archiver.clock import Clock
from archiver.config import Settings, SettingSource, explain_environment
from archiver.errors import ArchiverError, Denied, InvalidInput
from archiver.first_run import (
    Choices,
    Made,
    StoreAnswer,
    check_administrator,
    families,
    post_classes,
    try_store,
)
from archiver.web.connection import CONNECTION
from archiver.web.keys import CLOCK
from archiver.web.metrics import METRICS, Metrics
from archiver.web.middleware import rim
from archiver.web.pages.rendering import PAGES, Pages, static
from archiver.web.reading import read_form
from archiver.web.session import check_origin
from retention.templates import DEFAULT_CLASS

COOKIE = "muniment_set_up"
_CHOSEN_IN_ENVIRONMENT = frozenset({SettingSource.ENVIRONMENT, SettingSource.START})

Found = Callable[[Choices], Awaitable[Made]]


@dataclass(slots=True)
class SetUp:
    """One first run under way. `found` founds the archive; `made` is set when that is done."""

    settings: Settings
    code: str
    found: Found
    clock: Clock
    choices: Choices = field(default_factory=Choices)
    tried: StoreAnswer | None = None
    made: Made | None = None
    left: asyncio.Event = field(default_factory=asyncio.Event)
    founding: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def store_url(self) -> str:
        """The store that the environment names, or else the chosen one, or else the default."""
        named = "" if "store_url" in self.fixed else self.choices.store_url
        return named or self.settings.effective_store_url

    @property
    def fixed(self) -> dict[str, str]:
        """The settings that the environment decides, with their values."""
        return {
            view.name.removeprefix("MUNIMENT_").lower(): view.value
            for view in explain_environment(self.settings)
            if view.source in _CHOSEN_IN_ENVIRONMENT
        }


SET_UP: web.AppKey[SetUp] = web.AppKey("set_up", SetUp)


def create_set_up_app(set_up: SetUp) -> web.Application:
    """Return the application of a first run."""
    app = web.Application(middlewares=[rim(), _guarded], client_max_size=1 << 20)
    app[SET_UP] = set_up
    app[CLOCK] = set_up.clock
    app[METRICS] = Metrics(__version__)
    app[PAGES] = Pages()
    app.router.add_get(static.path, static.handler)
    app.router.add_get("/", _begin)
    app.router.add_get("/set-up", _begin)
    for name, show, send in (
        ("store", _store, _send_store),
        ("retention", _retention, _send_retention),
        ("administrator", _administrator, _send_administrator),
        ("confirm", _confirm, _send_confirm),
    ):
        app.router.add_get(f"/set-up/{name}", show)
        app.router.add_post(f"/set-up/{name}", send)
    return app


async def serve_set_up(set_up: SetUp, host: str, port: int, started: Callable[[], None]) -> Made:
    """Serve the first run until the archive is founded.

    Raises:
        OSError: the address cannot be listened on.
    """
    runner = web.AppRunner(create_set_up_app(set_up), shutdown_timeout=5.0, **CONNECTION)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        started()
        await set_up.left.wait()
    finally:
        await runner.cleanup()
    if set_up.made is None:
        raise RuntimeError("the first run was left without an archive")
    return set_up.made


@web.middleware
async def _guarded(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    if request.path.startswith("/static/"):
        return await handler(request)
    if request.method != "GET":
        check_origin(request)
    brought = request.query.get("code") or request.cookies.get(COOKIE, "")
    if not hmac.compare_digest(brought.encode(), request.app[SET_UP].code.encode()):
        raise Denied(
            "there is no archive here yet; open the address that `muniment serve` printed, with "
            "its code, to set one up"
        )
    return await handler(request)


async def _begin(request: web.Request) -> web.StreamResponse:
    response = web.Response(status=303, headers={"Location": "/set-up/store"})
    response.set_cookie(
        COOKIE, request.app[SET_UP].code, httponly=True, samesite="Strict", secure=request.secure
    )
    return response


async def _store(request: web.Request) -> web.StreamResponse:
    return _page(request, "store", zones=sorted(available_timezones()))


async def _send_store(request: web.Request) -> web.StreamResponse:
    set_up, sent = request.app[SET_UP], await read_form(request)
    kind = sent.get("kind", "default")
    set_up.choices = replace(
        set_up.choices,
        store_url=sent.get(f"{kind}_url", "") if kind != "default" else "",
        zone=sent.get("zone") or "UTC",
        origin=sent.get("origin", ""),
    )
    if set_up.choices.zone not in available_timezones():
        errors = [("zone", f"No time zone is called {set_up.choices.zone}; take one like UTC.")]
        return _page(request, "store", errors=errors, zones=sorted(available_timezones()))
    set_up.tried = await asyncio.to_thread(try_store, set_up.store_url, clock=set_up.clock)
    if set_up.tried.problem or sent.get("do") == "test":
        return _page(request, "store", zones=sorted(available_timezones()))
    return _next("retention")


async def _retention(request: web.Request) -> web.StreamResponse:
    chosen = request.app[SET_UP].choices.families
    return _page(request, "retention", families=families(), default_options=_options(chosen))


async def _send_retention(request: web.Request) -> web.StreamResponse:
    set_up, sent = request.app[SET_UP], await read_form(request)
    known = families()
    chosen = frozenset(each.name for each in known if each.always or f"family-{each.name}" in sent)
    codes = {template.code for template in post_classes(chosen)}
    default = sent.get("default_class", "")
    set_up.choices = replace(
        set_up.choices,
        families=chosen,
        default_class=default if default in codes else DEFAULT_CLASS,
    )
    if default not in codes or sent.get("do") == "show":
        told = [] if default in codes else [("default_class", "Choose one of the classes taken.")]
        shown = {} if sent.get("do") == "show" else {"errors": told}
        return _page(
            request, "retention", families=known, default_options=_options(chosen), **shown
        )
    return _next("administrator")


async def _administrator(request: web.Request) -> web.StreamResponse:
    return _page(request, "administrator")


async def _send_administrator(request: web.Request) -> web.StreamResponse:
    set_up, sent = request.app[SET_UP], await read_form(request)
    set_up.choices = replace(
        set_up.choices,
        name=sent.get("name", ""),
        email=sent.get("email", ""),
        alone=sent.get("alone") == "yes",
    )
    try:
        check_administrator(set_up.choices.name, set_up.choices.email)
    except InvalidInput as error:
        return _page(request, "administrator", errors=[(error.pointer or "", str(error))])
    return _next("confirm")


async def _confirm(request: web.Request) -> web.StreamResponse:
    set_up = request.app[SET_UP]
    if set_up.tried is None or set_up.tried.problem:
        return _next("store")
    if not set_up.choices.email:
        return _next("administrator")
    return _page(request, "confirm")


async def _send_confirm(request: web.Request) -> web.StreamResponse:
    set_up = request.app[SET_UP]
    async with set_up.founding:  # a second click waits, and is told of the same archive
        if set_up.made is None:
            try:
                set_up.made = await set_up.found(set_up.choices)
            except ArchiverError as error:
                return _page(request, "confirm", errors=[("", str(error))])
    response = _page(request, "made")
    response.headers["Refresh"] = f"4; url={set_up.made.welcome}"
    asyncio.get_running_loop().call_later(1.0, set_up.left.set)
    return response


def _page(
    request: web.Request,
    step: str,
    *,
    errors: list[tuple[str, str]] | None = None,
    **context: object,
) -> web.Response:
    set_up = request.app[SET_UP]
    wrong = errors or []
    return request.app[PAGES].render(
        request,
        f"set_up_{step}.html",
        status=400 if wrong else 200,
        block="",
        **{
            "step": step,
            "set_up": set_up,
            "choices": set_up.choices,
            "fixed": set_up.fixed,
            "errors": wrong,
            "wrong": dict(wrong),
            **context,
        },
    )


def _next(step: str) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/set-up/{step}"})


def _options(chosen: frozenset[str]) -> list[tuple[str, str]]:
    return [(each.code, f"{each.title} ({each.code})") for each in post_classes(chosen)]
