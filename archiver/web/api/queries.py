"""Queries without a search: how one is understood, and which words its words stand for."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.legal.understanding import Syntax, Understood, fault_of, syntax_of
from archiver.web.answering import json_answer
from archiver.web.api.search import FLAGS, one_of
from archiver.web.documents import QueryUnderstood, QueryWords
from archiver.web.reading import actor_of, services_of, text_of
from archiver.web.routing import Body, Parameter, route
from archiver.web.services import Json

_ASKED = (
    Parameter(name="q", what="The query", required=True),
    Parameter(name="syntax", what=f"One of {', '.join(f'`{each}`' for each in Syntax)}"),
    Parameter(
        name="stem",
        type="boolean",
        what="`true`: plain words find their other English forms",
    ),
    Parameter(name="zone", what="Of days, as `Europe/Paris`; the archive's if none is named"),
)


@route(
    "GET",
    "/api/v1/query",
    permission=Permission.SEARCH,
    summary="How a query is understood, translated and remarked on; nothing is searched",
    answers={200: Body(model=QueryUnderstood)},
    parameters=_ASKED,
)
async def understood(request: web.Request) -> web.StreamResponse:
    """Answer how a query is read, or why it cannot be and where."""
    try:
        found = _understood(request).to_dict()
    except InvalidInput as error:
        found = _unreadable(request, error)
    return json_answer({"error": None, **found})


@route(
    "GET",
    "/api/v1/query/words",
    permission=Permission.SEARCH,
    summary="Which words of the index the words of a query stand for",
    answers={200: Body(model=QueryWords)},
    parameters=_ASKED,
)
async def words(request: web.Request) -> web.StreamResponse:
    """Answer each pattern, similar and stemmed word with the words it finds."""
    found = _understood(request)
    expansions = await services_of(request).explaining.expansions(
        found.tree, actor=actor_of(request)
    )
    items = [each.to_dict() for each in expansions]
    return json_answer({"normalised": found.normalised, "items": items})


ROUTES = (understood, words)


def _understood(request: web.Request) -> Understood:
    return services_of(request).explaining.understand(
        text_of(request, "q"),
        syntax=syntax_of(text_of(request, "syntax", default=Syntax.MUNIMENT.value)),
        stem=one_of(request, "stem", FLAGS, "false"),
        zone=text_of(request, "zone", default=""),
    )


def _unreadable(request: web.Request, error: InvalidInput) -> Json:
    """Return what is wrong with the query; an error about anything else is raised again."""
    fault = fault_of(error)
    if fault is None:
        raise error
    return {
        "query": fault.text,
        "syntax": text_of(request, "syntax", default=Syntax.MUNIMENT.value),
        "normalised": "",
        "words": [],
        "notes": [],
        "findings": [],
        "error": {
            "message": fault.message,
            "position": fault.position,
            "suggestions": list(fault.suggestions),
            "shown": str(fault),
        },
    }
