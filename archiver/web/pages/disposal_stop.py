"""The emergency stop: whether all disposal is stopped, stopping it at once, letting it go on."""

from collections.abc import Mapping

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import CallerError, Conflict, InvalidInput
from archiver.web.pages.refusals import refused, refused_status
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Body, Parameter, route

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")


@route(
    "GET",
    "/disposition/stop",
    permission=Permission.READ_FILE_PLAN,
    summary="Emergency stop of all disposal",
    answers={200: _HTML},
    parameters=(Parameter(name="done", what="What was just done: stopped or resumed"),),
)
async def stop_page(request: web.Request) -> web.StreamResponse:
    """Show whether disposal is stopped, since when and why, and the form that stops it."""
    return await _show(request, "disposal_stop.html")


@route(
    "POST",
    "/disposition/stop",
    permission=Permission.READ_FILE_PLAN,  # the use case asks for any of three rights
    summary="Stop all disposal at once",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML},
)
async def stop(request: web.Request) -> web.StreamResponse:
    """Stop all disposal. No further proof of identity is asked: a stop must be quick."""
    fields = await read_form(request)
    try:
        await services_of(request).disposition.stop.stop(
            reason=fields.get("reason", ""), actor=actor_of(request)
        )
    except InvalidInput as error:
        return await _show(request, "disposal_stop.html", given=fields, error=error)
    return _to("stopped")


@route(
    "GET",
    "/disposition/stop/resume",
    permission=Permission.APPROVE_DISPOSAL,
    summary="What letting disposal go on would do",
    answers={200: _HTML},
    confirm=True,
)
async def resume_form(request: web.Request) -> web.StreamResponse:
    """Show the consequences."""
    return await _show(request, "disposal_resume.html")


@route(
    "POST",
    "/disposition/stop/resume",
    permission=Permission.APPROVE_DISPOSAL,
    summary="Let disposal go on; a person must who did not stop it",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML, 409: _HTML},
    confirm=True,
)
async def resume(request: web.Request) -> web.StreamResponse:
    """Lift every stop in force."""
    fields = await read_form(request)
    try:
        await services_of(request).disposition.stop.resume(
            reason=fields.get("reason", ""), actor=actor_of(request)
        )
    except (InvalidInput, Conflict) as error:
        return await _show(request, "disposal_resume.html", given=fields, error=error)
    return _to("resumed")


ROUTES = (stop_page, stop, resume_form, resume)


async def _show(
    request: web.Request,
    template: str,
    *,
    given: Mapping[str, str] | None = None,
    error: CallerError | None = None,
) -> web.Response:
    return request.app[PAGES].render(
        request,
        template,
        status=refused_status(error),
        state=await services_of(request).disposition.stop.state(actor=actor_of(request)),
        given=given or {},
        done=text_of(request, "done", default=""),
        errors=refused(error),
    )


def _to(done: str) -> web.Response:
    return web.Response(status=303, headers={"Location": f"/disposition/stop?done={done}"})
