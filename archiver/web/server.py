"""The application and the process that serves it.

Stopping is graceful (SIGTERM or SIGINT): `/readyz` says no, no connection is accepted any more,
requests under way get ten seconds to finish (a capture is acknowledged only when durable, so
cutting one off loses nothing that was promised), then the background loops end.
"""

import asyncio
import dataclasses
import importlib
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog
from aiohttp import web

from archiver.web.connection import CONNECTION
from archiver.web.idempotency import ANSWERS, Answers
from archiver.web.keys import CLOCK, READINESS, SERVICES, Readiness
from archiver.web.metrics import METRICS, Metrics, Reading
from archiver.web.middleware import admitted, rim
from archiver.web.openapi import OPENAPI, describe
from archiver.web.pages.rendering import PAGES, Pages
from archiver.web.routes import ROUTES
from archiver.web.routing import Access
from archiver.web.sent_forms import SENT_FORMS, SentForms
from archiver.web.services import Services

Loop = Callable[[], Coroutine[Any, Any, None]]

_DRAIN_S = 10.0

_log = structlog.get_logger("muniment.web")


def create_app(services: Services, *, readings: Sequence[Reading] = ()) -> web.Application:
    """Return the application over `services`; `readings` are the gauges `/metrics` also tells."""
    settings = services.settings
    routes = [
        dataclasses.replace(route, permission=Access.PUBLIC)
        if route.open_by_setting and settings.public_log
        else route
        for route in ROUTES
    ]
    app = web.Application(
        middlewares=[rim(settings.content_origin, hsts=settings.tells_https)],
        client_max_size=settings.max_body_bytes,
    )
    app[SERVICES] = services
    app[CLOCK] = services.clock
    app[READINESS] = Readiness()
    app[METRICS] = Metrics(services.version, readings)
    app[ANSWERS] = Answers()
    app[SENT_FORMS] = SentForms()
    app[OPENAPI] = describe(routes, services.version)
    app[PAGES] = Pages()
    for route in routes:
        if route.method == "GET":
            app.router.add_get(route.path, admitted(route))  # answers HEAD too
        else:
            app.router.add_route(route.method, route.path, admitted(route))
    return app


async def serve(
    services: Services,
    host: str,
    port: int,
    *,
    background: Sequence[Loop] = (),
    readings: Sequence[Reading] = (),
    started: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, with the background loops beside.

    `started` is called once connections are accepted.

    Raises:
        OSError: the address cannot be listened on.
        ExceptionGroup: a background loop failed; serving ended with it.
    """
    app = create_app(services, readings=readings)
    stop = _stop_signal()
    runner = web.AppRunner(app, shutdown_timeout=_DRAIN_S, **CONNECTION)
    await runner.setup()
    try:
        async with asyncio.TaskGroup() as group:
            loops = [group.create_task(loop()) for loop in background]
            await web.TCPSite(runner, host, port).start()
            _log.info("serving", host=host, port=port, version=services.version)
            started()
            await stop.wait()
            _log.info("stopping")
            app[READINESS].stopping = True
            await runner.cleanup()
            for loop in loops:
                loop.cancel()
    finally:
        await runner.cleanup()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's where it is installed, for `asyncio.Runner`: up to 1.6 times the requests."""
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
            "uvloop"
        ).new_event_loop
    except ModuleNotFoundError:
        return None
    return factory


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
