"""Cookies, form tokens, step-up, links: what a browser has to bring to be let through."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import FormData
from hypothesis import given
from hypothesis import strategies as st

from archiver.access.passkeys import PasskeyView
from archiver.errors import DatabaseUnavailable, TooMany
from archiver.model.actor import LimitedRole, Role
from archiver.model.person import Density, Preferences, Theme
from archiver.web.pages.role_choice import chosen
from archiver.web.routes import ROUTES
from archiver.web.routing import Route
from archiver.web.session import COOKIE, HOST_COOKIE, way_back
from tests.unit.web.fake_services import NOW, Face, FakeServices, bearer
from tests.unit.web.fakes_passkeys import KEY
from tests.unit.web.fakes_people import PASSWORD, PERSON, SECRET, an_actor

EVIL = "https://evil.example"
CONFIRMED = [route for route in ROUTES if route.confirm]


def origin(face: Face) -> dict[str, str]:
    return {"Origin": f"http://{face.host}:{face.port}"}


def enter(face: Face, services: FakeServices, *roles: Role, stale: bool = False) -> str:
    """Put a session's cookie into the browser; return the token its forms carry."""
    confirmed_at = NOW - timedelta(minutes=10) if stale else NOW
    secret = services.sessions.sign_in(an_actor(*roles), confirmed_at=confirmed_at)
    face.session.cookie_jar.update_cookies({COOKIE: secret}, face.make_url("/"))
    return services.sessions.live[secret].csrf


async def test_signing_in_gives_a_cookie_no_script_and_no_other_site_can_use(face: Face) -> None:
    fields = {"email": "rosa@example.com", "password": PASSWORD, "next": "/holds?state=active"}

    response = await face.post("/sign-in", data=fields, headers=origin(face), allow_redirects=False)

    cookie = response.headers["Set-Cookie"]
    assert (response.status, response.headers["Location"]) == (303, "/holds?state=active")
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie
    assert "Max-Age" not in cookie


async def test_behind_tls_the_cookie_is_one_no_other_host_can_plant(
    face: Face, services: FakeServices
) -> None:
    tls = {"Origin": f"https://{face.host}:{face.port}", "X-Forwarded-Proto": "https"}
    fields = {"email": "rosa@example.com", "password": PASSWORD}

    response = await face.post("/sign-in", data=fields, headers=tls, allow_redirects=False)

    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith(f"{HOST_COOKIE}=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    secret = services.sessions.sign_in(an_actor(Role.AUDITOR))
    plain = await face.get(
        "/me",
        headers={"Cookie": f"{COOKIE}={secret}", "X-Forwarded-Proto": "https"},
        allow_redirects=False,
    )
    assert plain.headers["Location"] == "/sign-in?next=/me"


async def test_a_secret_the_browser_had_before_is_none_afterwards(
    face: Face, services: FakeServices
) -> None:
    enter(face, services, Role.AUDITOR)
    (planted,) = services.sessions.live
    fields = {"email": "rosa@example.com", "password": PASSWORD}

    await face.post("/sign-in", data=fields, headers=origin(face), allow_redirects=False)

    assert planted not in services.sessions.live


@pytest.mark.parametrize("password", ["wrong", "", PASSWORD[:-1]])
async def test_a_wrong_password_is_told_and_sets_no_cookie(face: Face, password: str) -> None:
    fields = {"email": "<b>rosa", "password": password}

    response = await face.post("/sign-in", data=fields, headers=origin(face))

    page = await response.text()
    assert response.status == 403
    assert "Set-Cookie" not in response.headers
    assert "do not fit" in page
    assert "<b>rosa" not in page
    assert f'value="{password}"' not in page or not password


async def test_who_tries_too_often_is_told_when_to_come_back(
    face: Face, services: FakeServices
) -> None:
    services.passwords.failure = TooMany("too many tries", retry_after_s=7)

    response = await face.post("/sign-in", data={"email": "x"}, headers=origin(face))

    assert (response.status, response.headers["Retry-After"]) == (429, "7")


async def test_a_token_is_no_way_into_a_browser(face: Face) -> None:
    fields = {"email": "mun_counsel", "password": "mun_counsel", "token": "mun_counsel"}

    response = await face.post("/sign-in", data=fields, headers=origin(face))
    page = await face.get("/search", headers={"Cookie": f"{COOKIE}=mun_counsel"})

    assert response.status == 403
    assert page.url.path == "/sign-in"


@pytest.mark.parametrize("path", ["/sign-in", f"/welcome/{SECRET}"])
@pytest.mark.parametrize("sent", [None, EVIL, "null", "http://[broken"])
async def test_another_site_signs_nobody_in(face: Face, path: str, sent: str | None) -> None:
    fields = {"email": "rosa@example.com", "password": PASSWORD}

    response = await face.post(
        path, data=fields, headers={"Origin": sent} if sent else {}, allow_redirects=False
    )

    assert response.status == 403
    assert "Set-Cookie" not in response.headers


async def test_a_browser_that_hides_its_origin_still_says_it_is_our_page(face: Face) -> None:
    fields = {"email": "rosa@example.com", "password": PASSWORD}
    hidden = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    elsewhere = {"Origin": EVIL, "Sec-Fetch-Site": "same-origin"}

    for headers, status in ((hidden, 303), (elsewhere, 403)):
        response = await face.post("/sign-in", data=fields, headers=headers, allow_redirects=False)
        assert response.status == status


@pytest.mark.parametrize("how", ["field", "header"])
async def test_a_form_with_the_sessions_token_acts(
    face: Face, services: FakeServices, how: str
) -> None:
    csrf = enter(face, services, Role.AUDITOR)
    fields = {"theme": "dark", "density": "compact", "next": "/me"}
    headers = origin(face) | ({"X-CSRF-Token": csrf} if how == "header" else {})

    response = await face.post(
        "/me/preferences",
        data=fields | ({"csrf": csrf} if how == "field" else {}),
        headers=headers,
        allow_redirects=False,
    )

    assert (response.status, response.headers["Location"]) == (303, "/me")
    assert services.people.preferences == [
        Preferences(theme=Theme.DARK, density=Density.COMPACT, single_keys=False)
    ]


@pytest.mark.parametrize("sent", ["", "x", "é", "another's"])
async def test_a_form_without_the_sessions_token_does_nothing(
    face: Face, services: FakeServices, sent: str
) -> None:
    others = services.sessions.sign_in(an_actor(Role.AUDITOR))
    enter(face, services, Role.AUDITOR)
    csrf = services.sessions.live[others].csrf if sent == "another's" else sent

    for data in ({"csrf": csrf, "theme": "dark"}, FormData({"csrf": csrf, "theme": "dark"})):
        response = await face.post("/me/preferences", data=data, headers=origin(face))
        assert response.status == 403
    with_json = await face.post("/me/preferences", json={"csrf": csrf}, headers=origin(face))
    assert with_json.status == 403
    assert services.people.preferences == []


async def test_the_token_alone_is_not_enough_from_another_site(
    face: Face, services: FakeServices
) -> None:
    csrf = enter(face, services, Role.AUDITOR)

    response = await face.post("/me/preferences", data={"csrf": csrf}, headers={"Origin": EVIL})

    assert response.status == 403


UPLOADS = [
    route
    for route in ROUTES
    if route.is_page and any(b.media_type == "multipart/form-data" for b in route.takes)
]


@pytest.mark.parametrize("route", UPLOADS, ids=lambda route: route.path)
async def test_an_upload_carries_the_token_as_its_first_field_or_is_refused(
    face: Face, services: FakeServices, route: Route
) -> None:
    csrf = enter(face, services, Role.OPERATOR, Role.RECORDS_MANAGER)
    statuses = []
    for first in ("csrf", "other"):
        form = FormData(default_to_multipart=True)
        form.add_field(first, csrf)
        form.add_field("csrf", csrf)
        response = await face.request(
            route.method,
            route.template.format(id=PERSON),
            data=form,
            headers=origin(face),
            allow_redirects=False,
        )
        statuses.append(response.status)

    assert statuses[0] != 403
    assert statuses[1] == 403


async def test_reading_needs_no_token(face: Face, services: FakeServices) -> None:
    enter(face, services, Role.AUDITOR)

    assert (await face.get("/me", headers={"Origin": EVIL})).status == 200


async def test_a_bearer_token_needs_no_form_token_and_no_origin(face: Face) -> None:
    response = await face.post(
        "/api/v1/tokens",
        json={"name": "n", "roles": ["auditor"]},
        headers=bearer(Role.ADMINISTRATOR),
    )

    assert response.status == 201


async def test_an_authorization_header_wins_over_the_cookie(
    face: Face, services: FakeServices
) -> None:
    enter(face, services, Role.ADMINISTRATOR)

    response = await face.get("/api/v1/tokens", headers=bearer(Role.REVIEWER))

    assert response.status == 403


def test_acts_on_access_ask_for_a_fresh_proof() -> None:
    asked = {route.template for route in CONFIRMED if route.method != "GET"}

    assert asked >= {
        "/people/new",
        "/people/{id}/roles/change",
        "/people/{id}/disable",
        "/people/{id}/link",
        "/me/break-glass",
        "/people/tokens",
        "/api/v1/people",
        "/api/v1/people/{id}/roles",
        "/api/v1/tokens",
    }


async def test_a_page_that_needs_a_fresh_proof_leads_there_and_back(
    face: Face, services: FakeServices
) -> None:
    enter(face, services, Role.ADMINISTRATOR, stale=True)

    asked = await face.get("/people/new", allow_redirects=False)
    assert (asked.status, asked.headers["Location"]) == (303, "/confirm?next=/people/new")

    page = await face.get(asked.headers["Location"])
    csrf = re.search(r'name="csrf" value="([^"]+)"', await page.text())
    assert csrf is not None
    proof = {"csrf": csrf[1], "password": PASSWORD, "next": "/people/new"}
    old = set(services.sessions.live)
    done = await face.post("/confirm", data=proof, headers=origin(face), allow_redirects=False)

    assert done.headers["Location"] == "/people/new"
    assert set(services.sessions.live).isdisjoint(old)  # a new secret
    assert (await face.get("/people/new")).status == 200


@pytest.mark.parametrize("kept", [(KEY,), ()], ids=["has one", "has none"])
async def test_a_passkey_is_offered_to_whoever_has_one(
    face: Face, services: FakeServices, kept: tuple[PasskeyView, ...]
) -> None:
    enter(face, services, Role.ADMINISTRATOR, stale=True)
    services.passkeys.kept = kept

    page = await (await face.get("/confirm")).text()

    assert ("Confirm with a passkey" in page) is bool(kept)


async def test_a_form_sent_too_late_leads_back_to_its_page(
    face: Face, services: FakeServices
) -> None:
    csrf = enter(face, services, Role.ADMINISTRATOR, stale=True)
    page = face.make_url(f"/people/{PERSON}")

    response = await face.post(
        f"/people/{PERSON}/link",
        data={"csrf": csrf},
        headers=origin(face) | {"Referer": str(page)},
        allow_redirects=False,
    )

    assert response.headers["Location"] == f"/confirm?next=/people/{PERSON}"
    assert services.people.acts == []


async def test_a_wrong_password_confirms_nothing(face: Face, services: FakeServices) -> None:
    csrf = enter(face, services, Role.ADMINISTRATOR, stale=True)

    response = await face.post(
        "/confirm", data={"csrf": csrf, "password": "wrong"}, headers=origin(face)
    )

    assert response.status == 403
    again = await face.get("/people/new", allow_redirects=False)
    assert again.status == 303


async def test_a_program_in_a_browser_is_told_to_confirm_and_a_token_is_not_asked(
    face: Face, services: FakeServices
) -> None:
    csrf = enter(face, services, Role.ADMINISTRATOR, stale=True)
    token = {"name": "n", "roles": ["auditor"]}

    asked = await face.post(
        "/api/v1/tokens", json=token, headers=origin(face) | {"X-CSRF-Token": csrf}
    )
    passed = await face.post("/api/v1/tokens", json=token, headers=bearer(Role.ADMINISTRATOR))

    assert asked.status == 403
    assert (await asked.json())["type"] == "urn:muniment:problem:confirm"
    assert passed.status == 201


@pytest.mark.parametrize("route", CONFIRMED, ids=lambda route: f"{route.method} {route.template}")
async def test_no_stale_session_passes_a_route_that_asks(
    face: Face, services: FakeServices, route: object
) -> None:
    csrf = enter(face, services, *Role, stale=True)
    values = {"id": PERSON, "session": "S0", "name": "x", "code": "x"}

    response = await face.request(
        route.method,  # type: ignore[attr-defined]
        route.template.format_map(values),  # type: ignore[attr-defined]
        headers=origin(face) | {"X-CSRF-Token": csrf},
        allow_redirects=False,
    )

    to_confirm = response.headers.get("Location", "").startswith("/confirm")
    assert to_confirm or response.status == 403
    assert services.people.acts == []
    assert services.holds.placed == []


async def test_htmx_is_sent_away_instead_of_swapping_a_sign_in_into_the_page(face: Face) -> None:
    response = await face.get("/me", headers={"HX-Request": "true"}, allow_redirects=False)

    assert (response.status, response.headers["HX-Redirect"]) == (401, "/sign-in?next=/me")


@pytest.mark.parametrize("path", ["/me", "/search", "/people", "/api/v1/sessions"])
async def test_nobody_is_let_in_while_the_database_is_down(
    face: Face, services: FakeServices, path: str
) -> None:
    enter(face, services, *Role)
    services.sessions.failure = DatabaseUnavailable("the database did not answer")

    response = await face.get(path, allow_redirects=False)

    assert response.status == 503


async def test_a_link_opens_without_being_used_and_then_signs_in(
    face: Face, services: FakeServices
) -> None:
    path = f"/welcome/{SECRET}"

    page = await face.get(path)
    text = await page.text()
    short = await face.post(path, data={"password": "short"}, headers=origin(face))
    done = await face.post(
        path, data={"password": PASSWORD}, headers=origin(face), allow_redirects=False
    )
    again = await face.get(path)

    assert page.status == 200
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert SECRET not in text
    assert short.status == 400
    assert (done.status, done.headers["Location"]) == (303, "/")
    assert COOKIE in done.headers["Set-Cookie"]
    assert again.status == 403
    assert services.invitations.used


async def test_no_secret_stands_in_the_log(
    face: Face, services: FakeServices, capsys: pytest.CaptureFixture[str]
) -> None:
    csrf = enter(face, services, Role.AUDITOR)
    secrets = [SECRET, csrf, PASSWORD, *services.sessions.live]
    await face.get(f"/welcome/{SECRET}")
    await face.get("/me?next=private")
    await face.post("/sign-in", data={"email": "x", "password": PASSWORD}, headers=origin(face))
    services.sessions.failure = RuntimeError("nobody foresaw this")
    await face.get("/me")

    logged = capsys.readouterr().out
    assert "/welcome/{secret}" in logged
    assert "nobody foresaw this" in logged
    assert [secret for secret in secrets if secret in logged] == []
    assert "private" not in logged


@given(st.text(max_size=40))
def test_the_way_back_stays_on_this_site(path: str) -> None:
    back = way_back(path)

    assert back in {"/", path}
    assert re.match(r"/(?![/\\])", back)
    assert back.isprintable()


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "", "/\n/x"],
)
def test_what_leads_away_leads_to_the_start(path: str) -> None:
    assert way_back(path) == "/"


def test_chosen_roles_are_whole_kept_and_added() -> None:
    fields = {"whole": "auditor", "role-1": "reviewer", "over-1": "matter", "name-1": " A; B "}

    grants = chosen([*fields.items(), ("part", "counsel in unit Treasury")])

    assert grants.roles == {Role.AUDITOR}
    assert grants.limited == {
        LimitedRole(role=Role.REVIEWER, matter="A; B"),
        LimitedRole(role=Role.COUNSEL, unit="Treasury"),
    }


async def test_a_token_for_a_part_without_its_name_is_not_one_for_everything(
    face: Face, services: FakeServices
) -> None:
    csrf = enter(face, services, Role.ADMINISTRATOR)
    fields = {"name": "n", "role": "auditor", "over": "unit", "part": "", "days": "9"}

    response = await face.post("/people/tokens", data=fields | {"csrf": csrf}, headers=origin(face))

    assert response.status == 400
    assert services.tokens.views == {}


async def test_roles_are_changed_after_their_consequences_were_shown(
    face: Face, services: FakeServices
) -> None:
    csrf = enter(face, services, Role.ADMINISTRATOR)
    look = await face.get(f"/people/{PERSON}/roles/change?whole=counsel")
    page = await look.text()

    assert services.people.acts == []
    assert "Given: Counsel" in page
    assert "Taken: Records manager" in page
    assert "<b>Treasury" not in page
    await face.post(
        f"/people/{PERSON}/roles/change",
        data={"csrf": csrf, "grants": "counsel", "reason": "moved"},
        headers=origin(face),
        allow_redirects=False,
    )
    assert services.people.acts == ["granted counsel because moved"]


@pytest.mark.parametrize(
    "path",
    [
        "/me",
        "/me/break-glass",
        "/people",
        "/people/new",
        f"/people/{PERSON}",
        f"/people/{PERSON}/roles",
        f"/people/{PERSON}/disable",
        "/people/tokens",
        "/confirm",
    ],
)
async def test_every_page_shows_hostile_names_as_words(
    face: Face, services: FakeServices, path: str
) -> None:
    enter(face, services, Role.ADMINISTRATOR)

    response = await face.get(path)

    page = await response.text()
    assert response.status == 200, page
    assert "<i>Records" not in page
    assert "<b>Treasury" not in page


async def test_addresses_come_from_as_many_proxies_as_are_trusted(
    face: Face, services: FakeServices
) -> None:
    sent = origin(face) | {"X-Forwarded-For": "6.6.6.6, 192.0.2.7, 10.0.0.1"}
    for trusted in (0, 2):
        services.settings = services.settings.model_copy(update={"trusted_proxies": trusted})
        await face.post("/sign-in", data={"email": "x", "password": "y"}, headers=sent)

    assert services.passwords.addresses == ["127.0.0.1", "192.0.2.7"]


def test_no_template_of_ours_posts_to_another_host() -> None:
    for path in Path("archiver/web/templates").glob("*.html"):
        assert not re.search(r'action="(?:https?:)?//', path.read_text()), path
