"""Holds: the list, one hold with its members, and releasing it in two steps.

Placing one stands in `new_hold.py`.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from archiver.access.rules import Permission
from archiver.db.holds import ACTIVE, RELEASED
from archiver.errors import InvalidInput
from archiver.legal.hold_release import Release
from archiver.legal.hold_views import HoldView
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, after_of, read_form, services_of, text_of
from archiver.web.routing import Body, Parameter, route

HTML = Body(media_type="text/html")
FORM = Body(media_type="application/x-www-form-urlencoded")
_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class HoldFilter:
    """Which holds the list shows: by state (`active`, `released`, "" both) and by matter."""

    state: str
    matter: str

    def keeps(self, view: HoldView) -> bool:
        """Return whether the list shows this hold."""
        return self.state in {"", view.state} and self.matter in {"", view.matter}

    @property
    def chips(self) -> tuple[tuple[str, str], ...]:
        """The filters in force, each with the address without it."""
        found = []
        if self.state:
            found.append((self.state.capitalize(), _address("", self.matter)))
        if self.matter:
            found.append((f"Matter {self.matter}", _address(self.state, "")))
        return tuple(found)


@route(
    "GET",
    "/holds",
    permission=Permission.READ_HOLDS,
    summary="Holds",
    answers={200: HTML},
    parameters=(
        Parameter(name="state", what="active or released"),
        Parameter(name="matter", what="The matter"),
    ),
)
async def holds(request: web.Request) -> web.StreamResponse:
    """Show every hold in reach."""
    asked = HoldFilter(
        text_of(request, "state", default=""), text_of(request, "matter", default="")
    )
    if asked.state not in {"", ACTIVE, RELEASED}:
        raise InvalidInput("expected the state active or released", pointer="state")
    views = await services_of(request).hold_register.list(actor=actor_of(request))
    return request.app[PAGES].render(
        request,
        "holds.html",
        views=[view for view in views if asked.keeps(view)],
        asked=asked,
        every=len(views),
        active=sum(view.state == ACTIVE for view in views),
        pending=views[0].objects_pending if views else 0,
        matters=[
            ("", "All"),
            *((name, name) for name in sorted({view.matter for view in views}) if name),
        ],
    )


@route(
    "GET",
    "/holds/{id}",
    permission=Permission.READ_HOLDS,
    summary="One hold",
    answers={200: HTML},
    parameters=(
        Parameter(name="after", what="The log index the page of members follows", type="integer"),
        Parameter(name="done", what="What was just done: placed or released"),
    ),
)
async def hold(request: web.Request) -> web.StreamResponse:
    """Show one hold with a page of its members."""
    after = after_of(request)
    page = await services_of(request).hold_register.page(
        request.match_info["id"], after=after, limit=_PER_PAGE, actor=actor_of(request)
    )
    waits = await services_of(request).releases.waiting(page.view.id, actor=actor_of(request))
    done = text_of(request, "done", default="")
    return request.app[PAGES].render(
        request, "hold.html", page=page, first=after < 0, done=done, waits=waits
    )


@route(
    "GET",
    "/holds/{id}/release",
    permission=Permission.RELEASE_HOLDS,
    summary="What releasing a hold would do",
    answers={200: HTML},
    confirm=True,
)
async def release_form(request: web.Request) -> web.StreamResponse:
    """Show what a release would free, before it is done."""
    return await _release_page(request)


@route(
    "POST",
    "/holds/{id}/release",
    permission=Permission.RELEASE_HOLDS,
    summary="Release a hold",
    takes=(FORM,),
    answers={303: HTML, 400: HTML},
    confirm=True,
)
async def release(request: web.Request) -> web.StreamResponse:
    """Release the hold, or say what is missing."""
    fields = await read_form(request)
    if not fields.get("reason"):
        return await _release_page(request, error="Say why the hold is released.")
    done = await services_of(request).releases.release(
        request.match_info["id"], reason=fields["reason"], actor=actor_of(request)
    )
    return _after(done)


@route(
    "POST",
    "/holds/{id}/release/decide",
    permission=Permission.RELEASE_HOLDS,
    summary="Approve or refuse the release of a hold",
    takes=(FORM,),
    answers={303: HTML},
    confirm=True,
)
async def decide(request: web.Request) -> web.StreamResponse:
    """Release the hold that somebody else asked to release, or refuse to."""
    approve = (await read_form(request)).get("decision") == "approve"
    done = await services_of(request).releases.decide(
        request.match_info["id"], approve=approve, actor=actor_of(request)
    )
    return _after(done)


async def _release_page(request: web.Request, *, error: str = "") -> web.Response:
    preview = await services_of(request).hold_register.release_preview(
        request.match_info["id"], actor=actor_of(request)
    )
    releases = services_of(request).releases
    return request.app[PAGES].render(
        request,
        "hold_release.html",
        preview=preview,
        two_person=releases.two_person,
        waits=await releases.waiting(preview.view.id, actor=actor_of(request)),
        error=error,
        status=web.HTTPBadRequest.status_code if error else web.HTTPOk.status_code,
    )


def _after(done: Release) -> web.Response:
    said = "released" if done.view.state == RELEASED else "asked" if done.waits else "refused"
    return web.Response(status=303, headers={"Location": f"/holds/{done.view.id}?done={said}"})


def _address(state: str, matter: str) -> str:
    query = urlencode({k: v for k, v in (("state", state), ("matter", matter)) if v})
    return f"/holds?{query}" if query else "/holds"


ROUTES = (holds, hold, release_form, release, decide)
