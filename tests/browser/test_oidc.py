"""Signing in with a provider, click by click: there, at the provider's page, and back."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.site import Site
from tests.fakes.oidc_provider import OidcProvider

PATIENCE_MS = 120_000.0


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    """A running provider that knows Ada."""
    running = OidcProvider()
    running.set_user(
        "ada",
        name="Ada Lovelace",
        email="ada@example.com",
        email_verified=True,
        groups=["archive-auditors"],
    )
    running.set_user("eve", email="eve@example.com", email_verified=True, groups=["canteen"])
    yield running
    running.stop()


@pytest.fixture(scope="module")
def federated(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser, provider: OidcProvider
) -> Iterator[Site]:
    """An archive that signs people in with the provider."""
    assert browser.is_connected()
    folder = tmp_path_factory.mktemp("federated")
    roles = folder / "roles.toml"
    secret = folder / "secret"
    secret.write_text("s3cret")
    roles.write_text('"archive-auditors" = "auditor"\n')
    served = Site(
        folder / "home",
        oidc_issuer=provider.issuer,
        oidc_client_id="muniment",
        oidc_client_secret_file=secret,
        oidc_label="Acme",
        oidc_roles_file=roles,
    )
    served.start()
    yield served
    served.stop()


@pytest.fixture
def page(browser: Browser, federated: Site) -> Iterator[Page]:
    """A page of a browser that nobody is signed in with."""
    context = browser.new_context(base_url=federated.url)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def _sign_in_there(page: Page, subject: str) -> None:
    page.get_by_role("link", name="Sign in with Acme").click()
    page.get_by_placeholder("sub").fill(subject)
    page.get_by_role("button", name="Authorize").click()


def test_one_lands_on_the_page_one_asked_for(page: Page) -> None:
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.goto("/me/passkeys")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    _sign_in_there(page, "ada")

    expect(page.get_by_role("heading", name="My passkeys")).to_be_visible()
    expect(
        page.get_by_text("ada@example.com").or_(page.get_by_text("Ada Lovelace")).first
    ).to_be_visible()
    assert [text for text in faults if "Content Security Policy" in text] == []


def test_who_has_no_role_here_is_told_whom_to_ask(
    page: Page,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
) -> None:
    page.goto("/sign-in")
    _sign_in_there(page, "eve")

    expect(page.get_by_role("alert")).to_contain_text("none of your groups has a role")
    axe(page)
    screenshot(page, "oidc-refused")
    page.get_by_role("link", name="Choose another way").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
