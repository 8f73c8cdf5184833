"""Templates: loaded once, rendered with what the shell needs for whoever is signed in.

Templates are Jinja2 with autoescape on and undefined names an error. A template's block can be
rendered alone for htmx, which asks for the same address as the page and replaces a part of it.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import jinja2
from aiohttp import web
from jinja2.environment import TemplateModule

from archiver.access.rules import Permission, allowed_somewhere
from archiver.clock import from_millis, rfc3339
from archiver.disposal.schedule_words import period_words
from archiver.model.person import Density, Preferences, Theme
from archiver.web.errors import Problem
from archiver.web.keys import ACTOR, BADGES, CLOCK, SIGNED_IN
from archiver.web.pages.addresses import first_page
from archiver.web.pages.assets import load_assets
from archiver.web.pages.navigation import navigation
from archiver.web.pages.text import excerpt, fragments, legible
from archiver.web.routing import Access, Body, route
from retention.periods import parse_length

_ROUNDING = 1000
_ULID = re.compile(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b", re.ASCII)
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_IMPORTED = "parts imported"


class _Template(jinja2.Template):
    """A template that one page evaluates once, however many of its parts import it.

    Parts import each other with context, so that they see who is signed in; Jinja evaluates them
    anew at each import, which was half the time of a page. What they see is the page's alone: a
    part never reads what the template that imports it has set.
    """

    def make_module(
        self,
        vars: dict[str, Any] | None = None,  # noqa: A002 - Jinja's name
        shared: bool = False,  # noqa: FBT001, FBT002 - Jinja's signature
        locals: Mapping[str, Any] | None = None,  # noqa: A002 - Jinja's name
    ) -> TemplateModule:
        """Return what the template exports to this page."""
        imported: dict[str | None, TemplateModule] = (vars or {})[_IMPORTED]
        if self.name not in imported:
            imported[self.name] = super().make_module(vars, shared, locals)
        return imported[self.name]


class Pages:
    """The templates and static files of one application."""

    def __init__(self) -> None:
        self.static = load_assets()
        self._addresses = {file.url: file for file in self.static.values()}
        self._templates = _environment()

    def render(
        self,
        request: web.Request,
        template: str,
        *,
        status: int = 200,
        block: str = "",
        **context: object,
    ) -> web.Response:
        """Return a page for whoever is signed in, or one block of it when htmx asks for that.

        A block sees the imports and assignments at the top of its template.
        """
        values = {**_shell(request), **context, _IMPORTED: {}}
        if block and _asks_for_part(request):
            text = self._block(template, block, values)
        else:
            text = self._templates.get_template(template).render(values)
        headers = {"Vary": "HX-Request"} if block else {}
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)

    def problem(
        self, request: web.Request, problem: Problem, headers: Mapping[str, str]
    ) -> web.Response:
        """Return the page that tells a problem, or the notice of it for htmx."""
        response = self.render(
            request, "problem.html", status=problem.status, block="notice", problem=problem
        )
        response.headers.update(headers)
        return response

    def asset(self, request: web.Request) -> web.Response | None:
        """Return the static file at the request's address, gzipped where that is taken, or None."""
        file = self._addresses.get(request.path)
        if file is None:
            return None
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        body = file.content
        if file.gzipped:
            headers["Vary"] = "Accept-Encoding"
            if "gzip" in request.headers.get("Accept-Encoding", ""):
                headers["Content-Encoding"] = "gzip"
                body = file.gzipped
        return web.Response(body=body, content_type=file.media_type, headers=headers)

    def _block(self, template: str, block: str, values: Mapping[str, object]) -> str:
        loaded = self._templates.get_template(template)
        context = loaded.new_context(dict(values))
        # Blocks use what stands at the top of their template. Running the template up to the first
        # words of its shell evaluates that, and no more.
        page = loaded.root_render_func(context)
        next(page, None)
        return "".join(loaded.blocks[block](context))


def stand_alone(template: str, **context: object) -> str:
    """Return a document that stands alone: no shell, nobody signed in, no other file beside it."""
    return _environment().get_template(template).render({**context, _IMPORTED: {}})


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


@route(
    "GET",
    "/static/{file:[a-z0-9./-]+}",
    permission=Access.PUBLIC,
    summary="A style sheet, script, font or icon",
    answers={200: Body(media_type="text/css")},
    log=False,
)
async def static(request: web.Request) -> web.StreamResponse:
    """Answer a static file; its address changes with its content."""
    response = request.app[PAGES].asset(request)
    if response is None:
        raise web.HTTPNotFound(text="no such file; reload the page for its present address")
    return response


ROUTES = (static,)


@cache
def _environment() -> jinja2.Environment:
    """Return the one environment of this process: compiling the templates takes a while."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("archiver.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.template_class = _Template
    templates.globals.update(
        static=load_assets(),
        fragments=fragments,
        excerpt=excerpt,
        themes=tuple(Theme),
        densities=tuple(Density),
    )
    templates.filters.update(
        count=_count,
        filesize=filesize,
        lasting=_lasting,
        first_page=first_page,
        legible=legible,
        minute=_minute,
        moment=_moment,
        rfc3339=_rfc3339,
        share=share,
        short_ids=_short_ids,
        utc=from_millis,
        weblink=_weblink,
    )
    return templates


def _shell(request: web.Request) -> dict[str, object]:
    """Return what the shell of every page shows: who, what they may do, where, how they like it."""
    signed_in = request.get(SIGNED_IN)
    # Who is refused a page is signed in all the same, and keeps the way to the others.
    actor = request.get(ACTOR) if signed_in is None else signed_in.actor
    may = frozenset(
        permission
        for permission in Permission
        if actor is not None and allowed_somewhere(actor, permission)
    )
    return {
        "actor": actor,
        "signed_in": signed_in,
        "may": may,
        "nav": () if actor is None else navigation(may),
        "badges": request.get(BADGES, {}),
        "notice": "",
        "path": request.path,
        "here": request.path_qs,
        "now": request.app[CLOCK](),
        "csrf": "" if signed_in is None else signed_in.csrf,
        "once": secrets.token_urlsafe(12),
        "preferences": Preferences() if signed_in is None else signed_in.preferences,
    }


def _asks_for_part(request: web.Request) -> bool:
    # Going back asks for the whole page again when htmx no longer has it.
    asked = request.headers
    return "HX-Request" in asked and "HX-History-Restore-Request" not in asked


def _rfc3339(moment: str | datetime | None) -> str:
    """Return a moment as RFC 3339 in UTC; text is taken to be that already."""
    if moment is None or isinstance(moment, str):
        return moment or ""
    return rfc3339(moment)


def _moment(moment: str | datetime | None) -> str:
    """Show a UTC moment as `2026-10-14 16:02:07`; pages say once that times are UTC."""
    return _rfc3339(moment)[:19].replace("T", " ")


def _minute(moment: str | datetime | None) -> str:
    """Show a UTC moment as `2026-10-14 16:02`."""
    return _moment(moment)[:16]


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def filesize(size: int) -> str:
    """Show a size in decimal units: `37.4 kB`."""
    shown, unit = float(size), 0
    while shown >= _ROUNDING and unit < len(_UNITS) - 1:
        shown, unit = shown / _ROUNDING, unit + 1
    return _count(size, "byte", "bytes") if unit == 0 else f"{shown:,.1f} {_UNITS[unit]}"


def share(part: int, whole: int) -> str:
    """Show how much of a whole a part is; only all of it is `100 %`, only nothing `0 %`."""
    if part in {0, whole}:
        return "0 %" if part == 0 else "100 %"
    permille = round(1000 * part / whole)
    if permille == 0:
        return "< 0.1 %"
    return f"{min(permille, 999) / 10:.1f} %"


def _lasting(length: str) -> str:
    """Show a period as `7 years`, which schedules write `P7Y`."""
    return period_words(parse_length(length))


def _short_ids(text: str) -> str:
    """Show each ULID of a text by its beginning and its end, as `ui.hash` does."""
    return _ULID.sub(lambda found: f"{found[0][:8]}…{found[0][-4:]}", text)


def _weblink(url: str) -> str:
    """Return the URL if a browser may follow it; `javascript:` and the like are shown as text."""
    try:
        sound = urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        return ""
    return url if sound else ""
