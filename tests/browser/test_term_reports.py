"""Frozen sets and search term reports in a real browser: from a search to two reports compared."""

import io
from collections.abc import Callable
from itertools import count
from pathlib import Path

import openpyxl
from playwright.sync_api import Page, expect

from archiver.model.actor import Role
from tests.browser.conftest import PageAs
from tests.browser.site import Site
from tests.fakes.archive import AGENT, an_arrival

_numbers = count(1)


def capture(site: Site, *texts: str) -> None:
    """Keep posts, and have them indexed."""
    arrivals = [an_arrival(f"{text} {next(_numbers)}".encode()) for text in texts]
    site.run(site.services.ingest.submit(arrivals, actor=AGENT))
    site.run(site.services.loops.catch_up())


def test_a_search_is_frozen_its_terms_reported_and_two_lists_compared(  # noqa: PLR0915 - one walk
    site: Site,
    page_as: PageAs,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
) -> None:
    word = "bilby"  # no other test of the shared site captures it
    capture(site, f"{word} merger", f"{word} merger talks", f"{word} picnic")
    page = page_as(Role.COUNSEL, path=f"/search?q={word}")
    page.get_by_role("link", name="Freeze these 3 results…").click()
    expect(page.get_by_text("It finds 3 records now")).to_be_visible()
    page.get_by_label("Name").fill("Bilbies")
    axe(page)
    screenshot(page, "set-new")
    page.get_by_role("button", name="Freeze these 3 results").click()
    expect(page.get_by_text("The result is frozen.")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(4)
    axe(page)
    screenshot(page, "set")

    page.get_by_role("link", name="Term report…").click()
    page.get_by_label("Terms").fill("merger\ntalk*\nmerger AND\npicnic OR zebra")
    page.get_by_label("Name").fill("First")
    page.get_by_role("button", name="Check terms").click()
    understood = page.get_by_role("table", name="The terms as they are understood")
    expect(understood).to_contain_text("Not counted")
    axe(page)
    screenshot(page, "terms-new")
    make(page)
    expect(page.locator("#status")).to_contain_text("3 documents of 3 hit by any of 4 terms")
    table = page.get_by_role("table", name="Terms in the order given")
    expect(table.get_by_role("row", name="1 merger")).to_contain_text("2 2 1")
    expect(page.get_by_role("alert")).to_contain_text("1 term was not counted")
    axe(page)
    screenshot(page, "term-report")
    with page.expect_download() as download:
        page.get_by_role("link", name="XLSX").click()
    book = openpyxl.load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert book["Terms"]["C2"].value == 2

    page.get_by_role("link", name="The frozen set").click()
    page.get_by_role("link", name="Term report…").click()
    page.get_by_label("Terms").fill("talk*\nzebra")
    page.get_by_label("Name").fill("Second")
    make(page)
    page.get_by_label("With an earlier report").select_option("First")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#status")).to_contain_text("1 added, 3 removed, 0 changed, 1 same")
    expect(page.locator("#status")).to_contain_text("0 documents gained, 2 lost")
    axe(page)
    screenshot(page, "term-comparison")
    page.get_by_role("link", name="Search terms").click()
    expect(page.get_by_role("row", name="Second")).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Frozen sets").click()
    page.get_by_role("link", name="Bilbies").click()
    page.get_by_role("link", name="Place hold…").click()
    expect(page.get_by_label("Frozen set")).not_to_have_value("")
    expect(page.locator("#count")).to_contain_text("3")


def make(page: Page) -> None:
    """Start the report and open it once it is made."""
    page.get_by_role("button", name="Make report").click()
    expect(page.get_by_text("The report is made.")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Open the report").click()
