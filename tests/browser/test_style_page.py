"""The parts of the interface on their page: every rule of the style holds there or nowhere."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from archiver.model.actor import Role
from tests.browser.conftest import PageAs, sideways

STYLE = ("/style", "/style/consequences")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", STYLE)
def test_every_part_is_accessible_in_both_themes(
    page_as: PageAs,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], Path],
    path: str,
    theme: str,
) -> None:
    page = page_as(Role.COUNSEL, theme, path)

    axe(page)
    screenshot(page, f"{path.strip('/').replace('/', '-')}-{theme}")


def test_nothing_scrolls_sideways_on_a_narrow_screen(page_as: PageAs) -> None:
    assert sideways(page_as(Role.COUNSEL, path="/style", size=(320, 800))) == 0
