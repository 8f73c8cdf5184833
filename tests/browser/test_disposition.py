"""Disposal in a real browser, on posts that are due: from the queue to the certificate."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from archiver.assurance.certificate_verifier import verify_certificate
from archiver.assurance.evidence_verifier import verify_bundle
from archiver.disposal.destruction import Destruction, Executed
from archiver.model.actor import Role
from tests.browser.conftest import PageAs, sideways
from tests.browser.due_site import HELD, DueSite
from tests.fakes.archive import stored_posts
from tests.fakes.disposal import formed

Check = Callable[[Page], None]
Shot = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DueSite]:
    """An archive of which most is due; where the session's site would be, so that pages are its."""
    served = DueSite(tmp_path_factory.mktemp("due") / "home")
    served.start()
    yield served
    served.stop()


def signed_in(page_as: PageAs, site: DueSite, person_id: str, path: str) -> Page:
    """Open a page as one person, of which there may be several of a role."""
    page = page_as(path="/sign-in")
    page.context.add_cookies([site.cookie(person_id)])  # type: ignore[list-item]
    page.goto(path)
    return page


def fact(page: Page, name: str) -> str:
    """Return what the facts of a page say under a name."""
    return page.locator(".facts > div", has_text=name).first.locator("dd").inner_text()


def checked(page: Page, axe: Check, path: str) -> None:
    """Assert that a page is free of faults in both themes and does not scroll sideways."""
    page.goto(path)
    axe(page)
    page.set_viewport_size({"width": 320, "height": 640})
    assert sideways(page) == 0, f"{path} scrolls sideways"
    page.set_viewport_size({"width": 1360, "height": 900})


def approve(page: Page, count: str) -> None:
    """Fill in and send the page of an approval."""
    page.get_by_label("How many records go").fill(count)
    page.get_by_label("Reason").fill("Agreed")
    page.get_by_role("button", name="Approve the disposal of").click()


def test_three_people_bring_due_posts_to_their_certificate(
    page_as: PageAs, site: DueSite, axe: Check, screenshot: Shot, tmp_path: Path
) -> None:
    manager = page_as(Role.RECORDS_MANAGER, path="/disposition/due")
    held = manager.get_by_role("region", name="Table: Records that something keeps")
    held.get_by_role("link", name=f"{HELD} held").click()
    expect(manager.locator("tbody tr")).to_have_count(HELD)
    checked(manager, axe, manager.url.removeprefix(site.url))
    checked(manager, axe, "/disposition/due")
    manager.get_by_role("button", name=re.compile("^Form [0-9]+ batches of")).click()
    manager.get_by_role("link", name="harbourfinch", exact=True).last.click()
    manager.wait_for_url(re.compile("/disposition/[0-9A-Z]{26}"))
    batch = manager.url.partition("?")[0].removeprefix(site.url)
    number = int(fact(manager, "Records that go")) - 2

    _review(manager, axe, batch)
    _propose(manager, batch, number)
    first = page_as(Role.COUNSEL, path="/disposition?mine=true")
    _approve_first(first, axe, batch, number)
    second = signed_in(page_as, site, site.another(Role.COUNSEL), f"{batch}/approve")
    approve(second, str(number))
    expect(second.get_by_text("Enough people approved it")).to_be_visible()
    _execute(manager, batch, number)

    certificate = manager.url.removeprefix(site.url)
    _read_certificate(manager, tmp_path, number)
    screenshot(manager, "certificate")
    for path in (certificate, "/certificates", f"{batch}/execution", "/disposition", batch):
        checked(manager, axe, path)
    manager.goto(certificate)
    destroyed = manager.get_by_role("region", name="Table: Records that were destroyed")
    destroyed.get_by_role("link").first.click()
    _read_what_remains(manager)
    checked(manager, axe, manager.url.removeprefix(site.url))


def _review(page: Page, axe: Check, batch: str) -> None:
    """Read what posts say, and leave two of them out."""
    page.goto(f"{batch}/sample")
    assert re.search(r"\?seed=[0-9a-f]{16}$", page.url)
    expect(page.locator("td.post .said").nth(1)).not_to_be_empty()
    _leave_two_out_by_keys(page)
    for path in ("", "/exceptions", "/sample?seed=1", "/records?state=excluded", "/exclude"):
        checked(page, axe, batch + path)


def _propose(page: Page, batch: str, number: int) -> None:
    page.goto(batch)
    page.get_by_role("link", name=f"Propose {number} items for disposal…").click()
    page.get_by_label("Reason").fill("Nothing of it is needed")
    page.get_by_role("button", name=f"Propose {number} items").click()
    expect(page.get_by_text("Whoever formed or proposed it does not count.")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^Approve [0-9]"))).to_have_count(0)


def _approve_first(page: Page, axe: Check, batch: str, number: int) -> None:
    """Approve with a wrong count, then with the right one; a second approval is not offered."""
    page.get_by_role("link", name="harbourfinch", exact=True).click()
    checked(page, axe, f"{batch}/approve")
    approve(page, "3")
    expect(page.get_by_role("alert")).to_contain_text("Expected the exact number")
    approve(page, str(number))
    expect(page.get_by_text("Another person must approve it as well.")).to_be_visible()
    expect(page.get_by_text("You cannot approve this batch.")).to_be_visible()
    page.goto("/disposition?mine=true")
    expect(page.get_by_text("No batch is like that.")).to_be_visible()


def _execute(page: Page, batch: str, number: int) -> None:
    page.goto(f"{batch}/execute")
    expect(page.get_by_text("Nobody can bring them back.")).to_be_visible()
    page.get_by_role("button", name=f"Destroy {number} items").click()
    page.get_by_role("link", name="Certificate of destruction no. 1").click()


def _read_what_remains(page: Page) -> None:
    expect(page.get_by_text("This record was destroyed on")).to_be_visible()
    assert fact(page, "State") == "Disposed"
    assert fact(page, "Why") == "Nothing of it is needed"
    assert len(fact(page, "Approved by").split(", ")) == 2


def _leave_two_out_by_keys(page: Page) -> None:
    """Select two posts, open the second, come back to place and selection, and leave both out."""
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile(r"[?&]pick=[0-9A-Z]{26}\.[0-9A-Z]{26}"))
    kept = page.url
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Back to the review").click()
    page.wait_for_url(re.compile(rf"{re.escape(kept)}(#|$)"))
    expect(page.locator("tbody .pick input:checked")).to_have_count(2)
    expect(page.locator("[data-at] a").first).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_role("button", name="Exclude 2 records")).to_be_visible()
    page.get_by_role("button", name="Exclude 2 records").click()
    page.get_by_label("Reason").fill("The museum asks for them")
    page.get_by_role("button", name="Exclude 2 records").click()
    expect(page.get_by_role("link", name="Left out 2")).to_be_visible()


def _read_certificate(page: Page, folder: Path, destroyed: int) -> None:
    """Assert that the page names all that went, and that its file verifies without the archive."""
    expect(page.get_by_text("muniment evidence verify certificate-000001.json")).to_be_visible()
    expect(page.get_by_text("The museum asks for them")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download JSON").click()
    path = folder / "certificate.json"
    download.value.save_as(path)
    report = verify_certificate(path)
    assert (report["ok"], len(report["records"])) == (True, destroyed)
    assert json.loads(path.read_text())["certificate"]["counts"]["excluded"] == 2


class Brake:
    """Holds executions before the second segment of their batch, until it is let go."""

    def __init__(self, site: DueSite, patched: pytest.MonkeyPatch) -> None:
        self._let_go, self._passed, self._site = asyncio.Event(), 0, site
        destroy = Destruction._destroy

        async def braked(one: Destruction, *asked: Any) -> Any:
            self._passed += 1
            if self._passed > 1:
                await self._let_go.wait()
            return await destroy(one, *asked)

        async def nothing(_: Destruction) -> list[Executed]:
            return []

        patched.setattr(Destruction, "_destroy", braked)
        patched.setattr(Destruction, "resume", nothing)  # the loop's, which would be in the way

    def let_go(self) -> None:
        async def let_go() -> None:
            self._let_go.set()

        self._site.run(let_go())


def test_an_execution_is_interrupted_stopped_and_brought_to_its_end(  # noqa: PLR0915 - one story
    page_as: PageAs, site: DueSite, axe: Check, screenshot: Shot, monkeypatch: pytest.MonkeyPatch
) -> None:
    brake = Brake(site, monkeypatch)
    batch_id, number = _approved(site, "harbour-finch-brokers")
    execution = f"/disposition/{batch_id}/execution"
    page = page_as(Role.RECORDS_MANAGER, path=f"/disposition/{batch_id}/execute")
    destroy = page.get_by_role("button", name=f"Destroy {number} items")
    destroy.dblclick()  # one job, whatever is sent
    expect(page.get_by_text("Phase")).to_be_visible()
    screenshot(page, "execution-runs")
    page.get_by_role("button", name="Interrupt").click()
    page.wait_for_load_state()
    page.goto(execution)
    expect(page.get_by_text("Interrupted; it goes on by itself")).to_be_visible()
    checked(page, axe, execution)

    page.get_by_role("link", name="Go on…").click()
    destroy.click()
    expect(page.get_by_role("button", name="Interrupt")).to_be_visible()
    page.get_by_role("link", name="Emergency stop…").click()
    page.get_by_label("Reason").fill("A subpoena came in")
    page.get_by_role("button", name="Stop all disposal now").click()
    brake.let_go()
    page.wait_for_load_state()
    page.goto(execution)
    expect(page.get_by_text("The job failed.")).to_be_visible()
    expect(page.get_by_text("All disposal is stopped.")).to_be_visible()
    destroyed, waiting = [
        int(page.locator(".tile", has_text=name).locator(".big").inner_text())
        for name in ("Destroyed", "Waiting")
    ]
    assert (destroyed > 0, waiting > 0, destroyed + waiting) == (True, True, number)
    screenshot(page, "execution-stopped")
    expect(page.get_by_role("link", name="Go on…")).to_have_count(0)
    page.goto(f"/disposition/{batch_id}/execute")
    destroy.click()
    expect(page.get_by_role("alert").first).to_contain_text("subpoena")

    other = page_as(Role.COUNSEL, path="/disposition/stop/resume")
    other.get_by_label("Reason").fill("Its scope is known and held")
    other.get_by_role("button", name="Let disposal go on").click()
    expect(other.get_by_text("Disposal goes on.")).to_be_visible()
    page.goto(f"/disposition/{batch_id}/execute")
    destroy.click()
    expect(page.get_by_text(f"{number} records were destroyed.")).to_be_visible()


def test_a_package_is_made_fetched_and_its_receipt_confirmed(  # noqa: PLR0915 - one journey
    page_as: PageAs, site: DueSite, axe: Check, screenshot: Shot
) -> None:
    batch_id = _proposed_transfer(site)
    page = page_as(Role.RECORDS_MANAGER, path=f"/disposition/{batch_id}")
    expect(page.get_by_text("Hand it over first.")).to_be_visible()
    page.get_by_role("button", name="Make the package").dblclick()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Download").click()
    package = fetched.value.path()
    sha256 = hashlib.sha256(package.read_bytes()).hexdigest()
    assert verify_bundle(package)["ok"]

    page.goto(f"/disposition/{batch_id}")
    expect(page.get_by_role("link", name="Download package")).to_be_visible()
    assert fact(page, "SHA-256 of the package").replace("…", "")[:8] == sha256[:8]
    screenshot(page, "transfer-package")
    page.get_by_role("link", name="Receiver's confirmation…").click()
    checked(page, axe, f"/disposition/{batch_id}/confirm")
    page.get_by_label("SHA-256 that the receiver computed").fill(sha256)
    page.get_by_label("Received by").fill("State Archives, accession 26-114")
    page.get_by_role("button", name="Record the confirmation").click()
    expect(page.get_by_text("who makes it does not confirm its receipt")).to_be_visible()

    page.context.clear_cookies()
    page.context.add_cookies([site.cookie(site.another(Role.RECORDS_MANAGER))])  # type: ignore[list-item]
    page.goto(f"/disposition/{batch_id}/confirm")
    page.get_by_label("SHA-256 that the receiver computed").fill("0" * 64)
    page.get_by_label("Received by").fill("State Archives, accession 26-114")
    confirm = page.get_by_role("button", name="Record the confirmation")
    confirm.click()
    expect(page.get_by_role("alert")).to_contain_text("The receiver holds other bytes")
    page.get_by_label("SHA-256 that the receiver computed").fill(sha256)
    screenshot(page, "transfer-confirm")
    confirm.dblclick()
    assert fact(page, "Received by") == "State Archives, accession 26-114"
    expect(page.get_by_role("button", name="Make the package")).to_have_count(0)


def _proposed_transfer(site: DueSite) -> str:
    """Return a batch to be handed over that was reviewed and proposed."""
    manager, work = site.actor(Role.RECORDS_MANAGER), site.services.disposition
    for other in site.run(
        work.batches.list(state="formed", account="research", actor=manager)
    ).items:
        site.run(work.batches.cancel(other.id, reason="It is handed over instead", actor=manager))
    rows = [row for row in site.run(stored_posts(site.services)) if row.account == "research"]
    batch_id = site.run(formed(site.services, rows, action="transfer"))
    propose = work.approvals.propose
    site.run(propose(batch_id, reason="The State Archives take it", actor=manager))
    return batch_id


def _approved(site: DueSite, account: str) -> tuple[str, int]:
    """Return a batch that two people have approved, and how many records are in it."""
    run, work = site.run, site.services.disposition
    manager, first = site.actor(Role.RECORDS_MANAGER), site.actor(Role.COUNSEL)
    run(work.forming.form(account=account, actor=manager))
    (batch,) = run(work.batches.list(state="formed", account=account, actor=manager)).items
    run(work.approvals.propose(batch.id, reason="Nothing of it is needed", actor=manager))
    for who in (first, replace(first, person_id=site.another(Role.COUNSEL))):
        approve = work.approvals.approve
        run(approve(batch.id, records=batch.records, reason="Agreed", actor=who))
    return batch.id, batch.records


def test_a_batch_is_worked_without_scripts(page_as: PageAs, site: DueSite) -> None:
    run, manager = site.run, site.actor(Role.RECORDS_MANAGER)
    run(site.services.disposition.forming.form(actor=manager))
    page = page_as(Role.RECORDS_MANAGER, path="/disposition?state=formed", javascript=False)
    page.locator("tbody a").first.click()
    page.get_by_role("link", name=re.compile("^Records")).click()
    page.locator("tbody .pick input").first.check()
    page.get_by_role("button", name="Exclude…").click()
    page.get_by_label("Keep until").fill("2040-01-31")
    page.get_by_label("Reason").fill("A review keeps it")
    page.get_by_role("button", name="Exclude 1 record").click()
    page.get_by_role("link", name=re.compile("^Left out")).click()
    expect(page.get_by_text("kept until 2040-01-31")).to_be_visible()
    page.locator("tbody .pick input").first.check()
    page.get_by_role("button", name="Include again…").click()
    page.get_by_label("Reason").fill("It may go after all")
    page.get_by_role("button", name="Include 1 record").click()
    page.get_by_role("link", name="Summary").click()
    page.get_by_role("link", name="Cancel batch…").click()
    page.get_by_label("Reason").fill("Not yet")
    page.get_by_role("button", name="Cancel the batch").click()
    expect(page.get_by_text("The batch is cancelled.")).to_be_visible()


def test_who_reads_the_file_plan_alone_sees_counts_and_no_post(
    page_as: PageAs, site: DueSite
) -> None:
    run, manager = site.run, site.actor(Role.RECORDS_MANAGER)
    run(site.services.disposition.forming.form(actor=manager))
    listed = run(site.services.disposition.batches.list(actor=manager))
    batch = f"/disposition/{listed.items[0].id}"
    page = page_as(Role.OPERATOR, path=batch)
    expect(page.get_by_role("link", name="Sample")).to_have_count(0)
    page_as(Role.OPERATOR, path=f"{batch}/records", status=403)
