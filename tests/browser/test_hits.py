"""Hits of a search in a real browser: marked, counted, and walked by key or by links."""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from archiver.model.actor import Role
from tests.browser.conftest import PageAs, sideways
from tests.browser.site import Site
from tests.browser.test_record import capture

LONG = "Nothing of note here. " * 60 + "Then the quarterly dividend is said to be guaranteed."
TEXT = (
    "We guarantee returns: 8% each year. Returns are not capped; a guaranteed client asked twice. "
    "Nothing guarantees that the rain returns. "
    "وقع العقد الجديد اليوم. 東京の大阪支社も同じ 👩‍👩‍👧. ค่าภาษีแล้ว Re\u0301sume\u0301."
)
QUERY = "(guarant* w/2 return*) OR 東京 OR العقد OR résumé OR ภาษี OR 👩‍👩‍👧"
FOUND = ["guarantee", "returns", "العقد", "東京", "👩‍👩‍👧", "ภาษี", "Re\u0301sume\u0301"]


@pytest.fixture(scope="module")
def post(site: Site) -> dict[str, str]:
    """A post of two versions in many scripts, and a long one."""
    first = capture(site, post_id="h-1", text=TEXT.replace("8% each year", "some"))
    edited = capture(site, post_id="h-1", change="edited", text=TEXT)
    return {"first": first, "edited": edited, "long": capture(site, post_id="h-2", text=LONG)}


def at(record_id: str, query: str = QUERY, more: str = "") -> str:
    return f"/records/{record_id}?q={quote(query)}{more}"


def step(page: Page) -> str:
    """Return the count that is shown at the hit one is at."""
    shown = page.locator(".step:visible")
    expect(shown).to_have_count(1)
    return (re.search(r"\d+ of \d+", shown.inner_text()) or [""])[0]


def test_every_word_found_is_marked_and_walked_by_key(
    page_as: PageAs, post: dict[str, str]
) -> None:
    page = page_as(Role.COUNSEL, path=at(post["edited"]))
    expect(page.locator(".post-text mark")).to_have_text(FOUND)
    expect(page.locator(".step:visible")).to_have_count(0)

    told = []
    for key in "nnnp":
        page.keyboard.press(key)
        told.append(step(page))
    assert told == ["1 of 7", "2 of 7", "3 of 7", "2 of 7"]
    expect(page.locator("mark:target")).to_have_text("returns")
    expect(page.locator("mark:target")).to_be_in_viewport()
    for _ in range(6):
        page.keyboard.press("n")
    assert step(page) == "1 of 7", "after the last comes the first"
    page.keyboard.press("p")
    assert step(page) == "7 of 7"


def test_without_javascript_links_lead_from_hit_to_hit(
    page_as: PageAs, post: dict[str, str]
) -> None:
    page = page_as(Role.COUNSEL, path=at(post["edited"]), javascript=False)
    page.get_by_role("link", name="First of 7 places").click()
    assert step(page) == "1 of 7"
    page.get_by_role("link", name="Next hit").click()
    expect(page.locator("mark:target")).to_have_text("returns")
    page.get_by_role("link", name="Previous hit").click()
    page.get_by_role("link", name="Previous hit").click()
    assert step(page) == "7 of 7"


def test_the_other_version_and_what_changed_are_marked_too(
    page_as: PageAs, post: dict[str, str]
) -> None:
    page = page_as(Role.COUNSEL, path=at(post["edited"], more="&tab=versions"))
    expect(page.locator(".diff mark").first).to_have_text("guarantee")
    page.keyboard.press("n")
    expect(page.locator(".diff mark.current")).to_have_text("guarantee")
    page.get_by_role("link", name="Open version 1").click()
    page.wait_for_url(re.compile(post["first"]))
    expect(page.locator(".post-text mark")).to_have_text(FOUND)


def test_a_long_text_is_shown_around_its_first_hit_and_previewed_with_its_hits(
    page_as: PageAs,
) -> None:
    page = page_as(Role.COUNSEL, path=f"/search?q={quote('dividend w/6 guarant*')}")
    row = page.locator("td.text", has_text="quarterly")
    expect(row.locator("mark")).to_have_text(["dividend", "guaranteed"])
    assert "Nothing of note" in row.inner_text()
    assert len(row.inner_text()) < 400

    page.keyboard.press("j")
    page.keyboard.press("v")
    expect(page.locator("#preview mark")).to_have_text(["dividend", "guaranteed"])
    page.locator("#preview").get_by_role("link", name="First of 2 places").click()
    assert step(page) == "1 of 2"
    page.keyboard.press("n")
    assert step(page) == "2 of 2"
    expect(page.locator("#preview mark:target")).to_have_text("guaranteed")


def test_hits_are_legible_and_reachable_in_both_themes(
    page_as: PageAs,
    post: dict[str, str],
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
) -> None:
    page = page_as(Role.COUNSEL, path=f"{at(post['edited'])}#mark-3")
    assert step(page) == "3 of 7"
    axe(page)
    screenshot(page, "hits")
    page.set_viewport_size({"width": 320, "height": 700})
    assert sideways(page) == 0
    screenshot(page, "hits-narrow")
