"""Drafts of schedules and of class rules: made, edited, submitted, approved. Each has an ETag."""

from collections.abc import Mapping

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.draft_views import DraftView
from archiver.disposal.drafts import Source
from archiver.disposal.template_views import template_documents
from archiver.web.answering import json_answer
from archiver.web.documents import StatedReason
from archiver.web.plan_documents import (
    DraftChange,
    DraftDocument,
    DraftList,
    NewDraft,
    Submission,
    TemplateList,
)
from archiver.web.reading import (
    actor_of,
    flag_of,
    is_dry_run,
    read_document,
    services_of,
    text_of,
)
from archiver.web.revisions import require_revision, revision_headers, revision_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.steps import Steps

_ID = "/api/v1/drafts/{id}"
_ANSWERS = {200: Body(model=DraftDocument)}


async def _seen(request: web.Request) -> DraftView:
    drafts = services_of(request).plan.drafts
    return await drafts.show(request.match_info["id"], actor=actor_of(request))


async def _revision(request: web.Request) -> Mapping[str, int]:
    return {"revision": require_revision(request, (await _seen(request)).row.revision)}


def _answer(view: DraftView, *, status: int = 200) -> web.Response:
    return json_answer(view.to_dict(), status=status, headers=revision_headers(view.row.revision))


_DRAFT = Steps(
    path=_ID,
    document=DraftDocument,
    if_match=revision_of("draft"),
    seen=_revision,
    answer=_answer,
)


@route(
    "GET",
    "/api/v1/drafts",
    permission=Permission.READ_FILE_PLAN,
    summary="List drafts of schedules and class rules, newest first",
    answers={200: Body(model=DraftList)},
    parameters=(
        Parameter(name="class", what="Of this class's schedule only"),
        Parameter(name="open", what="`true`: those not decided", type="boolean"),
    ),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer the drafts."""
    views = await services_of(request).plan.drafts.list(
        class_code=text_of(request, "class", default=""),
        open_only=flag_of(request, "open"),
        actor=actor_of(request),
    )
    return json_answer({"items": [view.to_dict() for view in views]})


@route(
    "POST",
    "/api/v1/drafts",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Begin a draft: a copy of the newest version, from a template, or empty",
    takes=(Body(model=NewDraft),),
    answers={201: Body(model=DraftDocument)},
)
async def make(request: web.Request) -> web.StreamResponse:
    """Begin a draft."""
    asked = await read_document(request, NewDraft)
    source = Source(
        template=asked.template,
        empty=asked.empty,
        fiscal_year_starts=asked.fiscal_year_starts,
        period=asked.period,
    )
    view = await services_of(request).plan.drafts.make(
        asked.class_code, source=source, reason=asked.reason, actor=actor_of(request)
    )
    return _answer(view, status=201)


@route(
    "GET",
    _ID,
    permission=Permission.READ_FILE_PLAN,
    summary="Show a draft with what it changes",
    answers=_ANSWERS,
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one draft."""
    return _answer(await _seen(request))


@_DRAFT.step(
    "",
    DraftChange,
    permission=Permission.EDIT_FILE_PLAN,
    summary="Put another body or reason into a draft",
)
async def edit(request: web.Request) -> web.StreamResponse:
    """Change a draft."""
    return await _DRAFT.changed(request, DraftChange, services_of(request).plan.drafts.edit)


@_DRAFT.step(
    "/submit",
    Submission,
    permission=Permission.EDIT_FILE_PLAN,
    summary="Simulate a draft over the whole archive and send it for approval",
)
async def submit(request: web.Request) -> web.StreamResponse:
    """Send a draft for approval."""
    return await _DRAFT.changed(request, Submission, services_of(request).plan.life.submit)


@route(
    "POST",
    _ID + "/approve",
    permission=Permission.APPROVE_FILE_PLAN,
    alone=Permission.EDIT_FILE_PLAN,
    summary="Bring a submitted draft into force, as a second person",
    takes=(Body(model=StatedReason),),
    answers=_ANSWERS,
    parameters=(
        _DRAFT.if_match,
        Parameter(name="dry_run", what="Only say what would happen", type="boolean"),
    ),
)
async def approve(request: web.Request) -> web.StreamResponse:
    """Approve a draft, or with `dry_run=true` say what that would do now."""
    asked = await read_document(request, StatedReason)
    life, actor = services_of(request).plan.life, actor_of(request)
    if is_dry_run(request):
        return json_answer((await life.preview(request.match_info["id"], actor=actor)).to_dict())
    view = await life.approve(
        request.match_info["id"],
        reason=asked.reason,
        **await _revision(request),
        actor=actor,
    )
    return _answer(view)


@_DRAFT.step(
    "/refuse",
    StatedReason,
    permission=Permission.APPROVE_FILE_PLAN,
    alone=Permission.EDIT_FILE_PLAN,
    summary="Refuse a submitted draft, as a second person",
)
async def refuse(request: web.Request) -> web.StreamResponse:
    """Refuse a draft."""
    return await _DRAFT.changed(request, StatedReason, services_of(request).plan.life.refuse)


@_DRAFT.step(
    "/withdraw",
    StatedReason,
    permission=Permission.EDIT_FILE_PLAN,
    summary="Give a draft up; it stays to be read",
)
async def withdraw(request: web.Request) -> web.StreamResponse:
    """Withdraw a draft."""
    return await _DRAFT.changed(request, StatedReason, services_of(request).plan.drafts.withdraw)


@route(
    "GET",
    "/api/v1/schedule-templates",
    permission=Permission.READ_FILE_PLAN,
    summary="List the shipped retention templates with their citations",
    answers={200: Body(model=TemplateList)},
)
async def templates(_request: web.Request) -> web.StreamResponse:
    """Answer the templates."""
    return json_answer({"items": list(template_documents())})


ROUTES = (list_all, make, show, edit, submit, approve, refuse, withdraw, templates)
