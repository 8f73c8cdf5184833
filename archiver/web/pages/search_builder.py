"""The query builder: rows of words and fields that are written as a query into the box of Search.

It writes the language people can type, so whoever builds a query learns it, and whatever is wrong
with a row is said where typed queries are explained.
"""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import text_of
from archiver.web.routing import Body, Parameter, route
from search.lexemes import QUOTES

_HTML = {200: Body(media_type="text/html")}
_FEW, _MOST = 3, 12
_JOINERS = ("AND", "OR")

KINDS = (
    ("all", "All of these words"),
    ("any", "Any of these words"),
    ("phrase", "These words in a row"),
    ("near", "Words near others"),
    ("stem", "Any form of these words"),
    ("from", "Author is"),
    ("account", "Account is"),
    ("platform", "Platform is"),
    ("kind", "Kind is"),
    ("tag", "Tag is"),
    ("class", "Class is"),
    ("lang", "Language is"),
    ("is", "State is (edited, deleted, reply, held)"),
    ("has", "Carries (media, link, text)"),
    ("after", "Posted on or after (day)"),
    ("before", "Posted before (day)"),
    ("captured", "Captured on (day, or day..day)"),
)
"""What a row can be: words, or one field."""


class Row(NamedTuple):
    """One row of the builder. `other`, `apart` and `order` are of words near others only."""

    kind: str = "all"
    words: str = ""
    without: str = ""
    other: str = ""
    apart: str = "5"
    order: str = "w"

    @property
    def is_compound(self) -> bool:
        """Whether it needs brackets beside others: several parts joined by an operator."""
        several = len(self.words.split()) > 1
        return self.kind == "near" or (several and self.kind in {"all", "any", "stem"})

    def written(self) -> str:
        """Return the row as a query; it has words."""
        text = self._text(self.words.split())
        if not self.without:
            return text
        return f"NOT ({text})" if self.is_compound else f"NOT {text}"

    def _text(self, words: Sequence[str]) -> str:
        match self.kind:
            case "all":
                return " AND ".join(words)
            case "any":
                return " OR ".join(words)
            case "stem":
                return " OR ".join(f"stem:{word}" for word in words)
            case "phrase":
                return _quoted(self.words)
            case "near":
                return f"{_near(self.words)} {self.order}/{self.apart.strip()} {_near(self.other)}"
            case name:
                return f"{name}:{self.words if len(words) == 1 else _quoted(self.words)}".strip()


BUILDER_ROWS = (Row(),) * _FEW
"""What an empty builder shows."""


def composed(rows: Sequence[Row], joiner: str) -> str:
    """Return what the rows ask for, joined by AND or OR; a row of several parts in brackets."""
    typed = [row for row in rows if row.words.strip()]
    if len(typed) == 1:
        return typed[0].written()
    return f" {joiner} ".join(
        f"({row.written()})" if row.is_compound and not row.without else row.written()
        for row in typed
    )


@route(
    "GET",
    "/search/build",
    permission=Permission.SEARCH,
    summary="Build a query from rows",
    answers={**_HTML, 303: Body(media_type="text/html", what="to Search, with the query")},
    parameters=tuple(
        Parameter(name=name, what=what)
        for name, what in (
            ("join", "AND or OR"),
            ("kind", "What each row is; again for each row"),
            ("words", "The words or the value of each row"),
            ("without", "yes for each row to leave out"),
            ("other", "The words that those of the row are near"),
            ("apart", "How many words apart"),
            ("order", "w, either order, or pre, in this order"),
            ("more", "yes: show more rows instead of searching"),
        )
    ),
)
async def build(request: web.Request) -> web.StreamResponse:
    """Show the builder, or go to Search with the query its rows make."""
    rows, joiner = _rows(request), text_of(request, "join", default="AND")
    if joiner not in _JOINERS:
        raise InvalidInput(f"expected AND or OR, found {joiner[:40]!r}", pointer="join")
    query = composed(rows, joiner)
    if query and "more" not in request.query:
        return web.Response(status=303, headers={"Location": f"/search?{urlencode({'q': query})}"})
    shown = [*rows, *[Row()] * max(_FEW, len(rows) + _FEW)][: max(_FEW, len(rows) + _FEW)]
    return request.app[PAGES].render(
        request, "search_build.html", rows=shown[:_MOST], kinds=KINDS, joiner=joiner, query=query
    )


ROUTES = (build,)


def _rows(request: web.Request) -> list[Row]:
    """Return the rows that hold something. Raises InvalidInput."""
    names = ("kind", "words", "without", "other", "apart", "order")
    columns = [request.query.getall(name, [])[:_MOST] for name in names]
    usual = Row()
    rows = [
        Row(*(value or default for value, default in zip(values, usual, strict=True)))
        for values in zip_longest(*columns, fillvalue="")
    ]
    known = {kind for kind, _ in KINDS}
    for row in rows:
        if row.kind not in known or row.order not in {"w", "pre"}:
            raise InvalidInput(f"expected a row of the builder, found {row.kind[:40]!r}")
    return [row for row in rows if row.words.strip()]


def _quoted(text: str) -> str:
    return f'"{" ".join(re.sub(f"[{QUOTES}]", " ", text).split())}"'


def _near(text: str) -> str:
    """Return words beside others: one as it is, several in a row unless they are bracketed."""
    text = text.strip()
    return _quoted(text) if " " in text and text[0] not in f"({QUOTES}" else text
