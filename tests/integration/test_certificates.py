"""From what is due to a certificate that anybody can check, on a whole archive."""

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from archiver.app import Services
from archiver.assurance.certificate_verifier import verify_certificate
from archiver.assurance.evidence_verifier import verify_bundle
from archiver.assurance.recovering import RecoveryTarget, recover_database
from archiver.assurance.verification import quiet
from archiver.cli.main import main
from archiver.clock import rfc3339
from archiver.config import Settings
from archiver.db.tables import metadata
from archiver.db.transaction import open_database
from archiver.disposal.batch_views import BatchView
from archiver.disposal.certificate_document import sealed
from archiver.disposal.certificates import CertificateView
from archiver.disposal.execution import Execution
from archiver.errors import Conflict, Denied
from archiver.founding import found_archive, record_founding
from archiver.ids import Ulids
from archiver.model.actor import SYSTEM
from archiver.model.batch import BatchState
from archiver.preserve.keyring import KeyringFile
from archiver.web.certificate_page import certificate_page
from tests.fakes.archive import AGENT, an_arrival, publish, settings_for, stored_posts
from tests.fakes.disposal import NINE_YEARS, Time, formed, opened
from tests.fakes.disposal_people import ADA, BEN, MARA, OPERATOR, RITA

WHY = "its retention has ended"


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def settings(tmp_path: Path, time: Time) -> Settings:
    settings = settings_for(tmp_path / "home")
    founded = await found_archive(settings, clock=time, randomness=os.urandom, ulids=Ulids())
    async with opened(settings, time) as services:
        await record_founding(services.database, services.trail, founded, SYSTEM)
    return settings


@pytest.fixture
async def captured(settings: Settings, time: Time) -> list[str]:
    """Five posts, captured nine years ago, all published; the ids."""
    async with opened(settings, time) as services:
        arrivals = [an_arrival(f"post {n}".encode()) for n in range(5)]
        ids = [each.record_id for each in await services.ingest.submit(arrivals, actor=AGENT)]
        await publish(services)
    time.pass_by(NINE_YEARS)
    return ids


@pytest.fixture
async def services(captured: list[str], settings: Settings, time: Time) -> AsyncIterator[Services]:
    assert captured
    async with opened(settings, time) as found_again:
        yield found_again


async def approved(services: Services) -> BatchView:
    """The one batch of what is due, approved by two people."""
    use = services.disposition
    (batch,) = await use.forming.form(actor=RITA)
    batch = await use.approvals.propose(batch.id, reason=WHY, actor=RITA)
    for who in (ADA, BEN):
        batch = await use.approvals.approve(batch.id, records=batch.records, reason=WHY, actor=who)
    return batch


async def executed(services: Services) -> Execution:
    batch = await approved(services)
    return await services.disposition.executions.execute(batch.id, actor=RITA)


def certificate_of(execution: Execution) -> CertificateView:
    assert execution.certificate is not None
    return execution.certificate


def verified(tmp_path: Path, certificate: CertificateView, **given: str) -> dict[str, Any]:
    """What the verifier, which knows no archive, says of a certificate."""
    path = tmp_path / "certificate.json"
    path.write_text(certificate.row.body, encoding="utf-8")
    return verify_certificate(path, **given)


async def test_from_due_to_certificate_with_a_held_record_left_for_the_next_batch(
    services: Services, captured: list[str], tmp_path: Path
) -> None:
    held, *free = captured
    hold = await services.holds.place(name="h", reason="claim", record_ids=[held], actor=ADA)

    done = await executed(services)

    report = verified(tmp_path, certificate_of(done), policy=_policy(services))
    assert (report["ok"], report["trust"]) == (True, [])
    assert sorted(report["records"]) == sorted(free)
    assert done.view.state is BatchState.DONE
    assert (await services.records.show(held, actor=ADA)).to_dict()["id"] == held

    await services.holds.release(hold.id, reason="settled", actor=ADA)
    second = await executed(services)

    report = verified(tmp_path, certificate_of(second))
    assert (report["ok"], report["records"]) == (True, [held])
    numbers = [certificate_of(each).row.number for each in (done, second)]
    assert numbers == [1, 2]


async def test_a_certificate_says_who_what_why_and_how_and_what_remains(
    services: Services, captured: list[str], time: Time, tmp_path: Path
) -> None:
    use = services.disposition
    (batch,) = await use.forming.form(actor=RITA)
    await use.approvals.propose(batch.id, reason="too early", actor=RITA)
    time.pass_by(timedelta(hours=1))
    await use.batches.exclude(
        batch.id, captured[:1], reason="of value", keep_until=date(2040, 3, 1), actor=RITA
    )
    again = services.clock()
    batch = await use.approvals.propose(batch.id, reason=WHY, actor=RITA)
    proposed = services.clock()
    time.pass_by(timedelta(hours=1))
    for who in (ADA, BEN):
        await use.approvals.approve(batch.id, records=4, reason=WHY, actor=who)

    done = await use.executions.execute(batch.id, actor=RITA)

    body = json.loads(certificate_of(done).row.body)["certificate"]
    assert body["counts"] | {"bytes": 0} == {
        "formed": 5,
        "destroyed": 4,
        "excluded": 1,
        "kept": 0,
        "bytes": 0,
    }
    assert [each["by"] for each in body["approvals"]] == ["ada", "ben"]
    assert body["proposed"]["by"] == "rita"
    assert rfc3339(again) <= body["proposed"]["at"] <= rfc3339(proposed)
    assert body["class"]["authority"]
    assert body["schedule"]["terms"][0]["citation"]
    assert body["backups"]["days"] == 35
    assert "hashtags" in body["backups"]["hold"]  # personal data are in rows, and it says so
    (stays,) = body["left_out"]
    assert (stays["reason"], stays["keep_until"]) == ("of value", "2040-03-01T00:00:00.000Z")
    assert verified(tmp_path, certificate_of(done))["ok"]
    page = certificate_page(certificate_of(done))
    assert "2040-03-01 00:00" in page
    minute = body["proposed"]["at"][:16].replace("T", " ")
    assert f"reviewed and proposed</td><td>{minute}" in page
    assert {json.loads(each["entry"])["id"] for each in body["records"]} == set(captured[1:])
    assert "post " not in certificate_of(done).row.body  # no word of what was destroyed


async def test_a_certificate_of_before_it_told_the_proposal_is_shown_as_it_is(
    services: Services, tmp_path: Path
) -> None:
    row = certificate_of(await executed(services)).row
    body = json.loads(row.body)["certificate"]
    del body["proposed"]["at"]
    for each in body["left_out"]:
        del each["keep_until"]
    signers = services.disposition.certificates._sources.signers
    older = CertificateView(row=replace(row, body=sealed(body, signers).decode()))

    assert "reviewed and proposed</td><td></td>" in certificate_page(older)
    assert verified(tmp_path, older)["ok"]


async def test_a_batch_is_handed_over_as_a_bundle_that_proves_itself_before_it_goes(
    services: Services, tmp_path: Path
) -> None:
    use, package = services.disposition, tmp_path / "package.zip"
    batch_id = await formed(services, await stored_posts(services), action="transfer")
    await use.approvals.propose(batch_id, reason=WHY, actor=RITA)
    packed = await use.transfers.export(batch_id, package, actor=RITA)
    assert (packed.records, verify_bundle(package)["ok"]) == (5, True)
    received = hashlib.sha256(package.read_bytes()).hexdigest()
    await use.transfers.confirm(batch_id, sha256=received, receiver="State Archives", actor=MARA)
    for who in (ADA, BEN):
        await use.approvals.approve(batch_id, records=5, reason=WHY, actor=who)

    done = await use.executions.execute(batch_id, actor=RITA)

    body = json.loads(certificate_of(done).row.body)["certificate"]
    assert (body["transfer"]["receiver"], body["transfer"]["sha256"]) == (
        "State Archives",
        received,
    )
    assert verified(tmp_path, certificate_of(done))["ok"]
    assert verify_bundle(package)["ok"]  # what was handed over outlives what was destroyed


async def test_an_execution_deletes_the_files_of_its_own_records_alone(
    services: Services,
) -> None:
    """The package of a batch that nobody confirmed yet outlives the disposal of another."""
    use, posts = services.disposition, await stored_posts(services)
    packages: dict[str, Path] = {}
    for some in (posts[:2], posts[2:]):
        batch_id = await formed(services, some, action="transfer")
        await use.approvals.propose(batch_id, reason=WHY, actor=RITA)
        job = await services.work.start(
            "transfer-package", subject="two", arguments={"batch_id": batch_id}, actor=RITA
        )
        await services.runner.work_off()
        packages[batch_id] = services.runner._files.result(job.id)
    first, second = packages
    sha256 = hashlib.sha256(packages[first].read_bytes()).hexdigest()
    await use.transfers.confirm(first, sha256=sha256, receiver="State Archives", actor=MARA)
    for who in (ADA, BEN):
        await use.approvals.approve(first, records=2, reason=WHY, actor=who)

    await use.executions.execute(first, actor=RITA)

    assert not packages[first].exists()
    sha256 = hashlib.sha256(packages[second].read_bytes()).hexdigest()
    await use.transfers.confirm(second, sha256=sha256, receiver="State Archives", actor=MARA)


async def test_what_is_done_twice_is_certified_once(services: Services) -> None:
    done = await executed(services)
    executions = services.disposition.executions

    again, *both = await asyncio.gather(
        *(executions.execute(done.view.id, actor=RITA) for _ in range(3))
    )

    assert {certificate_of(each).row.id for each in (done, again, *both)} == {
        certificate_of(done).row.id
    }
    assert len(await services.disposition.certificates.list(actor=ADA)) == 1


async def test_a_certificate_that_an_execution_left_out_is_issued_later(
    services: Services, tmp_path: Path
) -> None:
    batch = await approved(services)
    await services.destruction.execute(batch.id, actor=RITA)  # and the process dies here
    certificates = services.disposition.certificates
    assert await certificates.list(actor=ADA) == ()

    await certificates.issue_missing()

    (listed,) = await certificates.list(actor=ADA)
    shown = await certificates.show(batch.id, actor=ADA)
    assert listed.row.id == shown.row.id
    assert verified(tmp_path, shown)["ok"]


async def test_a_batch_that_is_not_approved_is_not_executed(services: Services) -> None:
    use = services.disposition
    (batch,) = await use.forming.form(actor=RITA)

    with pytest.raises(Conflict, match="found it formed"):
        await use.executions.execute(batch.id, actor=RITA)
    with pytest.raises(Denied):
        await use.executions.execute(batch.id, actor=OPERATOR)
    with pytest.raises(Conflict, match="is formed: a certificate"):
        await use.certificates.issue(batch.id, actor=RITA)

    assert (await use.batches.list(state="formed", actor=RITA)).total == 1


async def test_nothing_is_executed_while_all_disposal_is_stopped(services: Services) -> None:
    use = services.disposition
    batch = await approved(services)
    await use.stop.stop(reason="a subpoena came in", actor=ADA)

    with pytest.raises(Conflict, match="a subpoena came in"):
        await use.executions.execute(batch.id, actor=RITA)
    still = await use.approvals.withdraw(batch.id, reason="wait", actor=ADA)

    assert still.state is BatchState.REVIEWED  # the attempt began nothing


async def test_a_rebuilt_database_has_the_same_batches_and_certificates(
    captured: list[str], settings: Settings, time: Time
) -> None:
    async with opened(settings, time) as services:
        use = services.disposition
        (batch,) = await use.forming.form(actor=RITA)
        await use.batches.exclude(batch.id, captured[:2], reason="of value", actor=RITA)
        await use.batches.include(batch.id, captured[:1], reason="a mistake", actor=RITA)
        await use.batches.cancel(batch.id, reason="form it anew", actor=RITA)
        (batch,) = await use.forming.form(actor=RITA)
        until = services.clock() + NINE_YEARS
        exclude = use.batches.exclude
        await exclude(batch.id, captured[:1], reason=WHY, keep_until=until, actor=RITA)
        await use.approvals.propose(batch.id, reason=WHY, actor=RITA)
        for who in (ADA, BEN, None, BEN):
            if who is None:
                await use.approvals.withdraw(batch.id, reason="a doubt", actor=BEN)
            else:
                await use.approvals.approve(batch.id, records=4, reason=WHY, actor=who)
        await use.executions.execute(batch.id, actor=RITA)
        await services.loops.catch_up()
        before = await rows_of_batches(services)
    for path in settings.home.glob("archive.db*"):
        path.unlink()
    shutil.rmtree(settings.home / "index")

    await recover(settings, time)

    async with opened(settings, time) as services:
        assert await rows_of_batches(services) == before
        assert await services.disposition.forming.form(actor=RITA) == ()


async def rows_of_batches(services: Services) -> dict[str, list[tuple[object, ...]]]:
    """Every row of batches and certificates, of which there are some in each table."""
    tables = ("batch", "batch_record", "batch_approval", "certificate", "disposed")
    async with services.database.reading() as tx:
        found = {
            name: sorted(tuple(row) for row in await tx.execute(select(metadata.tables[name])))
            for name in tables
        }
    assert all(found.values())
    return found


async def recover(settings: Settings, time: Time) -> None:
    """Rebuild the database from the store, at the time of the test."""
    database = open_database(settings.effective_database_url)
    try:
        await recover_database(
            RecoveryTarget(
                store_url=settings.effective_store_url,
                keyring=KeyringFile.of(settings).open(),
                database=database,
                clock=time,
                workers=1,
                zone="UTC",
                plan=_no_plan,
            ),
            dry_run=False,
            phase=quiet,
        )
    finally:
        await database.close()


async def _no_plan(*_: object) -> None:
    raise AssertionError("the file plan is in the store")


async def test_one_changed_byte_of_a_certificate_is_refused(
    services: Services, tmp_path: Path
) -> None:
    done = await executed(services)
    data = certificate_of(done).row.body.encode()
    path = tmp_path / "certificate.json"
    for place in range(0, len(data), 97):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert not verify_certificate(path)["ok"], f"byte {place} of {len(data)}"
    for shorter in (b"", b"{", b"{}", b"[]", b"null", data[:-1], data + b"\n", data * 2):
        path.write_bytes(shorter)
        assert not verify_certificate(path)["ok"]


async def test_the_command_verifies_a_certificate_without_an_archive(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = await executed(services)
    path = tmp_path / "certificate.json"
    path.write_text(certificate_of(done).row.body, encoding="utf-8")

    code = await asyncio.to_thread(main, ["evidence", "verify", str(path)])

    assert (code, "Certificate no. 1" in capsys.readouterr().out) == (0, True)


def _policy(services: Services) -> str:
    return f"log {services.archive.vkey}\nquorum none\n"
