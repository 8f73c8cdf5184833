"""Holds in a real browser: counted, shown what will happen, placed, read, released in two steps."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from archiver.model.actor import Role
from tests.browser.conftest import PageAs
from tests.browser.site import BROKERS, MATTER, Site

THEMES = ["light", "dark"]


def hold_of(site: Site) -> str:
    """Return the id of the hold the sample archive begins with."""
    views = site.run(site.services.hold_register.list(actor=site.actor(Role.COUNSEL)))
    return next(view.id for view in views if view.matter == MATTER)


def number(text: str) -> int:
    """Return the first number in a text."""
    found = re.search(r"[\d,]+", text)
    assert found is not None, text
    return int(found[0].replace(",", ""))


def test_counsel_places_a_hold_on_what_a_search_found_and_releases_it(
    page_as: PageAs, axe: Callable[[Page], None], screenshot: Callable[[Page, str], None]
) -> None:
    page = page_as(Role.COUNSEL, path="/holds/new?q=earnings")
    found = number(page.locator("#count .big").inner_text())
    page.get_by_label("Name").fill("Smith v. Harbour")
    page.get_by_role("button", name="Show what will happen").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why it is placed.")
    page.get_by_label("Reason").fill("Letter of 3 November 2026")
    page.get_by_role("button", name="Show what will happen").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Place hold on {found} records")
    axe(page)
    screenshot(page, "hold-place")
    page.get_by_role("button", name=f"Place hold on {found} records").click()
    expect(page.get_by_text("The hold is in effect.")).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text(f"{found} records held since")
    screenshot(page, "hold-placed")

    page.get_by_role("link", name="Release…").click()
    expect(page.get_by_text("What will happen")).to_be_visible()
    page.get_by_label("Reason").fill("Settled")
    page.get_by_role("button", name=f"Release hold on {found} records").click()
    expect(page.get_by_text("The hold is released.")).to_be_visible()
    expect(page.get_by_role("link", name="Release…")).to_have_count(0)


def test_the_count_follows_what_is_filled_in(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/holds/new")
    expect(page.locator("#count")).to_contain_text("Fill in a condition")
    page.get_by_label("Query").fill("earnings")
    page.get_by_label("Query").press("Tab")
    expect(page.locator("#count .big")).to_have_text(re.compile(r"\d+"))
    page.get_by_label("Query").fill('"not closed')
    page.get_by_label("Query").press("Tab")
    expect(page.locator("#count pre")).to_contain_text("^")


def test_a_hold_is_placed_without_scripts(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/holds/new", javascript=False)
    page.get_by_label("Name").fill("No scripts")
    page.get_by_label("Query").fill("earnings")
    page.get_by_label("Reason").fill("A test")
    page.get_by_role("button", name="Count", exact=True).click()
    found = number(page.locator("#count .big").inner_text())
    page.get_by_role("button", name="Show what will happen").click()
    page.get_by_role("button", name=f"Place hold on {found} records").click()
    expect(page.get_by_text("The hold is in effect.")).to_be_visible()


def test_a_double_click_places_one_hold(page_as: PageAs, site: Site) -> None:
    page = page_as(Role.COUNSEL, path="/holds/new?q=earnings")
    page.get_by_label("Name").fill("Clicked twice")
    page.get_by_label("Reason").fill("A test")
    page.get_by_role("button", name="Show what will happen").click()
    page.get_by_role("button", name="Place hold on").dblclick()
    expect(page.get_by_text("The hold is in effect.")).to_be_visible()
    views = site.run(site.services.hold_register.list(actor=site.actor(Role.COUNSEL)))
    assert [view.name for view in views].count("Clicked twice") == 1


def test_who_may_only_read_holds_is_offered_no_act(page_as: PageAs, site: Site) -> None:
    page = page_as(Role.AUDITOR, path=f"/holds/{hold_of(site)}")
    expect(page.get_by_role("link", name="Release…")).to_have_count(0)
    page.goto("/holds")
    expect(page.get_by_role("link", name="New hold…")).to_have_count(0)


def test_counsel_of_a_unit_does_not_learn_of_the_hold_of_the_whole_archive(
    page_as: PageAs, site: Site
) -> None:
    page = page_as(Role.COUNSEL, path="/holds", unit=BROKERS)
    expect(page.get_by_text("Nothing is under hold.")).to_be_visible()
    page_as(Role.COUNSEL, path=f"/holds/{hold_of(site)}", unit=BROKERS, status=404)
