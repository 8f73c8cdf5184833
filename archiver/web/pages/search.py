"""The search page: one box, the exact count, what it covers, the hits."""

from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of, text_of
from archiver.web.routing import Body, Parameter, route

_PER_PAGE = 50


@route(
    "GET",
    "/search",
    permission=Permission.SEARCH,
    summary="Search",
    answers={200: Body(media_type="text/html")},
    parameters=(Parameter(name="q", what="The query"), Parameter(name="cursor", what="The page")),
)
async def search(request: web.Request) -> web.StreamResponse:
    """Show the box and, once asked, the answer."""
    query = text_of(request, "q", default="")
    pages = request.app[PAGES]
    if not query.strip():
        return pages.render(request, "search.html", query="", answer=None, error="", more="")
    try:
        answer = await services_of(request).searching.search(
            query,
            limit=_PER_PAGE,
            cursor=text_of(request, "cursor", default=""),
            actor=actor_of(request),
        )
    except InvalidInput as error:
        return pages.render(
            request, "search.html", query=query, answer=None, error=str(error), more="", status=400
        )
    document = answer.to_dict()
    cursor = document.get("next_cursor")
    more = "/search?" + urlencode({"q": query, "cursor": cursor}) if cursor else ""
    return pages.render(request, "search.html", query=query, answer=document, error="", more=more)


ROUTES = (search,)
