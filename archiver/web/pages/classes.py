"""Classes and schedules, to be read and explained: the file plan, one class, the class rules."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.class_views import Example
from archiver.disposal.schedule_words import TermView
from archiver.errors import InvalidInput
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of, text_of
from archiver.web.routing import Body, Parameter, route

_HTML = Body(media_type="text/html")
_WIDTH = 800.0


@route(
    "GET",
    "/classes",
    permission=Permission.READ_FILE_PLAN,
    summary="Classes and schedules",
    answers={200: _HTML},
    parameters=(Parameter(name="show", what="all shows classes that nothing is in as well"),),
)
async def classes(request: web.Request) -> web.StreamResponse:
    """Show the classes with the schedules in force."""
    plan = await services_of(request).filing.plan(actor=actor_of(request))
    counted = any(view.records is not None for view in plan)
    every = not counted or text_of(request, "show", default="") == "all"
    shown = [view for view in plan if every or view.records or view.rules or view.is_default]
    return request.app[PAGES].render(
        request, "classes.html", views=shown, plan=plan, every=every, counted=counted
    )


@route(
    "GET",
    "/classes/rules",
    permission=Permission.READ_FILE_PLAN,
    summary="Class rules",
    answers={200: _HTML},
)
async def rules(request: web.Request) -> web.StreamResponse:
    """Show the class rules in force, in order."""
    page = await services_of(request).filing.class_rules(actor=actor_of(request))
    return request.app[PAGES].render(request, "class_rules.html", page=page)


@route(
    "GET",
    "/classes/{code:[a-z0-9-]{1,40}}",
    permission=Permission.READ_FILE_PLAN,
    summary="One class with its schedules",
    answers={200: _HTML, 400: _HTML},
    parameters=(
        Parameter(name="posted", what="A day: what would become of a record posted then"),
        Parameter(name="happened", what="The day of the events that the schedule awaits"),
    ),
)
async def file_class(request: web.Request) -> web.StreamResponse:
    """Show a class; with a day, until when a record posted then would be kept."""
    filing, actor = services_of(request).filing, actor_of(request)
    code = request.match_info["code"]
    asked = {name: text_of(request, name, default="") for name in ("posted", "happened")}
    errors: tuple[tuple[str, str], ...] = ()
    try:
        page = await filing.show_class(code, **asked, actor=actor)
    except InvalidInput as error:
        message = str(error)
        errors = ((error.pointer or "", f"{message[0].upper()}{message[1:]}."),)
        page = await filing.show_class(code, actor=actor)
    return request.app[PAGES].render(
        request,
        "class.html",
        status=400 if errors else 200,
        page=page,
        asked=asked,
        errors=errors,
        picture=_picture(page.example) if page.example else None,
    )


ROUTES = (classes, rules, file_class)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Bars of terms over time, in units of a drawing that is `width` wide.

    `bars` are term, end and length; a term without an end is drawn to the edge.
    """

    width: float
    today: float
    bars: tuple[tuple[TermView, datetime | None, float], ...]


def _picture(example: Example) -> Picture:
    """Return an example as it is drawn: each term from the posting to its end, and today."""
    start = example.counted_from
    ends = [each.end for each in example.ends if each.end is not None]
    span = max(max([*ends, example.as_of]) - start, timedelta(days=1))

    def place(moment: datetime) -> float:
        return round(_WIDTH * max((moment - start) / span, 0), 1)

    return Picture(
        width=_WIDTH,
        today=place(example.as_of),
        bars=tuple(
            (each.term, each.end, _WIDTH if each.end is None else place(each.end))
            for each in example.ends
        ),
    )
