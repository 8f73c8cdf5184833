"""Jobs: list, start a verification, show, cancel, fetch what one left."""

import base64
from urllib.parse import quote

from aiohttp import web

from archiver.access.rules import Permission
from archiver.jobs.work import JobFile
from archiver.web.answering import json_answer
from archiver.web.reading import actor_of, flag_of, read_document, services_of, text_of, whole_of
from archiver.web.routing import Access, Body, Parameter, route
from archiver.web.work_documents import JobDocument, JobList, NewVerification

MOST_LISTED = 200

_FILE = Body(media_type="*/*", what="The file, or the range of it that was asked for")

LISTED_BY = (
    Parameter(name="kind", what="Only this kind"),
    Parameter(name="state", what="queued, running, done, failed or cancelled"),
    Parameter(name="mine", what="Only your own", type="boolean"),
    Parameter(name="cursor", what="next_cursor of the page before"),
)


@route(
    "GET",
    "/api/v1/jobs",
    permission=Access.SIGNED_IN,
    summary="List jobs, newest first: your own, or everybody's with the right to read settings",
    answers={200: Body(model=JobList)},
    parameters=(*LISTED_BY, Parameter(name="limit", what="At most 200", type="integer")),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer a page of jobs."""
    page = await services_of(request).work.list(
        kind=text_of(request, "kind", default=""),
        state=text_of(request, "state", default=""),
        mine=flag_of(request, "mine"),
        cursor=text_of(request, "cursor", default=""),
        limit=max(1, whole_of(request, "limit", default=50, most=MOST_LISTED)),
        actor=actor_of(request),
    )
    return json_answer(page.to_dict())


@route(
    "POST",
    "/api/v1/jobs",
    permission=Permission.VERIFY,
    summary="Start a verification",
    takes=(Body(model=NewVerification),),
    answers={202: Body(model=JobDocument)},
)
async def start(request: web.Request) -> web.StreamResponse:
    """Queue a verification; `Location` is where to look how far it is."""
    asked = await read_document(request, NewVerification)
    job = await services_of(request).work.start_verification(
        percent=asked.percent, content=asked.content, actor=actor_of(request)
    )
    headers = {"Location": f"/api/v1/jobs/{job.id}"}
    return json_answer(job.to_dict(), status=202, headers=headers)


@route(
    "GET",
    "/api/v1/jobs/{id}",
    permission=Access.SIGNED_IN,
    summary="Show one job and how far it is",
    answers={200: Body(model=JobDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one job."""
    work = services_of(request).work
    return json_answer(
        (await work.show(request.match_info["id"], actor=actor_of(request))).to_dict()
    )


@route(
    "DELETE",
    "/api/v1/jobs/{id}",
    permission=Access.SIGNED_IN,
    summary="Cancel a job: one of your own, or any with the right to operate",
    answers={200: Body(model=JobDocument)},
)
async def cancel(request: web.Request) -> web.StreamResponse:
    """Cancel a job."""
    work = services_of(request).work
    job = await work.cancel(request.match_info["id"], actor=actor_of(request))
    return json_answer(job.to_dict())


@route(
    "GET",
    "/api/v1/jobs/{id}/result",
    permission=Access.SIGNED_IN,
    summary="Fetch the file a job left; it is kept for seven days",
    answers={200: _FILE, 206: _FILE},
)
async def result(request: web.Request) -> web.StreamResponse:
    """Answer the file."""
    work = services_of(request).work
    return file_answer(await work.file(request.match_info["id"], actor=actor_of(request)))


def file_answer(file: JobFile) -> web.FileResponse:
    """Return a job's file as a download, in ranges where asked, with its digest (RFC 9530)."""
    digest = base64.b64encode(bytes.fromhex(file.kept.sha256)).decode()
    return web.FileResponse(
        file.path,
        headers={
            "Content-Type": file.kept.media_type,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.kept.name, safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Repr-Digest": f"sha-256=:{digest}:",
        },
    )


ROUTES = (list_all, start, show, cancel, result)
