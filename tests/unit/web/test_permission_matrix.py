"""Every route against every role, generated from the registry: nobody can forget one."""

from collections import Counter
from itertools import product

from archiver.access.rules import PERMISSIONS
from archiver.model.actor import Role
from archiver.web.routes import ROUTES
from archiver.web.routing import Access, Route
from tests.unit.web.fake_services import Face, bearer
from tests.unit.web.fakes_records import RECORD

VALUES = {
    "id": RECORD,
    "name": "payload.json",
    "object": "tile/0/000",
    "digest": "0" * 12,
    "code": "us-finra-2210-public",
    "type": "hold",
    "session": "S0",
    "topic": "auditor",
    "secret": "s" * 43,
    "ticket": "t" * 43,
    "file": "app.css",
}
GUARDED = [route for route in ROUTES if route.permission is not Access.PUBLIC]


def name(route: Route) -> str:
    return f"{route.method} {route.template}"


def url(route: Route) -> str:
    # Of the log's files `object` is a path, of events the id of what they are about.
    values = {**VALUES, "object": RECORD} if "/about/" in route.template else VALUES
    if "/pictures/" in route.template:
        values = {**VALUES, "name": "none.png"}
    return route.template.format(**values) + "?q=word&old=1&new=2"


def granted(route: Route, role: Role) -> bool:
    return isinstance(route.permission, Access) or route.permission in PERMISSIONS[role]


WHO = [(role, unit) for role in Role for unit in ("", "Treasury")]
"""Every role, held over the whole archive and over one unit."""


async def test_a_route_answers_exactly_the_roles_that_hold_its_permission(face: Face) -> None:
    wrong = []
    answered = Counter[str]()
    for route, (role, unit) in product(GUARDED, WHO):
        response = await face.request(
            route.method, url(route), headers=bearer(role, unit), allow_redirects=False
        )
        refused = response.status == 403
        answered["refused" if refused else "let in"] += 1
        # Past the gate an empty POST is refused for its form (400, 415). A limited role that is let
        # through it may still be told that the thing is about the whole archive.
        stands = refused if not granted(route, role) else not refused or bool(unit)
        if not stands:
            wrong.append(f"{name(route)} as {role} {unit}: {response.status}")
        if response.status == 401 or response.status >= 500:
            wrong.append(f"{name(route)} as {role} {unit}: {response.status}")

    print(f"{len(GUARDED)} routes x {len(WHO)} roles, whole and limited: {dict(answered)}")
    assert wrong == []


NOBODY: tuple[dict[str, str], ...] = (
    {},
    {"Authorization": "Bearer mun_nobody"},
    {"Authorization": "Basic eDp5"},
)


async def test_nobody_gets_in_without_a_valid_token(face: Face) -> None:
    wrong = []
    for route, headers in product(GUARDED, NOBODY):
        response = await face.request(
            route.method, url(route), headers=headers, allow_redirects=False
        )
        location = response.headers.get("Location", "").partition("?")[0]
        challenge = response.headers.get("WWW-Authenticate", "").partition(" ")[0]
        told = (response.status, location if route.is_page else challenge)
        if told != ((303, "/sign-in") if route.is_page else (401, "Bearer")):
            wrong.append(f"{name(route)} with {headers}: {told}")

    assert wrong == []


def test_only_health_metrics_sign_in_and_the_description_are_public() -> None:
    public = {route.template for route in ROUTES if route.permission is Access.PUBLIC}

    assert public == {
        "/livez",
        "/readyz",
        "/metrics",
        "/api/v1/openapi.json",
        "/sign-in",
        "/welcome/{secret}",
        "/sign-in/passkey",
        "/sign-in/provider",
        "/sign-in/provider/callback",
        "/content/{id}/{name}/{ticket}",
        "/static/{file}",
    }


async def test_no_route_of_the_application_is_outside_the_registry(face: Face) -> None:
    assert face.app is not None
    served = {
        (entry.method, entry.resource.canonical)
        for entry in face.app.router.routes()
        if entry.resource is not None
    }

    declared = {(route.method, route.template) for route in ROUTES}
    assert {pair for pair in served if pair[0] != "HEAD"} == declared
