"""The parts of the interface on their page: every rule of the style holds there or nowhere."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from archiver.db import people as person_rows
from archiver.model.actor import Role
from archiver.model.person import Preferences, Theme
from tests.browser.conftest import PageAs, sideways
from tests.browser.site import Site

DARK = "rgb(17, 22, 28)"
LIGHT = "rgb(246, 247, 249)"
SPACED = """
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: .12em !important;" +
        " word-spacing: .16em !important } p { margin-block-end: 2em !important }");
    document.adoptedStyleSheets.push(sheet);
"""
CLIPPED = """() => [...document.querySelectorAll("main *, header *, nav *")].filter((each) => {
    const style = getComputedStyle(each);
    const hidden = style.overflowX === "hidden" || style.overflowY === "hidden";
    const seen = !each.closest(".vh, .skip, svg") && style.clipPath === "none" && each.clientWidth;
    return hidden && seen && (each.scrollWidth > each.clientWidth + 1
        || each.scrollHeight > each.clientHeight + 1);
}).map((each) => each.outerHTML.slice(0, 120))"""


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.outerHTML.slice(0, 300)"))


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def prefer(site: Site, unit: str, preferences: Preferences) -> None:
    person = site.person(Role.COUNSEL, unit=unit)

    async def change() -> None:
        async with site.services.database.transaction() as tx:
            await person_rows.change(tx, person, preferences=preferences.to_text())

    site.run(change())


def test_what_opens_is_accessible_too(page_as: PageAs, axe: Callable[[Page], None]) -> None:
    page = page_as(Role.COUNSEL, path="/style")
    page.locator("main summary").evaluate_all("all => all.forEach((each) => each.click())")
    page.click(".menu > summary")
    axe(page)

    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    axe(page)


def test_the_harness_finds_what_is_not_accessible(
    page_as: PageAs, axe: Callable[[Page], None]
) -> None:
    page = page_as(Role.COUNSEL, path="/style")
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")

    with pytest.raises(AssertionError, match="label"):
        axe(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_harness_finds_what_is_illegible_in_one_theme_alone(
    page_as: PageAs, axe: Callable[[Page], None], theme: str
) -> None:
    page = page_as(Role.COUNSEL, path="/style")
    page.evaluate(
        """(theme) => {
            const sheet = new CSSStyleSheet();
            const grey = "h1 { color: #888; background: #999 }";
            sheet.replaceSync(`@media (prefers-color-scheme: ${theme}) { ${grey} }`);
            document.adoptedStyleSheets.push(sheet);
        }""",
        theme,
    )

    with pytest.raises(AssertionError, match=rf"/style, {theme}\s+color-contrast"):
        axe(page)


def test_the_harness_hears_of_a_script_that_the_policy_stops(
    page_as: PageAs, faults: list[str]
) -> None:
    page = page_as(Role.COUNSEL, path="/style")

    with page.expect_console_message():
        page.evaluate(
            "const script = document.createElement('script'); script.textContent = '1';"
            "document.body.append(script)"
        )

    assert len(faults) == 1
    assert "Content Security Policy" in faults.pop()


@pytest.mark.parametrize("width", [320, 1360])
def test_wider_spacing_of_text_clips_nothing(page_as: PageAs, width: int) -> None:
    page = page_as(Role.COUNSEL, path="/style", size=(width, 900))

    page.evaluate(SPACED)

    assert sideways(page) == 0
    assert page.evaluate(CLIPPED) == []


def test_every_target_is_24_pixels_high_and_wide(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style")

    small = page.evaluate(
        """() => [...document.querySelectorAll("button, .btn, summary, nav a, .chip a, .facet a")]
        .filter((each) => each.checkVisibility())
        .map((each) => [each.outerHTML.slice(0, 80), each.getBoundingClientRect()])
        .filter(([, box]) => box.width < 24 || box.height < 24).map(([words]) => words)"""
    )

    assert small == []


def test_the_keyboard_reaches_everything_and_skips_the_navigation(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style")

    page.keyboard.press("Tab")
    assert "Skip to content" in focused(page)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_what_has_the_focus_is_never_under_the_bar(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style", size=(1360, 500))
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.locator("main a, main button").last.focus()

    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        top = page.evaluate(
            """() => document.activeElement.closest("main") === null ? 48
            : document.activeElement.getBoundingClientRect().bottom"""
        )
        assert top >= 48


def test_keys_search_list_and_open(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style")

    page.keyboard.press("/")
    assert 'id="gq"' in focused(page)
    page.keyboard.type("g?x")
    assert page.input_value("#gq") == "g?x"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Next row")
    expect(dialog).to_contain_text("Go to Holds")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/search")


def test_keys_move_over_rows_and_select_them(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style")
    told = page.locator("[data-selected-count]")

    for key in ("j", "x", "j", "j", "Shift+X"):
        page.keyboard.press(key)
    expect(page.locator("tr[data-at]")).to_contain_text("2026-10-11")
    expect(told).to_have_text("3 of 4 on this page selected")

    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(told).to_have_text("2 of 4 on this page selected")
    page.check("[data-select-all]")
    expect(told).to_have_text("4 of 4 on this page selected")


def test_keys_of_one_letter_can_be_turned_off(site: Site, page_as: PageAs) -> None:
    prefer(site, "without keys", Preferences(single_keys=False))
    page = page_as(Role.COUNSEL, path="/style", unit="without keys")

    for key in ("?", "j", "/", "g", "s"):
        page.keyboard.press(key)

    assert focused(page).startswith("<body")
    assert page.url.endswith("/style")
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize(("theme", "shown"), [(Theme.DARK, DARK), (Theme.LIGHT, LIGHT)])
def test_the_chosen_theme_wins_over_the_systems(
    site: Site, page_as: PageAs, theme: Theme, shown: str
) -> None:
    system = "light" if theme is Theme.DARK else "dark"
    prefer(site, f"likes {theme}", Preferences(theme=theme))

    page = page_as(Role.COUNSEL, system, "/style", unit=f"likes {theme}", javascript=False)

    assert background(page) == shown


@pytest.mark.parametrize(("system", "shown"), [("dark", DARK), ("light", LIGHT)])
def test_the_systems_theme_holds_where_none_is_chosen(
    page_as: PageAs, system: str, shown: str
) -> None:
    assert background(page_as(Role.COUNSEL, system, "/style")) == shown


def test_a_list_changes_in_place_and_says_so(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style")
    marked = page.evaluate("document.body.dataset.same = 'page'")

    page.get_by_role("link", name="Sort by account, in place").click()
    page.wait_for_url("**/style?sort=account")

    expect(page.locator("#status")).to_have_text("Sorted by account.")
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Account")
    assert page.evaluate("document.body.dataset.same") == marked
    page.go_back()
    page.wait_for_url("**/style")
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Posted")


def test_everything_works_without_scripts(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style", size=(700, 900), javascript=False)

    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    assert page.locator(".copy").first.is_hidden()
    page.get_by_role("link", name="Account", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Account")
    page.locator("summary", has_text="View as table").click()
    expect(page.get_by_role("cell", name="37", exact=True).first).to_be_visible()


def test_on_a_narrow_screen_the_navigation_is_a_disclosure(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style", size=(320, 800))
    link = page.get_by_role("link", name="Holds")

    expect(link).to_be_hidden()
    page.locator("nav summary", has_text="Menu").click()
    expect(link).to_be_visible()


def test_errors_have_the_focus_and_lead_to_their_fields(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style/consequences")
    page.get_by_label("Number of records").fill("12406")
    page.get_by_label("Reason").fill("short")
    page.get_by_role("button", name="Release 12,406 records").click()
    page.wait_for_selector("#errors")

    assert 'id="errors"' in focused(page)
    page.get_by_role("link", name="Say why in ten characters or more").click()
    assert 'id="f-reason"' in focused(page)
    assert page.get_attribute("#f-reason", "aria-invalid") == "true"


def test_copying_takes_the_whole_hash(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.locator(".copy").first.click()

    page.wait_for_selector(".copy[data-done]")
    assert len(page.evaluate("navigator.clipboard.readText()")) == 64


def test_paper_has_no_chrome_and_all_of_every_hash(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, "dark", "/style")

    page.emulate_media(media="print", color_scheme="dark")

    for gone in (".top", "nav.side", ".btn >> nth=0", ".copy >> nth=0", ".pager"):
        assert page.locator(gone).is_hidden(), gone
    assert "printed by Jonas Rivera" in page.locator(".print-head").inner_text()
    assert len(page.locator(".hash .full").first.inner_text()) == 64
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    heads = page.locator("thead").first.evaluate("each => getComputedStyle(each).display")
    assert heads == "table-header-group"
    assert page.pdf(format="A4").startswith(b"%PDF-")


def test_forced_colours_give_every_tag_an_edge(
    page_as: PageAs, screenshot: Callable[[Page, str], None]
) -> None:
    page = page_as(Role.COUNSEL, path="/style", forced_colors=True)

    edges = page.locator(".tag, .chip").evaluate_all(
        "all => all.map((each) => getComputedStyle(each).borderTopWidth)"
    )

    assert set(edges) == {"1px"}
    screenshot(page, "style-forced-colours")


def test_text_from_right_to_left_turns_the_page(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style")
    page.evaluate("document.documentElement.dir = 'rtl'")

    nav = page.locator("nav.side").bounding_box()

    assert nav is not None
    assert nav["x"] > 1000
    assert sideways(page) == 0


def test_two_minutes_before_being_signed_out_one_is_told_and_can_stay(page_as: PageAs) -> None:
    page = page_as(Role.COUNSEL, path="/style")
    told = page.get_by_text("You will be signed out in two minutes.")
    expect(told).to_be_hidden()
    left = int(page.locator("[data-stay]").get_attribute("data-stay") or "0")
    page.clock.install()
    page.reload()
    page.clock.fast_forward(1000 * (left + 90))
    expect(told).to_be_visible()
    page.get_by_role("button", name="Stay signed in").click()
    page.wait_for_load_state()
    expect(page).to_have_url(re.compile("/style$"))
    expect(told).to_be_hidden()
