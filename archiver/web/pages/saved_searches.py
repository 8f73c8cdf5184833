"""Saved searches: the list, one with its versions and subscriptions, saving, changing, opening.

What is to be saved comes in the address, as the search page writes it, so that saving works from
any search and without scripts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.legal.asking import Asked
from archiver.legal.saved_versions import Change
from archiver.legal.saved_views import SavedView, read_reference
from archiver.web.pages.rendering import PAGES
from archiver.web.pages.search_state import SearchState
from archiver.web.reading import actor_of, read_form, services_of, text_of, whole_of
from archiver.web.routing import Body, Parameter, route

HTML = Body(media_type="text/html")
FORM = Body(media_type="application/x-www-form-urlencoded")
_PAGE = "/saved-searches/{id}"
_VERSION = Parameter(name="version", what="Which one; else the newest", type="integer")
_MOST = 10**9


@route(
    "GET",
    "/saved-searches",
    permission=Permission.SEARCH,
    summary="Saved searches",
    answers={200: HTML},
    parameters=(
        Parameter(name="show", what="archived: those put away"),
        Parameter(name="cursor", what="The page"),
    ),
)
async def saved_searches(request: web.Request) -> web.StreamResponse:
    """List them, each with what is new."""
    archived = text_of(request, "show", default="") == "archived"
    cursor = text_of(request, "cursor", default="")
    page = await services_of(request).saved_searches.list(
        archived=archived, cursor=cursor, actor=actor_of(request)
    )
    asked = {"show": "archived"} if archived else {}
    more = f"/saved-searches?{urlencode({**asked, 'cursor': page.cursor})}"
    return request.app[PAGES].render(
        request,
        "saved_searches.html",
        page=page,
        archived=archived,
        next_href=more if page.cursor else "",
    )


@route(
    "GET",
    "/saved-searches/new",
    permission=Permission.SEARCH,
    summary="Save a search",
    answers={200: HTML},
)
async def new(request: web.Request) -> web.StreamResponse:
    """Show what would be saved, and ask for a name."""
    return await _new(request, {})


@route(
    "POST",
    "/saved-searches",
    permission=Permission.SEARCH,
    summary="Save the search that the address says",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
)
async def save(request: web.Request) -> web.StreamResponse:
    """Save it, as a new one or as a new version of one's own."""
    given = await read_form(request)
    try:
        view = await _save(request, SearchState.of(request).asked(), given)
    except InvalidInput as error:
        return await _new(request, given, error)
    return _to(f"/saved-searches/{view.id}?done=saved")


@route(
    "GET",
    _PAGE,
    permission=Permission.SEARCH,
    summary="One saved search",
    answers={200: HTML},
    parameters=(_VERSION, Parameter(name="done", what="What was just done")),
)
async def saved_search(request: web.Request) -> web.StreamResponse:
    """Show a version, its history, and one's subscriptions."""
    services, actor, saved_id = services_of(request), actor_of(request), request.match_info["id"]
    version = whole_of(request, "version", default=0, most=_MOST)
    page = await services.saved_searches.page(saved_id, version=version, actor=actor)
    return request.app[PAGES].render(
        request,
        "saved_search.html",
        page=page,
        view=page.view,
        state=state_of(page.view.asked),
        subscriptions=await services.subscriptions.list(saved_id, actor=actor),
        deliveries=await services.subscriptions.deliveries(saved_id, actor=actor),
        done=text_of(request, "done", default=""),
    )


@route(
    "GET",
    _PAGE + "/open",
    permission=Permission.SEARCH,
    summary="The hits of a saved search",
    answers={303: HTML},
    parameters=(_VERSION,),
)
async def open_hits(request: web.Request) -> web.StreamResponse:
    """Go to the search page with what it asks; its hits by now are new no more."""
    version = whole_of(request, "version", default=0, most=_MOST)
    view = await services_of(request).saved_searches.open(
        request.match_info["id"], version=version, actor=actor_of(request)
    )
    return _to(state_of(view.asked).href)


@route(
    "GET",
    _PAGE + "/edit",
    permission=Permission.SEARCH,
    summary="Change a saved search",
    answers={200: HTML},
)
async def edit(request: web.Request) -> web.StreamResponse:
    """Show the form."""
    return await _edit(request, {})


@route(
    "POST",
    _PAGE,
    permission=Permission.SEARCH,
    summary="Make a new version of a saved search",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
)
async def change(request: web.Request) -> web.StreamResponse:
    """Make it, or say what is wrong."""
    given = await read_form(request)
    what = Change(
        name=given.get("name"),
        description=given.get("description"),
        query=given.get("query"),
        shared_with=given.get("shared_with"),
    )
    try:
        view = await _change(request, what, given)
    except InvalidInput as error:
        return await _edit(request, given, error)
    return _to(f"/saved-searches/{view.id}?done=changed")


@route(
    "POST",
    _PAGE + "/archive",
    permission=Permission.SEARCH,
    summary="Put a saved search away",
    takes=(FORM,),
    answers={303: HTML},
)
async def archive(request: web.Request) -> web.StreamResponse:
    """Archive it; its versions stay."""
    view = await _change(request, Change(archived=True), await read_form(request))
    return _to(f"/saved-searches/{view.id}?done=archived")


@route(
    "POST",
    _PAGE + "/restore",
    permission=Permission.SEARCH,
    summary="Bring a saved search back",
    takes=(FORM,),
    answers={303: HTML},
)
async def restore(request: web.Request) -> web.StreamResponse:
    """Bring it back."""
    view = await _change(request, Change(archived=False), await read_form(request))
    return _to(f"/saved-searches/{view.id}?done=restored")


ROUTES = (saved_searches, new, save, saved_search, open_hits, edit, change, archive, restore)


def state_of(asked: Asked) -> SearchState:
    """Return the state of the search page that asks this."""
    known = {each.name for each in fields(SearchState)}
    values = {each.name: getattr(asked, each.name) for each in fields(Asked) if each.name in known}
    return SearchState(**values)


async def _save(request: web.Request, asked: Asked, given: Mapping[str, str]) -> SavedView:
    searches, actor = services_of(request).saved_searches, actor_of(request)
    if given.get("as"):
        saved_id, based_on = read_reference(given["as"])
        return await searches.change(saved_id, Change(asked=asked), based_on=based_on, actor=actor)
    return await searches.save(
        asked,
        name=given.get("name", ""),
        description=given.get("description", ""),
        shared_with=given.get("shared_with", ""),
        actor=actor,
    )


async def _change(request: web.Request, what: Change, given: Mapping[str, str]) -> SavedView:
    version = given.get("version", "")
    based_on = int(version) if version.isascii() and version.isdecimal() else 0
    return await services_of(request).saved_searches.change(
        request.match_info["id"], what, based_on=min(based_on, _MOST), actor=actor_of(request)
    )


async def _new(
    request: web.Request, given: Mapping[str, str], error: InvalidInput | None = None
) -> web.Response:
    state = replace(SearchState.of(request), cursor="")
    searches, actor = services_of(request).saved_searches, actor_of(request)
    return request.app[PAGES].render(
        request,
        "saved_search_new.html",
        state=state,
        chips=[chip for chip in state.chips() if chip.key != "q"],
        given=given,
        mine=await searches.mine(actor=actor),
        sharing=_in_words(await searches.shareable(actor=actor)),
        errors=_told(error),
        status=400 if error else 200,
    )


async def _edit(
    request: web.Request, given: Mapping[str, str], error: InvalidInput | None = None
) -> web.Response:
    searches, actor = services_of(request).saved_searches, actor_of(request)
    view = await searches.show(request.match_info["id"], actor=actor)
    row = view.row
    stands = {"name": row.name, "description": row.description, "query": row.query}
    stands |= {"shared_with": row.shared_with, "version": str(row.version)}
    return request.app[PAGES].render(
        request,
        "saved_search_edit.html",
        view=view,
        chips=state_of(view.asked).chips(),
        given={**stands, **given},
        sharing=_in_words(await searches.shareable(actor=actor)),
        errors=_told(error),
        status=400 if error else 200,
    )


def _in_words(shareable: Sequence[str]) -> list[tuple[str, str]]:
    """Return what a choice of sharing shows: the value, and what it means."""
    words = {"": "Nobody, only me", "everybody": "Everybody who may search"}
    return [(each, words.get(each, _part(each))) for each in shareable]


def _part(shared_with: str) -> str:
    kind, _, name = shared_with.partition(":")
    return f"{kind.capitalize()} {name}"


def _told(error: InvalidInput | None) -> list[tuple[str, str]]:
    return [] if error is None else [(error.pointer or "", str(error))]


def _to(href: str) -> web.Response:
    return web.Response(status=303, headers={"Location": href})
