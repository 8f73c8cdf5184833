"""Everything that waits for a second person, on one page; each is decided on a page of its own."""

from collections.abc import Mapping

from aiohttp import web

from archiver.access.rules import Permission
from archiver.access.waiting import Subject, Wait
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Body, route

_HTML = Body(media_type="text/html")
_PAGES: Mapping[Subject, tuple[str, str]] = {
    Subject.HOLD: ("/holds/{}", "/holds/{}/release"),
    Subject.DRAFT: ("/drafts/{}", "/drafts/{}/approve"),
    Subject.BATCH: ("/disposition/{}", "/disposition/{}/approve"),
    Subject.PRIVACY: ("/disposition/{}", "/disposition/{}/approve"),
}
"""Where each is shown, and where it is decided with all of its consequences."""


@route(
    "GET",
    "/approvals",
    permission=Permission.READ_FILE_PLAN,
    summary="What waits for a second person",
    answers={200: _HTML},
)
async def approvals(request: web.Request) -> web.StreamResponse:
    """Show what waits, oldest first: what the actor decides with a button, of the rest who can."""
    waits = await services_of(request).waiting.list(actor=actor_of(request))
    return request.app[PAGES].render(
        request,
        "approvals.html",
        waits=[(wait, _href(wait)) for wait in waits],
        yours=sum(not wait.barred for wait in waits),
    )


ROUTES = (approvals,)


def _href(wait: Wait) -> str:
    shown, decided = _PAGES[wait.subject]
    return (shown if wait.barred else decided).format(wait.id)
