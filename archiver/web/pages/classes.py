"""Classes and schedules, to be read and explained: the file plan, one class, the class rules."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.class_plan import ClassState
from archiver.disposal.class_views import Example
from archiver.disposal.schedule_words import TermView
from archiver.errors import InvalidInput
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of, text_of, whole_of
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
    """Show the tree of classes with the schedules in force."""
    services, actor = services_of(request), actor_of(request)
    plan = {view.code: view for view in await services.filing.plan(actor=actor)}
    tree = await services.plan.classes.tree(actor=actor)
    drafts = await services.plan.drafts.list(open_only=True, actor=actor)
    counted = any(view.records is not None for view in plan.values())
    every = not counted or text_of(request, "show", default="") == "all"
    used = {code for code, view in plan.items() if view.records or view.rules or view.is_default}
    return request.app[PAGES].render(
        request,
        "classes.html",
        rows=[
            (state, plan[state.row.code])
            for state in in_use(tree, used if not every else plan.keys())
            if state.row.code in plan
        ],
        plan=plan,
        every=every,
        counted=counted,
        drafted={view.row.class_code for view in drafts},
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
    services, actor = services_of(request), actor_of(request)
    page = await services.filing.class_rules(actor=actor)
    drafts = await services.plan.drafts.list(open_only=True, actor=actor)
    return request.app[PAGES].render(
        request,
        "class_rules.html",
        page=page,
        drafts=[view for view in drafts if view.is_rules],
    )


@route(
    "GET",
    "/classes/{code:[a-z0-9-]{1,40}}",
    permission=Permission.READ_FILE_PLAN,
    summary="One class with its schedules",
    answers={200: _HTML, 400: _HTML},
    parameters=(
        Parameter(name="posted", what="A day: what would become of a record posted then"),
        Parameter(name="happened", what="The day of the events that the schedule awaits"),
        Parameter(name="done", what="What was just done: added, changed, closed, …"),
        Parameter(name="records", what="How many records were just moved", type="integer"),
    ),
)
async def file_class(request: web.Request) -> web.StreamResponse:
    """Show a class; with a day, until when a record posted then would be kept."""
    services, actor = services_of(request), actor_of(request)
    filing, code = services.filing, request.match_info["code"]
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
        state=await services.plan.classes.show(code, actor=actor),
        drafts=await services.plan.drafts.list(class_code=code, open_only=True, actor=actor),
        done=text_of(request, "done", default=""),
        moved=whole_of(request, "records", default=0),
        asked=asked,
        errors=errors,
        picture=_picture(page.example) if page.example else None,
    )


def in_use(tree: Sequence[ClassState], used: Collection[str]) -> list[ClassState]:
    """Return the classes used and those above them, in the order of the tree."""
    shown: list[ClassState] = []
    deepest = -1  # of the class below that is shown
    for state in reversed(tree):
        if state.row.code in used or state.depth < deepest:
            shown.append(state)
            deepest = state.depth
        elif state.depth == 0:
            deepest = -1
    return shown[::-1]


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
