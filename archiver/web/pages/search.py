"""Search, on one screen: box, filters, exact count, bars, facets, hits and a preview beside them.

Every search shown is one event, made by the one use case that gives all of it.
"""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission, allowed_somewhere
from archiver.clock import from_millis
from archiver.db.records import RecordRow
from archiver.errors import InvalidInput, SearchUnavailable
from archiver.legal.answers import FieldCount, Overview
from archiver.legal.understanding import fault_of
from archiver.web.pages import record_words as words
from archiver.web.pages.hits import ranges_in
from archiver.web.pages.rendering import PAGES
from archiver.web.pages.search_builder import BUILDER_ROWS, KINDS
from archiver.web.pages.search_state import PER_PAGE, TITLES, SearchState, word_for
from archiver.web.reading import actor_of, services_of, text_of
from archiver.web.routing import Body, Parameter, route
from search.query import FieldName

ZONES = (
    "UTC",
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
    "America/Sao_Paulo",
    "Europe/London",
    "Europe/Berlin",
    "Africa/Johannesburg",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
)
"""Zones that are proposed; every other one of the IANA data base can be typed."""

_HTML = {200: Body(media_type="text/html")}
_ASKED = (
    Parameter(name="q", what="The query"),
    Parameter(name="f", what="A value to search for, as platform:x; again for more"),
    Parameter(name="x", what="A value to leave out, as account:y; again for more"),
    Parameter(name="from", what="The first day"),
    Parameter(name="to", what="The last day"),
    Parameter(name="clock", what="posted or captured: what the days are about"),
    Parameter(name="stem", what="yes: plain words find their other English forms"),
    Parameter(name="zone", what="Of days, as Europe/Paris; the archive's if none is named"),
)


@route(
    "GET",
    "/search",
    permission=Permission.SEARCH,
    summary="Search",
    answers=_HTML,
    parameters=(
        *_ASKED,
        Parameter(name="sort", what="newest or oldest"),
        Parameter(name="per", what="Hits on a page: 25, 50, 100 or 200"),
        Parameter(name="cursor", what="The page"),
    ),
)
async def search(request: web.Request) -> web.StreamResponse:
    """Show the box, and what is found."""
    state = SearchState()
    try:
        state = SearchState.of(request)
        found = await services_of(request).searching.overview(
            state.asked(),
            limit=state.per,
            cursor=state.cursor,
            order=state.order,
            facets=tuple(TITLES),
            actor=actor_of(request),
        )
    except InvalidInput as error:
        kept = state.query or request.query.get("q", "")
        return _page(request, state, None, query=kept, error=error, status=400)
    except SearchUnavailable as error:
        response = _page(request, state, None, query=state.query, unavailable=error, status=503)
        response.headers["Retry-After"] = "10"
        return response
    return _page(request, state, found, query=state.query)


@route(
    "GET",
    "/search/values",
    permission=Permission.SEARCH,
    summary="All values of one field among the hits",
    answers=_HTML,
    parameters=(*_ASKED, Parameter(name="field", what="The field", required=True)),
)
async def values(request: web.Request) -> web.StreamResponse:
    """Show how often each value of a field occurs."""
    state, name = SearchState.of(request).first_page(), _field(request)
    found = await services_of(request).searching.values(
        state.asked(), name, actor=actor_of(request)
    )
    return request.app[PAGES].render(
        request,
        "search_values.html",
        state=state,
        found=found,
        title=TITLES[name],
        facet=found.facets[0],
        rows=_values(state, found.facets[0]),
    )


@route(
    "GET",
    "/search/not-searchable",
    permission=Permission.SEARCH,
    summary="Records that hold nothing to be searched",
    answers=_HTML,
    parameters=(Parameter(name="cursor", what="The page"),),
)
async def not_searchable(request: web.Request) -> web.StreamResponse:
    """List them, each with why."""
    found = await services_of(request).searching.not_searchable(
        cursor=text_of(request, "cursor", default=""), actor=actor_of(request)
    )
    more = f"/search/not-searchable?{urlencode({'cursor': found.next_cursor})}"
    return request.app[PAGES].render(
        request,
        "search_not_searchable.html",
        found=found,
        rows=[_listed(row) for row in found.records],
        next_href=more if found.next_cursor else "",
    )


@route(
    "GET",
    "/search/preview/{id}",
    permission=Permission.READ_CONTENT,
    summary="A record beside the hits",
    answers=_HTML,
    parameters=(
        Parameter(name="q", what="The query whose hits are marked"),
        Parameter(name="from", what="The search it stands beside"),
    ),
)
async def preview(request: web.Request) -> web.StreamResponse:
    """Show a record in short: to htmx beside the hits, else as a page of its own."""
    page = await services_of(request).records.page(
        request.match_info["id"], actor=actor_of(request)
    )
    post = page.view.manifest.post
    text, cut = words.bounded(post.text) if post is not None else ("", False)
    query = text_of(request, "q", default="")
    return request.app[PAGES].render(
        request,
        "search_preview.html",
        block="preview",
        page=page,
        record=words.facts(page),
        tags=words.tags(page),
        text=text,
        text_cut=cut,
        hits=ranges_in(query, text),
        open_href=_record_href(
            page.view.record.row.id,
            query,
            words.local_list(text_of(request, "from", default="")),
        ),
    )


ROUTES = (search, values, not_searchable, preview)


def _page(
    request: web.Request,
    state: SearchState,
    found: Overview | None,
    *,
    query: str,
    error: InvalidInput | None = None,
    unavailable: SearchUnavailable | None = None,
    status: int = 200,
) -> web.Response:
    """Return the page; to htmx only what follows the title."""
    as_query = found.as_query if found is not None else ""
    more = found.answer.next_cursor if found is not None else ""
    shown: dict[str, Any] = {
        "state": state,
        "query": query,
        "zone": state.zone or request.query.get("zone", ""),
        "zones": ZONES,
        "found": found,
        "error": error,
        "fault": None if error is None else fault_of(error),
        "links": [] if error is None else state.corrections(fault_of(error)),
        "builder_rows": BUILDER_ROWS,
        "builder_kinds": KINDS,
        "unavailable": str(unavailable or ""),
        "chips": state.chips(),
        "facets": _facets(state, found) if found else (),
        "per_page": PER_PAGE,
        "next_href": state.on(more) if more else "",
        "hold_href": f"/holds/new?{urlencode({'q': as_query})}" if as_query else "",
        "may_hold": allowed_somewhere(actor_of(request), Permission.PLACE_HOLDS),
        "hits": _hits(state, found) if found else (),
        "partial": "HX-Request" in request.headers,
    }
    return request.app[PAGES].render(
        request, "search.html", block="results", status=status, **shown
    )


def _hits(state: SearchState, found: Overview) -> list[dict[str, Any]]:
    """Return the hits as rows show them, each with its addresses."""
    origin = state.href
    return [
        {
            **hit.to_dict(),
            "href": _record_href(hit.id, found.as_query, origin),
            "preview": _preview_href(hit.id, found.as_query, origin),
        }
        for hit in found.answer.hits
    ]


def _listed(row: RecordRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "posted_at": None if row.posted_at is None else from_millis(row.posted_at),
        "captured_at": from_millis(row.captured_at),
        "account": row.account,
        "platform": row.platform,
    }


def _facets(state: SearchState, found: Overview) -> list[dict[str, Any]]:
    """Return the facets that have something to say, each with its rows."""
    shown = []
    for facet in found.facets:
        rows = _values(state, facet)
        more = state.first_page().at("/search/values")
        more += ("&" if "?" in more else "?") + urlencode({"field": facet.field.value})
        if rows or not facet.counted:
            shown.append(
                {
                    "name": facet.field.value,
                    "title": TITLES[facet.field],
                    "rows": rows,
                    "other": facet.other,
                    "counted": facet.counted,
                    "more": more if facet.other or not facet.counted else "",
                }
            )
    return shown


def _values(state: SearchState, facet: FieldCount) -> list[tuple[str, int, str, str, str]]:
    """Return `(word, count, address with it, address without it, state)` of each value."""
    name = facet.field
    return [
        (
            word_for(name, value),
            count,
            state.including(name, value),
            state.excluding(name, value),
            state.state_of(name, value),
        )
        for value, count in facet.values
    ]


def _field(request: web.Request) -> FieldName:
    asked = text_of(request, "field")
    for name in TITLES:
        if name.value == asked:
            return name
    expected = ", ".join(name.value for name in TITLES)
    raise InvalidInput(f"expected a field of {expected}, found {asked[:40]!r}", pointer="field")


def _record_href(record_id: str, query: str, origin: str) -> str:
    pairs = [(name, value) for name, value in (("q", query), ("from", origin)) if value]
    return f"/records/{record_id}" + (f"?{urlencode(pairs)}" if pairs else "")


def _preview_href(record_id: str, query: str, origin: str) -> str:
    return f"/search/preview/{record_id}?" + urlencode({"q": query, "from": origin})
