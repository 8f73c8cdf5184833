"""Retention events from a CSV file, in three steps: send it, look at all of it, import it."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.disposal.event_import import COLUMNS
from archiver.errors import InvalidInput, TooLarge
from archiver.jobs.event_files import MOST_BYTES
from archiver.web.csv_rows import csv_answer
from archiver.web.pages.refusals import refused, refused_status
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.uploads import receive_file

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_UPLOAD = Body(media_type="multipart/form-data", what="The form's token, then the file")
_SHOWN = 50


@route(
    "GET",
    "/retention-events/import",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Events from a file: the file",
    answers={200: _HTML},
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show the form that takes a file."""
    return _new(request)


@route(
    "POST",
    "/retention-events/import",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Send a file of events",
    takes=(_UPLOAD,),
    answers={303: _HTML, 400: _HTML, 413: _HTML},
)
async def send(request: web.Request) -> web.StreamResponse:
    """Take the file and lead to the look at it."""
    try:
        upload = await receive_file(request, services_of(request).event_files)
    except (InvalidInput, TooLarge) as error:
        return _new(request, error)
    return _to(upload.id)


@route(
    "GET",
    "/retention-events/import/{id}",
    permission=Permission.EDIT_FILE_PLAN,
    summary="Events from a file: a look at it",
    answers={200: _HTML},
    parameters=(Parameter(name="done", what="imported, after the import"),),
)
async def look(request: web.Request) -> web.StreamResponse:
    """Show what the import would state and what it refuses; nothing is stated."""
    file = await services_of(request).event_files.look(
        request.match_info["id"], actor=actor_of(request)
    )
    return request.app[PAGES].render(
        request,
        "event_import_look.html",
        file=file,
        columns=COLUMNS,
        refused=file.refused[:_SHOWN],
        done=text_of(request, "done", default=""),
    )


@route(
    "POST",
    "/retention-events/import/{id}",
    permission=Permission.EDIT_FILE_PLAN,
    summary="State the events of the file that was looked at",
    takes=(_FORM,),
    answers={303: _HTML},
)
async def run(request: web.Request) -> web.StreamResponse:
    """State the events; the look at the same file then says what stands."""
    await read_form(request)
    upload_id = request.match_info["id"]
    await services_of(request).event_files.run(upload_id, actor=actor_of(request))
    return _to(upload_id, "?done=imported")


@route(
    "GET",
    "/retention-events/import/{id}/refused.csv",
    permission=Permission.EDIT_FILE_PLAN,
    summary="The refused lines of a file of events",
    answers={200: Body(media_type="text/csv")},
)
async def refused_lines(request: web.Request) -> web.StreamResponse:
    """Answer every refused line with its reason."""
    file = await services_of(request).event_files.look(
        request.match_info["id"], actor=actor_of(request)
    )
    lines = ((each.line, each.reason) for each in file.refused)
    return csv_answer(f"refused {file.upload.name}", ("line", "reason"), lines)


ROUTES = (new, send, look, run, refused_lines)


def _new(request: web.Request, error: InvalidInput | TooLarge | None = None) -> web.Response:
    return request.app[PAGES].render(
        request,
        "event_import_new.html",
        status=refused_status(error),
        columns=COLUMNS,
        limit_mb=MOST_BYTES >> 20,
        errors=[("file", message) for _, message in refused(error)],
    )


def _to(upload_id: str, query: str = "") -> web.Response:
    return web.Response(
        status=303, headers={"Location": f"/retention-events/import/{upload_id}{query}"}
    )
