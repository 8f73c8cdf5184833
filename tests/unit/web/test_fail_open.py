"""What decides or notes fails: then nothing is let through, nothing is shown and nothing is done.

ASVS 5.0, 16.5.3: the application fails securely. Whatever a part in front of the act raises, be it
an error somebody foresaw or not, the answer is a refusal.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from archiver import errors
from archiver.errors import ArchiverError
from archiver.model.actor import Role
from archiver.web import session
from archiver.web.routing import Access, Route
from archiver.web.session import COOKIE
from tests.unit.web.fake_services import Face, FakeServices, bearer
from tests.unit.web.fakes_people import an_actor
from tests.unit.web.test_permission_matrix import GUARDED, name, url

Fail = Callable[[], Exception]
"""Makes an error anew: one that is raised twice drags its first trace along."""


def families() -> list[Fail]:
    """Return an error of each leaf of `archiver.errors`, and some that nobody foresaw."""
    ours: list[Fail] = [
        partial(each, "broken", retry_after_s=1)
        if each is errors.TooMany
        else partial(each, "broken")
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, ArchiverError) and not each.__subclasses__()
    ]
    return [
        *ours,
        partial(RuntimeError, "broken"),
        partial(KeyError, "broken"),
        partial(ValueError, "broken"),
        partial(OSError, "broken"),
        partial(AssertionError, "broken"),
        partial(RecursionError, "broken"),
        partial(TimeoutError, "broken"),
    ]


FAMILIES = families()
ALL_ROLES = an_actor(*Role)


def break_tokens(services: FakeServices, patch: pytest.MonkeyPatch, error: Fail) -> None:
    patch.setattr(services.tokens, "authenticate", raising(error))


def break_sessions(services: FakeServices, patch: pytest.MonkeyPatch, error: Fail) -> None:
    patch.setattr(services.sessions, "authenticate", raising(error))


def break_permissions(_: FakeServices, patch: pytest.MonkeyPatch, error: Fail) -> None:
    def fail(*_args: object) -> bool:
        raise error()

    patch.setattr(session, "allowed_somewhere", fail)


def raising(error: Fail) -> Callable[..., Awaitable[Any]]:
    """Return what stands for a method that fails."""

    async def fail(*_args: object, **_kwargs: object) -> Any:
        raise error()

    return fail


def headers_of(face: Face, services: FakeServices, *, browser: bool) -> dict[str, str]:
    """Return what signs in somebody who may do everything."""
    if not browser:
        return bearer(Role.ADMINISTRATOR)
    secret = services.sessions.sign_in(ALL_ROLES)
    return {
        "Cookie": f"{COOKIE}={secret}",
        "Origin": f"http://{face.host}:{face.port}",
        "X-CSRF-Token": services.sessions.live[secret].csrf,
    }


def is_refusal(route: Route, status: int, location: str) -> bool:
    """Return whether the answer lets nobody in: an error, or the way to the sign-in."""
    if status == 303:
        return route.is_page and location.partition("?")[0] == "/sign-in"
    return status >= 400


BREAKING = (
    pytest.param(break_tokens, False, id="tokens"),
    pytest.param(break_sessions, True, id="sessions"),
    pytest.param(break_permissions, False, id="permissions of a program"),
    pytest.param(break_permissions, True, id="permissions of a person"),
)


@pytest.mark.parametrize(
    "stride", [pytest.param(1, marks=pytest.mark.faults, id="each"), pytest.param(8, id="some")]
)
@pytest.mark.parametrize(("breaks", "browser"), BREAKING)
async def test_no_route_lets_anybody_in_when_what_decides_fails(  # noqa: PLR0917 - fixtures
    face: Face,
    services: FakeServices,
    monkeypatch: pytest.MonkeyPatch,
    breaks: Callable[[FakeServices, pytest.MonkeyPatch, Fail], None],
    browser: bool,  # noqa: FBT001 - pytest passes parameters by position
    stride: int,
) -> None:
    """Every error at every route; in the ordinary run each route meets an eighth of the errors."""
    wrong, statuses = [], Counter[int]()
    headers = headers_of(face, services, browser=browser)
    routes = [
        route
        for route in GUARDED
        if breaks is not break_permissions or not isinstance(route.permission, Access)
    ]
    for number, error in enumerate(FAMILIES):
        with monkeypatch.context() as patch:
            breaks(services, patch, error)
            for route in routes[number % stride :: stride]:
                answer = await face.request(
                    route.method, url(route), headers=headers, allow_redirects=False
                )
                statuses[answer.status] += 1
                if not is_refusal(route, answer.status, answer.headers.get("Location", "")):
                    wrong.append(f"{name(route)} with {error()!r}: {answer.status}")
                if answer.status == 500 and "broken" in await answer.text():
                    wrong.append(f"{name(route)} shows what {error()!r} says")

    print(
        f"{len(FAMILIES)} errors x {len(routes)} routes = {statuses.total()} requests, "
        f"{dict(statuses)}, let in: {len(wrong)}"
    )
    assert wrong == []
    assert services.people.acts == []
    assert services.people.preferences == []
    assert services.ingest.arrivals == []


async def test_the_same_requests_are_let_in_while_nothing_fails(
    face: Face, services: FakeServices
) -> None:
    for browser in (False, True):
        headers = headers_of(face, services, browser=browser)
        for path in ("/people", "/api/v1/people", "/audit", "/settings"):
            assert (await face.get(path, headers=headers)).status == 200
