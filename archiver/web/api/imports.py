"""Imports: what was imported. Posts are imported by `/api/v1/captures`, as NDJSON."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import json_answer
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Body, route
from archiver.web.work_documents import ImportList


@route(
    "GET",
    "/api/v1/imports",
    permission=Permission.READ_SETTINGS,
    summary="List the newest imports, by whichever face",
    answers={200: Body(model=ImportList)},
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer the imports that ended."""
    found = await services_of(request).imports.history(actor=actor_of(request))
    items = [each.to_dict() for each in found.past]
    return json_answer({"items": items, "total": len(items), "next_cursor": ""})


ROUTES = (list_all,)
