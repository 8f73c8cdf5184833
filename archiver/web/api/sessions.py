"""One's own browser sessions: list and end them."""

from aiohttp import web

from archiver.web.answering import json_answer, list_answer
from archiver.web.people_documents import SessionList
from archiver.web.reading import actor_of, services_of
from archiver.web.routing import Access, Body, route


@route(
    "GET",
    "/api/v1/sessions",
    permission=Access.SIGNED_IN,
    summary="List my browser sessions",
    answers={200: Body(model=SessionList)},
)
async def list_own(request: web.Request) -> web.StreamResponse:
    """Answer the sessions of whoever asks; tokens have none."""
    return list_answer(await services_of(request).sessions.list(actor=actor_of(request)))


@route(
    "DELETE",
    "/api/v1/sessions/{id}",
    permission=Access.SIGNED_IN,
    summary="End a browser session",
    answers={200: Body()},
)
async def end(request: web.Request) -> web.StreamResponse:
    """End a session: one's own, or anybody's for who manages access."""
    session_id = request.match_info["id"]
    await services_of(request).sessions.revoke(session_id, actor=actor_of(request))
    return json_answer({"id": session_id, "state": "ended"})


ROUTES = (list_own, end)
