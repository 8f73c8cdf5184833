"""Help: the Markdown files of `archiver/web/help`, shipped with the product and served as pages.

What an archive promises must be readable where it runs, also without a network. HTML in the files
is text, links lead to other topics (`auditor.md#keys`), to screens (`/audit`) or outside. Tests
hold every command, setting, link and screen that a topic names to what there is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from aiohttp import web
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from archiver.web.openapi import OPENAPI
from archiver.web.pages.api_reference import reference_of
from archiver.web.pages.navigation import NAVIGATION
from archiver.web.pages.rendering import PAGES
from archiver.web.routing import Access, Body, route

HTML = Body(media_type="text/html")

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Begin": ("start", "sign-in", "glossary"),
    "By what you do": (
        *("records-manager", "schedules", "disposal", "counsel", "supervisor"),
        *("auditor", "operator", "integrator"),
    ),
    "The pages": ("query", "results", "keyboard", "accessibility"),
}
"""The topics in the order of their list; each is a file `<name>.md`."""

_GO_KEYS = "{{go-keys}}"
_OUTSIDE = ("http://", "https://", "mailto:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading of a topic, to be linked to."""

    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One page of the help. `body` is made by us from our own file: it is safe HTML."""

    name: str
    title: str
    lead: str
    headings: tuple[Heading, ...]
    body: Markup


@route(
    "GET", "/help", permission=Access.SIGNED_IN, summary="Help by what you do", answers={200: HTML}
)
async def contents(request: web.Request) -> web.StreamResponse:
    """Show the topics."""
    return request.app[PAGES].render(request, "help.html", groups=_groups(), topic=None)


@route(
    "GET",
    "/help/{topic:[a-z-]+}",
    permission=Access.SIGNED_IN,
    summary="One topic of the help",
    answers={200: HTML},
)
async def topic(request: web.Request) -> web.StreamResponse:
    """Show one topic."""
    found = topics().get(request.match_info["topic"])
    if found is None:
        raise web.HTTPNotFound(text="the help has no such topic; its contents are at /help")
    return request.app[PAGES].render(request, "help.html", groups=_groups(), topic=found)


@route(
    "GET",
    "/help/api",
    permission=Access.SIGNED_IN,
    summary="Every operation of the API",
    answers={200: HTML},
)
async def api(request: web.Request) -> web.StreamResponse:
    """Show the reference, made from the OpenAPI document."""
    document = request.app[OPENAPI]
    return request.app[PAGES].render(
        request, "api_reference.html", reference=reference_of(document)
    )


@route(
    "GET",
    "/help/pictures/{name:[a-z0-9-]+\\.png}",
    permission=Access.SIGNED_IN,
    summary="A picture of a screen",
    answers={200: Body(media_type="image/png")},
    log=False,
)
async def picture(request: web.Request) -> web.StreamResponse:
    """Answer a picture."""
    content = pictures().get(request.match_info["name"])
    if content is None:
        raise web.HTTPNotFound(text="the help has no such picture")
    return web.Response(body=content, content_type="image/png")


ROUTES = (contents, api, picture, topic)


@cache
def topics() -> Mapping[str, Topic]:
    """Return every topic by its name, in the order of `GROUPS`."""
    folder = resources.files("archiver.web") / "help"
    names = [name for group in GROUPS.values() for name in group]
    return {
        name: read_topic(name, (folder / f"{name}.md").read_text(encoding="utf-8"))
        for name in names
    }


@cache
def pictures() -> Mapping[str, bytes]:
    """Return every picture by its name."""
    folder = resources.files("archiver.web") / "help" / "pictures"
    if not folder.is_dir():
        return {}
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name.endswith(".png")}


def read_topic(name: str, text: str) -> Topic:
    """Return a topic from its Markdown: a title, a paragraph of what it is about, then headings."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text.replace(_GO_KEYS, _go_keys()))
    title, lead, rest = tokens[1].content, tokens[4].content, tokens[6:]
    headings = _anchored(rest)
    _linked(rest)
    _framed(rest)
    body = markdown.renderer.render(rest, markdown.options, {})
    return Topic(
        name=name,
        title=title,
        lead=lead,
        headings=tuple(headings),
        body=Markup(body),  # noqa: S704 - of a file we ship, with its HTML switched off
    )


def slug(title: str) -> str:
    """Return the anchor of a heading, as GitHub makes it: the same links work there."""
    return re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")


def _groups() -> list[tuple[str, list[Topic]]]:
    known = topics()
    return [(label, [known[name] for name in names]) for label, names in GROUPS.items()]


def _anchored(tokens: Sequence[Token]) -> list[Heading]:
    headings = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            title = tokens[place + 1].content.replace("`", "")
            token.attrSet("id", slug(title))
            if token.tag == "h2":
                headings.append(Heading(id=slug(title), title=title))
    return headings


def _linked(tokens: Sequence[Token]) -> None:
    """Turn links between files into links between pages, and mark those that lead outside."""
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", _href(str(child.attrGet("href") or "")))
                if str(child.attrGet("href")).startswith(_OUTSIDE):
                    child.attrSet("rel", "noopener noreferrer")
            if child.type == "image":
                child.attrSet("src", f"/help/{child.attrGet('src')}")
                child.attrSet("loading", "lazy")


def _href(link: str) -> str:
    if link.startswith((*_OUTSIDE, "/", "#")):
        return link
    name, _, anchor = link.partition("#")
    page = f"/help/{name.removesuffix('.md')}"
    return f"{page}#{anchor}" if anchor else page


def _framed(tokens: list[Token]) -> None:
    """Let wide tables scroll by themselves, reachable by keyboard, and name their columns."""
    place, heading, number = 0, "", 0
    while place < len(tokens):
        token = tokens[place]
        if token.type == "heading_open":
            heading = tokens[place + 1].content.replace("`", "")
        elif token.type == "th_open":
            token.attrSet("scope", "col")
        elif token.type == "table_open":
            number += 1
            frame = _block("div", 1, {"class": "scroll", "role": "region", "tabindex": "0"})
            frame.attrSet("aria-label", f"Table {number}: {heading}" if heading else "Table")
            tokens.insert(place, frame)
            place += 1
        elif token.type == "table_close":
            tokens.insert(place + 1, _block("div", -1, {}))
            place += 1
        place += 1


def _block(tag: str, nesting: Any, attributes: dict[str, str | int | float]) -> Token:
    kind = f"frame_{'open' if nesting == 1 else 'close'}"
    return Token(kind, tag, nesting, attrs=attributes, block=True)


def _go_keys() -> str:
    entries = [entry for group in NAVIGATION for entry in group.entries]
    lines = [f"| `g` `{entry.key}` | {entry.label} |" for entry in entries]
    return "\n".join(["| keys | page |", "|---|---|", *lines])
