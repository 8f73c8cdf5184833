"""Saved searches in a real browser: saved from a search, opened, changed, shared, subscribed to."""

import re
from collections.abc import Callable
from itertools import count

from playwright.sync_api import Page, expect

from archiver.model.actor import Role
from tests.browser.conftest import PageAs
from tests.browser.site import Site
from tests.fakes.archive import AGENT, an_arrival

_numbers = count(1)


def capture(site: Site, word: str) -> None:
    """Keep one more post with a word, and have it indexed."""
    arrival = an_arrival(f"{word} post {next(_numbers)}".encode())
    site.run(site.services.ingest.submit([arrival], actor=AGENT))
    site.run(site.services.loops.catch_up())


def test_a_search_is_saved_and_tells_what_is_new(
    site: Site,
    page_as: PageAs,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
) -> None:
    word = "quokka"
    capture(site, word)
    page = page_as(Role.COUNSEL, path=f"/search?q={word}&f=platform:example")
    page.get_by_role("link", name="Save search…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Save search")
    page.get_by_role("button", name="Save search").click()
    expect(page.get_by_role("alert")).to_contain_text("expected a name")
    page.get_by_label("Name").fill("Quokkas")
    page.get_by_label("Description").fill("For the animal inquiry")
    axe(page)
    screenshot(page, "saved-new")
    page.get_by_role("button", name="Save search").click()
    expect(page.get_by_text("The search is saved.")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("0 new hits since")

    capture(site, word)
    capture(site, word)
    page.get_by_role("link", name="Saved searches").first.click()
    row = page.get_by_role("row", name=re.compile("Quokkas"))
    expect(row).to_contain_text("2")
    expect(row).to_contain_text(f"{word} AND platform:example")
    axe(page)
    screenshot(page, "saved-list")
    page.goto("/")
    expect(page.locator("main")).to_contain_text("Quokkas 2 new hits")
    screenshot(page, "saved-home")
    page.get_by_role("link", name="Quokkas").click()
    expect(page).to_have_url(re.compile(r"/search\?q=quokka"))
    expect(page.locator("#status")).to_contain_text("3")
    page.goto("/")
    expect(page.locator("main")).not_to_contain_text("Quokkas")


def test_a_change_is_a_version_that_shows_what_it_changed(
    site: Site,
    page_as: PageAs,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
) -> None:
    capture(site, "wombat")
    page = page_as(Role.COUNSEL, path="/saved-searches/new?q=wombat")
    page.get_by_label("Name").fill("Wombats")
    page.get_by_label("Shared with").select_option("everybody")
    page.get_by_role("button", name="Save search").click()
    page.get_by_role("link", name="Change…").click()
    page.get_by_label("Query").fill("wombat OR wallaby")
    page.get_by_role("button", name="Make version 2").click()
    expect(page.get_by_text("Version 2 is made.")).to_be_visible()
    expect(page.locator("#version-2 ins")).to_contain_text("OR wallaby")
    axe(page)
    screenshot(page, "saved-one")
    page.get_by_role("link", name="Version 1").click()
    expect(page.locator("#status")).to_contain_text("Version 1 of 2")

    other = page_as(Role.REVIEWER, path="/saved-searches")
    other.get_by_role("link", name="Wombats").first.click()
    expect(other.get_by_role("link", name="Change…")).to_have_count(0)
    expect(other.locator("#status")).to_contain_text("you have not opened it yet")

    page.get_by_role("link", name="Version 2").click()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("The search is archived")).to_be_visible()
    page.get_by_role("button", name="Bring back").click()
    expect(page.get_by_text("The search is back.")).to_be_visible()
    page.get_by_role("link", name="Hold what it finds…").click()
    expect(page.locator("#count .big")).to_have_text("1")


def test_a_webhook_that_fails_says_why_and_can_be_tried_again(
    site: Site,
    page_as: PageAs,
    screenshot: Callable[[Page, str], None],
) -> None:
    page = page_as(Role.COUNSEL, "dark", "/saved-searches/new?q=numbat", javascript=False)
    page.get_by_label("Name").fill("Numbats")
    page.get_by_role("button", name="Save search").click()
    page.get_by_role("link", name="Be told of new hits…").click()
    page.get_by_label("URL of the webhook").fill("https://127.0.0.1/in")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("alert")).to_contain_text("not on the public internet")
    screenshot(page, "saved-subscribe")
    page.get_by_label("URL of the webhook").fill("https://hooks.invalid/in")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.locator("[data-secret]")).to_contain_text("whsec_")
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("alert")).to_contain_text("https://hooks.invalid/in did not answer")
    screenshot(page, "saved-tested")
    page.get_by_role("link", name="Back to the saved search").click()

    capture(site, "numbat")
    again = page.get_by_role("button", name="Try again")
    for _ in range(100):  # a page without scripts is asked again
        page.reload()
        if again.count():
            break
        page.wait_for_timeout(200)
    expect(page.locator("main")).to_contain_text("https://hooks.invalid/in did not answer")
    screenshot(page, "saved-deliveries")
    again.click()
    expect(page.get_by_text("The delivery is tried again now.")).to_be_visible()
    page.get_by_role("button", name="End telling").click()
    expect(page.get_by_text("The subscription is ended.")).to_be_visible()
