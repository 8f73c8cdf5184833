"""Frozen result sets: freezing a search, the list, and the page of a set."""

from collections.abc import Mapping

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.legal.asking import Asked
from archiver.web.answering import file_answer
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, after_of, read_form, services_of, text_of
from archiver.web.routing import Body, Parameter, route

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_PER_PAGE = 50


@route("GET", "/sets", permission=Permission.SEARCH, summary="Frozen sets", answers={200: _HTML})
async def list_all(request: web.Request) -> web.StreamResponse:
    """Show every set in reach."""
    views = await services_of(request).frozen_sets.list(actor=actor_of(request))
    return request.app[PAGES].render(request, "sets.html", views=views)


@route(
    "GET",
    "/sets/new",
    permission=Permission.SEARCH,
    summary="Freeze what a search finds",
    answers={200: _HTML, 400: _HTML},
    parameters=(Parameter(name="q", what="The query; empty: every searchable record"),),
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show what will be frozen, with the exact count."""
    return await _form(request, {"query": text_of(request, "q", default="")})


@route(
    "POST",
    "/sets/new",
    permission=Permission.SEARCH,
    summary="Count what a search finds before it is frozen",
    takes=(_FORM,),
    answers={200: _HTML, 400: _HTML},
    looks=True,
)
async def count(request: web.Request) -> web.StreamResponse:
    """Show the form again with the exact count; its query may be longer than an address holds."""
    return await _form(request, await read_form(request))


@route(
    "POST",
    "/sets",
    permission=Permission.SEARCH,
    summary="Freeze a search",
    takes=(_FORM,),
    answers={303: _HTML, 400: _HTML},
)
async def freeze(request: web.Request) -> web.StreamResponse:
    """Freeze the search and show the set."""
    fields = await read_form(request)
    given = {name: fields.get(name, "") for name in ("name", "matter")}
    sets = services_of(request).frozen_sets
    try:
        view = await sets.freeze(fields.get("query", ""), **given, actor=actor_of(request))  # type: ignore[arg-type] # texts
    except InvalidInput as error:
        return await _form(request, fields, error=error)
    return web.Response(status=303, headers={"Location": f"/sets/{view.id}?done=frozen"})


@route(
    "GET",
    "/sets/{id}",
    permission=Permission.SEARCH,
    summary="One frozen set",
    answers={200: _HTML},
    parameters=(
        Parameter(name="after", what="The log index the page of records follows", type="integer"),
        Parameter(name="done", what="What was just done: frozen"),
    ),
)
async def show(request: web.Request) -> web.StreamResponse:
    """Show a set with a page of its records and the reports over it."""
    after = after_of(request)
    set_id, services, actor = request.match_info["id"], services_of(request), actor_of(request)
    page = await services.frozen_sets.page(set_id, after=after, limit=_PER_PAGE, actor=actor)
    reports = await services.term_reports.entries(set_id=set_id, actor=actor)
    done = text_of(request, "done", default="")
    return request.app[PAGES].render(
        request, "set.html", page=page, reports=reports, first=after < 0, done=done
    )


@route(
    "GET",
    "/sets/{id}/ids",
    permission=Permission.SEARCH,
    summary="The record ids of a set as a file",
    answers={200: Body(media_type="text/plain")},
)
async def ids(request: web.Request) -> web.StreamResponse:
    """Answer the ids, one a line, in log order."""
    sets = services_of(request).frozen_sets
    found = await sets.ids(request.match_info["id"], actor=actor_of(request))
    content = "".join(f"{each}\n" for each in found.ids).encode()
    name = f"set-{found.view.id}-records.txt"
    return file_answer(content, filename=name, media_type="text/plain")


async def _form(
    request: web.Request, given: Mapping[str, str], *, error: InvalidInput | None = None
) -> web.Response:
    fields = {name: given.get(name, "") for name in ("query", "name", "matter")}
    count = None
    if error is None:
        try:
            asked = Asked(query=fields["query"])
            found = await services_of(request).searching.overview(
                asked, limit=1, histogram=False, actor=actor_of(request)
            )
            count = found.answer.count
        except InvalidInput as unreadable:
            error = unreadable
    return request.app[PAGES].render(
        request,
        "set_new.html",
        fields=fields,
        count=count,
        error=error,
        status=web.HTTPBadRequest.status_code if error else web.HTTPOk.status_code,
    )


ROUTES = (list_all, new, count, freeze, show, ids)
