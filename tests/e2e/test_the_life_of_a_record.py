"""The life of a record, told once from capture to certificate, on real posts."""

import os
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archiver.clock import system_clock
from archiver.disposal.certificates import CertificateView
from archiver.disposal.simulation_result import Category
from archiver.model.lock import Lock, LockMode
from archiver.model.post import Change
from tests.conftest import BUCKET
from tests.e2e.command_line import CommandLine
from tests.e2e.raw_tweets import FILES
from tests.fakes.archive import found_whole, settings_for
from tests.fakes.bank import (
    FOUNDED,
    HELP,
    INVEST,
    NEWS,
    RealTime,
    execute_until_killed,
    open_bank,
    said,
    tweets,
)
from tests.fakes.disposal import Time
from tests.fakes.seaweedfs import SeaweedFS
from tests.faults.sweep import SEED

if TYPE_CHECKING:
    from tests.fakes.postgres import Postgres

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not FILES, reason="the real posts (MUNIMENT_TEST_DATA) are absent"),
]
COMMUNICATIONS, CUSTOMERS = "communications", "customer-accounts"
"""17 CFR 240.17a-4(b)(4): three years. FINRA 4511(b): six years from the account's closing."""

DAY = timedelta(days=1)
FILM = random.Random("film").randbytes(400_000)


@pytest.mark.parametrize(
    ("posts", "held"),
    [(240, 60), pytest.param(4000, 1000, marks=pytest.mark.faults, id="thousands")],
)
async def test_the_life_of_a_record(  # noqa: PLR0915 - a story is read from top to bottom
    posts: int, held: int, tmp_path: Path
) -> None:
    time = Time(FOUNDED)
    settings = await found_whole(settings_for(tmp_path / "home"), clock=time)
    drawn = random.Random(SEED)

    async with open_bank(settings, time) as bank:
        # A bank adopts SEC 17a-4 for what it says, and FINRA 4511 for what it says to customers.
        await bank.adopt(COMMUNICATIONS, template="us-sec-17a4-comms")
        await bank.adopt(CUSTOMERS, template="us-finra-4511-account")
        await bank.file_posts({HELP: CUSTOMERS}, others=COMMUNICATIONS)

        # It captures what it posts; what it corrects and what it deletes are records of their own.
        first, *rest = tweets(posts)
        records = await bank.capture([said(first, film=FILM), *map(said, rest)])
        time.pass_by(DAY)
        records += await bank.capture(said(each, change=Change.EDITED) for each in rest[::10])
        records += await bank.capture(said(each, change=Change.DELETED) for each in rest[::25])
        told = [each for each in records if each.account in {NEWS, INVEST}]
        customers = [each for each in records if each.account == HELP]
        assert await bank.kept_until(told[0]) == "2015-12-01"
        assert await bank.kept_until(customers[0]) == "awaiting-event"

        # An account closes: from now on the six years of its records count.
        time.pass_by(30 * DAY)
        await bank.close_account(HELP)
        assert await bank.kept_until(customers[0]) == "2018-12-07"

        # A schedule is lengthened: simulated, approved by somebody else, then in force.
        draft = await bank.draft(COMMUNICATIONS, period="P6Y")
        meant = await bank.simulate(draft)
        assert meant.total.found[Category.LONGER].records == len(told)
        assert {year for year, line in meant.by_year().items() if line.after.records} == {"2018"}
        await bank.bring_into_force(draft, seen=meant.digest)
        assert await bank.kept_until(told[0]) == "2018-11-06"

        # Counsel holds some of all of them.
        kept = drawn.sample(records, held)
        hold = await bank.hold(kept)
        gone = [each for each in records if each not in kept]

        # Six years pass, in which the locks roll on.
        await bank.years_pass(6)
        time.pass_by(30 * DAY)

    async with open_bank(settings, time) as bank:
        # Batches form without the held ones; one person reviews them, two others approve.
        batches = await bank.form_batches()
        assert sum(batch.records for batch in batches) == len(gone)
        reviews = [await bank.review(batch) for batch in batches]
        assert sum(review.outside.held for review in reviews) == held
        for batch in batches:
            await bank.approve(batch)
        steps = reviews[0].consequences.whole + reviews[0].consequences.shared

    # The process that destroys the largest of them is killed in the middle.
    largest, *others = batches
    number = drawn.randint(1, steps)
    assert execute_until_killed(settings, time, largest.id, removal=number) == -9

    async with open_bank(settings, time) as bank:
        assert await bank.batch(largest.id) == "executing"
        await bank.require_intact(kept)

        # The next one goes on with it, by itself, and issues its certificate.
        await bank.go_on()
        assert await bank.batch(largest.id) == "done"
        certificates = [await bank.certificate(largest)]
        certificates += [await bank.execute(batch) for batch in others]

        # What was held is there byte for byte; what is gone is explained, and nothing else.
        await bank.require_intact(kept)
        report = await bank.verify()
        assert (report.problems, bank.destroyed(report)) == ((), len(gone))

        # Released, it comes up in the next batches, and goes too.
        await bank.release(hold)
        for batch in await bank.form_batches():
            certificates.append(await bank.execute(await bank.approve(batch)))
        report = await bank.verify()
        assert (report.problems, bank.destroyed(report)) == ((), len(records))
        policy = bank.policy()

    # Whoever asks later, without the archive, is told by its certificates who let what go.
    assert certified(tmp_path, certificates, policy) == sorted(each.id for each in records)


def certified(folder: Path, certificates: Sequence[CertificateView], policy: str) -> list[str]:
    """The records that `evidence verify` finds named by certificates, where no archive is."""
    (folder / "policy.txt").write_text(policy, encoding="utf-8")
    elsewhere = CommandLine(folder / "no-archive-here")
    named: list[str] = []
    for certificate in certificates:
        path = folder / f"{certificate.name}.json"
        path.write_text(certificate.row.body, encoding="utf-8")
        words = ("evidence", "verify", str(path), "--policy", str(folder / "policy.txt"))
        checked = elsewhere(*words, "--json").json()
        assert (checked["ok"], checked["trust"]) == (True, [])
        named += checked["records"]
    return sorted(named)


@pytest.mark.faults
@pytest.mark.integration
async def test_the_end_of_a_record_on_postgresql_and_a_bucket_with_locks_of_its_own(  # noqa: PLR0915 - a story
    postgres: "Postgres", seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    """No clock of ours moves that of a real bucket: what was said eight years ago is due today."""
    time = RealTime()
    store = seaweedfs.store_url(BUCKET, f"life-{os.urandom(6).hex()}")
    settings = await found_whole(
        settings_for(tmp_path / "home", database_url=postgres.fresh_database(), store_url=store)
    )
    async with open_bank(settings, time) as bank:
        await bank.add_class(COMMUNICATIONS, template="us-sec-17a4-comms")
        draft = await bank.draft(
            COMMUNICATIONS,
            template="us-sec-17a4-comms",
            period="P3Y",
            triggers=["posted"],
            lock="none",
        )
        await bank.bring_into_force(draft)
        await bank.file_posts({}, others=COMMUNICATIONS)
        first, *rest = tweets(60)
        records = await bank.capture([said(first, film=FILM), *map(said, rest)])
        kept = random.Random(SEED).sample(records, 15)
        hold = await bank.hold(kept)

        largest, *others = [await bank.approve(batch) for batch in await bank.form_batches()]

    assert execute_until_killed(settings, time, largest.id, removal=1) == -9

    async with open_bank(settings, time) as bank:
        assert await bank.batch(largest.id) == "executing"
        await bank.go_on()
        certificates = [await bank.certificate(largest)]
        certificates += [await bank.execute(batch) for batch in others]
        await bank.require_intact(kept)
        report = await bank.verify()
        assert (report.problems, bank.destroyed(report)) == ((), len(records) - len(kept))

        # What the bucket itself keeps locked, for some seconds more, is kept.
        await bank.release(hold)
        last = [await bank.approve(batch) for batch in await bank.form_batches()]
        ends = await bank.lock_objects(Lock(mode=LockMode.COMPLIANCE, until=ends_soon()))
        for batch in last:
            with pytest.raises(AssertionError, match="nothing was destroyed"):
                await bank.execute(batch)
        await bank.require_intact(kept)
        await bank.wait_for_the_store(ends)
        for batch in await bank.form_batches():
            certificates.append(await bank.execute(await bank.approve(batch)))
        report = await bank.verify()
        assert (report.problems, bank.destroyed(report)) == ((), len(records))
        policy = bank.policy()

    assert certified(tmp_path, certificates, policy) == sorted(each.id for each in records)


def ends_soon() -> datetime:
    """A moment that is still to come when the batches are executed, however slow the machine."""
    return (system_clock() + timedelta(seconds=90)).replace(microsecond=0)
