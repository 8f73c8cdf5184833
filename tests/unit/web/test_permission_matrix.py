"""Every route against every role, generated from the registry: nobody can forget one."""

from itertools import product

import pytest

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
}
GUARDED = [route for route in ROUTES if route.permission is not Access.PUBLIC]


def name(route: Route) -> str:
    return f"{route.method} {route.template}"


def url(route: Route) -> str:
    return route.template.format(**VALUES) + "?q=word&old=1&new=2"


def granted(route: Route, role: Role) -> bool:
    return isinstance(route.permission, Access) or route.permission in PERMISSIONS[role]


@pytest.mark.parametrize(
    ("route", "role"),
    [
        pytest.param(route, role, id=f"{name(route)} {role}")
        for route, role in product(GUARDED, Role)
    ],
)
async def test_a_route_answers_exactly_the_roles_that_hold_its_permission(
    face: Face, route: Route, role: Role
) -> None:
    response = await face.request(
        route.method, url(route), headers=bearer(role), allow_redirects=False
    )

    # Past the gate an empty POST is refused for its form (400, 415): what matters is not for whom.
    assert (response.status == 403) is not granted(route, role), await response.text()
    assert response.status != 401
    assert response.status < 500


@pytest.mark.parametrize("route", GUARDED, ids=name)
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer mun_nobody"}, {"Authorization": "Basic eDp5"}]
)
async def test_nobody_gets_in_without_a_valid_token(
    face: Face, route: Route, headers: dict[str, str]
) -> None:
    response = await face.request(route.method, url(route), headers=headers, allow_redirects=False)

    if route.is_page:
        assert response.status == 303
        assert response.headers["Location"].partition("?")[0] == "/sign-in"
    else:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.content_type == "application/problem+json"


def test_only_health_metrics_sign_in_and_the_description_are_public() -> None:
    public = {route.template for route in ROUTES if route.permission is Access.PUBLIC}

    assert public == {
        "/livez",
        "/readyz",
        "/metrics",
        "/api/v1/openapi.json",
        "/sign-in",
        "/sign-in/passkey",
        "/sign-in/provider",
        "/sign-in/provider/callback",
        "/content/{id}/{name}/{ticket}",
        "/static/{digest}/{name}",
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
