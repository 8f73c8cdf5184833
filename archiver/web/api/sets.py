"""Frozen result sets: freeze, list, show, ids."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import json_answer, list_answer
from archiver.web.idempotency import ANSWERS
from archiver.web.reading import actor_of, read_document, services_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.set_documents import NewSet, SetDocument, SetIdsDocument, SetList


@route(
    "POST",
    "/api/v1/sets",
    permission=Permission.SEARCH,
    summary="Freeze what a search finds now",
    takes=(Body(model=NewSet),),
    answers={201: Body(model=SetDocument)},
    parameters=(
        Parameter(
            name="Idempotency-Key",
            place="header",
            what="Sent again with the same key, the first answer is given again",
        ),
    ),
)
async def freeze(request: web.Request) -> web.StreamResponse:
    """Freeze a search."""
    asked = await read_document(request, NewSet)

    async def act() -> web.Response:
        sets = services_of(request).frozen_sets
        view = await sets.freeze(**asked.model_dump(), actor=actor_of(request))
        return json_answer(view.to_dict(), status=201)

    return await request.app[ANSWERS].once(request, await request.read(), act)


@route(
    "GET",
    "/api/v1/sets",
    permission=Permission.SEARCH,
    summary="List frozen sets, newest first",
    answers={200: Body(model=SetList)},
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer all sets in reach."""
    return list_answer(await services_of(request).frozen_sets.list(actor=actor_of(request)))


@route(
    "GET",
    "/api/v1/sets/{id}",
    permission=Permission.SEARCH,
    summary="Show one frozen set",
    answers={200: Body(model=SetDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one set."""
    sets = services_of(request).frozen_sets
    view = await sets.show(request.match_info["id"], actor=actor_of(request))
    return json_answer(view.to_dict())


@route(
    "GET",
    "/api/v1/sets/{id}/ids",
    permission=Permission.SEARCH,
    summary="The record ids of a frozen set, in log order",
    answers={200: Body(model=SetIdsDocument)},
)
async def ids(request: web.Request) -> web.StreamResponse:
    """Answer one set with its ids."""
    sets = services_of(request).frozen_sets
    found = await sets.ids(request.match_info["id"], actor=actor_of(request))
    return json_answer(found.to_dict())


ROUTES = (freeze, list_all, show, ids)
