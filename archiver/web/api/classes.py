"""Classes of the file plan."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import json_answer
from archiver.web.documents import ClassList
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Body, route


@route(
    "GET",
    "/api/v1/classes",
    permission=Permission.READ_FILE_PLAN,
    summary="List the classes with their schedules",
    answers={200: Body(model=ClassList)},
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer the file plan."""
    return json_answer(
        {"items": await services_of(request).filing.classes(actor=actor_of(request))}
    )


ROUTES = (list_all,)
