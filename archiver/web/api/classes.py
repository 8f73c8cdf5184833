"""Classes of the file plan, their schedules, and the rules that put records in them."""

from collections.abc import Mapping

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.class_plan import ClassState
from archiver.web.answering import json_answer
from archiver.web.documents import ClassList, ExampleDocument, ScheduleList, StatedReason
from archiver.web.plan_documents import (
    ClassChange,
    ClassDocument,
    ClassTree,
    FiledRecords,
    MovedRecords,
    NewClass,
    PlanReportDocument,
    Reclassified,
    RuleList,
)
from archiver.web.reading import (
    actor_of,
    is_dry_run,
    read_document,
    services_of,
    text_of,
    whole_of,
)
from archiver.web.revisions import require_revision, revision_headers, revision_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.steps import Steps

_CLASS = "/api/v1/classes/{code}"
_MOST = 2**31


async def _seen(request: web.Request) -> ClassState:
    classes = services_of(request).plan.classes
    return await classes.show(request.match_info["code"], actor=actor_of(request))


async def _revision(request: web.Request) -> Mapping[str, int]:
    return {"revision": require_revision(request, (await _seen(request)).row.revision)}


def _answer(state: ClassState, *, status: int = 200) -> web.Response:
    headers = revision_headers(state.row.revision)
    return json_answer(state.to_dict(), status=status, headers=headers)


_STEPS = Steps(
    path=_CLASS,
    document=ClassDocument,
    if_match=revision_of("class"),
    seen=_revision,
    answer=_answer,
)


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


@route(
    "POST",
    "/api/v1/classes",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Add a class; it has no schedule yet",
    takes=(Body(model=NewClass),),
    answers={201: Body(model=ClassDocument)},
)
async def add(request: web.Request) -> web.StreamResponse:
    """Add a class."""
    asked = await read_document(request, NewClass)
    state = await services_of(request).plan.classes.add(
        **asked.model_dump(), actor=actor_of(request)
    )
    return _answer(state, status=201)


@route(
    "GET",
    "/api/v1/class-tree",
    permission=Permission.READ_FILE_PLAN,
    summary="List every class below the one above it",
    answers={200: Body(model=ClassTree)},
)
async def tree(request: web.Request) -> web.StreamResponse:
    """Answer the tree of classes."""
    states = await services_of(request).plan.classes.tree(actor=actor_of(request))
    return json_answer({"items": [state.to_dict() for state in states]})


@route(
    "GET",
    "/api/v1/class-rules",
    permission=Permission.READ_FILE_PLAN,
    summary="List the class rules in force, in the order in which they are asked",
    answers={200: Body(model=RuleList)},
)
async def rules(request: web.Request) -> web.StreamResponse:
    """Answer the class rules."""
    page = await services_of(request).filing.class_rules(actor=actor_of(request))
    items = [
        {
            "place": rule.place,
            "id": rule.id,
            "class_code": rule.class_code,
            "conditions": rule.conditions,
        }
        for rule in page.rules
    ]
    return json_answer({"version": page.version, "items": items})


@route(
    "GET",
    "/api/v1/class-report",
    permission=Permission.READ_FILE_PLAN,
    summary="Say what in the file plan leads nowhere, waits, or is unconfirmed",
    answers={200: Body(model=PlanReportDocument)},
)
async def report(request: web.Request) -> web.StreamResponse:
    """Answer the report."""
    found = await services_of(request).plan.reporting.report(actor=actor_of(request))
    return json_answer(found.to_dict())


@route(
    "GET",
    _CLASS,
    permission=Permission.READ_FILE_PLAN,
    summary="Show one class with the schedule in force",
    answers={200: Body(model=ClassDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one class."""
    return _answer(await _seen(request))


@route(
    "GET",
    _CLASS + "/records",
    permission=Permission.SEARCH,
    summary="List the posts of a class, in log order",
    answers={200: Body(model=FiledRecords)},
    parameters=(
        Parameter(name="version", what="Only those that this version keeps", type="integer"),
        Parameter(name="after", what="`next_after` of the page before", type="integer"),
        Parameter(name="limit", what="At most 200", type="integer"),
    ),
)
async def records(request: web.Request) -> web.StreamResponse:
    """Answer a page of posts."""
    limit = whole_of(request, "limit", default=50)
    after = text_of(request, "after", default="")
    items = await services_of(request).plan.reporting.records(
        request.match_info["code"],
        schedule_version=whole_of(request, "version", default=0, most=_MOST),
        after=whole_of(request, "after") if after else -1,
        limit=limit,
        actor=actor_of(request),
    )
    following = items[-1]["log_index"] if len(items) == limit else None
    return json_answer({"items": list(items), "next_after": following})


@_STEPS.step(
    "",
    ClassChange,
    permission=Permission.EDIT_FILE_PLAN,
    summary="Give a class another title, note or class above",
)
async def change(request: web.Request) -> web.StreamResponse:
    """Change a class."""
    return await _STEPS.changed(request, ClassChange, services_of(request).plan.classes.change)


@_STEPS.step(
    "/close",
    StatedReason,
    permission=Permission.EDIT_FILE_PLAN,
    summary="Close a class for new records; those in it stay",
)
async def close(request: web.Request) -> web.StreamResponse:
    """Close a class."""
    return await _STEPS.changed(request, StatedReason, services_of(request).plan.classes.close)


@_STEPS.step(
    "/reopen",
    StatedReason,
    permission=Permission.EDIT_FILE_PLAN,
    summary="Let class rules name a closed class again",
)
async def reopen(request: web.Request) -> web.StreamResponse:
    """Open a class again."""
    return await _STEPS.changed(request, StatedReason, services_of(request).plan.classes.reopen)


@route(
    "POST",
    _CLASS + "/reclassify",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Put records into a class by hand",
    takes=(Body(model=MovedRecords),),
    answers={200: Body(model=Reclassified)},
    parameters=(Parameter(name="dry_run", what="Only say what would happen", type="boolean"),),
)
async def reclassify(request: web.Request) -> web.StreamResponse:
    """Move records, or with `dry_run=true` say what that would do."""
    asked = await read_document(request, MovedRecords)
    work, code, actor = (
        services_of(request).plan.reclassifying,
        request.match_info["code"],
        actor_of(request),
    )
    if is_dry_run(request):
        done = await work.preview(
            code, record_ids=asked.record_ids, set_id=asked.set_id, actor=actor
        )
    else:
        done = await work.reclassify(code, **asked.model_dump(), actor=actor)
    return json_answer(done.to_dict())


ROUTES = (
    list_all,
    schedules,
    example,
    add,
    tree,
    rules,
    report,
    show,
    records,
    change,
    close,
    reopen,
    reclassify,
)
