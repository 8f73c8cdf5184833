"""What in the file plan leads nowhere, waits or is unconfirmed, with the posts it is about."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.pages.draft_editor import HTML
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, after_of, services_of, whole_of
from archiver.web.routing import Parameter, route

_PER_PAGE = 50
_MOST = 2**31


@route(
    "GET",
    "/classes/report",
    permission=Permission.READ_FILE_PLAN,
    summary="Orphans and conflicts in the file plan",
    answers={200: HTML},
)
async def report(request: web.Request) -> web.StreamResponse:
    """Show every finding with its next step."""
    found = await services_of(request).plan.reporting.report(actor=actor_of(request))
    return request.app[PAGES].render(request, "class_report.html", report=found)


@route(
    "GET",
    "/classes/{code:[a-z0-9-]{1,40}}/records",
    permission=Permission.SEARCH,
    summary="The posts of a class",
    answers={200: HTML},
    parameters=(
        Parameter(name="version", what="Only those that this version keeps", type="integer"),
        Parameter(name="after", what="The log index the page follows", type="integer"),
    ),
)
async def records(request: web.Request) -> web.StreamResponse:
    """Show a page of posts."""
    code, version = request.match_info["code"], whole_of(request, "version", default=0, most=_MOST)
    found = await services_of(request).plan.reporting.records(
        code,
        schedule_version=version,
        after=after_of(request),
        limit=_PER_PAGE,
        actor=actor_of(request),
    )
    first = f"{request.path}?version={version}"
    full = len(found) == _PER_PAGE
    return request.app[PAGES].render(
        request,
        "class_records.html",
        code=code,
        version=version,
        records=found,
        next_href=f"{first}&after={found[-1]['log_index']}" if full else "",
    )


ROUTES = (report, records)
