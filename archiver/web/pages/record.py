"""The record page: the text as an archival rendering, what is known, why it is kept, its proof."""

from aiohttp import web

from archiver.access.rules import Permission, allowed
from archiver.web.pages.rendering import PAGES
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Body, route

_FACTS = (
    ("platform", "Platform"),
    ("account", "Account"),
    ("post_id", "Post id"),
    ("kind", "Kind"),
    ("posted_at", "Posted (UTC)"),
    ("edited_at", "Edited (UTC)"),
    ("captured_at", "Captured (UTC)"),
    ("lang", "Language"),
    ("in_reply_to", "In reply to"),
    ("conversation_id", "Conversation"),
    ("log_index", "Log index"),
    ("id", "Record id"),
)


@route(
    "GET",
    "/records/{id}",
    permission=Permission.READ_CONTENT,
    summary="Record",
    answers={200: Body(media_type="text/html")},
)
async def record(request: web.Request) -> web.StreamResponse:
    """Show one record."""
    record_id, actor = request.match_info["id"], actor_of(request)
    services = services_of(request)
    view = (await services.records.show(record_id, actor=actor)).to_dict()
    versions = await services.records.versions(record_id, actor=actor)
    explained = allowed(actor, Permission.READ_FILE_PLAN)
    why = await services.filing.why(record_id, actor=actor) if explained else None
    return request.app[PAGES].render(
        request,
        "record.html",
        record=view,
        facts=[(label, view[name]) for name, label in _FACTS if view.get(name) not in {None, ""}],
        versions=[version.to_dict() for version in versions],
        why=None if why is None else why.to_dict(),
    )


ROUTES = (record,)
