"""The pages of passkeys, and the cookie of a sign-in under way."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from archiver.config import load_settings
from archiver.model.actor import Role
from archiver.web.connection import CONNECTION
from archiver.web.server import create_app
from archiver.web.session import COOKIE
from tests.unit.web.fake_services import NOW, Face, FakeServices, bearer
from tests.unit.web.fakes_passkeys import KEY
from tests.unit.web.fakes_people import an_actor

HTTPS = "https://archive.example.com"


class Browser:
    """A browser of somebody signed in."""

    def __init__(self, face: Face, services: FakeServices, *, ago: timedelta) -> None:
        self.face = face
        secret = services.sessions.sign_in(an_actor(Role.AUDITOR), confirmed_at=NOW - ago)
        self.csrf = services.sessions.live[secret].csrf
        self.cookies = {COOKIE: secret, "muniment_passkey": "sealed"}

    async def get(self, path: str) -> ClientResponse:
        return await self.face.get(path, cookies=self.cookies, allow_redirects=False)

    async def post(self, path: str, **fields: str) -> ClientResponse:
        return await self.face.post(
            path,
            data={"csrf": self.csrf, **fields},
            cookies=self.cookies,
            headers={"Origin": f"http://{self.face.host}:{self.face.port}"},
            allow_redirects=False,
        )


@pytest.fixture
def fresh(face: Face, services: FakeServices) -> Browser:
    """Somebody who has just proved who they are."""
    return Browser(face, services, ago=timedelta(0))


@pytest.fixture
def stale(face: Face, services: FakeServices) -> Browser:
    """Somebody who did so an hour ago."""
    return Browser(face, services, ago=timedelta(hours=1))


@pytest.fixture
def reached() -> FakeServices:
    """An archive that says at which address it is reached."""
    return FakeServices(settings=load_settings({"MUNIMENT_PUBLIC_URL": HTTPS}))


@pytest.fixture
async def public(reached: FakeServices) -> AsyncIterator[Face]:
    """It, being served."""
    server = TestServer(create_app(reached))
    await server.start_server(**CONNECTION)
    async with TestClient(server) as client:
        yield client


async def test_the_page_carries_the_challenge_and_works_by_form(face: Face) -> None:
    response = await face.get("/sign-in/passkey?next=/holds")

    page = await response.text()
    options = re.search(r'data-options="([^"]*)"', page)
    assert options is not None
    assert unescape(options[1]) == '{"challenge":"<b>"}'
    assert '<input type="hidden" name="next" value="/holds">' in page
    assert "A passkey needs JavaScript" in page
    assert response.cookies["muniment_passkey"].value == "sealed"


async def test_a_good_answer_signs_in_and_leads_on(face: Face) -> None:
    origin = f"http://{face.host}:{face.port}"
    response = await face.post(
        "/sign-in/passkey",
        data={"credential": "good", "next": "/holds"},
        cookies={"muniment_passkey": "sealed"},
        headers={"Origin": origin},
        allow_redirects=False,
    )

    assert (response.status, response.headers["Location"]) == (303, "/holds")
    assert response.cookies[COOKIE].value
    assert response.cookies["muniment_passkey"]["max-age"] == "0"


@pytest.mark.parametrize(
    ("credential", "cookie"), [("bad", "sealed"), ("good", "another"), ("", "")]
)
async def test_a_bad_answer_is_told_with_a_new_challenge_and_signs_nobody_in(
    face: Face, credential: str, cookie: str
) -> None:
    response = await face.post(
        "/sign-in/passkey",
        data={"credential": credential, "next": "//evil.example"},
        cookies={"muniment_passkey": cookie},
        headers={"Origin": f"http://{face.host}:{face.port}"},
    )

    page = await response.text()
    assert response.status == 403
    assert "the passkey&#39;s answer was not accepted" in page
    assert "evil.example" not in page
    assert COOKIE not in response.cookies
    assert response.cookies["muniment_passkey"].value == "sealed"


async def test_confirming_changes_the_secret_of_the_session(stale: Browser) -> None:
    response = await stale.post("/confirm/passkey", credential="good", next="/me/passkeys/new")

    assert (response.status, response.headers["Location"]) == (303, "/me/passkeys/new")
    assert response.cookies[COOKIE].value not in {"", stale.cookies[COOKIE]}


async def test_a_token_confirms_nothing(face: Face) -> None:
    response = await face.post(
        "/confirm/passkey", data={"credential": "good"}, headers=bearer(Role.AUDITOR)
    )

    assert response.status == 409


async def test_a_passkey_is_added_and_removed_only_after_a_fresh_proof(
    stale: Browser, fresh: Browser, services: FakeServices
) -> None:
    for path in ("/me/passkeys/new", "/me/passkeys", f"/me/passkeys/{KEY.id}/remove"):
        act = stale.get if path.endswith("new") else stale.post
        response = await act(path)
        assert response.headers["Location"].startswith("/confirm"), path
    assert services.passkeys.removed == []

    assert (await fresh.get("/me/passkeys/new")).status == 200
    added = await fresh.post("/me/passkeys", credential="good", name="Key")
    removed = await fresh.post(f"/me/passkeys/{KEY.id}/remove")
    assert [each.headers["Location"] for each in (added, removed)] == ["/me/passkeys"] * 2
    assert services.passkeys.removed == [KEY.id]


async def test_a_missing_name_is_explained_where_it_stands(fresh: Browser) -> None:
    response = await fresh.post("/me/passkeys", credential="good", name="")

    page = await response.text()
    assert response.status == 400
    assert 'href="#f-name"' in page


async def test_a_passkeys_name_is_inert(fresh: Browser) -> None:
    for path in ("/me/passkeys", f"/me/passkeys/{KEY.id}"):
        page = await (await fresh.get(path)).text()
        assert "<b>Blue</b>" not in page
        assert "&lt;b&gt;Blue&lt;/b&gt; key" in page


async def test_a_passkey_that_is_not_ones_own_is_not_found(fresh: Browser) -> None:
    assert (await fresh.get("/me/passkeys/b3RoZXI")).status == 404


async def test_passkeys_are_bound_to_the_public_address(
    public: Face, reached: FakeServices
) -> None:
    response = await public.get("/sign-in/passkey", headers={"Host": "evil.example"})

    assert response.status == 200
    assert [(site.origin, site.rp_id) for site in reached.passkeys.sites] == [
        (HTTPS, "archive.example.com")
    ]


async def test_over_https_the_cookie_is_of_this_host_alone(public: Face) -> None:
    response = await public.get("/sign-in/passkey", headers={"X-Forwarded-Proto": "https"})

    cookie = response.cookies["__Host-muniment-passkey"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert cookie["domain"] == ""


@pytest.mark.parametrize("host", ["evil.example", "archive.example.com", "127.0.0.1.evil.example"])
async def test_a_host_header_decides_nothing_unless_it_names_this_machine(
    face: Face, services: FakeServices, host: str
) -> None:
    response = await face.get("/sign-in/passkey", headers={"Host": host})

    assert response.status == 500
    assert services.passkeys.sites == []
    assert "evil" not in await response.text()


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"])
async def test_on_this_machine_passkeys_need_no_setting(
    face: Face, services: FakeServices, host: str
) -> None:
    await face.get("/sign-in/passkey", headers={"Host": host})

    assert [site.origin for site in services.passkeys.sites] == [f"http://{host}"]
