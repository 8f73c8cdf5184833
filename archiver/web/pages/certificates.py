"""Certificates of destruction: the list, and one as it can be read."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.certificate_page import certificate_parts
from archiver.web.pages.disposition import HTML
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of, whole_of
from archiver.web.routing import Parameter, route

_PER_PAGE = 25
_RECORDS = 200
"""Records of one certificate on a page; all of them are in the files."""


@route(
    "GET",
    "/certificates",
    permission=Permission.READ_FILE_PLAN,
    summary="Certificates of destruction",
    answers={200: HTML},
    parameters=(Parameter(name="before", what="Only smaller numbers", type="integer"),),
)
async def certificates(request: web.Request) -> web.StreamResponse:
    """Show the certificates, newest first."""
    before = whole_of(request, "before", default=0)
    found = await services_of(request).disposition.certificates.list(
        before=before, limit=_PER_PAGE + 1, actor=actor_of(request)
    )
    shown = found[:_PER_PAGE]
    return request.app[PAGES].render(
        request,
        "certificates.html",
        items=shown,
        before=before,
        next_href=f"/certificates?before={shown[-1].row.number}" if len(found) > _PER_PAGE else "",
    )


@route(
    "GET",
    "/certificates/{id}",
    permission=Permission.READ_FILE_PLAN,
    summary="One certificate of destruction",
    answers={200: HTML},
    parameters=(Parameter(name="start", what="The first record shown", type="integer"),),
)
async def certificate(request: web.Request) -> web.StreamResponse:
    """Show what a certificate says; what is signed is the file."""
    view = await services_of(request).disposition.certificates.show(
        request.match_info["id"], actor=actor_of(request)
    )
    start, parts = whole_of(request, "start", default=0), certificate_parts(view)
    total = len(parts["records"])
    return request.app[PAGES].render(
        request,
        "certificate_shown.html",
        view=view,
        listed=parts["records"][start : start + _RECORDS],
        start=start,
        next_start=start + _RECORDS if start + _RECORDS < total else None,
        previous_start=max(0, start - _RECORDS) if start else None,
        **parts,
    )


ROUTES = (certificates, certificate)
