"""Building, correcting and explaining a query in a real browser, with scripts and without."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from archiver.model.actor import Role
from tests.browser.conftest import PageAs, sideways

Axe = Callable[[Page], None]
Screenshot = Callable[[Page, str], None]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_query_is_built_from_rows_and_written_into_the_box(
    page_as: PageAs, *, javascript: bool
) -> None:
    page = page_as(Role.COUNSEL, path="/search", javascript=javascript)
    page.locator(".build > summary").click()
    page.locator("#b-kind-1").select_option("any")
    page.locator("#b-words-1").fill("fund market")
    page.locator("#b-kind-2").select_option("near")
    expect(page.locator("#b-other-2")).to_be_visible()
    expect(page.locator("#b-other-1")).to_be_hidden()
    page.locator("#b-words-2").fill("fund")
    page.locator("#b-other-2").fill("the")
    page.locator("#b-kind-3").select_option("is")
    page.locator("#b-words-3").fill("deleted")
    page.locator("#b-without-3").select_option("yes")
    page.get_by_role("button", name="Write and search").click()
    expect(page.locator("#q")).to_have_value(
        "(fund OR market) AND (fund w/5 the) AND NOT is:deleted"
    )


def test_a_suggestion_is_one_click_away_and_keeps_the_rest(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/search?f=platform:x")
    page.locator("#q").fill("fund OR market AND the")
    page.keyboard.press("Enter")
    expect(page.locator("#q-error mark")).to_have_text("A")
    page.get_by_role("link", name="fund OR (market AND the)").click()
    expect(page.locator("#q")).to_have_value("fund OR (market AND the)")
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator("#q-error")).to_have_count(0)


def test_ticking_the_box_stems_plain_words_and_says_so(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/search?q=markets")
    page.get_by_label("Plain words also find").check()
    page.locator("#q").press("Enter")
    page.wait_for_url(re.compile("stem=yes"))
    expect(page.locator("#results")).to_contain_text("stem:markets")
    page.get_by_role("link", name="what its words stand for").click()
    expect(page.locator("main")).to_contain_text("the English forms of the word markets")
    expect(page.locator("main table")).to_contain_text("market")


def test_the_builder_the_fault_and_the_explanation_are_sound(
    page_as: PageAs, axe: Axe, screenshot: Screenshot
) -> None:
    for name, path, status in [
        ("build", "/search/build?more=yes&kind=near&words=fund&other=the", 200),
        ("fault", "/search?q=fund+OR+market+AND+the", 400),
        ("explained", "/search/explained?q=earn*+AND+NOT+(market+w/5+risk~1)", 200),
        ("translated", "/search/explained?syntax=kql&q=fund+NEAR(3)+market", 200),
    ]:
        page = page_as(Role.COUNSEL, path=path, status=status)
        axe(page)
        assert sideways(page) == 0
        screenshot(page, f"search-{name}")
