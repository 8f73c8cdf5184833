"""API tokens: the list, making one, revoking one."""

from collections.abc import Mapping
from datetime import timedelta

from aiohttp import web

from archiver.access.rules import Permission
from archiver.errors import CallerError, InvalidInput
from archiver.model.actor import Role
from archiver.web.errors import status_of
from archiver.web.pages.rendering import PAGES
from archiver.web.pages.role_choice import CHOICES
from archiver.web.reading import actor_of, read_form, services_of
from archiver.web.routing import Body, route

_HTML = Body(media_type="text/html")
_FORM = Body(media_type="application/x-www-form-urlencoded")
_MOST_DIGITS = 3


@route(
    "GET",
    "/people/tokens",
    permission=Permission.MANAGE_ACCESS,
    summary="API tokens",
    answers={200: _HTML},
)
async def tokens(request: web.Request) -> web.StreamResponse:
    """Show the tokens, and the form to make one."""
    return await _tokens(request, {})


@route(
    "POST",
    "/people/tokens",
    permission=Permission.MANAGE_ACCESS,
    summary="Make an API token",
    takes=(_FORM,),
    answers={200: _HTML, 400: _HTML, 403: _HTML},
    confirm=True,
)
async def make(request: web.Request) -> web.StreamResponse:
    """Make a token and show its secret, this once."""
    services, fields = services_of(request), await read_form(request)
    try:
        made, secret = await services.tokens.create(
            fields.get("name", ""),
            [_role(fields)],
            **_part(fields),
            expires_at=services.clock() + timedelta(days=_days(fields)),
            actor=actor_of(request),
        )
    except CallerError as error:
        return await _tokens(request, fields, error)
    return request.app[PAGES].render(request, "token_made.html", token=made, secret=secret)


@route(
    "POST",
    "/people/tokens/{id:[0-9A-Z]{26}}/revoke",
    permission=Permission.MANAGE_ACCESS,
    summary="Revoke an API token",
    takes=(_FORM,),
    answers={303: _HTML},
    confirm=True,
)
async def revoke(request: web.Request) -> web.StreamResponse:
    """Revoke a token for good."""
    await services_of(request).tokens.revoke(request.match_info["id"], actor=actor_of(request))
    return web.Response(status=303, headers={"Location": "/people/tokens"})


ROUTES = (tokens, make, revoke)


async def _tokens(
    request: web.Request, fields: Mapping[str, str], error: CallerError | None = None
) -> web.Response:
    return request.app[PAGES].render(
        request,
        "tokens.html",
        status=200 if error is None else status_of(error),
        tokens=await services_of(request).tokens.list(actor=actor_of(request)),
        choices=CHOICES,
        given=fields,
        errors=[] if error is None else [(getattr(error, "pointer", "") or "", str(error))],
    )


def _role(fields: Mapping[str, str]) -> Role:
    try:
        return Role(fields.get("role", ""))
    except ValueError as error:
        raise InvalidInput(
            f"expected a role of {', '.join(Role)}, found another", pointer="/roles"
        ) from error


def _part(fields: Mapping[str, str]) -> dict[str, str]:
    over, name = fields.get("over", ""), fields.get("part", "")
    if over not in {"unit", "matter"} and not name:
        return {}
    if over not in {"unit", "matter"} or not name:  # never the whole archive by an omission
        raise InvalidInput(
            "expected a unit or matter and its name together, found one of them", pointer="roles"
        )
    return {over: name}


def _days(fields: Mapping[str, str]) -> int:
    text = fields.get("days", "")
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise InvalidInput(
            f"expected a number of days from 1 to 366, found {text[:20]!r}", pointer="/expires_at"
        )
    return int(text)
