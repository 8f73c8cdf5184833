"""How a query is understood: in words, with what they stand for; other languages translated."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput, SearchUnavailable
from archiver.legal.understanding import Syntax, Understood, fault_of, syntax_of
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of, text_of
from archiver.web.routing import Body, Parameter, route
from search.errors import QueryError

_HTML = {200: Body(media_type="text/html")}

SYNTAXES = (
    (Syntax.MUNIMENT, "This archive"),
    (Syntax.DTSEARCH, "dtSearch, Relativity"),
    (Syntax.KQL, "Purview (KQL)"),
    (Syntax.VAULT, "Google Vault, Gmail"),
)


@route(
    "GET",
    "/search/explained",
    permission=Permission.SEARCH,
    summary="How a query is understood, and what its words stand for",
    answers=_HTML,
    parameters=(
        Parameter(name="q", what="The query"),
        Parameter(name="syntax", what="The language it is written in"),
        Parameter(name="stem", what="yes: plain words find their other English forms"),
    ),
)
async def explained(request: web.Request) -> web.StreamResponse:
    """Show how it is read, what its words stand for, and what a careful reader would remark."""
    query, stem = text_of(request, "q", default=""), "stem" in request.query
    syntax = syntax_of(text_of(request, "syntax", default=Syntax.MUNIMENT.value))
    shown: dict[str, Any] = {"query": query, "stem": stem, "syntax": syntax.value, "status": 200}
    try:
        if query.strip():
            understood = services_of(request).explaining.understand(query, syntax=syntax, stem=stem)
            shown |= await _told(request, understood)
    except InvalidInput as error:
        shown |= {"error": error, "fault": fault_of(error), "status": 400}
        shown["links"] = fault_links(shown["fault"])
    return request.app[PAGES].render(
        request, "search_explained.html", **{**_NOTHING, **shown}, syntaxes=SYNTAXES
    )


ROUTES = (explained,)

_NOTHING: dict[str, Any] = {
    "understood": None,
    "expansions": (),
    "unavailable": "",
    "error": None,
    "fault": None,
    "links": (),
    "search_href": "",
}


def fault_links(fault: QueryError | None) -> list[tuple[str, str]]:
    """Return each suggestion of a refusal with the address that searches for it."""
    suggestions = () if fault is None else fault.suggestions
    return [(each, f"/search?{urlencode({'q': each})}") for each in suggestions]


async def _told(request: web.Request, understood: Understood) -> dict[str, Any]:
    """Return what is told of a query that can be read; of its words where the index answers."""
    told: dict[str, Any] = {
        "understood": understood,
        "search_href": f"/search?{urlencode({'q': understood.normalised})}",
    }
    try:
        told["expansions"] = [
            each.to_dict()
            for each in await services_of(request).explaining.expansions(
                understood.tree, actor=actor_of(request)
            )
        ]
    except (InvalidInput, SearchUnavailable) as error:
        told["unavailable"] = str(error)
    return told
