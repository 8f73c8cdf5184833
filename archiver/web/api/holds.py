"""Holds: place, list, show, release."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import json_answer, list_answer
from archiver.web.documents import (
    HoldDocument,
    HoldList,
    HoldPreviewDocument,
    NewHold,
    Release,
)
from archiver.web.idempotency import ANSWERS
from archiver.web.reading import actor_of, is_dry_run, read_document, services_of
from archiver.web.routing import Body, Parameter, route

_ACT = (
    Parameter(name="dry_run", what="Only say what would happen", type="boolean"),
    Parameter(
        name="Idempotency-Key",
        place="header",
        what="Sent again with the same key, the first answer is given again",
    ),
)


@route(
    "POST",
    "/api/v1/holds",
    permission=Permission.PLACE_HOLDS,
    summary="Place a hold; it is in effect when answered",
    takes=(Body(model=NewHold),),
    answers={200: Body(model=HoldPreviewDocument), 201: Body(model=HoldDocument)},
    parameters=_ACT,
)
async def place(request: web.Request) -> web.StreamResponse:
    """Place a hold, or with `dry_run=true` say what it would hold."""
    asked = await read_document(request, NewHold)
    if is_dry_run(request):
        holds, actor = services_of(request).holds, actor_of(request)
        preview = await holds.preview(**asked.model_dump(), actor=actor)
        return json_answer(preview.to_dict())

    async def act() -> web.Response:
        hold = await services_of(request).holds.place(**asked.model_dump(), actor=actor_of(request))
        return json_answer(hold.to_dict(), status=201)

    return await request.app[ANSWERS].once(request, await request.read(), act)


@route(
    "GET",
    "/api/v1/holds",
    permission=Permission.READ_HOLDS,
    summary="List all holds",
    answers={200: Body(model=HoldList)},
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer all holds."""
    return list_answer(await services_of(request).hold_register.list(actor=actor_of(request)))


@route(
    "GET",
    "/api/v1/holds/{id}",
    permission=Permission.READ_HOLDS,
    summary="Show one hold",
    answers={200: Body(model=HoldDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one hold."""
    holds = services_of(request).hold_register
    hold = await holds.show(request.match_info["id"], actor=actor_of(request))
    return json_answer(hold.to_dict())


@route(
    "POST",
    "/api/v1/holds/{id}/release",
    permission=Permission.RELEASE_HOLDS,
    summary="Release a hold; nothing is disposed of by that alone",
    takes=(Body(model=Release),),
    answers={200: Body(model=HoldDocument), 202: Body(model=HoldDocument)},
    parameters=_ACT,
)
async def release(request: web.Request) -> web.StreamResponse:
    """Release a hold, or with `dry_run=true` say what that would free."""
    asked = await read_document(request, Release)
    if is_dry_run(request):
        register, actor = services_of(request).hold_register, actor_of(request)
        preview = await register.release_preview(request.match_info["id"], actor=actor)
        return json_answer(preview.to_dict())

    async def act() -> web.Response:
        release = await services_of(request).releases.release(
            request.match_info["id"], reason=asked.reason, actor=actor_of(request)
        )
        return json_answer(release.to_dict(), status=202 if release.waits else 200)

    return await request.app[ANSWERS].once(request, await request.read(), act)


ROUTES = (place, list_all, show, release)
