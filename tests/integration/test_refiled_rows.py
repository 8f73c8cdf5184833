"""What a changed file plan makes of a record's row is lawful; what somebody writes there is not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from archiver.assurance.report import Report
from archiver.assurance.sample import verify_sample
from tests.fakes.archive import an_arrival, found_whole, settings_for
from tests.fakes.bank import FOUNDED, YEAR, Bank, open_bank
from tests.fakes.disposal import Time
from tests.fakes.disposal_people import RITA

BROKER = "us-sec-17a4-comms"


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    """Two records of the default class, whose schedule was lengthened after their capture."""
    time = Time(FOUNDED)
    settings = await found_whole(settings_for(tmp_path / "home"), clock=time)
    async with open_bank(settings, time) as opened:
        records = await opened.capture([an_arrival(b"one"), an_arrival(b"two")])
        await opened.bring_into_force(await opened.draft("default", period="P9Y"))
        assert await opened.kept_until(records[0]) == "2021-11-06"
        yield opened


async def sampled(bank: Bank) -> Report:
    target = replace(bank.services.verifying.target(), clock=bank.time)
    return await verify_sample(target, 100, 1)


async def test_a_record_whose_schedule_was_lengthened_was_not_altered(bank: Bank) -> None:
    assert (await bank.verify()).problems == ()
    assert (await sampled(bank)).problems == ()


async def test_a_record_that_somebody_reclassified_was_not_altered(bank: Bank) -> None:
    ids = await bank.record_ids()
    await bank.services.plan.reclassifying.reclassify(
        BROKER, record_ids=ids[:1], reason="a broker's", actor=RITA
    )

    assert (await bank.verify()).problems == ()
    assert (await sampled(bank)).problems == ()


@pytest.mark.parametrize(
    "altered",
    [
        "retain_until = retain_until - 1",
        "retain_until = NULL",
        "schedule_version = 1",
        "schedule_version = 7",
        f"class_code = '{BROKER}'",
        "rule = 'reclassified', retain_until = retain_until - 1",
        "account = 'another'",
    ],
)
async def test_a_row_that_no_schedule_explains_was_altered(bank: Bank, altered: str) -> None:
    (first, _) = await bank.record_ids()
    async with bank.services.database.transaction() as tx:
        await tx.execute(text(f"UPDATE record SET {altered} WHERE id = '{first}'"))

    for report in (await bank.verify(), await sampled(bank)):
        assert {problem.record_id for problem in report.problems} == {first}


async def test_a_lock_rolls_until_the_last_record_has_ended_and_not_longer(bank: Bank) -> None:
    await bank.adopt("customers", template="us-finra-4511-account")
    await bank.file_posts({"acme": "customers"}, others="default")
    await bank.capture([an_arrival(b"three")])
    await bank.years_pass(2)
    assert (await bank.verify()).problems == ()

    bank.time.pass_by(2 * YEAR)  # nobody is there who extends it
    (problem,) = {problem.what.partition(" until")[0] for problem in (await bank.verify()).problems}
    assert problem == "expected a compliance lock"

    await bank.close_account("acme", platform="example")
    await bank.years_pass(8)
    assert (await bank.verify()).problems == ()
