"""The search index on the Integrity page: how it is, and a new one on request."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from archiver.model.actor import Role
from tests.browser.conftest import PageAs

Axe = Callable[[Page], None]
Shoot = Callable[[Page, str], None]


def test_an_operator_builds_a_new_index_and_sees_it_done(
    page_as: PageAs, axe: Axe, screenshot: Shoot
) -> None:
    page = page_as(Role.OPERATOR, path="/integrity")
    panel = page.locator("section.panel", has=page.get_by_role("heading", name="Search index"))
    expect(panel).to_contain_text("none since the start")

    panel.get_by_role("link", name="Build a new index…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Build a new search index")
    axe(page)
    screenshot(page, "integrity-reindex")
    page.get_by_role("button", name="Build new index").click()

    expect(page).to_have_url(re.compile("/jobs/"))
    expect(page.get_by_text("0 could not be taken in").first).to_be_visible(timeout=60_000)


def test_who_does_not_operate_sees_its_health_and_builds_none(
    page_as: PageAs, axe: Axe, screenshot: Shoot
) -> None:
    page = page_as(Role.AUDITOR, path="/integrity")
    panel = page.locator("section.panel", has=page.get_by_role("heading", name="Search index"))
    expect(panel).to_contain_text("Compared with the records")
    expect(panel.get_by_role("link", name="Build a new index…")).to_have_count(0)
    axe(page)
    screenshot(page, "integrity-index")
