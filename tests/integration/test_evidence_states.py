"""Why a record is kept, as bundles say it: by what had been stated by then, whatever came since."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from archiver.assurance.evidence.retention_state import RetentionStates
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from tests.fakes.small_archive import arrival, small_archive
from tests.integration.test_retention_events import (
    LONG_AGO,
    MANAGER,
    OPERATOR,
    Work,
    closed,
    term,
)

AWAITING = ("awaiting-event", None)


@pytest.fixture
async def work(tmp_path: Path, database_url: str) -> AsyncIterator[Work]:
    async with small_archive(tmp_path / "home", database_url) as archive:
        yield Work(archive)


async def said(work: Work, record_id: str, as_of: datetime) -> tuple[object, object]:
    """The state and the date a bundle as of this moment gives, asked now."""
    await work.refiling.finish()
    async with work.archive.database.reading() as tx:
        row = await record_rows.get(tx, record_id)
        head = (await ledger_rows.state(tx)).next_index
        why = await RetentionStates(head, as_of).explain(tx, [row])
    return why[row.log_index]["state"], why[row.log_index]["until"]


def later(work: Work) -> datetime:
    """Let an hour go by; return the middle of it."""
    middle = work.archive.clock() + timedelta(minutes=30)
    work.archive.clock.pass_by(timedelta(hours=1))
    return middle


async def test_a_stated_event_counts_from_when_it_was_stated_until_it_was_corrected_or_withdrawn(
    work: Work,
) -> None:
    await work.adopt(term("event:account_closed", 6))
    record_id = await work.posted("p")
    captured = later(work)
    first = await work.events.state(closed(), actor=MANAGER)
    stated = later(work)
    second = await work.events.correct(
        first.row.id, happened_at=LONG_AGO + timedelta(days=366), reason="a typo", actor=MANAGER
    )
    corrected = later(work)
    await work.events.withdraw(second.row.id, reason="another account", actor=MANAGER)
    withdrawn = later(work)

    assert [
        await said(work, record_id, moment) for moment in (captured, stated, corrected, withdrawn)
    ] == [
        AWAITING,
        ("eligible", "2025-06-04T00:00:00.000Z"),
        ("retain", "2026-06-04T00:00:00.000Z"),
        AWAITING,
    ]


async def test_the_closing_of_an_account_counts_until_it_was_reopened(work: Work) -> None:
    post = arrival("p", "").post
    account = await work.accounts.register(
        platform=post.platform, handle=post.account, actor=OPERATOR
    )
    await work.adopt(term("event:account_closed", 6))
    record_id = await work.posted("p")
    later(work)
    await work.accounts.close(account.id, reason="left", closed_at=LONG_AGO, actor=OPERATOR)
    shut = later(work)
    await work.accounts.reopen(account.id, reason="came back", actor=OPERATOR)
    reopened = later(work)

    assert await said(work, record_id, shut) == ("eligible", "2025-06-04T00:00:00.000Z")
    assert await said(work, record_id, reopened) == AWAITING


async def test_what_is_stated_of_one_record_is_said_of_that_record_alone(work: Work) -> None:
    await work.adopt(term("event:case_closed", 6))
    one, other = await work.posted("p1"), await work.posted("p2")
    await work.events.state(
        closed(name="case_closed", platform="", account="", record_id=one), actor=MANAGER
    )
    stated = later(work)

    assert await said(work, one, stated) == ("eligible", "2025-06-04T00:00:00.000Z")
    assert await said(work, other, stated) == AWAITING
