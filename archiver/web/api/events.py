"""The audit trail: lists, everything about one object, one event with its proof, an export."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.assurance.audit_filter import TrailFilter, filter_from
from archiver.jobs.audit_exports import AUDIT_EXPORT
from archiver.jobs.work_views import JobView
from archiver.web.answering import json_answer
from archiver.web.audit_documents import EventDocument, EventList, TimelineDocument
from archiver.web.reading import actor_of, services_of, text_of, whole_of
from archiver.web.routing import Access, Body, Parameter, route
from archiver.web.work_documents import JobDocument

PAGE = (
    Parameter(name="limit", what="Events on a page, 1 to 200", type="integer"),
    Parameter(name="cursor", what="From the page before"),
)
FILTER = (
    Parameter(name="actor", what="Who did it, exactly"),
    Parameter(name="action", what="What was done: `hold:placed`, `hold:*`, several with commas"),
    Parameter(name="object_type", what="The kind of what it was done to: `record`, `hold`, …"),
    Parameter(name="object_id", what="Its id, exactly"),
    Parameter(name="matter", what="Events of the holds of this matter"),
    Parameter(name="result", what="How it ended: `ok`, `not-ok`, or a result as stored"),
    Parameter(name="from", what="A date, or a moment in RFC 3339; within"),
    Parameter(name="to", what="A date, within; or a moment, not within"),
    Parameter(name="text", what="A piece of the object's id"),
)
_MOST = 200


@route(
    "GET",
    "/api/v1/events",
    permission=Permission.READ_AUDIT,
    summary="List events of the audit trail, newest first; that is an event as well",
    answers={200: Body(model=EventList)},
    parameters=(*FILTER, *PAGE),
)
async def list_events(request: web.Request) -> web.StreamResponse:
    """Answer a page of events."""
    page = await services_of(request).audit.list(
        asked_filter(request),
        cursor=text_of(request, "cursor", default=""),
        limit=whole_of(request, "limit", default=50, most=_MOST),
        actor=actor_of(request),
    )
    return json_answer(page.to_dict())


@route(
    "GET",
    "/api/v1/events/{id}",
    permission=Permission.READ_AUDIT,
    summary="Show one event, read from its record in the log and compared with the list",
    answers={200: Body(model=EventDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one event."""
    audit = services_of(request).audit
    detail = await audit.show(request.match_info["id"], actor=actor_of(request))
    return json_answer(detail.to_dict())


@route(
    "GET",
    "/api/v1/events/{id}/proof",
    permission=Permission.READ_AUDIT,
    summary="Prove that an event is in the log (C2SP tlog-proof)",
    answers={200: Body(media_type="text/plain", what="The proof")},
)
async def proof(request: web.Request) -> web.StreamResponse:
    """Answer the proof as a file."""
    event_id = request.match_info["id"]
    text = await services_of(request).log.inclusion(event_id, actor=actor_of(request))
    name = f'attachment; filename="{event_id}.tlog-proof"'
    return web.Response(text=text, headers={"Content-Disposition": name})


@route(
    "GET",
    "/api/v1/events/about/{type:[a-z]+}/{object}",
    permission=Permission.READ_AUDIT,
    summary="Everything the trail knows about one record, person, hold, account, class, token, job",
    answers={200: Body(model=TimelineDocument)},
    parameters=PAGE,
)
async def about(request: web.Request) -> web.StreamResponse:
    """Answer everything about one object."""
    found = await services_of(request).audit.about(
        request.match_info["type"],
        request.match_info["object"],
        cursor=text_of(request, "cursor", default=""),
        limit=whole_of(request, "limit", default=50, most=_MOST),
        actor=actor_of(request),
    )
    return json_answer(found.to_dict())


@route(
    "POST",
    "/api/v1/events/export",
    permission=Permission.READ_AUDIT,
    summary="Start an export of the trail with proofs: the job leaves a zip",
    answers={202: Body(model=JobDocument)},
    parameters=FILTER,
)
async def export(request: web.Request) -> web.StreamResponse:
    """Start an export; the filter stands in the query."""
    job = await start_export(request, asked_filter(request))
    where = {"Location": f"/api/v1/jobs/{job.id}"}
    return json_answer(job.to_dict(), status=202, headers=where)


@route(
    "GET",
    "/api/v1/me/events",
    permission=Access.SIGNED_IN,
    summary="List what you did yourself, newest first",
    answers={200: Body(model=EventList)},
    parameters=PAGE,
)
async def mine(request: web.Request) -> web.StreamResponse:
    """Answer one's own events."""
    page = await services_of(request).audit.mine(
        cursor=text_of(request, "cursor", default=""),
        limit=whole_of(request, "limit", default=50, most=_MOST),
        actor=actor_of(request),
    )
    return json_answer(page.to_dict())


async def start_export(request: web.Request, wanted: TrailFilter) -> JobView:
    """Queue an export. Its subject is seen by operators, who do not see what was filtered by."""
    return await services_of(request).work.start(
        AUDIT_EXPORT,
        subject="A part of the audit trail" if wanted else "The whole audit trail",
        object_type="audit",
        arguments=wanted.to_params(),
        actor=actor_of(request),
    )


def asked_filter(request: web.Request) -> TrailFilter:
    """Return the filter in a request's query. Raises InvalidInput."""
    return filter_from({each.name: text_of(request, each.name, default="") for each in FILTER})


ROUTES = (list_events, show, proof, about, export, mine)
