"""Events, the emergency stop and what waits for a second person, in a real browser."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from archiver.model.actor import Actor, Role
from tests.browser.conftest import PageAs, sideways
from tests.browser.site import Site

MANAGER = Role.RECORDS_MANAGER
CSV = (
    "name,happened_at,platform,account,note\n"
    "account_closed,2026-03-31,x,@left-the-firm,letter of 2 April\n"
    "account_closed,soon,x,@somebody,\n"
    "account_closed,2026-02-28,mastodon,@also-left,\n"
)


def test_an_event_is_stated_corrected_and_withdrawn_each_with_its_consequences_first(
    page_as: PageAs, axe: Callable[[Page], None], screenshot: Callable[[Page, str], None]
) -> None:
    page = page_as(MANAGER, path="/retention-events/new?platform=x&account=harbourfinch")
    page.get_by_role("button", name="Show what will happen").click()
    expect(page.get_by_role("alert")).to_contain_text("expected a day such as", ignore_case=True)
    page.get_by_label("What happened").select_option("account_closed")
    page.get_by_label("Day it happened").fill("2026-01-31")
    page.get_by_label("Where it is known from").fill("Letter of 2 February")
    page.get_by_role("button", name="Show what will happen").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("State that account_closed happened")
    expect(page.get_by_text("Nothing is disposed of by this")).to_be_visible()
    axe(page)
    page.set_viewport_size({"width": 320, "height": 640})
    assert sideways(page) == 0
    page.set_viewport_size({"width": 1360, "height": 900})
    screenshot(page, "event-state")
    page.get_by_role("button", name="State the event").dblclick()
    expect(page.get_by_text("The event is stated.")).to_be_visible()

    page.get_by_role("link", name="Correct…").click()
    page.get_by_label("Day it happened").fill("2026-02-15")
    page.get_by_role("button", name="Show what will happen").click()
    page.get_by_label("Reason").fill("The letter names another day")
    page.get_by_role("button", name="Correct the event").click()
    expect(page.get_by_text("The event is corrected.")).to_be_visible()
    expect(page.get_by_text("The letter names another day")).to_be_visible()

    page.get_by_role("link", name="Withdraw…").click()
    page.get_by_label("Reason").fill("It was another account")
    screenshot(page, "event-withdraw")
    page.get_by_role("button", name="Withdraw the statement").click()
    expect(page.get_by_text("It was another account")).to_be_visible()
    expect(page.get_by_role("link", name="Correct…")).to_have_count(0)
    screenshot(page, "event-withdrawn")


def test_a_file_of_events_is_looked_at_and_imported_without_scripts(
    page_as: PageAs, tmp_path: Path, screenshot: Callable[[Page, str], None]
) -> None:
    path = tmp_path / "left.csv"
    path.write_text(CSV)
    page = page_as(MANAGER, path="/retention-events/import", javascript=False)
    page.get_by_label("File", exact=True).set_input_files(path)
    page.get_by_role("button", name="Send the file").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Look at the file")
    screenshot(page, "event-file")
    with page.expect_download() as fetched:
        page.get_by_role("link", name="All of them as CSV").click()
    refused = fetched.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert refused[0] == '"line","reason"'
    assert refused[1].startswith('"3","expected a day such as 2026-03-31')
    assert len(refused) == 2

    page.get_by_role("button", name="State 2 events").click()
    expect(page.get_by_text("2 events of the file stand.")).to_be_visible()
    page.goto("/retention-events?account=@also-left&in_force=true")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("link", name="State an event…")).to_be_visible()


def test_who_may_only_read_the_file_plan_states_nothing(page_as: PageAs) -> None:
    page = page_as(Role.AUDITOR, path="/retention-events")
    expect(page.get_by_role("link", name="State an event…")).to_have_count(0)
    page_as(Role.AUDITOR, path="/retention-events/new", status=403)


def test_all_disposal_is_stopped_at_once_and_another_person_lets_it_go_on(
    page_as: PageAs, axe: Callable[[Page], None], screenshot: Callable[[Page, str], None]
) -> None:
    page = page_as(MANAGER, path="/disposition/stop")
    page.get_by_label("Reason").fill("A subpoena came in")
    page.get_by_label("Reason").press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("All disposal is stopped.")).to_be_visible()
    expect(page.get_by_text("Somebody else lets disposal go on.")).to_be_visible()
    expect(page.get_by_role("link", name="Let disposal go on…")).to_have_count(0)
    axe(page)

    other = page_as(Role.COUNSEL, "dark", path="/disposition/stop")
    axe(other)
    screenshot(other, "disposal-stopped")
    other.get_by_role("link", name="Let disposal go on…").click()
    axe(other)
    screenshot(other, "disposal-resume")
    other.get_by_label("Reason").fill("Its scope is known and held")
    other.get_by_role("button", name="Let disposal go on").click()
    expect(other.get_by_text("Disposal goes on.")).to_be_visible()


def test_what_waits_is_a_button_for_who_may_decide_and_says_to_others_who_can(
    page_as: PageAs,
    site: Site,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
) -> None:
    manager = site.actor(MANAGER)
    draft_id = site.run(_submitted(site, manager))
    page = page_as(MANAGER, path="/approvals")
    row = page.get_by_role("row").filter(has_text="schedule of class default")
    expect(row).to_contain_text("Somebody with the role counsel decides.")
    expect(row.get_by_role("link", name="Decide…")).to_have_count(0)

    other = page_as(Role.COUNSEL, path="/approvals")
    axe(other)
    screenshot(other, "approvals-waiting")
    row = other.get_by_role("row").filter(has_text="schedule of class default")
    decide = row.get_by_role("link", name="Decide…")
    assert decide.get_attribute("href") == f"/drafts/{draft_id}/approve"
    expect(badge_of(other)).to_contain_text("1 waiting")
    other.goto("/search")
    other.keyboard.press("Escape")
    other.locator("h1").click()
    other.keyboard.press("g")
    other.keyboard.press("w")
    expect(other.get_by_role("heading", level=1)).to_have_text("Approvals")

    site.run(site.services.plan.drafts.withdraw(draft_id, reason="a test", actor=manager))
    other.reload()
    expect(other.get_by_role("row").filter(has_text="schedule of class default")).to_have_count(0)
    expect(badge_of(other)).not_to_contain_text("waiting")


def badge_of(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Main").get_by_role("link", name="Approvals")


async def _submitted(site: Site, manager: Actor) -> str:
    plan = site.services.plan
    draft = await plan.drafts.make("default", reason="The rule was amended", actor=manager)
    submitted = await plan.life.submit(draft.row.id, actor=manager)
    return submitted.row.id
