"""Signing in with a provider of another make, from the first redirect to the session's cookie."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from archiver.app import Services, open_services
from archiver.audit.actions import Action
from archiver.config import Settings
from archiver.db import people as person_rows
from archiver.db.people import PersonRow
from archiver.db.tables import event
from archiver.model.actor import Role
from archiver.model.grants import Grants
from archiver.model.person import PersonState
from archiver.web.connection import CONNECTION
from archiver.web.server import create_app
from tests.fakes.archive import found, settings_for
from tests.fakes.oidc_provider import OidcProvider

ROLES = """
"archive-counsel" = "counsel"
"archive-auditors" = "auditor"
"treasury" = { role = "reviewer", unit = "Treasury" }
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    """A running provider."""
    running = OidcProvider()
    yield running
    running.stop()


def ada(provider: OidcProvider, *groups: str, **claims: object) -> None:
    said = {"name": "Ada L.", "email": "ada@example.com", "email_verified": True, **claims}
    provider.set_user("ada", groups=list(groups), **said)


@pytest.fixture
async def settings(tmp_path: Path, provider: OidcProvider) -> Settings:
    """Settings of an archive that signs people in with the provider."""
    ada(provider, "archive-counsel")
    roles = tmp_path / "roles.toml"
    roles.write_text(ROLES)
    secret = tmp_path / "secret"
    secret.write_text("s3cret & more\n")
    founded = await found(settings_for(tmp_path / "home"))
    return founded.model_copy(
        update={
            "oidc_issuer": provider.issuer,
            "oidc_client_id": "muniment",
            "oidc_client_secret_file": secret,
            "oidc_roles_file": roles,
        }
    )


class Archive:
    """An archive being served, and browsers that go to it."""

    def __init__(self, services: Services, url: str) -> None:
        self.services = services
        self.url = url

    async def person(self, email: str = "ada@example.com") -> PersonRow | None:
        async with self.services.database.reading() as tx:
            return await person_rows.find_by_email(tx, email)

    async def invite(self, email: str, *roles: Role, **columns: object) -> str:
        """Put somebody into the register, as an administrator's invitation does."""
        now = self.services.clock()
        person_id = "01K00000000000000000000001"
        state = PersonState.INVITED if not columns else PersonState.ACTIVE
        async with self.services.database.transaction() as tx:
            await tx.run_sync(
                lambda connection: person_rows.state_person(
                    connection,
                    person_id=person_id,
                    name="Ada",
                    email=email,
                    state=state,
                    grants=Grants(roles=frozenset(roles)),
                    at=int(now.timestamp() * 1000) - 1000,
                    by="an administrator",
                )
            )
            if columns:
                await person_rows.change(tx, person_id, **columns)
        return person_id

    async def actions(self) -> list[tuple[str, str]]:
        """Return what was done to or by people, oldest first, and by whom."""
        wanted = ("person:", "session:")
        async with self.services.database.reading() as tx:
            rows = await tx.execute(select(event.c.action, event.c.actor).order_by(event.c.at))
        return [(row.action, row.actor) for row in rows if row.action.startswith(wanted)]


class Browser:
    """A browser without a window: cookies, and redirects followed by hand."""

    def __init__(self, archive: Archive, provider: OidcProvider, session: ClientSession) -> None:
        self.archive = archive
        self.provider = provider
        self.session = session

    async def get(self, path: str) -> ClientResponse:
        url = path if path.startswith("http") else self.archive.url + path
        return await self.session.get(url, allow_redirects=False)

    async def depart(self, path: str = "/sign-in/provider?next=/search") -> str:
        """Begin; return where the provider is asked."""
        response = await self.get(path)
        assert response.status == 303, await response.text()
        return response.headers["Location"]

    async def answer(self, asked: str, subject: str = "ada", **form: str) -> str:
        """Sign in at the provider; return where it sends the browser back to."""
        data = form or {"sub": subject}
        async with self.session.post(asked, data=data, allow_redirects=False) as response:
            assert response.status == 302, await response.text()
            return response.headers["Location"]

    async def sign_in(self, subject: str = "ada") -> ClientResponse:
        return await self.get(await self.answer(await self.depart(), subject))

    async def is_signed_in(self) -> bool:
        response = await self.get("/me/passkeys")
        return response.status == 200


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Archive]:
    async with open_services(settings) as services:
        server = TestServer(create_app(services))
        await server.start_server(**CONNECTION)
        try:
            yield Archive(services, str(server.make_url("")).rstrip("/"))
        finally:
            await server.close()


@pytest.fixture
async def archive(settings: Settings) -> AsyncIterator[Archive]:
    async with serving(settings) as served:
        yield served


@asynccontextmanager
async def opened(archive: Archive, provider: OidcProvider) -> AsyncIterator[Browser]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield Browser(archive, provider, session)


@pytest.fixture
async def browser(archive: Archive, provider: OidcProvider) -> AsyncIterator[Browser]:
    async with opened(archive, provider) as one:
        yield one


async def test_somebody_new_signs_in_and_holds_what_their_groups_give(
    browser: Browser, archive: Archive
) -> None:
    response = await browser.sign_in()

    assert (response.status, response.headers["Location"]) == (303, "/search")
    assert await browser.is_signed_in()
    person = await archive.person()
    assert person is not None
    assert (person.name, person.state) == ("Ada L.", "active")
    assert person.subject == f"{browser.provider.issuer} ada"
    assert person.grants.lines == ("counsel",)
    assert await archive.actions() == [
        ("person:invited", f"provider {browser.provider.issuer}"),
        ("person:joined", "ada@example.com"),
        ("session:started", "ada@example.com"),
    ]


async def test_the_provider_is_asked_with_state_nonce_and_a_code_challenge(
    browser: Browser,
) -> None:
    first, second = await browser.depart(), await browser.depart()

    asked, again = (parse_qs(urlsplit(url).query) for url in (first, second))
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{browser.archive.url}/sign-in/provider/callback"]
    assert "openid" in asked["scope"][0].split()
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name][0]) == 43
        assert asked[name] != again[name]


async def test_the_cookie_of_a_sign_in_is_for_no_script_and_no_other_site(
    browser: Browser,
) -> None:
    response = await browser.get("/sign-in/provider")

    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age=600" in cookie


async def test_roles_follow_the_groups_at_every_sign_in(
    browser: Browser, archive: Archive, provider: OidcProvider
) -> None:
    await browser.sign_in()
    ada(provider, "archive-auditors", "treasury", "canteen")

    await browser.sign_in()

    person = await archive.person()
    assert person is not None
    assert person.grants.lines == ("auditor", "reviewer in unit Treasury")
    assert ("person:granted", f"provider {provider.issuer}") in await archive.actions()


async def test_who_left_every_group_gets_in_no_more_and_is_signed_out_everywhere(
    browser: Browser, archive: Archive, provider: OidcProvider
) -> None:
    await browser.sign_in()
    ada(provider)

    async with opened(archive, provider) as elsewhere:
        response = await elsewhere.sign_in()
        assert response.status == 403
        assert "none of your groups has a role" in await response.text()

    person = await archive.person()
    assert person is not None
    assert not person.grants
    assert not await browser.is_signed_in()
    assert (await archive.actions())[-1] == ("session:refused", "ada@example.com")


async def test_a_stranger_without_a_group_becomes_nobody(
    browser: Browser, archive: Archive, provider: OidcProvider
) -> None:
    provider.set_user("eve", email="eve@example.com", email_verified=True, groups=["canteen"])

    response = await browser.sign_in("eve")

    assert response.status == 403
    assert await archive.person("eve@example.com") is None


async def test_an_invited_person_is_found_by_a_verified_e_mail(
    browser: Browser, archive: Archive
) -> None:
    person_id = await archive.invite("ada@example.com", Role.AUDITOR)

    response = await browser.sign_in()

    person = await archive.person()
    assert response.status == 303
    assert person is not None
    assert (person.id, person.state, person.grants.lines) == (person_id, "active", ("counsel",))
    assert ("person:joined", "ada@example.com") in await archive.actions()


@pytest.mark.parametrize("verified", [False, "no", None])
async def test_an_e_mail_that_was_not_verified_finds_nobody(
    browser: Browser, archive: Archive, provider: OidcProvider, verified: object
) -> None:
    await archive.invite("ada@example.com", Role.AUDITOR)
    ada(provider, "archive-counsel", email_verified=verified)

    response = await browser.sign_in()

    person = await archive.person()
    assert response.status == 403
    assert person is not None
    assert (person.state, person.subject) == ("invited", None)


@pytest.mark.parametrize(
    "way", [{"subject": "https://other.example ada"}, {"password_hash": "$argon2id$v=19$x"}]
)
async def test_nobody_takes_over_an_account_by_its_e_mail(
    browser: Browser, archive: Archive, way: dict[str, object]
) -> None:
    await archive.invite("ada@example.com", Role.ADMINISTRATOR, **way)

    response = await browser.sign_in()

    assert response.status == 403
    assert "is not taken over" in await response.text()
    person = await archive.person()
    assert person is not None
    assert person.subject == way.get("subject")
    assert person.grants.lines == ("administrator",)


async def test_who_was_disabled_stays_out(browser: Browser, archive: Archive) -> None:
    await browser.sign_in()
    person = await archive.person()
    assert person is not None
    async with archive.services.database.transaction() as tx:
        await person_rows.change(tx, person.id, state=PersonState.DISABLED)

    response = await browser.sign_in()

    assert response.status == 403
    assert "access to this archive was ended" in await response.text()


async def test_another_browsers_answer_is_refused(
    browser: Browser, archive: Archive, provider: OidcProvider
) -> None:
    stolen = await browser.answer(await browser.depart())

    async with opened(archive, provider) as victim:
        without = await victim.get(stolen)
        await victim.depart()
        with_its_own = await victim.get(stolen)

        assert (without.status, with_its_own.status) == (403, 403)
        assert not await victim.is_signed_in()


async def test_an_answer_is_good_once(browser: Browser) -> None:
    url = await browser.depart()
    cookies = {c.key: c.value for c in browser.session.cookie_jar}
    back = await browser.answer(url)
    assert (await browser.get(back)).status == 303

    browser.session.cookie_jar.clear()
    browser.session.cookie_jar.update_cookies(cookies)
    response = await browser.get(back)

    assert response.status == 403
    assert "not used before" in await response.text()


async def test_a_code_of_another_sign_in_is_refused_by_the_nonce(browser: Browser) -> None:
    """An injected code: RFC 9700 section 4.5."""
    code = parse_qs(urlsplit(await browser.answer(await browser.depart())).query)["code"][0]
    state = parse_qs(urlsplit(await browser.depart()).query)["state"][0]

    response = await browser.get(f"/sign-in/provider/callback?code={code}&state={state}")

    assert response.status == 403
    assert "nonce" in await response.text()


async def test_a_made_up_code_is_refused(browser: Browser) -> None:
    state = parse_qs(urlsplit(await browser.depart()).query)["state"][0]

    response = await browser.get(f"/sign-in/provider/callback?code=made-up&state={state}")

    assert response.status == 403
    assert "did not accept the code" in await response.text()


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another client"},
        {"aud": ["muniment", "another client"]},
        {"azp": "another client"},
        {"exp": 1_700_000_000},
        {"iat": 4_000_000_000},
        {"nonce": "another"},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=lambda claims: next(iter(claims)),
)
async def test_a_token_that_says_otherwise_signs_nobody_in(
    browser: Browser, archive: Archive, provider: OidcProvider, claims: dict[str, object]
) -> None:
    ada(provider, "archive-counsel", **claims)

    response = await browser.sign_in()

    assert response.status == 403
    assert next(iter(claims)) in await response.text() or "azp" in await response.text()
    assert await archive.person() is None


async def test_declining_at_the_provider_is_told(browser: Browser) -> None:
    asked = await browser.depart()
    state = parse_qs(urlsplit(asked).query)["state"][0]
    back = await browser.answer(asked, action="deny")

    response = await browser.get(back if "state=" in back else f"{back}&state={state}")

    assert response.status == 403
    assert "you did not sign in" in await response.text()


async def test_nobody_is_sent_on_to_another_site(browser: Browser) -> None:
    asked = await browser.depart("/sign-in/provider?next=https://evil.example/")

    response = await browser.get(await browser.answer(asked))

    assert response.headers["Location"] == "/"


async def test_a_provider_that_is_down_is_a_page_and_lets_nobody_in(
    settings: Settings, provider: OidcProvider
) -> None:
    down = settings.model_copy(update={"oidc_issuer": "http://localhost:9"})
    async with serving(down) as archive, opened(archive, provider) as browser:
        response = await browser.get("/sign-in/provider")

        assert response.status == 503
        text = await response.text()
        assert "Sign in with a password or a passkey instead" in text
        assert "localhost:9" not in text
        assert not await browser.is_signed_in()


async def test_a_client_the_provider_does_not_know_is_for_the_operator(
    settings: Settings, provider: OidcProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    nameless = settings.model_copy(update={"oidc_client_secret_file": None})
    async with serving(nameless) as archive, opened(archive, provider) as browser:
        response = await browser.sign_in()

        assert response.status == 503
        assert "MUNIMENT_OIDC_CLIENT_ID" not in await response.text()
        assert not await browser.is_signed_in()
    assert "MUNIMENT_OIDC_CLIENT_ID" in capsys.readouterr().out


async def test_a_new_proof_at_the_provider_confirms_the_session(
    browser: Browser, archive: Archive
) -> None:
    await browser.sign_in()

    asked = await browser.depart("/confirm/provider?next=/me/passkeys/new")
    response = await browser.get(await browser.answer(asked))

    query = parse_qs(urlsplit(asked).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    assert response.headers["Location"] == "/me/passkeys/new"
    assert (await archive.actions())[-1] == ("session:confirmed", "ada@example.com")
    assert await browser.is_signed_in()


async def test_an_old_proof_at_the_provider_confirms_nothing(
    browser: Browser, archive: Archive, provider: OidcProvider
) -> None:
    await browser.sign_in()
    ada(provider, "archive-counsel", auth_time=1_700_000_000)

    response = await browser.get(await browser.answer(await browser.depart("/confirm/provider")))

    assert response.status == 403
    assert "auth_time" in await response.text()
    assert Action.SESSION_CONFIRMED not in [action for action, _ in await archive.actions()]


async def test_somebody_else_confirms_nothing(browser: Browser, provider: OidcProvider) -> None:
    await browser.sign_in()
    provider.set_user("bob", email="bob@example.com")

    asked = await browser.depart("/confirm/provider")
    response = await browser.get(await browser.answer(asked, "bob"))

    assert response.status == 403
    assert "Somebody else signed in" in await response.text()


async def test_without_a_roles_file_roles_are_given_by_hand(
    settings: Settings, provider: OidcProvider
) -> None:
    by_hand = settings.model_copy(update={"oidc_roles_file": None})
    async with serving(by_hand) as archive, opened(archive, provider) as browser:
        assert (await browser.sign_in()).status == 403
        await archive.invite("ada@example.com", Role.AUDITOR)
        assert (await browser.sign_in()).status == 303

        person = await archive.person()
        assert person is not None
        assert person.grants.lines == ("auditor",)


async def test_people_are_only_created_where_the_settings_allow_it(
    settings: Settings, provider: OidcProvider
) -> None:
    invited_only = settings.model_copy(update={"oidc_create_people": False})
    async with serving(invited_only) as archive, opened(archive, provider) as browser:
        assert (await browser.sign_in()).status == 403
        assert await archive.person() is None


async def test_an_archive_without_a_provider_says_so(
    tmp_path: Path, provider: OidcProvider
) -> None:
    local = await found(settings_for(tmp_path / "home"))
    async with serving(local) as archive, opened(archive, provider) as browser:
        for path in ("/sign-in/provider", "/sign-in/provider/callback?code=x&state=y"):
            assert (await browser.get(path)).status == 404
