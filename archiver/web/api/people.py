"""People: list, invite, show, roles, disable, enable, links."""

from collections.abc import Sequence

from aiohttp import web

from archiver.access.people import PeopleFilter
from archiver.access.roster import PersonView
from archiver.access.rules import Permission
from archiver.clock import rfc3339
from archiver.model.grants import Grants, parse_grant
from archiver.web.answering import json_answer, list_answer
from archiver.web.people_documents import (
    InvitedPerson,
    NewPerson,
    NewRoles,
    PersonDocument,
    PersonList,
    Reason,
)
from archiver.web.reading import actor_of, read_document, services_of, text_of
from archiver.web.routing import Body, Parameter, route


@route(
    "GET",
    "/api/v1/people",
    permission=Permission.READ_AUDIT,
    summary="List people with their roles",
    parameters=(
        Parameter(name="q", what="Words in the name or e-mail"),
        Parameter(name="role", what="Only who holds this role, anywhere"),
        Parameter(name="state", what="invited, active or disabled"),
    ),
    answers={200: Body(model=PersonList)},
)
async def list_all(request: web.Request) -> web.StreamResponse:
    """Answer the people."""
    asked = PeopleFilter(
        words=text_of(request, "q", default=""),
        role=text_of(request, "role", default=""),
        state=text_of(request, "state", default=""),
    )
    return list_answer(await services_of(request).people.list(asked, actor=actor_of(request)))


@route(
    "POST",
    "/api/v1/people",
    permission=Permission.MANAGE_ACCESS,
    summary="Invite a person; their link is shown this once",
    takes=(Body(model=NewPerson),),
    answers={201: Body(model=InvitedPerson)},
    confirm=True,
)
async def invite(request: web.Request) -> web.StreamResponse:
    """Invite a person. No Idempotency-Key: keeping the answer would keep the secret."""
    asked, actor = await read_document(request, NewPerson), actor_of(request)
    made = await services_of(request).people.invite(
        asked.name, asked.email, _grants(asked.roles), actor=actor
    )
    return await _with_link(request, made)


@route(
    "GET",
    "/api/v1/people/{id}",
    permission=Permission.READ_AUDIT,
    summary="Show a person",
    answers={200: Body(model=PersonDocument)},
)
async def show(request: web.Request) -> web.StreamResponse:
    """Answer one person."""
    whose = await services_of(request).people.show(
        request.match_info["id"], actor=actor_of(request)
    )
    return json_answer(whose.to_dict())


@route(
    "POST",
    "/api/v1/people/{id}/roles",
    permission=Permission.MANAGE_ACCESS,
    summary="Let a person hold exactly these roles",
    takes=(Body(model=NewRoles),),
    answers={200: Body(model=PersonDocument)},
    confirm=True,
)
async def grant(request: web.Request) -> web.StreamResponse:
    """Change a person's roles."""
    asked = await read_document(request, NewRoles)
    whose = await services_of(request).people.grant(
        request.match_info["id"],
        _grants(asked.roles),
        reason=asked.reason,
        actor=actor_of(request),
    )
    return json_answer(whose.to_dict())


@route(
    "POST",
    "/api/v1/people/{id}/disable",
    permission=Permission.MANAGE_ACCESS,
    summary="Disable a person and end their sessions",
    takes=(Body(model=Reason),),
    answers={200: Body(model=PersonDocument)},
    confirm=True,
)
async def disable(request: web.Request) -> web.StreamResponse:
    """Disable a person."""
    asked = await read_document(request, Reason)
    whose = await services_of(request).people.disable(
        request.match_info["id"], reason=asked.reason, actor=actor_of(request)
    )
    return json_answer(whose.to_dict())


@route(
    "POST",
    "/api/v1/people/{id}/enable",
    permission=Permission.MANAGE_ACCESS,
    summary="Let a disabled person act again",
    takes=(Body(model=Reason),),
    answers={200: Body(model=PersonDocument)},
    confirm=True,
)
async def enable(request: web.Request) -> web.StreamResponse:
    """Enable a person."""
    asked = await read_document(request, Reason)
    whose = await services_of(request).people.enable(
        request.match_info["id"], reason=asked.reason, actor=actor_of(request)
    )
    return json_answer(whose.to_dict())


@route(
    "POST",
    "/api/v1/people/{id}/link",
    permission=Permission.MANAGE_ACCESS,
    summary="Make a one-time link for a person; it is shown this once",
    answers={201: Body(model=InvitedPerson)},
    confirm=True,
)
async def link(request: web.Request) -> web.StreamResponse:
    """Make a link."""
    whose = await services_of(request).people.show(
        request.match_info["id"], actor=actor_of(request)
    )
    return await _with_link(request, whose)


ROUTES = (list_all, invite, show, grant, disable, enable, link)


def _grants(lines: Sequence[str]) -> Grants:
    return Grants.of(map(parse_grant, lines))


async def _with_link(request: web.Request, whose: PersonView) -> web.Response:
    made = await services_of(request).invitations.link(whose.id, actor=actor_of(request))
    document = {"link": made.path, "link_expires_at": rfc3339(made.expires_at)}
    return json_answer({**whose.to_dict(), **document}, status=201)
