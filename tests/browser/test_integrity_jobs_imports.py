"""Verify now, the proof to take away, an import from file to job: with real clicks."""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Page, expect

from archiver.model.actor import Role
from archiver.preserve.store.sidecar import decode
from tests.browser.conftest import PageAs
from tests.browser.site import Site

POSTS = (
    "id,written,words\n"
    "h-1,2026-11-02 09:30,Our branch in Port Halloran opens at nine\n"
    "h-2,2026-11-03 10:00,Questions about fees are answered here\n"
    "h-3,soon,This one has no time\n"
)
THEMES = ("light", "dark")
RECORD_LINK = re.compile(r"/records/[0-9A-Z]{26}")

Axe = Callable[[Page], None]
Shoot = Callable[[Page, str], None]


def test_verify_now_is_followed_to_its_end_and_the_proof_is_taken_away(
    page_as: PageAs, axe: Axe, screenshot: Shoot
) -> None:
    page = page_as(Role.AUDITOR, path="/integrity")
    axe(page)

    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#status")).to_contain_text("Verified: everything the log held")
    expect(page.locator("[hx-trigger]")).to_have_count(0)
    axe(page)
    screenshot(page, "integrity")
    expect(page.get_by_role("table", name="Last verifications")).to_contain_text("As promised")

    page.get_by_label("Size of the checkpoint you kept").fill("1")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download proof bundle").click()
    with zipfile.ZipFile(io.BytesIO(Path(taken.value.path()).read_bytes())) as bundle:
        assert {"checkpoint", "consistency.json", "README.txt"} <= set(bundle.namelist())


def test_a_damaged_object_is_named_with_its_record_and_what_to_do(
    page_as: PageAs, axe: Axe, screenshot: Shoot, site: Site
) -> None:
    home = site.services.settings.home
    segment = max(home.glob("store/seg/*/*/*/*.seg"), key=lambda path: path.stat().st_size)
    sound = segment.read_bytes()
    segment.chmod(0o600)
    try:
        segment.write_bytes(sound[:200] + bytes([sound[200] ^ 1]) + sound[201:])
        page = page_as(Role.AUDITOR, path="/integrity")
        page.get_by_role("button", name="Verify now").click()

        expect(page.locator("#status")).to_contain_text("Problem: 1 thing is not as promised.")
        table = page.get_by_role("table", name="What is not as promised")
        expect(table).to_contain_text(segment.name)
        expect(table.get_by_role("link").first).to_have_attribute("href", RECORD_LINK)
        expect(page.get_by_text("What to do: Keep everything as it is.")).to_be_visible()
        axe(page)
        screenshot(page, "integrity-problem")
    finally:
        segment.write_bytes(sound)
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#status")).to_contain_text("Verified: everything the log held")


def test_a_lock_that_somebody_removed_is_named_set_again_and_stays_a_problem(
    page_as: PageAs, axe: Axe, screenshot: Shoot, site: Site
) -> None:
    sidecar = max(site.services.settings.home.glob("store/seg/*/*/*/*.seg.lock"))
    promised = sidecar.read_bytes()
    sidecar.chmod(0o600)
    sidecar.write_bytes(replace(decode(promised, key=sidecar.name), lock=None).encode())

    page = page_as(Role.AUDITOR, path="/integrity")
    page.get_by_role("button", name="Compare locks now").click()
    expect(page.get_by_text("1 difference found, 1 of them put right").first).to_be_visible()

    for width in (1280, 320):
        shown = page_as(Role.AUDITOR, path="/integrity", size=(width, 900))
        table = shown.get_by_role("table", name="Objects that are stored otherwise than promised")
        expect(table).to_contain_text(sidecar.name.removesuffix(".lock"))
        expect(table).to_contain_text("Put right")
        expect(shown.locator("#status")).to_contain_text("Problem: 1 thing is not as promised.")
        axe(shown)
        screenshot(shown, f"integrity-locks-{width}")
    assert sidecar.read_bytes() == promised
    page.goto("/integrity")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#status")).to_contain_text("Verified: everything the log held")


def test_verify_now_works_without_javascript(page_as: PageAs) -> None:
    page = page_as(Role.AUDITOR, path="/integrity", javascript=False)

    page.get_by_label("A sample of the records").check()
    page.get_by_label("Share of a sample").fill("10")
    page.get_by_role("button", name="Verify now").click()
    page.wait_for_load_state()
    page.goto("/jobs?kind=verification")
    page.get_by_role("link", name="10 % of the records").first.click()
    while page.locator("#status").inner_text().startswith(("Waiting", "Running")):
        page.reload()

    expect(page.locator("#status")).to_contain_text("Done")
    expect(page.get_by_text("Everything that was looked at is as promised.")).to_be_visible()


def test_a_share_that_is_none_is_explained_where_it_was_typed(page_as: PageAs, axe: Axe) -> None:
    page = page_as(Role.AUDITOR, path="/integrity")

    page.get_by_label("A sample of the records").check()
    page.get_by_label("Share of a sample").fill("half")
    page.get_by_role("button", name="Verify now").click()

    expect(page.get_by_role("alert").first).to_contain_text("expected a percentage like 5")
    expect(page.get_by_label("Share of a sample")).to_have_attribute("aria-invalid", "true")
    axe(page)


def test_a_reader_sees_integrity_and_starts_nothing(page_as: PageAs) -> None:
    page = page_as(Role.REVIEWER, path="/integrity")

    expect(page.get_by_role("button", name="Verify now")).to_have_count(0)
    expect(page.get_by_role("button", name="Download proof bundle")).to_be_visible()


def test_a_file_is_sent_looked_at_mapped_and_imported(
    page_as: PageAs, axe: Axe, screenshot: Shoot, tmp_path: Path
) -> None:
    file = tmp_path / "halloran posts.csv"
    file.write_text(POSTS)
    page = page_as(Role.OPERATOR, path="/imports/new")
    axe(page)
    screenshot(page, "import-new")

    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Send the file…").click()
    page.get_by_text("Where fields stand in a JSON or CSV file of your own").click()
    page.get_by_label("Platform").fill("x")
    page.get_by_label("Business account (optional)").fill("@harbourfinch")
    page.get_by_label("Time zone").fill("America/New_York")
    for field, column in (("post_id", "id"), ("posted_at", "written"), ("text", "words")):
        page.get_by_label(f"· {field}").fill(column)
    page.get_by_role("button", name="Look again").click()

    posts = page.get_by_role("table", name="The first posts")
    expect(posts).to_contain_text("Our branch in Port Halloran opens at nine")
    expect(posts).to_contain_text("2026-11-02 14:30")
    expect(page.get_by_role("table", name="Refused so far")).to_contain_text("soon")
    axe(page)
    screenshot(page, "import-look")

    page.get_by_role("button", name="Import this file").click()
    expect(page.locator("#status")).to_contain_text("Done")
    axe(page)
    screenshot(page, "job")
    assert "soon" in _refusals(page)

    page.goto("/imports")
    expect(page.get_by_role("table", name="Imports, newest first")).to_contain_text(file.name)
    axe(page)
    screenshot(page, "imports")


def _refusals(page: Page) -> str:
    expect(page.get_by_role("table", name="What was refused")).to_contain_text("soon")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download").click()
    return Path(taken.value.path()).read_text(encoding="utf-8-sig")


def test_a_job_of_another_person_is_not_found(page_as: PageAs, site: Site) -> None:
    job = site.run(
        site.services.work.start_verification(percent=1, actor=site.actor(Role.RECORDS_MANAGER))
    )

    page_as(Role.COUNSEL, path=f"/jobs/{job.id}", status=404)
    page = page_as(Role.AUDITOR, path=f"/jobs/{job.id}")
    expect(page.get_by_role("heading", name="Verification")).to_be_visible()


def test_the_list_of_jobs_keeps_its_filters_in_the_address(
    page_as: PageAs, axe: Axe, screenshot: Shoot, site: Site
) -> None:
    job = site.run(site.services.work.start_verification(percent=2, actor=site.actor(Role.AUDITOR)))
    page = page_as(Role.AUDITOR, path=f"/jobs/{job.id}")
    expect(page.locator("#status")).to_contain_text("Done")

    page.goto("/jobs")
    axe(page)
    screenshot(page, "jobs")
    page.get_by_role("link", name="Done").click()
    page.wait_for_url(re.compile("state=done"))
    page.get_by_label("Kind").select_option("verification")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile("(?=.*state=done)(?=.*kind=verification)"))
    page.reload()

    expect(page.get_by_role("table", name="Jobs, newest first")).to_contain_text("2 % of the")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download as CSV").click()
    assert "verification" in Path(taken.value.path()).read_text(encoding="utf-8-sig")
