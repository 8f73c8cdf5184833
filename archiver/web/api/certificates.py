"""Certificates of destruction, and the emergency stop of all disposal."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import file_answer, json_answer
from archiver.web.certificate_page import certificate_page
from archiver.web.disposition_documents import CertificateList, StopDocument
from archiver.web.documents import StatedReason
from archiver.web.reading import actor_of, read_document, services_of, whole_of
from archiver.web.routing import Body, Parameter, route

_MOST_LISTED = 1000
_ID = "/api/v1/certificates/{id}"


@route(
    "GET",
    "/api/v1/certificates",
    permission=Permission.READ_FILE_PLAN,
    summary="List certificates of destruction, newest first",
    answers={200: Body(model=CertificateList)},
    parameters=(
        Parameter(name="before", what="Only those with smaller numbers", type="integer"),
        Parameter(name="limit", what=f"At most {_MOST_LISTED}", type="integer"),
    ),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer a page of certificates."""
    found = await services_of(request).disposition.certificates.list(
        before=whole_of(request, "before", default=0),
        limit=max(1, whole_of(request, "limit", default=50, most=_MOST_LISTED)),
        actor=actor_of(request),
    )
    return json_answer({"items": [each.to_dict() for each in found]})


@route(
    "GET",
    _ID,
    permission=Permission.READ_FILE_PLAN,
    summary="Fetch a signed certificate, by its id or its batch's",
    answers={200: Body(media_type="application/json")},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer the signed document, byte for byte."""
    certificates = services_of(request).disposition.certificates
    view = await certificates.show(request.match_info["id"], actor=actor_of(request))
    return file_answer(
        view.row.body.encode(), filename=f"{view.name}.json", media_type="application/json"
    )


@route(
    "GET",
    _ID + "/page",
    permission=Permission.READ_FILE_PLAN,
    summary="Fetch a certificate as a page to be printed",
    answers={200: Body(media_type="text/html")},
)
async def page(request: web.Request) -> web.StreamResponse:
    """Answer the page as a file: it stands alone."""
    certificates = services_of(request).disposition.certificates
    view = await certificates.show(request.match_info["id"], actor=actor_of(request))
    return file_answer(
        certificate_page(view).encode(), filename=f"{view.name}.html", media_type="text/html"
    )


@route(
    "GET",
    "/api/v1/disposition/stop",
    permission=Permission.READ_FILE_PLAN,
    summary="Whether all disposal is stopped, and why",
    answers={200: Body(model=StopDocument)},
)
async def stop_state(request: web.Request) -> web.StreamResponse:
    """Answer the state of the emergency stop."""
    state = await services_of(request).disposition.stop.state(actor=actor_of(request))
    return json_answer(state.to_dict())


@route(
    "POST",
    "/api/v1/disposition/stop",
    permission=Permission.READ_FILE_PLAN,  # the use case asks for any of three rights
    summary="Stop all disposal at once",
    takes=(Body(model=StatedReason),),
    answers={200: Body(model=StopDocument)},
)
async def stop(request: web.Request) -> web.StreamResponse:
    """Stop all disposal."""
    asked = await read_document(request, StatedReason)
    state = await services_of(request).disposition.stop.stop(
        reason=asked.reason, actor=actor_of(request)
    )
    return json_answer(state.to_dict())


@route(
    "POST",
    "/api/v1/disposition/resume",
    permission=Permission.APPROVE_DISPOSAL,
    summary="Let disposal go on; a person must who did not stop it",
    takes=(Body(model=StatedReason),),
    answers={200: Body(model=StopDocument)},
)
async def resume(request: web.Request) -> web.StreamResponse:
    """Let disposal go on."""
    asked = await read_document(request, StatedReason)
    state = await services_of(request).disposition.stop.resume(
        reason=asked.reason, actor=actor_of(request)
    )
    return json_answer(state.to_dict())


ROUTES = (list_all, show, page, stop_state, stop, resume)
