"""Health, metrics and the API's own description. Nothing here tells content or secrets."""

import asyncio

from aiohttp import web

from archiver.web.answering import json_answer
from archiver.web.keys import READINESS
from archiver.web.metrics import METRICS
from archiver.web.openapi import OPENAPI
from archiver.web.reading import services_of
from archiver.web.routing import Access, Body, Parameter, route

_TEXT = Body(media_type="text/plain")
_READY_WITHIN_S = 5


@route(
    "GET",
    "/livez",
    permission=Access.PUBLIC,
    summary="Whether the process runs",
    answers={200: _TEXT},
    log=False,
)
async def livez(_: web.Request) -> web.StreamResponse:
    """Answer that the process runs; asks no part, so a slow database restarts nothing."""
    return web.Response(text="ok\n")


@route(
    "GET",
    "/readyz",
    permission=Access.PUBLIC,
    summary="Whether the process wants traffic",
    answers={200: _TEXT, 503: _TEXT},
    parameters=(Parameter(name="verbose", what="Present: one line per part"),),
    log=False,
)
async def readyz(request: web.Request) -> web.StreamResponse:
    """Answer 200 if every part works and nobody asked the process to stop.

    `ok; …` is a part that works beside somebody outside who does not, such as an authority.
    """
    parts = {"serving": "stopping" if request.app[READINESS].stopping else "ok"}
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            parts |= await services_of(request).health.ready()
    except TimeoutError:
        parts["parts"] = f"did not answer within {_READY_WITHIN_S} s"
    well = {name: state == "ok" or state.startswith("ok; ") for name, state in parts.items()}
    ready = all(well.values())
    lines = [f"[{'+' if well[name] else '-'}]{name} {state}" for name, state in parts.items()]
    short = "ok" if ready else "not ready"
    text = "\n".join([*lines, short] if "verbose" in request.query else [short])
    return web.Response(text=text + "\n", status=200 if ready else 503)


@route(
    "GET",
    "/metrics",
    permission=Access.PUBLIC,
    summary="Metrics in the Prometheus text format",
    answers={200: _TEXT},
    log=False,
)
async def metrics(request: web.Request) -> web.StreamResponse:
    """Answer the metrics. Numbers only; keep the path off the outside at the proxy."""
    return web.Response(
        body=request.app[METRICS].expose(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


@route(
    "GET",
    "/api/v1/openapi.json",
    permission=Access.PUBLIC,
    summary="This description (OpenAPI 3.1)",
    answers={200: Body(what="An OpenAPI 3.1 document")},
)
async def openapi(request: web.Request) -> web.StreamResponse:
    """Answer the API's description."""
    return json_answer(request.app[OPENAPI])


ROUTES = (livez, readyz, metrics, openapi)
