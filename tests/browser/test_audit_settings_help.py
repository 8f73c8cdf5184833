"""The audit log, the settings and the help in a real browser."""

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from archiver.assurance.audit_export_check import check_export
from archiver.model.actor import Role
from tests.browser.conftest import PageAs
from tests.browser.site import Site

HELP_PICTURES = Path("archiver/web/help/pictures")


def test_an_auditor_reads_all_about_a_record_and_checks_one_event(
    page_as: PageAs,
    axe: Callable[[Page], None],
    screenshot: Callable[[Page, str], None],
) -> None:
    page = page_as(Role.AUDITOR, path="/audit?action=hold:*")
    row = page.locator("tbody tr", has_text="placed hold").first
    row.locator("summary").click()
    expect(row.locator("pre")).to_contain_text("hold:placed")
    axe(page)

    row.get_by_role("link", name="Open this event").click()
    expect(page.get_by_text("The log holds this event as shown.")).to_be_visible()
    axe(page)
    screenshot(page, "audit-event")

    page.get_by_role("link", name="Everything about this hold").click()
    expect(page.locator("h1")).to_contain_text("Everything about hold")
    axe(page)
    screenshot(page, "audit-about")


def test_filters_are_chips_that_can_be_removed(page_as: PageAs) -> None:
    page = page_as(Role.AUDITOR, path="/audit")

    page.get_by_label("What").select_option("hold:placed")
    page.get_by_label("Matter").select_option(label="Halloran inquiry")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile(r"action=hold%3Aplaced.*matter=Halloran\+inquiry"))
    expect(page.locator("tbody tr")).to_have_count(1)

    page.get_by_role("link", name=re.compile("Remove filter matter")).click()
    expect(page).not_to_have_url(re.compile("matter="))
    expect(page.get_by_role("list", name="Filters in force").get_by_role("listitem")).to_have_count(
        2
    )


def test_who_follows_sees_what_happens_as_it_happens(page_as: PageAs, site: Site) -> None:
    page = page_as(Role.AUDITOR, path="/audit?action=record:*")
    page.get_by_role("link", name="Follow").click()
    expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()

    counsel = site.actor(Role.COUNSEL)
    hits = site.run(site.services.searching.search("is:created", limit=1, actor=counsel)).hits
    site.run(site.services.records.raw(hits[0].id, actor=counsel))

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text(hits[0].id)


def test_an_export_is_checked_away_from_the_archive(
    page_as: PageAs, site: Site, tmp_path: Path
) -> None:
    page = page_as(Role.AUDITOR, path="/audit?action=hold:*")
    page.get_by_role("button", name="Export these with proofs").click()
    expect(page).to_have_url(re.compile("/jobs/"))
    link = page.get_by_role("link", name=re.compile("Download|Fetch")).first
    expect(link).to_be_visible()
    with page.expect_download() as caught:
        link.click()
    path = tmp_path / "trail.zip"
    caught.value.save_as(path)

    checked = check_export(path, site.services.archive.vkey)

    assert checked.key_given
    assert checked.events >= 1
    assert "README.txt" in zipfile.ZipFile(path).namelist()


def test_the_trail_is_read_without_javascript(page_as: PageAs) -> None:
    page = page_as(Role.AUDITOR, path="/audit/follow?start=0", javascript=False)

    page.get_by_role("link", name="Look now").click()
    page.get_by_role("link", name="Stop following").click()

    expect(page.locator("h1")).to_have_text("Audit log")


PICTURES = [
    ("search", Role.COUNSEL, "/search?q=whatsapp+OR+complaint"),
    ("holds", Role.COUNSEL, "/holds"),
    ("classes", Role.RECORDS_MANAGER, "/classes"),
    ("events", Role.RECORDS_MANAGER, "/retention-events"),
    ("stop", Role.COUNSEL, "/disposition/stop"),
    ("integrity", Role.AUDITOR, "/integrity"),
    ("audit", Role.AUDITOR, "/audit?action=hold:*"),
    ("settings", Role.AUDITOR, "/settings"),
]


@pytest.mark.skipif(
    "MUNIMENT_WRITE_PICTURES" not in os.environ, reason="set MUNIMENT_WRITE_PICTURES to write them"
)
@pytest.mark.parametrize(("name", "role", "path"), PICTURES, ids=[name for name, *_ in PICTURES])
def test_the_pictures_of_the_help_are_of_these_pages(
    page_as: PageAs, name: str, role: Role, path: str
) -> None:
    page = page_as(role, path=path, size=(1000, 520))
    content = page.screenshot()

    assert len(content) <= 80_000
    HELP_PICTURES.mkdir(exist_ok=True)
    (HELP_PICTURES / f"{name}.png").write_bytes(content)
