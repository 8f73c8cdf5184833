"""Classes of the file plan, their schedules, and the rules that put records in them."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import json_answer
from archiver.web.documents import ClassList, ExampleDocument, ScheduleList
from archiver.web.reading import actor_of, services_of, text_of
from archiver.web.routing import Body, Parameter, route


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


@route(
    "GET",
    "/api/v1/classes/{code}/schedules",
    permission=Permission.READ_FILE_PLAN,
    summary="List every version of a class's schedule, newest first",
    answers={200: Body(model=ScheduleList)},
)
async def schedules(request: web.Request) -> web.StreamResponse:
    """Answer the versions of a schedule."""
    filing = services_of(request).filing
    items = await filing.schedules(request.match_info["code"], actor=actor_of(request))
    return json_answer({"items": items})


@route(
    "GET",
    "/api/v1/classes/{code}/example",
    permission=Permission.READ_FILE_PLAN,
    summary="Say until when a record of the class would be kept that is posted on a day",
    answers={200: Body(model=ExampleDocument)},
    parameters=(
        Parameter(name="posted", what="The day, such as 2026-03-31", required=True),
        Parameter(name="happened", what="The day of the events that the schedule awaits"),
    ),
)
async def example(request: web.Request) -> web.StreamResponse:
    """Answer an example."""
    found = await services_of(request).filing.work_example(
        request.match_info["code"],
        posted=text_of(request, "posted"),
        happened=text_of(request, "happened", default=""),
        actor=actor_of(request),
    )
    return json_answer(found.to_dict())


ROUTES = (list_all, schedules, example)
