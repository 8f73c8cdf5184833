"""A passkey from its making to its removal, with Chromium's virtual authenticator."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect
from sqlalchemy import delete, update

from archiver.clock import to_millis
from archiver.db.tables import passkey
from archiver.db.tables import session as session_rows
from archiver.model.actor import Role
from tests.browser.conftest import PageAs
from tests.browser.site import Site

PATIENCE_MS = 120_000.0


class Device:
    """A browser whose machine has an authenticator. Passkeys need a name: it goes to localhost."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.site = site
        self.url = site.url.replace("127.0.0.1", "localhost")
        self.context = browser.new_context(base_url=self.url)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.devtools: CDPSession = self.context.new_cdp_session(self.page)
        self.devtools.send("WebAuthn.enable")
        self.authenticator = self.plug_in("internal")

    def plug_in(self, transport: str) -> str:
        """Add an authenticator that recognises its owner; return its id."""
        options = {
            "protocol": "ctap2",
            "transport": transport,
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return str(added["authenticatorId"])

    def sign_in_as(self, person_id: str) -> None:
        """Be signed in already, having just proved it."""
        cookie: Any = {**self.site.cookie(person_id), "url": self.url}
        self.context.add_cookies([cookie])

    def verify(self, *, succeeds: bool) -> None:
        """Say whether the person's finger will be recognised."""
        self.devtools.send(
            "WebAuthn.setUserVerified",
            {"authenticatorId": self.authenticator, "isUserVerified": succeeds},
        )

    def add_passkey(self, name: str) -> None:
        self.page.goto("/me/passkeys")
        self.page.get_by_role("link", name="Add a passkey").click()
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_role("button", name="Add a passkey").click()
        expect(self.page.get_by_role("link", name=name)).to_be_visible()

    def policy_faults(self) -> list[str]:
        return [text for text in self.faults if "Content Security Policy" in text]


@pytest.fixture
def device(browser: Browser, site: Site) -> Iterator[Device]:
    """A machine with an authenticator."""
    machine = Device(browser, site)
    machine.sign_in_as(site.person(Role.AUDITOR))
    yield machine
    _forget_passkeys(machine)
    machine.context.close()


def test_a_passkey_is_added_and_signs_in(
    device: Device,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
) -> None:
    page = device.page
    page.goto("/me/passkeys/new")
    axe(page)
    screenshot(page, "passkey-new")
    device.add_passkey("Blue key")
    axe(page)
    screenshot(page, "my-passkeys")

    device.context.clear_cookies()
    page.goto("/sign-in/passkey?next=/me/passkeys")
    axe(page)
    screenshot(page, "passkey-sign-in")
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_role("heading", name="My passkeys")).to_be_visible()
    assert device.policy_faults() == []


def test_legal_acts_ask_for_the_passkey_again(
    device: Device, site: Site, axe: Callable[[Page], None]
) -> None:
    page = device.page
    device.add_passkey("Blue key")
    _age_sessions(site)
    page.get_by_role("link", name="Add a passkey").click()
    expect(page).to_have_url(f"{device.url}/confirm?next=/me/passkeys/new")
    page.get_by_role("link", name="Confirm with a passkey").click()
    axe(page)
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_role("heading", name="Add a passkey")).to_be_visible()
    assert device.policy_faults() == []


def test_a_passkey_is_removed_but_for_the_only_one(
    device: Device,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
) -> None:
    page = device.page
    device.add_passkey("Blue key")
    page.get_by_role("link", name="Blue key").click()
    page.get_by_role("button", name="Remove this passkey").click()
    expect(page.get_by_text("your only way to sign in")).to_be_visible()
    device.plug_in("usb")
    device.add_passkey("Spare")
    page.get_by_role("link", name="Blue key").click()
    axe(page)
    screenshot(page, "passkey")
    page.get_by_role("button", name="Remove this passkey").click()
    expect(page.get_by_role("link", name="Spare")).to_be_visible()
    expect(page.get_by_role("link", name="Blue key")).to_have_count(0)
    assert device.policy_faults() == []


def test_a_finger_that_is_not_recognised_is_told_and_changes_nothing(device: Device) -> None:
    device.verify(succeeds=False)
    device.page.goto("/me/passkeys/new")
    device.page.get_by_label("Name").fill("Blue key")
    device.page.get_by_role("button", name="Add a passkey").click()

    expect(device.page.get_by_role("alert")).to_contain_text("No passkey was used")
    device.page.goto("/me/passkeys")
    expect(device.page.get_by_text("You have no passkey yet")).to_be_visible()


def test_one_device_makes_no_second_passkey(device: Device) -> None:
    device.add_passkey("Blue key")
    device.page.goto("/me/passkeys/new")
    device.page.get_by_label("Name").fill("Again")
    device.page.get_by_role("button", name="Add a passkey").click()

    expect(device.page.get_by_role("alert")).to_contain_text("holds a passkey of yours")


def test_without_scripts_the_page_says_what_a_passkey_needs(page_as: PageAs) -> None:
    page = page_as(path="/sign-in/passkey", javascript=False)

    expect(page.get_by_text("A passkey needs JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Use my passkey")).to_be_hidden()
    expect(page.get_by_role("link", name="Another way")).to_have_attribute(
        "href", "/sign-in?next=/"
    )


def _age_sessions(site: Site) -> None:
    """Make every proof of identity an hour old."""

    async def age() -> None:
        an_hour_ago = to_millis(site.services.clock()) - 3_600_000
        async with site.services.database.transaction() as tx:
            await tx.execute(update(session_rows).values(confirmed_at=an_hour_ago))
        site.services.sessions.forget()

    site.run(age())


def _forget_passkeys(device: Device) -> None:
    async def forget() -> None:
        async with device.site.services.database.transaction() as tx:
            await tx.execute(delete(passkey))

    device.site.run(forget())
