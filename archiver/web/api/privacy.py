"""Requests of people about data on them: received, found, decided, erased through batches, closed.

The version of a request is its ETag; a change names the one it was made upon with `If-Match`.
"""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import json_answer
from archiver.web.privacy_documents import (
    Closing,
    ErasureBatches,
    Extension,
    FoundRecords,
    Lifting,
    NewPrivacyRequest,
    PrivacyDecisionDocument,
    PrivacyRecords,
    PrivacyRequestDocument,
    PrivacyRequestList,
)
from archiver.web.privacy_services import Privacy
from archiver.web.reading import actor_of, read_document, services_of, text_of, whole_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.steps import VERSION, Steps, version_answer, version_of, version_seen

_ALL = "/api/v1/privacy-requests"
_ID = _ALL + "/{id}"
_MOST_LISTED = 200
_MOST_RECORDS = 1000


@route(
    "GET",
    _ALL,
    permission=Permission.READ_PRIVACY,
    summary="List privacy requests, newest first",
    answers={200: Body(model=PrivacyRequestList)},
    parameters=(
        Parameter(name="state", what="Only open or only closed ones"),
        Parameter(name="cursor", what="next_cursor of the page before"),
        Parameter(name="limit", what=f"At most {_MOST_LISTED}", type="integer"),
    ),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer a page of requests."""
    found = await _privacy(request).requests.list(
        state=text_of(request, "state", default=""),
        cursor=text_of(request, "cursor", default=""),
        limit=max(1, whole_of(request, "limit", default=50, most=_MOST_LISTED)),
        actor=actor_of(request),
    )
    return json_answer(found.to_dict())


@route(
    "POST",
    _ALL,
    permission=Permission.MANAGE_PRIVACY,
    summary="Note a privacy request that was received; it is due a month later",
    takes=(Body(model=NewPrivacyRequest),),
    answers={201: Body(model=PrivacyRequestDocument)},
)
async def receive(request: web.Request) -> web.StreamResponse:
    """Note a request."""
    asked = dict(await read_document(request, NewPrivacyRequest))
    view = await _privacy(request).requests.receive(**asked, actor=actor_of(request))
    return version_answer(view, status=201)


@route(
    "GET",
    _ID,
    permission=Permission.READ_PRIVACY,
    summary="Show a privacy request",
    answers={200: Body(model=PrivacyRequestDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one request."""
    view = await _privacy(request).requests.show(_id_of(request), actor=actor_of(request))
    return version_answer(view)


@route(
    "GET",
    _ID + "/records",
    permission=Permission.READ_PRIVACY,
    summary="The records of a privacy request, each with what may be decided on it",
    answers={200: Body(model=PrivacyRecords)},
    parameters=(
        Parameter(name="after", what="Go on behind this log index", type="integer"),
        Parameter(name="limit", what=f"At most {_MOST_RECORDS}", type="integer"),
    ),
)
async def records(request: web.Request) -> web.StreamResponse:
    """Answer a page of records."""
    page = await _privacy(request).requests.records(
        _id_of(request),
        after=whole_of(request, "after") if "after" in request.query else -1,
        limit=max(1, whole_of(request, "limit", default=50, most=_MOST_RECORDS)),
        actor=actor_of(request),
    )
    return json_answer(page.to_dict())


_REQUEST = Steps(
    path=_ID,
    document=PrivacyRequestDocument,
    if_match=VERSION,
    seen=version_seen,
    answer=version_answer,
)


@_REQUEST.step(
    "/extend",
    Extension,
    permission=Permission.MANAGE_PRIVACY,
    summary="Take one or two months more to answer",
)
async def extend(request: web.Request) -> web.StreamResponse:
    """Take more time."""
    return await _REQUEST.changed(request, Extension, _privacy(request).requests.extend)


@_REQUEST.step(
    "/find",
    FoundRecords,
    permission=Permission.MANAGE_PRIVACY,
    summary="Put records under a privacy request, in every version",
)
async def find(request: web.Request) -> web.StreamResponse:
    """Put records under a request."""
    return await _REQUEST.changed(request, FoundRecords, _privacy(request).decisions.find)


@_REQUEST.step(
    "/decide",
    PrivacyDecisionDocument,
    permission=Permission.MANAGE_PRIVACY,
    summary="Erase, refuse or restrict records",
)
async def decide(request: web.Request) -> web.StreamResponse:
    """Decide on records."""
    return await _REQUEST.changed(
        request, PrivacyDecisionDocument, _privacy(request).decisions.decide
    )


@_REQUEST.step(
    "/lift",
    Lifting,
    permission=Permission.MANAGE_PRIVACY,
    summary="Lift restrictions, after the person was told",
)
async def lift(request: web.Request) -> web.StreamResponse:
    """Lift restrictions."""
    return await _REQUEST.changed(request, Lifting, _privacy(request).decisions.lift)


@_REQUEST.step(
    "/close",
    Closing,
    permission=Permission.MANAGE_PRIVACY,
    summary="End a privacy request and sign its answer",
)
async def close(request: web.Request) -> web.StreamResponse:
    """End a request."""
    return await _REQUEST.changed(request, Closing, _privacy(request).closing.close)


@route(
    "POST",
    _ID + "/erase",
    permission=Permission.MANAGE_PRIVACY,
    summary="Form disposal batches of what is to be erased; nothing is destroyed",
    answers={201: Body(model=ErasureBatches)},
    parameters=(VERSION,),
)
async def erase(request: web.Request) -> web.StreamResponse:
    """Form batches."""
    formed = await _privacy(request).erasing.form(
        _id_of(request), version=version_of(request), actor=actor_of(request)
    )
    return json_answer({"items": [each.to_dict() for each in formed]}, status=201)


@route(
    "GET",
    _ID + "/document",
    permission=Permission.READ_PRIVACY,
    summary="The signed answer of a closed privacy request",
    answers={200: Body(media_type="application/json")},
)
async def document(request: web.Request) -> web.StreamResponse:
    """Answer the document, byte for byte as it was sealed."""
    text = await _privacy(request).closing.document(_id_of(request), actor=actor_of(request))
    return web.Response(text=text, content_type="application/json")


ROUTES = (
    list_all,
    receive,
    show,
    records,
    extend,
    find,
    decide,
    lift,
    close,
    erase,
    document,
)


def _privacy(request: web.Request) -> Privacy:
    return services_of(request).privacy


def _id_of(request: web.Request) -> str:
    return request.match_info["id"]
