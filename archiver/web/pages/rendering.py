"""Templates and static files: loaded once, served from memory.

Static URLs carry the file's hash and may be kept forever; templates are Jinja2 with autoescape on
and undefined names an error. `render` gives every page what the shell needs.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from urllib.parse import urlsplit

import jinja2
from aiohttp import web

from archiver.access.rules import Permission, allowed
from archiver.web.errors import Problem
from archiver.web.keys import ACTOR
from archiver.web.pages.text import excerpt, fragments
from archiver.web.routing import Access, Body, route

_TYPES = {"css": "text/css", "svg": "image/svg+xml", "woff2": "font/woff2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """One file as served: `url` names its content, `integrity` is its SRI hash."""

    url: str
    content: bytes
    media_type: str
    integrity: str


class Pages:
    """The templates and static files of one application."""

    def __init__(self) -> None:
        self.static = {file.name: _static(file.name, file.read_bytes()) for file in _static_files()}
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("archiver.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(static=self.static, fragments=fragments, excerpt=excerpt)
        self._templates.filters.update(moment=_moment, count=_count, weblink=_weblink)

    def render(
        self, request: web.Request, template: str, *, status: int = 200, **context: object
    ) -> web.Response:
        """Return a page for whoever is signed in."""
        actor = request.get(ACTOR)
        may = frozenset() if actor is None else {p for p in Permission if allowed(actor, p)}
        text = self._templates.get_template(template).render(
            actor=actor, may=may, path=request.path, **context
        )
        return web.Response(text=text, status=status, content_type="text/html")

    def problem(self, problem: Problem, headers: Mapping[str, str]) -> web.Response:
        """Return the page that tells a problem."""
        text = self._templates.get_template("problem.html").render(
            problem=problem, actor=None, may=frozenset(), path=""
        )
        return web.Response(
            text=text, status=problem.status, content_type="text/html", headers=headers
        )


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


@route(
    "GET",
    "/static/{digest:[0-9a-f]{12}}/{name:[a-z0-9.-]+}",
    permission=Access.PUBLIC,
    summary="A style sheet, font or icon",
    answers={200: Body(media_type="text/css")},
    log=False,
)
async def static(request: web.Request) -> web.StreamResponse:
    """Answer a static file; its URL changes with its content."""
    file = request.app[PAGES].static.get(request.match_info["name"])
    if file is None or file.url != request.path:
        raise web.HTTPNotFound(text="no such file; reload the page for its present address")
    return web.Response(
        body=file.content,
        content_type=file.media_type,
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


ROUTES = (static,)


def _static_files() -> list[resources.abc.Traversable]:
    folder = resources.files("archiver.web") / "static"
    return [file for file in folder.iterdir() if file.name.rpartition(".")[2] in _TYPES]


def _static(name: str, content: bytes) -> StaticFile:
    return StaticFile(
        url=f"/static/{hashlib.sha256(content).hexdigest()[:12]}/{name}",
        content=content,
        media_type=_TYPES[name.rpartition(".")[2]],
        integrity="sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode(),
    )


def _moment(text: str | None) -> str:
    """Show an RFC 3339 UTC moment as `2026-10-14 16:02:07`; pages say once that times are UTC."""
    return "" if not text else text[:19].replace("T", " ")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _weblink(url: str) -> str:
    """Return the URL if a browser may follow it; `javascript:` and the like are shown as text."""
    try:
        sound = urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        return ""
    return url if sound else ""
