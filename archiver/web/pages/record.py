"""The record page: one side of a record at a time, each with its own address; and its check.

What is shown is an archival rendering of what was captured, not the platform's page.
"""

from typing import Any

from aiohttp import web

from archiver.access.destroyed_records import RecordDestroyed
from archiver.access.record_page import RecordPage, Tab
from archiver.access.rules import Permission
from archiver.errors import InvalidInput
from archiver.web.answering import file_answer
from archiver.web.pages import hits
from archiver.web.pages import record_words as words
from archiver.web.pages.destroyed_record import destroyed_record
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of, text_of
from archiver.web.routing import Body, Parameter, route
from search.marks import merged

_HTML = {200: Body(media_type="text/html")}


@route(
    "GET",
    "/records/{id}",
    permission=Permission.READ_CONTENT,
    summary="Record",
    answers=_HTML,
    parameters=(
        Parameter(name="tab", what=f"One of {', '.join(Tab)}"),
        Parameter(name="with", what="The version to compare with"),
        Parameter(name="q", what="The query whose hits are marked"),
        Parameter(name="from", what="The search to go back to"),
    ),
)
async def record(request: web.Request) -> web.StreamResponse:
    """Show one side of a record."""
    actor, services = actor_of(request), services_of(request)
    try:
        page = await services.records.page(
            request.match_info["id"],
            tab=_tab(request),
            against=text_of(request, "with", default=""),
            actor=actor,
        )
    except RecordDestroyed as gone:
        return await destroyed_record(request, gone.record)
    origin = services.settings.content_origin
    tickets = services.records.give_tickets(page, actor=actor) if origin else {}
    return request.app[PAGES].render(
        request, "record.html", **_shown(request, page, words.sources(page, origin, tickets))
    )


@route(
    "POST",
    "/records/{id}/verify",
    permission=Permission.VERIFY,
    summary="Verify a record",
    answers=_HTML,
)
async def verify(request: web.Request) -> web.StreamResponse:
    """Check one record and show each check."""
    record_id = request.match_info["id"]
    checked = await services_of(request).records.verify(record_id, actor=actor_of(request))
    return request.app[PAGES].render(request, "record_verified.html", checked=checked)


@route(
    "GET",
    "/records/{id}/evidence",
    permission=Permission.EXPORT,
    summary="Evidence bundle of a record",
    answers={200: Body(media_type="application/zip")},
)
async def evidence(request: web.Request) -> web.StreamResponse:
    """Answer the bundle as a download."""
    services = services_of(request)
    bundle = await services.evidence.one(request.match_info["id"], actor=actor_of(request))
    return file_answer(bundle.content, filename=bundle.name, media_type="application/zip")


ROUTES = (record, verify, evidence)


def _tab(request: web.Request) -> Tab:
    asked = text_of(request, "tab", default=Tab.POST)
    if asked not in set(Tab):
        raise InvalidInput(
            f"expected one of {', '.join(Tab)} as tab, found {asked[:40]!r}", pointer="tab"
        )
    return Tab(asked)


def _shown(request: web.Request, page: RecordPage, sources: dict[str, str]) -> dict[str, Any]:
    """Return what the templates of a record show."""
    query = text_of(request, "q", default="")
    address = words.Address(
        record_id=page.view.record.row.id,
        query=query,
        back=words.local_list(text_of(request, "from", default="")),
    )
    post = page.view.manifest.post
    text, text_cut = words.bounded(post.text) if post is not None else ("", False)
    found = hits.found_in(query, text) if page.tab is Tab.POST else ()
    return {
        "page": page,
        "record": words.facts(page),
        "address": address,
        "title": words.title(page),
        "tabs": words.tabs(page, address),
        "tags": words.tags(page),
        "media": words.media(page, address, sources),
        "hits": merged(found),
        "changed": list(hits.in_pieces(query, page.comparison.pieces)) if page.comparison else [],
        "legend": words.legend(found),
        "lang_of": words.language,
        "text": text,
        "text_cut": text_cut,
        "detail_rows": list(page.view.manifest.source.details.items()),
        "steps": words.steps(page),
        "citation": words.citation(page),
        "raw": words.readable(page.raw) if page.raw is not None else None,
        "why": page.why.to_dict() if page.why is not None else None,
    }
