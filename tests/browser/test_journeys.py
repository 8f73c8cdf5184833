"""What people come to do, from signing in to the end of it, by nothing but clicks and keys."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from archiver.access.people import PeopleFilter
from archiver.model.actor import Role
from tests.browser.conftest import PageAs, sideways
from tests.browser.site import BROKERS, POSTS, Site
from tests.e2e.command_line import CommandLine

PASSWORD = "seven herons over the harbour"
QUERY = "complaint OR fees"
CSV = (
    "id,written,words\n"
    "j-1,2026-11-02 09:30,Our branch in Port Halloran opens at nine\n"
    "j-2,2026-11-03 10:00,Questions about fees are answered here\n"
)
TELEPHONE = (320, 640)

Axe = Callable[[Page], None]
Screenshot = Callable[[Page, str], None]


def account_of(site: Site, role: Role) -> str:
    """Return the e-mail of a person of a role who has set `PASSWORD`."""
    services, administrator = site.services, site.actor(Role.ADMINISTRATOR)
    person = site.person(role)
    link = site.run(services.invitations.link(person, actor=administrator))
    site.run(services.invitations.accept(link.path.rpartition("/")[2], PASSWORD))
    return site.run(services.people.show(person, actor=administrator)).email


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")


def go(page: Page, entry: str) -> None:
    """Go to a page by its entry in the navigation, behind a menu where the screen is narrow."""
    navigation = page.get_by_role("navigation", name="Main")
    link = navigation.get_by_role("link", name=entry, exact=True)
    if not link.is_visible():
        navigation.get_by_text("Menu").click()
    link.click()


def search(page: Page) -> None:
    """Search for `QUERY`; return when the page shows what was found."""
    go(page, "Search")
    page.get_by_label("Query", exact=True).fill(QUERY)
    page.locator("main").get_by_role("button", name="Search").click()
    page.wait_for_url(re.compile("q=complaint"))
    expect(page.locator("#status")).to_contain_text("match exactly")


def number(text: str) -> int:
    found = re.search(r"[\d,]+", text)
    assert found is not None, text
    return int(found[0].replace(",", ""))


class Counsel:
    """Counsel at work: `arrived` looks at each page on the way."""

    def __init__(self, page: Page, name: str, look: Callable[[Page, str], None]) -> None:
        self.page, self.name, self._look = page, name, look

    def arrived(self, step: str, title: str) -> None:
        """Be at a page with this title, and look at it."""
        expect(self.page).to_have_title(re.compile(title))
        self.page.wait_for_load_state()
        self._look(self.page, f"journey-counsel-{step}-{self.name}")

    def finds(self) -> int:
        """Search, narrow to a platform; return how many records are left."""
        page = self.page
        search(page)
        whole = number(page.locator("#status").inner_text())
        if not page.locator("#in-platform-1").is_visible():
            page.get_by_text("Narrow by", exact=True).click()
        page.locator("#in-platform-1").click()
        page.wait_for_url(re.compile("f=platform"))
        expect(page.get_by_role("list", name=re.compile("Filters"))).to_be_visible()
        expect(page.locator("#status")).not_to_contain_text(f"{whole} records")
        self.arrived("search", "^Search: ")
        found = number(page.locator("#status").inner_text())
        assert 0 < found < whole
        return found

    def reads(self) -> None:
        """Open an edited post, see what changed, and come back to the same place."""
        page, place = self.page, self.page.url
        page.locator("tr", has_text="Edited").locator("a.open").first.click()
        self.arrived("record", ", record ")
        page.get_by_role("link", name="Versions").click()
        expect(page.locator(".diff ins").first).to_be_visible()
        page.get_by_role("link", name="Back to results").click()
        expect(page).to_have_url(place)

    def holds(self, found: int) -> None:
        """Place a hold on what was found, and see it on a record."""
        page = self.page
        page.get_by_role("link", name=f"Add {found} to a hold…").click()
        expect(page.get_by_label("Query", exact=True)).to_have_value(re.compile("complaint"))
        page.get_by_label("Name").fill(f"Journey {self.name}")
        page.get_by_label("Matter").fill("Letter of Achterberg")
        page.get_by_label("Reason").fill("Letter of 3 November 2026")
        page.get_by_role("button", name="Show what will happen").click()
        self.arrived("place", "^Place hold")
        page.get_by_role("button", name=f"Place hold on {found} records").click()
        expect(page.get_by_text("The hold is in effect.")).to_be_visible()
        self.arrived("placed", f"Journey {self.name}")
        receipt = page.url.partition("?")[0]
        page.get_by_role("table").first.get_by_role("link").first.click()
        expect(page.locator("main .tag", has_text="On hold").first).to_be_visible()
        page.get_by_role("link", name=f"Journey {self.name}").click()
        expect(page).to_have_url(receipt)

    def releases(self, found: int) -> None:
        """Release the hold on whose page they are, in two steps."""
        page = self.page
        page.get_by_role("link", name="Release…").click()
        self.arrived("release", "^Release")
        page.get_by_label("Reason").fill("Settled")
        page.get_by_role("button", name=f"Release hold on {found} records").click()
        expect(page.get_by_text("The hold is released.")).to_be_visible()
        self.arrived("released", f"Journey {self.name}")


@pytest.mark.parametrize(
    ("name", "size", "javascript"),
    [
        ("desk", (1360, 900), True),
        ("telephone", TELEPHONE, True),
        ("no-scripts", (1360, 900), False),
    ],
    ids=["at a desk", "on a telephone", "without scripts"],
)
def test_counsel_finds_reads_holds_and_releases(  # noqa: PLR0917 - fixtures
    site: Site,
    page_as: PageAs,
    axe: Axe,
    screenshot: Screenshot,
    name: str,
    size: tuple[int, int],
    *,
    javascript: bool,
) -> None:
    def look(page: Page, picture: str) -> None:
        if javascript:
            axe(page)
            assert sideways(page) == 0
        screenshot(page, picture)

    email = account_of(site, Role.COUNSEL)
    counsel = Counsel(page_as(None, path="/sign-in", size=size, javascript=javascript), name, look)
    counsel.arrived("sign-in", "^Sign in")
    sign_in(counsel.page, email)
    counsel.arrived("home", "^Home")
    found = counsel.finds()
    counsel.reads()
    counsel.holds(found)
    counsel.releases(found)


def test_an_auditor_verifies_and_checks_the_proof_without_the_archive(
    site: Site, page_as: PageAs, tmp_path: Path
) -> None:
    page = page_as(Role.AUDITOR)
    page.get_by_role("link", name="Verify now…").click()
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#status")).to_contain_text("Verified: everything the log held")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download proof bundle").click()
    with zipfile.ZipFile(taken.value.path()) as bundle:
        bundle.extractall(tmp_path)

    store = site.services.settings.effective_store_url
    checked = CommandLine(tmp_path / "an auditor's own machine")(
        "verify", "--full", "--from", store,
        "--policy", str(tmp_path / "policy.txt"), "--checkpoint", str(tmp_path / "checkpoint"),
    )  # fmt: skip
    assert "0 problems" in checked.out + checked.err


def test_an_auditor_reads_who_looked_at_a_record(
    site: Site, page_as: PageAs, screenshot: Screenshot
) -> None:
    counsel = site.actor(Role.COUNSEL)
    hit = site.run(site.services.searching.search(QUERY, limit=1, actor=counsel)).hits[0]
    site.run(site.services.records.show(hit.id, actor=counsel))
    page = page_as(Role.AUDITOR)

    search(page)
    page.locator(f"a.open[href*='{hit.id}']").click()
    page.get_by_role("link", name="Custody").click()
    page.get_by_role("link", name="Everything about this record in the audit log").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        f"Everything about record {hit.id}"
    )
    looked = page.get_by_role("table", name=re.compile("looked"))
    expect(looked).to_contain_text(counsel.name)
    screenshot(page, "journey-auditor-who-looked")

    page.locator("main").get_by_role(
        "link", name=re.compile(f"{counsel.name} looked")
    ).first.click()
    expect(page.get_by_text("The log holds this event as shown.")).to_be_visible()
    expect(page.locator("pre.raw")).to_contain_text('"record:viewed"')


def test_a_person_is_let_into_one_unit_and_put_out_again(site: Site, page_as: PageAs) -> None:
    page = page_as(Role.ADMINISTRATOR)
    go(page, "Users and access")
    page.get_by_role("link", name="Invite a person").click()
    page.get_by_label("Name", exact=True).fill("Wren Ode")
    page.get_by_label("E-mail").fill("wren@example.com")
    part = page.get_by_role("group", name="Add a role over a part (1 of 3)")
    part.get_by_label("Role").select_option("reviewer")
    part.get_by_label("Unit or matter").fill(BROKERS)
    page.get_by_role("button", name="Invite").click()
    link = page.locator("[data-link]").inner_text()

    hers = page_as(None, path=link.removeprefix(site.url))
    hers.get_by_label("New password").fill(PASSWORD)
    hers.get_by_role("button", name="Set password and sign in").click()
    go(hers, "Search")
    expect(hers.locator(".alert.info")).to_contain_text(BROKERS)
    assert 0 < number(hers.locator("#status").inner_text()) < POSTS
    go(hers, "Accounts")
    expect(hers.locator("main")).to_contain_text(BROKERS)
    expect(hers.locator("tbody")).not_to_contain_text("Corporate")

    go(page, "Users and access")
    page.get_by_role("link", name="Wren Ode").click()
    page.get_by_role("table", name="Sessions").get_by_role("button", name="End").click()
    expect(page.get_by_text("Not signed in anywhere.")).to_be_visible()
    go(hers, "Home")
    expect(hers).to_have_url(re.compile("/sign-in"))
    administrator = site.actor(Role.ADMINISTRATOR)
    (seen,) = site.run(site.services.people.list(PeopleFilter(words="wren@"), actor=administrator))
    assert [str(line) for line in seen.grants.lines] == ["reviewer in unit Brokers"]


def test_an_operator_imports_a_file_and_looks_at_the_job(page_as: PageAs, tmp_path: Path) -> None:
    file = tmp_path / "port halloran.csv"
    file.write_text(CSV)
    page = page_as(Role.OPERATOR)
    go(page, "Imports")
    page.get_by_role("link", name="New import…").first.click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Send the file…").click()
    page.get_by_text("Where fields stand in a JSON or CSV file of your own").click()
    page.get_by_label("Platform").fill("x")
    page.get_by_label("Business account (optional)").fill("@harbourfinch")
    for field, column in (("post_id", "id"), ("posted_at", "written"), ("text", "words")):
        page.get_by_label(f"· {field}").fill(column)
    page.get_by_label("Time zone").fill("UTC")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_role("table", name="The first posts")).to_contain_text("Port Halloran")
    page.get_by_role("button", name="Import this file").click()
    expect(page.locator("#status")).to_contain_text("Done")

    go(page, "Jobs")
    page.get_by_role("table", name="Jobs, newest first").get_by_role(
        "link", name=file.name
    ).first.click()
    expect(page.locator(".tile", has_text="Captured").locator(".big")).to_have_text("2")


def test_an_operator_breaks_the_glass_and_an_auditor_sees_it(page_as: PageAs) -> None:
    reason = "The regulator asked for one post by telephone"
    page = page_as(Role.OPERATOR)
    page.locator(".menu > summary").click()
    page.get_by_role("link", name="My account").click()
    page.get_by_role("link", name="Break the glass…").click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Break the glass").click()
    search(page)
    page.locator("a.open").first.click()
    expect(page.get_by_text("You are reading content behind broken glass")).to_be_visible()
    record = page.url.partition("/records/")[2].partition("?")[0]

    auditor = page_as(Role.AUDITOR)
    go(auditor, "Audit log")
    auditor.get_by_label("What").select_option("glass:broken")
    auditor.get_by_role("button", name="Filter").click()
    row = auditor.locator("tbody tr").first
    row.locator("summary").click()
    expect(row).to_contain_text(reason)
    auditor.get_by_label("What").select_option("record:viewed")
    auditor.get_by_role("button", name="Filter").click()
    expect(auditor.locator("tbody tr").first).to_contain_text(record)


class Keys:
    """A person without a mouse. Each stop must be on the screen and show that it has the focus."""

    _FOCUSED = """() => {
      const at = document.activeElement, box = at.getBoundingClientRect();
      const style = getComputedStyle(at), hidden = at === document.body;
      const label = at.ariaLabel || at.labels?.[0]?.innerText || at.innerText || '';
      const x = Math.min(Math.max(box.x + box.width / 2, 0), innerWidth - 1);
      const y = Math.min(Math.max(box.y + Math.min(box.height / 2, 18), 0), innerHeight - 1);
      const top = document.elementFromPoint(x, y);
      return {
        name: label.trim(), lost: hidden,
        shown: parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== 'none',
        covered: !(top && (at.contains(top) || top.contains(at))), what: at.outerHTML.slice(0, 120)
      };
    }"""

    def __init__(self, page: Page) -> None:
        self._page = page

    def to(self, name: str, most: int = 120) -> None:
        """Go on by Tab until what is so named has the focus."""
        passed = []
        for _ in range(most):
            self._page.keyboard.press("Tab")
            at = self._page.evaluate(self._FOCUSED)
            passed.append(at["name"])
            assert not at["lost"], f"the focus is lost after {passed}"
            assert at["shown"], f"nothing shows the focus on {at['what']}"
            assert not at["covered"], f"the focus is hidden on {at['what']}"
            if at["name"].startswith(name):
                return
        raise AssertionError(f"no way by Tab to {name!r}, only to {passed}")

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)

    def type(self, text: str) -> None:
        self._page.keyboard.type(text)


@pytest.fixture
def at_the_door(site: Site, page_as: PageAs) -> tuple[Page, str]:
    """Return the page of signing in, and the e-mail of somebody who can."""
    return page_as(None, path="/sign-in"), account_of(site, Role.COUNSEL)


def test_counsel_places_a_hold_by_keys_alone(at_the_door: tuple[Page, str]) -> None:
    page, email = at_the_door
    keys = Keys(page)
    keys.to("E-mail")
    keys.type(email)
    keys.to("Password")
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(_title(page)).to_have_text("Home")

    keys.press("/")
    expect(page.get_by_label("Search all records")).to_be_focused()
    keys.type(QUERY)
    keys.press("Enter")
    expect(_title(page)).to_have_text("Search")
    found = number(page.locator("#status").inner_text())
    keys.to(f"Add {found} to a hold…")
    keys.press("Enter")
    expect(_title(page)).to_have_text("New hold")
    keys.to("Name")
    keys.type("By keys")
    keys.to("Reason")
    keys.type("Letter of 3 November 2026")
    keys.to("Show what will happen")
    keys.press("Enter")
    expect(_title(page)).to_have_text(f"Place hold on {found} records")
    keys.to(f"Place hold on {found} records")
    keys.press("Enter")
    expect(page.get_by_text("The hold is in effect.")).to_be_visible()


def _title(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)
