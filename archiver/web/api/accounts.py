"""The register of accounts: list, show, register, change, close, reopen."""

from aiohttp import web

from archiver.access.rules import Permission
from archiver.web.answering import json_answer
from archiver.web.documents import (
    AccountChange,
    AccountClosing,
    AccountDocument,
    AccountList,
    NewAccount,
    StatedReason,
)
from archiver.web.reading import actor_of, read_document, services_of, text_of, whole_of
from archiver.web.routing import Body, Parameter, route

MOST_LISTED = 200

LISTED_BY = (
    Parameter(name="q", what="Words in the handle, title or custodian"),
    Parameter(name="platform", what="Only this platform"),
    Parameter(name="unit", what="Only this unit; empty is the accounts of no unit"),
    Parameter(name="state", what="open or closed"),
    Parameter(name="sort", what="account, platform, unit, records, last …; - before it turns it"),
    Parameter(name="cursor", what="next_cursor of the page before"),
)


@route(
    "GET",
    "/api/v1/accounts",
    permission=Permission.READ_ACCOUNTS,
    summary="List accounts, registered or not",
    answers={200: Body(model=AccountList)},
    parameters=(*LISTED_BY, Parameter(name="limit", what="At most 200", type="integer")),
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer a page of the register."""
    found = await services_of(request).accounts.list(
        text=text_of(request, "q", default=""),
        platform=text_of(request, "platform", default=""),
        unit=request.query.get("unit"),
        state=text_of(request, "state", default=""),
        sort=text_of(request, "sort", default="account"),
        limit=whole_of(request, "limit", default=50, most=MOST_LISTED),
        cursor=text_of(request, "cursor", default=""),
        actor=actor_of(request),
    )
    return json_answer(found.to_dict())


@route(
    "POST",
    "/api/v1/accounts",
    permission=Permission.OPERATE,
    summary="Register an account",
    takes=(Body(model=NewAccount),),
    answers={201: Body(model=AccountDocument)},
)
async def register(request: web.Request) -> web.StreamResponse:
    """Register an account."""
    asked = await read_document(request, NewAccount)
    made = await services_of(request).accounts.register(
        **asked.model_dump(), actor=actor_of(request)
    )
    return json_answer(made.to_dict(), status=201)


@route(
    "GET",
    "/api/v1/accounts/{id}",
    permission=Permission.READ_ACCOUNTS,
    summary="Show one account with its months, class rules and history",
    answers={200: Body(model=AccountDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one account."""
    accounts = services_of(request).accounts
    found = await accounts.show(request.match_info["id"], actor=actor_of(request))
    return json_answer(found.to_dict())


@route(
    "POST",
    "/api/v1/accounts/{id}",
    permission=Permission.OPERATE,
    summary="Change title, custodian or unit; the unit decides who sees the account's records",
    takes=(Body(model=AccountChange),),
    answers={200: Body(model=AccountDocument)},
    confirm=True,
)
async def change(request: web.Request) -> web.StreamResponse:
    """Change an account."""
    asked = await read_document(request, AccountChange)
    made = await services_of(request).accounts.change(
        request.match_info["id"], **asked.model_dump(), actor=actor_of(request)
    )
    return json_answer(made.to_dict())


@route(
    "POST",
    "/api/v1/accounts/{id}/close",
    permission=Permission.OPERATE,
    summary="Note that the business no longer speaks from an account; its records stay",
    takes=(Body(model=AccountClosing),),
    answers={200: Body(model=AccountDocument)},
    confirm=True,
)
async def close(request: web.Request) -> web.StreamResponse:
    """Close an account."""
    asked = await read_document(request, AccountClosing)
    made = await services_of(request).accounts.close(
        request.match_info["id"],
        reason=asked.reason,
        closed_at=asked.closed_at,
        actor=actor_of(request),
    )
    return json_answer(made.to_dict())


@route(
    "POST",
    "/api/v1/accounts/{id}/reopen",
    permission=Permission.OPERATE,
    summary="Note that the business speaks from a closed account again",
    takes=(Body(model=StatedReason),),
    answers={200: Body(model=AccountDocument)},
    confirm=True,
)
async def reopen(request: web.Request) -> web.StreamResponse:
    """Reopen an account."""
    asked = await read_document(request, StatedReason)
    made = await services_of(request).accounts.reopen(
        request.match_info["id"], reason=asked.reason, actor=actor_of(request)
    )
    return json_answer(made.to_dict())


ROUTES = (list_all, register, show, change, close, reopen)
