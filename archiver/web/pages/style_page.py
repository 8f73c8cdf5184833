"""`/style`: every macro in every state, with the words that write it. Made-up data, no archive.

Whoever writes a page looks here first; the tests of the interface (contrast, keyboard, zoom, print)
run on it, so a part that is right here is right wherever it is used.
"""

from dataclasses import dataclass

from aiohttp import web

from archiver.web.pages.rendering import PAGES
from archiver.web.pages.text import fragments
from archiver.web.reading import text_of
from archiver.web.routing import Access, Body, Parameter, route

_TEXT = "Road closure on Main Street starts Monday; detour map in the thread below."
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """One made-up row of a table; `number` is its record's."""

    number: int
    posted: str
    account: str
    platform: str
    text: str
    hits: tuple[tuple[int, int], ...]
    tags: tuple[tuple[str, str], ...]


_ROWS = tuple(
    SampleRow(
        number=number,
        posted=f"2026-10-{14 - number:02}T16:02:07.120Z",
        account=account,
        platform=platform,
        text=text,
        hits=((start, start + 11),) if (start := text.find("Main Street")) >= 0 else (),
        tags=tags,
    )
    for number, (account, platform, text, tags) in enumerate(
        (
            ("@cityofexample", "X", _TEXT, (("hold", "On hold · 2"), ("ok", "Verified"))),
            (
                "City of Example",
                "Facebook",
                "Reply: is the Main Street crossing still open for buses?",
                (("warn", "Deleted at source"), ("ok", "Verified")),
            ),
            (
                "@examplepd",
                "Mastodon",
                "Update on the incident near Main Street and 4th; no threat to the public.",
                (("bad", "Hash mismatch"),),
            ),
            (
                "@exemple",
                "LinkedIn",
                "اجتماع عام في الشارع الرئيسي \u202egnihton\u202c",
                (("neutral", "Eligible 2029-10-12"), ("ok", "Verified")),
            ),
        ),
        start=1,
    )
)


@route(
    "GET",
    "/style",
    permission=Access.SIGNED_IN,
    summary="The parts pages are composed of",
    answers={200: Body(media_type="text/html")},
    parameters=(
        Parameter(name="sort", what="Column of the sample table"),
        Parameter(name="page", what="Page of the sample table", type="integer"),
    ),
)
async def style(request: web.Request) -> web.StreamResponse:
    """Show every part; the sample table alone when htmx asks for it."""
    sort = text_of(request, "sort", default="-posted")
    rows = sorted(
        _ROWS,
        key=lambda row: row.account if sort.endswith("account") else row.posted,
        reverse=sort.startswith("-"),
    )
    return request.app[PAGES].render(
        request,
        "style.html",
        block="results",
        rows=rows,
        sort=sort,
        hash=_HASH,
        sample=_TEXT,
        hostile=fragments("<b>pay</b> \u202egnihton\u202c now"),
        weeks=[(f"2026-W{week:02}", (week * 37) % 61) for week in range(1, 41)],
    )


_CONSEQUENCES = "style_consequences.html"


@route(
    "GET",
    "/style/consequences",
    permission=Access.SIGNED_IN,
    summary="The page before an act with legal effect, as an example",
    answers={200: Body(media_type="text/html")},
)
async def consequences(request: web.Request) -> web.StreamResponse:
    """Show the page of an act that does not exist."""
    return request.app[PAGES].render(request, _CONSEQUENCES, errors=(), reason_error="")


@route(
    "POST",
    "/style/consequences",
    permission=Access.SIGNED_IN,
    summary="The page of the example with its errors",
    takes=(Body(media_type="application/x-www-form-urlencoded"),),
    answers={400: Body(media_type="text/html")},
)
async def act(request: web.Request) -> web.StreamResponse:
    """Do nothing, and show what is wrong with the form: always the same."""
    wrong = "Say why in ten characters or more"
    return request.app[PAGES].render(
        request, _CONSEQUENCES, status=400, errors=[("reason", wrong)], reason_error=wrong
    )


ROUTES = (style, consequences, act)
