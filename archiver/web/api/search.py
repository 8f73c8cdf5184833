"""Search: exact counts, the part of the archive they cover, pages of hits, facets and bars."""

from collections.abc import Mapping
from typing import TypeVar

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.legal.asking import Asked, read_filters
from archiver.web.answering import json_answer
from archiver.web.documents import SearchAnswer
from archiver.web.reading import actor_of, services_of, text_of, whole_of
from archiver.web.routing import Body, Parameter, route
from search.calendar import Interval
from search.index import Order
from search.query import COUNTED, DateName

MAX_PAGE = 1_000
_OF_HITS = frozenset({"hits", "next_cursor"})
_T = TypeVar("_T")
FLAGS = {"true": True, "false": False}
_INTERVALS: Mapping[str, Interval | None] = {
    "": None,
    "auto": None,
    **{each.value: each for each in Interval},
}
_CLOCKS = {each.value: each for each in DateName}
_ORDERS = {each.value: each for each in (Order.NEWEST, Order.OLDEST)}


@route(
    "GET",
    "/api/v1/search",
    permission=Permission.SEARCH,
    summary="Search records; the count is exact and says what it covers",
    answers={200: Body(model=SearchAnswer)},
    parameters=(
        Parameter(
            name="q", what="The query, in the query language; empty is everything", required=True
        ),
        Parameter(name="f", what="A value to search for, as `platform:x`; again for more"),
        Parameter(name="x", what="A value to leave out, as `account:y`; again for more"),
        Parameter(name="from", what="The first day or instant, on the clock"),
        Parameter(name="to", what="The last day or instant, on the clock"),
        Parameter(name="clock", what="`posted` or `captured`: what days and bars are about"),
        Parameter(
            name="stem", type="boolean", what="`true`: plain words find their other English forms"
        ),
        Parameter(name="zone", what="Of days, as `Europe/Paris`; the archive's if none is named"),
        Parameter(name="sort", what="`newest` or `oldest` first"),
        Parameter(name="limit", type="integer", what=f"Hits on this page, at most {MAX_PAGE}"),
        Parameter(name="cursor", what="`next_cursor` of the page before"),
        Parameter(name="count", type="boolean", what="`true`: only count what `q` finds"),
        Parameter(
            name="facets", type="boolean", what="`true`: the most frequent values of each field"
        ),
        Parameter(name="histogram", what=f"`auto`, or one of {', '.join(Interval)}: hits by time"),
    ),
)
async def search(request: web.Request) -> web.StreamResponse:
    """Answer a query."""
    searching, actor = services_of(request).searching, actor_of(request)
    if one_of(request, "count", FLAGS, "false"):
        counted = (await searching.count(_normal(request), actor=actor)).to_dict()
        return json_answer({name: counted[name] for name in counted if name not in _OF_HITS})
    overview = await searching.overview(
        _asked(request),
        limit=whole_of(request, "limit", default=20, most=MAX_PAGE),
        cursor=text_of(request, "cursor", default=""),
        order=one_of(request, "sort", _ORDERS, "newest"),
        facets=COUNTED if one_of(request, "facets", FLAGS, "false") else (),
        histogram="histogram" in request.query,
        interval=one_of(request, "histogram", _INTERVALS, ""),
        actor=actor,
    )
    return json_answer(overview.to_dict())


ROUTES = (search,)


def _asked(request: web.Request) -> Asked:
    return Asked(
        query=text_of(request, "q"),
        include=read_filters(request.query.getall("f", []), "f"),
        exclude=read_filters(request.query.getall("x", []), "x"),
        since=text_of(request, "from", default=""),
        until=text_of(request, "to", default=""),
        clock=one_of(request, "clock", _CLOCKS, "posted"),
        stem=one_of(request, "stem", FLAGS, "false"),
        zone=text_of(request, "zone", default=""),
    )


def _normal(request: web.Request) -> str:
    """Return the query as typed, or its normal form where an option says how it is read."""
    asked = _asked(request)
    if not (asked.stem or asked.zone):
        return asked.query
    explaining = services_of(request).explaining
    return explaining.understand(asked.query, stem=asked.stem, zone=asked.zone).normalised


def one_of(request: web.Request, name: str, choices: Mapping[str, _T], usual: str) -> _T:
    """Return what a parameter chooses. Raises InvalidInput."""
    asked = text_of(request, name, default=usual)
    if asked not in choices:
        expected = " or ".join(f"{name}={choice}" for choice in choices if choice)
        raise InvalidInput(f"expected {expected}, found {asked[:40]!r}", pointer=name)
    return choices[asked]
