"""Search in a real browser: narrowing in place, going back, previews by key; without scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from archiver.audit.actions import Action
from archiver.db import events as event_rows
from archiver.model.actor import Role
from tests.browser.conftest import PageAs, sideways
from tests.browser.site import MATTER, POSTS, Site

Axe = Callable[[Page], None]
Screenshot = Callable[[Page, str], None]


def found(page: Page) -> int:
    """Return the count the status line tells."""
    told = re.match(r"\s*([\d,]+) records?", page.locator("#status").inner_text())
    assert told is not None, page.locator("#status").inner_text()
    return int(told[1].replace(",", ""))


def wait_for(page: Page, part: str) -> None:
    page.wait_for_url(re.compile(re.escape(part)))
    expect(page.locator("#results")).not_to_have_attribute("aria-busy", "true")


def test_every_state_of_search_is_sound(page_as: PageAs, axe: Axe, screenshot: Screenshot) -> None:
    page = page_as(Role.COUNSEL, path="/search?q=fund+OR+the&x=is:deleted")
    page.locator("[data-preview]").first.click()
    expect(page.locator("#preview .preview")).to_be_visible()
    axe(page)
    screenshot(page, "search")
    for name, path, status in [
        ("first", "/search", 200),
        ("none", "/search?q=fund+AND+zebra&f=platform:x", 200),
        ("error", "/search?q=fund+AND+(zebra&f=platform:x", 400),
        ("values", "/search/values?field=account", 200),
        ("not-searchable", "/search/not-searchable", 200),
    ]:
        page = page_as(Role.COUNSEL, path=path, status=status)
        axe(page)
        screenshot(page, f"search-{name}")


def test_a_search_is_typed_narrowed_in_place_and_gone_back_through(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/search?per=25")
    everything = found(page)
    assert everything >= POSTS  # other tests of the same site may have captured more
    page.keyboard.press("/")
    page.locator("#q").fill("is:created OR is:edited")
    page.keyboard.press("Enter")
    wait_for(page, "q=is")
    whole = found(page)
    assert 0 < whole <= everything

    value = page.locator("#in-account-1")
    told = int(value.locator(".n").inner_text().replace(",", ""))
    value.click()
    wait_for(page, "f=account")
    assert found(page) == told < whole
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator("#q")).to_have_value("is:created OR is:edited")
    assert page.title().startswith("Search: is:created")

    page.go_back()
    expect(page.locator(".chip")).to_have_count(0)
    assert found(page) == whole


def test_a_changing_list_never_makes_one_record_of_another(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/search?q=is:created&per=25")
    rows = page.locator("table[data-rows] tbody tr")
    first = rows.first.locator("a.open").element_handle()
    before = first.get_attribute("href")
    chosen = rows.first.locator("input[type=checkbox]")
    chosen.check()
    own = rows.first.locator("td").nth(3).inner_text().strip()
    other = next(name for name in ("facebook", "linkedin") if name != own)

    page.locator("a.in", has_text=other).first.click()
    wait_for(page, "f=platform")

    assert first.get_attribute("href") == before
    assert not first.evaluate("link => link.isConnected")
    expect(page.locator("table[data-rows] tbody input:checked")).to_have_count(0)


def test_a_row_of_the_bars_narrows_to_its_days(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/search?q=is:created")
    bar = page.locator("rect[data-href]").first
    page.locator(".twin > summary").click()
    first_row = page.locator(".twin tbody tr").first
    in_bar = int(first_row.locator("td").inner_text().replace(",", ""))
    assert bar.get_attribute("data-href") == first_row.locator("a").get_attribute("href")
    first_row.locator("a").click()
    wait_for(page, "from=")
    assert found(page) == in_bar


def test_a_hit_is_previewed_by_key_and_opened_and_the_page_is_kept(
    page_as: PageAs, site: Site
) -> None:
    page = page_as(Role.COUNSEL, path="/search?per=25")
    whole = found(page)
    page.locator("a[rel=next]").click()
    wait_for(page, "cursor=")
    assert found(page) == whole
    expect(page.locator(".pager .shown")).to_contain_text("more of")

    page.keyboard.press("j")
    page.keyboard.press("v")
    expect(page.locator("#preview .preview")).to_be_visible()
    link = page.locator("#preview .panel-head a").get_attribute("href") or ""
    events = site.run(_events_about(site, link.split("/")[2].partition("?")[0]))
    assert [event.action for event in events][:1] == [Action.RECORD_VIEWED]
    page.locator("#preview .panel-head a").click()
    page.wait_for_url(re.compile("/records/"))
    page.go_back()
    assert "cursor=" in page.url
    assert found(page) == whole


async def _events_about(site: Site, object_id: str) -> list[event_rows.EventRow]:
    async with site.services.database.reading() as tx:
        return list(await event_rows.list_about(tx, object_id, 5))


def test_focus_stays_on_the_value_that_was_chosen(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/search?q=is:created")
    page.locator("#in-platform-1").focus()
    page.keyboard.press("Enter")
    wait_for(page, "f=platform")
    expect(page.locator("#in-platform-1")).to_be_focused()
    expect(page.locator("#in-platform-1")).to_have_attribute("aria-current", "true")


def test_a_bar_of_the_picture_narrows_too(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/search")
    page.locator("rect[data-href][height]:not([height='0'])").last.click()
    page.wait_for_url(re.compile("from="))
    assert 0 < found(page) < POSTS


def test_a_wrong_query_points_at_its_fault_and_keeps_the_filters(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/search?f=platform:x")
    page.locator("#q").fill("(fund")
    page.keyboard.press("Enter")
    expect(page.locator("#q-error mark")).to_have_text("(")
    expect(page.locator("#q")).to_have_value("(fund")
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator(".hits tbody tr")).to_have_count(0)


def test_everything_works_without_scripts(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/search?per=25", javascript=False)
    page.locator("#q").fill("is:created")
    page.locator("#q").press("Enter")
    page.wait_for_url(re.compile("q=is"))
    whole = found(page)
    page.locator("#in-platform-1").click()
    page.wait_for_url(re.compile("f=platform"))
    assert 0 < found(page) <= whole
    page.locator("#from").fill("2020-01-01")
    page.locator(".dates button").click()
    page.wait_for_url(re.compile("from=2020-01-01"))
    expect(page.locator(".chip")).to_have_count(2)
    page.locator("[data-preview]").first.click()
    page.wait_for_url(re.compile("/search/preview/"))
    expect(page.locator("h1")).to_have_text("Record in short")
    page.go_back()
    page.locator(".hits tbody .pick input").first.check()
    page.get_by_role("button", name="Add selected to a hold").click()
    page.wait_for_url(re.compile(r"/holds/new\?.*record="))


def test_a_limited_person_sees_the_numbers_of_their_part_only(
    page_as: PageAs, axe: Axe, screenshot: Screenshot
) -> None:
    page = page_as(Role.COUNSEL, path="/search", matter=MATTER)
    page_of_nothing = page_as(Role.COUNSEL, path="/search?q=is:created", unit="Nothing")

    expect(page.locator(".alert.info")).to_contain_text(MATTER)
    assert 0 < found(page) < POSTS
    assert found(page_of_nothing) == 0
    axe(page)
    screenshot(page, "search-limited")


@pytest.mark.parametrize("width", [320, 680])
def test_it_fits_a_narrow_screen(page_as: PageAs, screenshot: Screenshot, width: int) -> None:
    page = page_as(Role.COUNSEL, path="/search?q=is:created&f=platform:x", size=(width, 800))

    assert sideways(page) == 0
    screenshot(page, f"search-{width}")


def test_the_zone_of_days_stays_in_the_address_without_scripts(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/search?q=fund+OR+the", javascript=False)
    page.get_by_label("Days are those of").fill("Asia/Tokyo")
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url(re.compile(r"zone=Asia%2FTokyo"))
    page.get_by_label("From", exact=True).fill("2020-01-01")
    page.get_by_role("button", name="Set days").click()
    page.wait_for_url(re.compile(r"from=2020-01-01"))
    expect(page).to_have_url(re.compile(r"zone=Asia%2FTokyo"))
    expect(page.get_by_label("Days are those of")).to_have_value("Asia/Tokyo")
    expect(page.locator("main")).to_contain_text("2020-01-01 to now, Asia/Tokyo")
