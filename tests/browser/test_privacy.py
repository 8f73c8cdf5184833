"""Privacy requests in a real browser: noted, found, decided, restricted, closed, lifted."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from archiver.model.actor import Role
from tests.browser.conftest import PageAs, sideways
from tests.browser.site import Site

_M, _C, _A = Role.RECORDS_MANAGER, Role.COUNSEL, Role.AUDITOR
WHY = "Letter of 3 November 2026"


def frozen_of(site: Site, query: str) -> str:
    """Return a frozen set of what a search finds."""
    frozen = site.run(
        site.services.frozen_sets.freeze(query, name="Her posts", actor=site.actor(_M))
    )
    assert frozen.records
    return frozen.id


def test_a_request_is_answered_from_the_letter_to_the_signed_document(  # noqa: PLR0915 - one story
    page_as: PageAs,
    site: Site,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
) -> None:
    set_id = frozen_of(site, "earnings")
    page = page_as(_M, path="/privacy")
    expect(page.get_by_role("heading", name="Privacy requests", level=1)).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Note a request…").first.click()
    axe(page)
    page.get_by_label("Who asks").fill("Jo of the comments")
    page.get_by_label("Reference").fill("26-7")
    page.get_by_role("button", name="Note the request").click()
    expect(page.get_by_text("The request is noted.")).to_be_visible()
    address = page.url.partition("?")[0]

    page.get_by_role("link", name="Find records…").first.click()
    axe(page)
    page.get_by_label("A frozen set").select_option(set_id)
    page.get_by_role("button", name="Put them under the request").click()
    expect(page.get_by_role("status").first).to_contain_text(
        re.compile(r"[1-9]\d* records?\. Next: decide")
    )
    axe(page)
    screenshot(page, "privacy-request")
    expect(page.get_by_text("The stored object is locked until").first).to_be_visible()

    page.get_by_role("link", name="Decide…").click()
    axe(page)
    screenshot(page, "privacy-decide")
    page.get_by_label("Erase", exact=True).check()
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("alert")).to_contain_text("may be decided, found none")
    page.get_by_label("Restrict", exact=True).check()
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("What was decided is in the log.")).to_be_visible()

    page.goto(address)
    page.locator("tbody a").first.click()
    expect(page.locator(".states")).to_contain_text("Restricted")
    expect(page.get_by_text(f"Privacy request 26-7: {WHY}")).to_be_visible()
    axe(page)
    screenshot(page, "record-restricted")

    page.goto("/search?q=earnings")
    not_shown = re.compile(r"[1-9]\d* restricted records? (is|are) not shown")
    expect(page.get_by_text(not_shown)).to_be_visible()
    page.goto(f"{address}/lift")
    axe(page)
    page.goto(f"{address}/close")
    axe(page)
    page.get_by_label("What else the answer says").fill("You may complain.")
    page.get_by_role("button", name="Close and sign the answer").click()
    expect(page.get_by_text("The request is closed and its answer signed.")).to_be_visible()
    page.get_by_role("link", name="Signed answer").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Jo of the comments")
    axe(page)
    screenshot(page, "privacy-answer")

    page.goto(f"{address}/lift")
    page.get_by_label("Day the person was told").fill(site.services.clock().date().isoformat())
    page.get_by_label("Reason").fill("Settled")
    page.get_by_role("button", name="Lift the restrictions").click()
    expect(page.get_by_text("The restrictions are lifted")).to_be_visible()


def test_it_is_noted_without_scripts_and_read_on_a_telephone(page_as: PageAs) -> None:
    page = page_as(_M, path="/privacy/new", javascript=False, size=(320, 700))
    page.get_by_label("Who asks").fill("Max")
    page.get_by_role("button", name="Note the request").click()
    expect(page.get_by_text("The request is noted.")).to_be_visible()
    address = page.url.partition("?")[0]
    for step in ("", "/find", "/decide", "/extend", "/erase", "/close"):
        page.goto(address + step)
        assert sideways(page) == 0, step
    page.goto(f"{address}/extend")
    page.get_by_label("Reason").fill("Many posts")
    page.get_by_role("button", name="Take more time").click()
    expect(page.get_by_text("There is more time to answer.")).to_be_visible()
    page.goto(f"{address}/erase")
    page.get_by_role("button", name="Form the batches").click()
    expect(page.get_by_role("alert")).to_contain_text("waits to be erased")


def test_who_may_only_read_requests_is_offered_no_act(
    page_as: PageAs, axe: Callable[[Page], None]
) -> None:
    page = page_as(_A, theme="dark", path="/privacy")
    axe(page)
    expect(page.get_by_role("link", name="Note a request…")).to_have_count(0)
    page.get_by_role("link", name="Privacy requests").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Privacy requests")
