"""API tokens: make, list, revoke."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import json_answer, list_answer
from archiver.web.documents import NewToken, NewTokenDocument, TokenDocument, TokenList
from archiver.web.reading import actor_of, read_document, services_of
from archiver.web.routing import Body, route


@route(
    "POST",
    "/api/v1/tokens",
    permission=Permission.MANAGE_ACCESS,
    summary="Make a token; its secret is shown this once",
    takes=(Body(model=NewToken),),
    answers={201: Body(model=NewTokenDocument)},
    confirm=True,
)
async def create(request: web.Request) -> web.StreamResponse:
    """Make a token. No Idempotency-Key: keeping the answer would keep the secret."""
    asked = await read_document(request, NewToken)
    token, secret = await services_of(request).tokens.create(
        asked.name,
        asked.roles,
        unit=asked.unit,
        matter=asked.matter,
        expires_at=asked.expires_at,
        actor=actor_of(request),
    )
    return json_answer({**token.to_dict(), "secret": secret}, status=201)


@route(
    "GET",
    "/api/v1/tokens",
    permission=Permission.MANAGE_ACCESS,
    summary="List all tokens, revoked ones included",
    answers={200: Body(model=TokenList)},
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer all tokens."""
    return list_answer(await services_of(request).tokens.list(actor=actor_of(request)))


@route(
    "DELETE",
    "/api/v1/tokens/{id}",
    permission=Permission.MANAGE_ACCESS,
    summary="Revoke a token for good",
    answers={200: Body(model=TokenDocument)},
    confirm=True,
)
async def revoke(request: web.Request) -> web.StreamResponse:
    """Revoke a token."""
    tokens = services_of(request).tokens
    token = await tokens.revoke(request.match_info["id"], actor=actor_of(request))
    return json_answer(token.to_dict())


ROUTES = (create, list_all, revoke)
