"""Home, accounts, classes: in a browser, as each role, in both themes."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from archiver.capture.decoding import decode_capture
from archiver.model.actor import Role
from archiver.model.post import Provenance
from tests.browser.conftest import PageAs
from tests.browser.site import BROKERS, CORPORATE, Site
from tests.fakes.archive import AGENT

Axe = Callable[[Page], None]
Screenshot = Callable[[Page, str], None]
CLASS = "us-finra-2210-public"
NARROW = (360, 800)
LEFT_OUT = "harbourfinch_jobs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of this module's own, because tests here change its register; one account is left out.

    Captures name that account, and nobody has registered it.
    """
    served = Site(tmp_path_factory.mktemp("site") / "home")
    served.start()
    body = json.dumps({"platform": "x", "account": LEFT_OUT, "post_id": "1", "text": "Hello"})
    arrival = decode_capture(body.encode(), provenance=Provenance(method="test"))
    served.run(served.services.ingest.submit([arrival], actor=AGENT))
    served.run(served.services.account_totals.catch_up())
    yield served
    served.stop()


def account_of(site: Site, handle: str) -> str:
    """The id of the account with this handle."""
    found = site.run(site.services.accounts.list(text=handle, actor=site.actor(Role.OPERATOR)))
    return found.items[0].id


def test_an_account_of_captures_is_registered_from_the_list(page_as: PageAs, axe: Axe) -> None:
    page = page_as(Role.OPERATOR, path="/accounts")
    others = page.get_by_role("region", name="Accounts that are not registered")
    expect(others).to_contain_text(LEFT_OUT)
    others.get_by_role("link", name="Register…").click()
    expect(page.get_by_label("Handle")).to_have_value(LEFT_OUT)
    page.get_by_label("Platform").fill("My Space")
    page.get_by_role("button", name="Register account").click()
    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("Expected a platform")
    axe(page)
    summary.get_by_role("link").click()
    expect(page.get_by_label("Platform")).to_be_focused()
    page.get_by_label("Platform").fill("x")
    page.get_by_label("Unit").fill(BROKERS)
    page.get_by_role("button", name="Register account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(LEFT_OUT)
    expect(page.get_by_text("The account is registered.")).to_be_visible()


def test_moving_an_account_shows_what_will_happen_first(
    site: Site, page_as: PageAs, axe: Axe, screenshot: Screenshot
) -> None:
    account = account_of(site, "client-service")
    page = page_as(Role.OPERATOR, path=f"/accounts/{account}")
    page.get_by_role("link", name="Change…").click()
    page.get_by_label("Unit").fill("Complaints desk")
    page.get_by_role("button", name="Change account").click()
    expect(page.get_by_text("limited to Complaints desk see all of its records")).to_be_visible()
    axe(page)
    screenshot(page, "account-unit")
    page.get_by_role("button", name="Move account").click()
    expect(page.get_by_text("The change is in force.")).to_be_visible()
    expect(page.get_by_text("unit from Brokers to Complaints desk")).to_be_visible()


def test_closing_asks_why_and_can_be_undone(site: Site, page_as: PageAs) -> None:
    account = account_of(site, "research")
    page = page_as(Role.OPERATOR, path=f"/accounts/{account}")
    for button, done in (("Close", "The account is closed."), ("Reopen", "is open again")):
        page.get_by_role("link", name=f"{button}…").click()
        page.get_by_label("Reason").fill("A test of the screens")
        page.get_by_role("button", name=f"{button} account").click()
        expect(page.get_by_text(done)).to_be_visible()


def test_who_is_limited_to_a_unit_sees_it_alone(
    site: Site, page_as: PageAs, axe: Axe, screenshot: Screenshot
) -> None:
    other = account_of(site, "research")
    page = page_as(Role.COUNSEL, path="/accounts", unit=CORPORATE)
    expect(page.get_by_role("status").first).to_contain_text("You see the unit Corporate")
    table = page.get_by_role("region", name="Registered accounts")
    expect(table).to_contain_text("harbour-finch-brokers")
    expect(page.get_by_text("trading-floor")).to_have_count(0)
    axe(page)
    screenshot(page, "accounts-limited")
    page_as(Role.COUNSEL, path=f"/accounts/{other}", unit=CORPORATE, status=404)
    home = page_as(Role.COUNSEL, path="/", unit=CORPORATE)
    expect(home.get_by_role("status").first).to_contain_text("counsel of the unit Corporate")
    axe(home)


def test_an_example_is_worked_out_in_the_page(page_as: PageAs) -> None:
    page = page_as(Role.RECORDS_MANAGER, path=f"/classes/{CLASS}")
    page.get_by_label("Posted on").fill("2023-11-01")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_text("No end is known: it awaits")).to_be_visible()
    page.get_by_label("And on this day").fill("2023-12-01")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_text("It would be kept until")).to_be_visible()
    expect(page.get_by_text("Event last_use on 2023-12-01")).to_be_visible()


def test_it_all_works_without_scripts(page_as: PageAs) -> None:
    page = page_as(Role.OPERATOR, path="/accounts", javascript=False)
    page.get_by_label("Unit").select_option(CORPORATE)
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("status").first).to_contain_text("4 registered accounts like that")
    page.get_by_role("link", name="Remove filter Unit Corporate").click()
    page.get_by_role("link", name="Records").click()
    expect(page.locator("th[aria-sort]")).to_have_text("Records")
