"""A browser on a served sample archive. Tests here are plain functions, never `async def`.

Playwright's synchronous interface keeps an event loop marked as running in its thread, so the
browser lives for one module: after it, other modules of the same process may run loops again.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, Protocol

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from archiver.model.actor import Role
from tests.browser.site import Site

SHOTS = os.environ.get("MUNIMENT_TEST_SHOTS")
"""The folder of the pictures that are taken for people to look at; without it none are."""

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_COLOUR_RULES = ("color-contrast", "link-in-text-block")
"""What axe has to say again in another theme, which changes colours and nothing else."""
_BROWSERS = (
    "chromium-headless-shell",  # the same engine without the windows around a page: half the work
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
_UNDIMMED = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("[aria-busy] { opacity: 1 !important }");
    document.adoptedStyleSheets.push(sheet);
}"""
"""A page that follows dims its rows for as long as it fetches new ones, in the midst of a check."""
_Theme = Literal["light", "dark"]
_PATIENCE_MS = 120_000.0
_WIDE = (1360, 900)

expect.set_options(timeout=_PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


class PageAs(Protocol):
    """Opens a page of the site in a browser where a person of the role is signed in."""

    def __call__(
        self,
        role: Role | None = None,
        theme: str = "light",
        path: str = "/",
        *,
        size: tuple[int, int] = _WIDE,
        javascript: bool = True,
        unit: str = "",
        matter: str = "",
        forced_colors: bool = False,
        status: int = 200,
    ) -> Page: ...


@pytest.fixture(scope="module")  # what another file left would make its tests depend on their order
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A sample company's archive, being served."""
    _executable()
    served = Site(tmp_path_factory.mktemp("site") / "home")
    served.start()
    yield served
    served.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    executable = _executable()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=executable,
            timeout=_PATIENCE_MS,
            args=["--disable-dev-shm-usage", "--disable-gpu"],  # to imitate one costs a seventh
        )
        yield opened
        opened.close()


@pytest.fixture
def faults() -> list[str]:
    """What pages did wrong in this test: breaches of the policy, scripts that failed."""
    return []


@pytest.fixture
def page_as(browser: Browser, site: Site, faults: list[str]) -> Iterator[PageAs]:
    """Open pages; the test fails if any broke the content security policy or a script failed."""
    contexts: list[BrowserContext] = []

    def open_page(
        role: Role | None = None,
        theme: str = "light",
        path: str = "/",
        *,
        size: tuple[int, int] = _WIDE,
        javascript: bool = True,
        unit: str = "",
        matter: str = "",
        forced_colors: bool = False,
        status: int = 200,
    ) -> Page:
        context = browser.new_context(
            base_url=site.url,
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=javascript,
            viewport={"width": size[0], "height": size[1]},
            reduced_motion="reduce",
            forced_colors="active" if forced_colors else "none",
        )
        contexts.append(context)
        context.set_default_timeout(_PATIENCE_MS)
        if role is not None:
            person = site.person(role, unit=unit, matter=matter)
            context.add_cookies([site.cookie(person)])  # type: ignore[list-item]
        page = context.new_page()
        watch(page, faults)
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == status, f"{path} was answered {answer.status}, not {status}"
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """Assert that axe finds nothing to say against a page as it stands, in either theme."""

    def check(page: Page) -> None:
        own, other = _own_theme_first(page)
        _assert_sound(page, own, {"type": "tag", "values": list(RULES)})
        page.emulate_media(color_scheme=other)
        try:
            assert_legible(page, other)
        finally:
            page.emulate_media(color_scheme=own)

    return check


@pytest.fixture
def screenshot() -> Callable[[Page, str], None]:
    """Keep a picture of the whole page in each theme in the folder `SHOTS`, as `NAME-dark.png`."""

    def take(page: Page, name: str) -> None:
        keep_pictures(page, name, whole=True)

    return take


def keep_pictures(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture in each theme of what is seen of a page, or of all, if they are asked for."""
    if SHOTS:
        own, other = _own_theme_first(page)
        for theme in (other, own):
            page.emulate_media(color_scheme=theme)
            path = Path(SHOTS) / f"{name}-{theme}.png"
            page.screenshot(path=path, full_page=whole, timeout=_PATIENCE_MS)


def assert_legible(page: Page, shown: str) -> None:
    """Assert that axe finds no colours too close to each other; `shown` says how the page is."""
    _assert_sound(page, shown, {"type": "rule", "values": list(_COLOUR_RULES)})


def sideways(page: Page) -> int:
    """Return by how many pixels the page must be scrolled sideways: 0 is what WCAG 1.4.10 asks."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def watch(page: Page, faults: list[str]) -> None:
    """Add to `faults` every breach of the content security policy and every script that fails."""
    page.on("console", lambda message: faults.extend(_policy_fault(message)))
    page.on("pageerror", lambda error: faults.append(f"script failed: {error}"))


def _own_theme_first(page: Page) -> tuple[_Theme, _Theme]:
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    return ("dark", "light") if dark else ("light", "dark")


def _assert_sound(page: Page, shown: str, rules: Mapping[str, object]) -> None:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
        page.evaluate(_UNDIMMED)
    asked = {"runOnly": rules, "resultTypes": ["violations"]}
    found = page.evaluate("async (asked) => (await axe.run(asked)).violations", asked)
    told = [
        f"{each['id']} ({each['impact']}): {each['help']}\n"
        + "\n".join(
            f"    {' '.join(node['target'])}\n        {node['html'][:200]}\n"
            f"        {node['failureSummary']}"
            for node in each["nodes"]
        )
        for each in found
    ]
    assert not told, f"{page.url}, {shown}\n" + "\n".join(told)


def _policy_fault(message: ConsoleMessage) -> list[str]:
    text = message.text
    broken = "Content Security Policy" in text or "integrity" in text.lower()
    return [f"{message.location.get('url', '')}: {text}"] if broken else []


def _executable() -> str:
    for name in _BROWSERS:
        found = shutil.which(name)
        if found is not None:
            return found
    pytest.skip(f"no browser on this machine: looked for {', '.join(_BROWSERS)}")
