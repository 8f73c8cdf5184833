"""Search: exact counts, the part of the archive they cover, and pages of hits."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.web.answering import json_answer
from archiver.web.documents import SearchAnswer
from archiver.web.reading import actor_of, services_of, text_of, whole_of
from archiver.web.routing import Body, Parameter, route

MAX_PAGE = 1_000
_FLAGS = {"true": True, "false": False}


@route(
    "GET",
    "/api/v1/search",
    permission=Permission.SEARCH,
    summary="Search records; the count is exact and says what it covers",
    answers={200: Body(model=SearchAnswer)},
    parameters=(
        Parameter(name="q", what="The query, in the query language", required=True),
        Parameter(name="limit", type="integer", what=f"Hits on this page, at most {MAX_PAGE}"),
        Parameter(name="cursor", what="`next_cursor` of the page before"),
        Parameter(name="count", type="boolean", what="`true`: only count"),
    ),
)
async def search(request: web.Request) -> web.StreamResponse:
    """Answer a query."""
    searching, actor = services_of(request).searching, actor_of(request)
    query = text_of(request, "q")
    limit = whole_of(request, "limit", default=20, most=MAX_PAGE)
    cursor = text_of(request, "cursor", default="")
    if _flag(text_of(request, "count", default="false")):
        answer = await searching.count(query, actor=actor)
    else:
        answer = await searching.search(query, limit=limit, cursor=cursor, actor=actor)
    return json_answer(answer.to_dict())


ROUTES = (search,)


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise InvalidInput(f"expected count=true or count=false, found {text!r}", pointer="count")
    return _FLAGS[text]
