"""Privacy requests: the list, a new one, one with its records, and its signed answer to print."""

import json
from collections.abc import Mapping

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.privacy_requests import past_moment
from archiver.errors import CallerError, InvalidInput
from archiver.model.privacy import RequestKind, RequestState
from archiver.web.pages.addresses import addresses
from archiver.web.pages.disposition import FORM, HTML
from archiver.web.pages.refusals import refused, refused_status
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, after_of, read_form, services_of, text_of
from archiver.web.routing import Parameter, route

REQUEST = "/privacy/{id}"
_PER_PAGE = 25
_RECORDS = 50
_KINDS = [
    (RequestKind.ERASURE.value, "Erasure (GDPR art. 17)"),
    (RequestKind.RESTRICTION.value, "Restriction (GDPR art. 18)"),
    (RequestKind.OBJECTION.value, "Objection (GDPR art. 21)"),
]


@route(
    "GET",
    "/privacy",
    permission=Permission.READ_PRIVACY,
    summary="Privacy requests",
    answers={200: HTML},
    parameters=(
        Parameter(name="state", what="Only open or only closed ones"),
        Parameter(name="cursor", what="Go on behind this one"),
    ),
)
async def requests(request: web.Request) -> web.StreamResponse:
    """Show the requests, newest first."""
    state = text_of(request, "state", default="")
    cursor = text_of(request, "cursor", default="")
    found = await services_of(request).privacy.requests.list(
        state=state if state in set(RequestState) else "",
        cursor=cursor,
        limit=_PER_PAGE,
        actor=actor_of(request),
    )
    address = addresses("/privacy", {"state": state})
    return request.app[PAGES].render(
        request,
        "privacy.html",
        found=found,
        state=state,
        next_href=address(cursor=found.next_cursor) if found.next_cursor else "",
    )


@route(
    "GET",
    "/privacy/new",
    permission=Permission.MANAGE_PRIVACY,
    summary="A privacy request that was received",
    answers={200: HTML},
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show the form."""
    return _form(request, {})


@route(
    "POST",
    "/privacy/new",
    permission=Permission.MANAGE_PRIVACY,
    summary="Note a privacy request",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
)
async def receive(request: web.Request) -> web.StreamResponse:
    """Note a request."""
    fields, services = await read_form(request), services_of(request)
    try:
        day = fields.get("received_at", "")
        view = await services.privacy.requests.receive(
            kind=fields.get("kind", ""),
            person=fields.get("person", ""),
            reference=fields.get("reference", ""),
            received_at=past_moment(day, services.keeping.zone, services.clock()) if day else None,
            actor=actor_of(request),
        )
    except InvalidInput as error:
        return _form(request, fields, error)
    return web.Response(status=303, headers={"Location": f"/privacy/{view.id}?done=receive"})


@route(
    "GET",
    REQUEST,
    permission=Permission.READ_PRIVACY,
    summary="One privacy request with its records",
    answers={200: HTML},
    parameters=(
        Parameter(name="done", what="What was just done"),
        Parameter(name="after", what="Go on behind this log index", type="integer"),
    ),
)
async def show(request: web.Request) -> web.StreamResponse:
    """Show a request, and of each record what stands against erasing it."""
    page = await services_of(request).privacy.requests.records(
        request.match_info["id"], after=after_of(request), limit=_RECORDS, actor=actor_of(request)
    )
    return request.app[PAGES].render(
        request,
        "privacy_request.html",
        page=page,
        view=page.view,
        records=[each.to_dict() for each in page.records],
        done=text_of(request, "done", default=""),
    )


@route(
    "GET",
    REQUEST + "/answer",
    permission=Permission.READ_PRIVACY,
    summary="The signed answer of a closed privacy request",
    answers={200: HTML},
)
async def answer(request: web.Request) -> web.StreamResponse:
    """Show what the signed document says, to be printed."""
    text = await services_of(request).privacy.closing.document(
        request.match_info["id"], actor=actor_of(request)
    )
    document = json.loads(text)
    return request.app[PAGES].render(
        request, "privacy_answer.html", said=document["request"], seal=document["seal"]
    )


ROUTES = (requests, new, receive, show, answer)


def _form(
    request: web.Request, given: Mapping[str, str], error: CallerError | None = None
) -> web.Response:
    return request.app[PAGES].render(
        request,
        "privacy_new.html",
        status=refused_status(error),
        kinds=_KINDS,
        given=given,
        errors=refused(error),
    )
