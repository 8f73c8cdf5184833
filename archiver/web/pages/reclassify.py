"""Records put into another class by hand: which, what it would do, then the act."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import Conflict, InvalidInput, NotFound
from archiver.web.pages.draft_editor import FORM, HTML
from archiver.web.pages.drafts import error_of
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, read_form, services_of, text_of
from archiver.web.routing import Parameter, route

_PATH = "/classes/{code:[a-z0-9-]{1,40}}/reclassify"


@route(
    "GET",
    _PATH,
    permission=Permission.EDIT_FILE_PLAN,
    summary="Records to put into a class",
    answers={200: HTML},
    parameters=(
        Parameter(name="set", what="The frozen set of the records"),
        Parameter(name="record", what="A record"),
    ),
    confirm=True,
)
async def form(request: web.Request) -> web.StreamResponse:
    """Show the form, filled in as far as the address says."""
    ids = "\n".join(request.query.getall("record", []))
    return _form(request, {"set_id": text_of(request, "set", default=""), "record_ids": ids})


@route(
    "POST",
    _PATH + "/preview",
    permission=Permission.EDIT_FILE_PLAN,
    summary="What putting records into a class would do",
    takes=(FORM,),
    answers={200: HTML, 400: HTML},
    confirm=True,
    looks=True,
)
async def preview(request: web.Request) -> web.StreamResponse:
    """Show what would happen; nothing does."""
    sent = await read_form(request)
    if not sent.get("reason"):
        return _form(request, sent, InvalidInput("say why they are moved", pointer="reason"))
    try:
        done = await services_of(request).plan.reclassifying.preview(
            request.match_info["code"], **_which(sent), actor=actor_of(request)
        )
    except (InvalidInput, NotFound, Conflict) as error:
        return _form(request, sent, error)
    return request.app[PAGES].render(
        request, "class_reclassify_do.html", sent=sent, found=done, code=request.match_info["code"]
    )


@route(
    "POST",
    _PATH,
    permission=Permission.EDIT_FILE_PLAN,
    summary="Put records into a class by hand",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
    confirm=True,
)
async def act(request: web.Request) -> web.StreamResponse:
    """Move the records and show the class."""
    sent, code = await read_form(request), request.match_info["code"]
    try:
        done = await services_of(request).plan.reclassifying.reclassify(
            code, **_which(sent), reason=sent.get("reason", ""), actor=actor_of(request)
        )
    except (InvalidInput, NotFound, Conflict) as error:
        return _form(request, sent, error)
    address = f"/classes/{code}?done=moved&records={len(done.moved)}"
    return web.Response(status=303, headers={"Location": address})


ROUTES = (form, preview, act)


def _which(sent: Mapping[str, str]) -> dict[str, Any]:
    ids: Sequence[str] = sent.get("record_ids", "").split()
    return {"record_ids": tuple(ids), "set_id": sent.get("set_id", "")}


def _form(
    request: web.Request, sent: Mapping[str, str], error: Exception | None = None
) -> web.Response:
    errors: tuple[tuple[str, str], ...] = ()
    if error is not None:
        told = InvalidInput(str(error), pointer=getattr(error, "pointer", None))
        name, text = error_of(told)
        errors = (("record_ids" if name == "records" else name, text),)
    return request.app[PAGES].render(
        request,
        "class_reclassify.html",
        code=request.match_info["code"],
        sent=sent,
        errors=errors,
        wrong=dict(errors),
        status=web.HTTPBadRequest.status_code if errors else web.HTTPOk.status_code,
    )
