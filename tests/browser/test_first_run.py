"""The guided first run with clicks: from a command's address to the Home of an empty archive."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sideways, watch
from tests.e2e.command_line import CommandLine
from tests.e2e.test_first_run import Serving

PASSWORD = "seven herons over the harbour"
PATIENCE_MS = 120_000.0

Axe = Callable[[Page], None]
Screenshot = Callable[[Page, str], None]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """`muniment serve --set-up` on a home that is not there yet."""
    running = Serving(CommandLine(tmp_path / "home"))
    yield running
    running.process.send_signal(signal.SIGTERM)
    running.process.communicate(timeout=60)


class Newcomer:
    """Whoever founds an archive. Each page is looked at in both themes."""

    def __init__(self, page: Page, axe: Axe, screenshot: Screenshot) -> None:
        self.page, self._axe, self._screenshot = page, axe, screenshot

    def at(self, title: str, step: str) -> None:
        """Be at the page with this title, and find no fault in it."""
        page = self.page
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        page.wait_for_load_state()
        self._axe(page)
        self._screenshot(page, f"first-run-{step}")
        assert sideways(page) == 0

    def presses(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).click()

    def chooses_store_and_rules(self) -> None:
        page = self.page
        self.at("Set up an archive", "1-store")
        page.get_by_label("Time zone").fill("Europe/Berlin")
        self.presses("Test the store")
        expect(page.get_by_text("The store answers")).to_be_visible()
        self.at("Set up an archive", "2-store-tested")
        self.presses("Continue")
        self.at("Retention", "3-retention")
        page.get_by_label("FINRA: 4511").check()
        self.presses("Continue")

    def names_the_administrator(self) -> None:
        page = self.page
        self.at("The first administrator", "4-administrator")
        page.get_by_label("Name").fill("Ada Quist")
        page.get_by_label("E-mail").fill("no address")
        self.presses("Continue")
        expect(page.get_by_role("alert").first).to_contain_text("expected an e-mail address")
        self.at("The first administrator", "5-administrator-wrong")
        expect(page.get_by_label("Name")).to_have_value("Ada Quist")
        page.get_by_label("E-mail").fill("ada@example.com")
        page.get_by_label("I run this archive alone").check()
        self.presses("Continue")

    def founds(self) -> None:
        self.at("Create the archive", "6-confirm")
        expect(self.page.locator("main")).to_contain_text("Europe/Berlin")
        self.presses("Create the archive")
        self.at("The archive is created", "7-created")

    def comes_in(self) -> None:
        """Set a password and find, on an empty Home, what to do next."""
        page = self.page
        page.get_by_role("link", name="Set your password").click()
        self.at("Welcome, Ada Quist", "8-welcome")
        page.get_by_label("New password").fill(PASSWORD)
        self.presses("Set password and sign in")
        self.at("Home", "9-home")
        page.get_by_role("link", name="Import posts…").click()
        self.at("Imports", "10-imports")


def test_an_archive_is_founded_by_clicks_and_says_what_to_do_next(
    serving: Serving,
    browser: Browser,
    faults: list[str],
    axe: Axe,
    screenshot: Screenshot,
) -> None:
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    watch(page, faults)
    newcomer = Newcomer(page, axe, screenshot)

    page.goto(serving.line_with("code=").strip())
    newcomer.chooses_store_and_rules()
    newcomer.names_the_administrator()
    newcomer.founds()
    serving.line_with('"serving"')
    newcomer.comes_in()

    context.close()
    assert not faults, "\n".join(faults)
