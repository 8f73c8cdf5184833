"""What this installation is: its settings with their sources, its identity, its software."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import json_answer
from archiver.web.audit_documents import SettingsDocument
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Body, route


@route(
    "GET",
    "/api/v1/settings",
    permission=Permission.READ_SETTINGS,
    summary="Show every setting with its source; secrets are never shown",
    answers={200: Body(model=SettingsDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer the installation."""
    view = await services_of(request).installation.show(actor=actor_of(request))
    return json_answer(view.to_dict())


ROUTES = (show,)
