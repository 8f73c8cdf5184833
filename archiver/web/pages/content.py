"""Archived media within pages: never as a document, and on a host of their own where one is set.

Who is signed in reads them from the host of the pages; on the content host a ticket in the address
says what may be read (`archiver.web.hosts`, `archiver.access.content_tickets`).
"""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import content_answer
from archiver.web.hosts import CONTENT, TICKETED
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Access, Body, route

_BYTES = Body(
    media_type="*/*",
    what="A verified raster image, film or sound; of anything else an attachment",
)


@route(
    "GET",
    CONTENT,
    permission=Permission.READ_CONTENT,
    summary="Show an archived image, film or sound, or download what is none",
    answers={200: _BYTES, 206: _BYTES},
)
async def content(request: web.Request) -> web.StreamResponse:
    """Answer one part to who is signed in."""
    record_id, name = request.match_info["id"], request.match_info["name"]
    records = services_of(request).records
    part = await records.content(record_id, name, actor=actor_of(request))
    return content_answer(request, part, filename=f"{record_id}-{name}", reach="same-origin")


@route(
    "GET",
    TICKETED,
    permission=Access.PUBLIC,
    summary="Show archived content on the content host, for a ticket that lasts five minutes",
    answers={200: _BYTES, 206: _BYTES},
)
async def ticketed(request: web.Request) -> web.StreamResponse:
    """Answer one part to who holds a ticket for it."""
    record_id, name = request.match_info["id"], request.match_info["name"]
    records = services_of(request).records
    part = await records.content_by_ticket(record_id, name, request.match_info["ticket"])
    return content_answer(request, part, filename=f"{record_id}-{name}", reach="cross-origin")


ROUTES = (content, ticketed)
