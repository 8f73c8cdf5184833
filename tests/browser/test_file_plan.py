"""The file plan in a real browser: a schedule changed by two people, from draft to in force."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from archiver.model.actor import Role
from tests.browser.conftest import PageAs, sideways
from tests.browser.site import Site

Axe = Callable[[Page], None]
Screenshot = Callable[[Page, str], None]
MANAGER, COUNSEL = Role.RECORDS_MANAGER, Role.COUNSEL
CLASS = "us-sec-17a4-comms"
NARROW = (320, 640)
HOSTILE = '"><img src=x onerror=alert(1)> {{ 7 * 7 }} \u202ertl'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of this module's own, because tests here change its file plan."""
    served = Site(tmp_path_factory.mktemp("site") / "home")
    served.start()
    yield served
    served.stop()


def draft_of(page: Page) -> str:
    """Return the address of the draft that a page shows."""
    found = re.search(r"/drafts/[0-9A-Z]{26}", page.url)
    assert found is not None, page.url
    return found[0]


def simulate(page: Page) -> None:
    """Press the button beside the form: what is at its top stays in view."""
    page.locator(".beside-bar").get_by_role("button", name="Save and simulate").click()


def test_a_schedule_is_changed_by_two_people(  # noqa: PLR0915 - one story
    page_as: PageAs, axe: Axe, screenshot: Screenshot
) -> None:
    page = page_as(MANAGER, path="/drafts/new?class=default")
    screenshot(page, "draft-new")
    page.get_by_role("button", name="Begin draft").click()
    expect(page.get_by_role("alert")).to_contain_text("expected a reason", ignore_case=True)
    page.get_by_label("Why it changes").fill("Counsel asks for nine years")
    page.get_by_role("button", name="Begin draft").click()
    expect(page.get_by_text("The draft is begun.")).to_be_visible()
    address = draft_of(page)
    screenshot(page, "draft-begun")
    axe(page)

    page.get_by_label("Kept, years").first.fill("")
    page.get_by_label("Citation").first.fill(HOSTILE)
    simulate(page)
    expect(page.get_by_role("alert")).to_contain_text("Say how long.")
    expect(page.get_by_label("Citation").first).to_have_value(HOSTILE)
    screenshot(page, "draft-wrong")
    axe(page)
    page.get_by_role("alert").get_by_role("link").first.click()
    expect(page.get_by_label("Kept, years").first).to_be_focused()
    page.keyboard.type("9")
    page.evaluate("scrollTo(0, 0)")
    simulate(page)
    numbers = page.locator("#simulation")
    expect(numbers.get_by_role("row", name="Kept longer")).to_contain_text(re.compile(r"[0-9]"))
    expect(page.get_by_text("9 years instead of 7 years")).to_be_visible()
    screenshot(page, "draft-simulated")
    axe(page)
    page.get_by_role("row", name="Kept longer").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kept longer")
    screenshot(page, "draft-records")
    axe(page)
    page.goto(f"{address}/simulation")
    screenshot(page, "draft-simulation")
    axe(page)
    page.goto(address)
    page.get_by_role("link", name="Send for approval…").click()
    page.get_by_label("In force from (UTC)").fill("tomorrow")
    screenshot(page, "draft-submit")
    page.get_by_role("button", name="Send for approval").click()
    expect(page.get_by_role("alert")).to_contain_text("Expected a day and a time")
    expect(page.get_by_label("In force from (UTC)")).to_have_value("tomorrow")
    axe(page)
    page.get_by_label("In force from (UTC)").fill("")
    page.get_by_role("button", name="Send for approval").click()
    expect(page.get_by_text("The draft waits for approval.")).to_be_visible()
    expect(page.get_by_text("Somebody else approves or refuses it: you wrote")).to_be_visible()
    expect(page.get_by_role("link", name="Approve…")).to_have_count(0)

    second = page_as(COUNSEL, path=address)
    screenshot(second, "draft-submitted")
    axe(second)
    second.get_by_role("link", name="Approve…").click()
    screenshot(second, "draft-approve")
    axe(second)
    second.get_by_label("Reason").fill("Agreed with outside counsel")
    second.get_by_role("button", name="Approve version 2").click()
    expect(second.get_by_text("Version 2 is approved.")).to_be_visible()
    screenshot(second, "draft-approved")
    second.goto("/drafts?show=all")
    screenshot(second, "drafts")
    axe(second)


def test_a_class_is_made_drafted_and_closed_without_scripts(  # noqa: PLR0915 - one story
    page_as: PageAs, axe: Axe, screenshot: Screenshot
) -> None:
    page = page_as(MANAGER, path=f"/classes/new?template={CLASS}", javascript=False)
    screenshot(page, "class-new")
    page.get_by_label("Code").fill("brokers")
    page.get_by_label("Title").fill(HOSTILE)
    page.get_by_label("Class above it").select_option("default")
    page.get_by_role("button", name="Add class").click()
    expect(page.get_by_text("The class is added.")).to_be_visible()
    expect(page.locator("main img")).to_have_count(0)
    screenshot(page, "class-added")

    page.get_by_role("link", name="New version…").click()
    page.get_by_label("A shipped template").check()
    page.get_by_label("Template", exact=True).select_option(CLASS)
    page.get_by_label("Why it changes").fill(HOSTILE)
    page.get_by_role("button", name="Begin draft").click()
    page.get_by_role("button", name="Add a term").click()
    expect(page.get_by_text("The form is changed and not saved yet.")).to_be_visible()
    terms = page.locator("fieldset.part")
    before = terms.count()
    terms.last.get_by_role("button", name="Move up").click()
    assert terms.nth(before - 2).get_by_label("Name", exact=True).input_value() == "term-1"
    terms.nth(before - 2).get_by_role("button", name="Remove").click()
    assert terms.count() == before - 1
    page.locator(".beside-bar").get_by_role("button", name="Save and simulate").click()
    expect(page.locator("#simulation")).to_be_visible()

    page.goto("/classes/brokers/close")
    page.get_by_label("Reason").fill("A test of the screens")
    page.get_by_role("button", name="Close class").click()
    expect(page.get_by_text("The class is closed for new records.").first).to_be_visible()
    page.get_by_role("link", name="Reopen…").click()
    page.get_by_label("Reason").fill("A test of the screens")
    page.get_by_role("button", name="Reopen class").click()
    expect(page.get_by_text("The class is open again.")).to_be_visible()
    wide = page_as(MANAGER, "dark", "/classes?show=all")
    screenshot(wide, "classes")
    axe(wide)
    wide.goto("/classes/report")
    screenshot(wide, "class-report")
    wide.goto(f"/classes/{CLASS}")
    screenshot(wide, "class")


def test_rules_are_drafted_tried_and_fit_a_telephone(
    site: Site, page_as: PageAs, axe: Axe, screenshot: Screenshot
) -> None:
    page = page_as(MANAGER, "dark", "/classes/rules", size=NARROW)
    page.get_by_role("link", name="New version…").click()
    page.get_by_label("Why it changes").fill("Brokers have a class of their own")
    page.get_by_role("button", name="Begin draft").click()
    page.get_by_role("button", name="Add a rule").click()
    rule = page.locator("fieldset.part").last
    rule.get_by_label("Goes into").select_option(CLASS)
    account = site.run(site.services.accounts.list(actor=site.actor(Role.OPERATOR))).items[0]
    rule.get_by_label("Account is", exact=True).fill(account.handle)
    page.locator(".beside-bar").get_by_role("button", name="Save and simulate").click()
    moved = page.get_by_role("row", name="Moved to another class")
    expect(moved.get_by_role("link")).to_be_visible()
    axe(page)
    assert sideways(page) == 0
    screenshot(page, "draft-rules")
    page.locator("#t-account").fill(account.handle)
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("that would move")
    expect(page.get_by_role("row").nth(1)).to_contain_text(CLASS)
    assert sideways(page) == 0


def test_records_are_put_into_a_class_after_what_will_happen_is_shown(
    site: Site, page_as: PageAs, axe: Axe, screenshot: Screenshot
) -> None:
    counsel = site.actor(COUNSEL)
    found = site.run(site.services.searching.search("earnings", actor=counsel))
    record = found.hits[0].id
    page = page_as(MANAGER, path=f"/classes/{CLASS}/reclassify?record={record}")
    page.get_by_role("button", name="Show what will happen").click()
    expect(page.get_by_role("alert")).to_contain_text("Say why they are moved")
    page.get_by_label("Reason").fill("Filed by a rule that was wrong")
    page.get_by_role("button", name="Show what will happen").click()
    axe(page)
    screenshot(page, "reclassify")
    page.get_by_role("button", name=f"Put 1 record into {CLASS}").click()
    expect(page.get_by_text("1 record was put into this class.")).to_be_visible()
