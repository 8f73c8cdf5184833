"""What acting on an event would do is what it does: previews against the rows afterwards."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.disposal.event_history import EventHistory
from archiver.disposal.event_previews import EventPreviews
from archiver.errors import Conflict, Denied
from tests.fakes.small_archive import COUNSEL, small_archive
from tests.integration.test_retention_events import (
    LONG_AGO,
    MANAGER,
    SIX_YEARS_ON,
    Work,
    closed,
    term,
)


@pytest.fixture
async def work(tmp_path: Path, database_url: str) -> AsyncIterator[Work]:
    async with small_archive(tmp_path / "home", database_url) as archive:
        yield Work(archive)


def previews_of(work: Work) -> EventPreviews:
    archive = work.archive
    return EventPreviews(events=work.events, database=archive.database, clock=archive.clock)


async def test_a_preview_tells_the_ends_that_the_act_then_sets_and_changes_nothing(
    work: Work,
) -> None:
    await work.adopt(term("event:account_closed", 6))
    records = [await work.posted(f"p{number}") for number in range(3)]
    previews = previews_of(work)

    before = await previews.state([closed()], actor=MANAGER)

    assert [await work.until(each) for each in records] == [None] * 3
    assert (before.effect.records, before.effect.begin, before.effect.due) == (3, 3, 3)
    assert before.effect.first == before.effect.last == SIX_YEARS_ON
    assert "3 records due for disposal at once, but for holds and object locks." in before.sentences
    stated = await work.events.state(closed(), actor=MANAGER)
    assert [await work.until(each) for each in records] == [SIX_YEARS_ON] * 3

    later = LONG_AGO + timedelta(days=30)
    corrected = await previews.correct(stated.row.id, happened_at=later, actor=MANAGER)
    assert (corrected.effect.longer, corrected.effect.shorter) == (3, 0)
    withdrawn = await previews.withdraw(stated.row.id, actor=MANAGER)
    assert (withdrawn.effect.await_again, withdrawn.effect.due) == (3, 0)
    assert withdrawn.effect.first is None
    with pytest.raises(Denied):
        await previews.withdraw(stated.row.id, actor=COUNSEL)
    await work.events.withdraw(stated.row.id, reason="another account", actor=MANAGER)
    with pytest.raises(Conflict):
        await previews.withdraw(stated.row.id, actor=MANAGER)


async def test_an_event_of_records_moves_theirs_alone_and_one_that_nobody_awaits_none(
    work: Work,
) -> None:
    await work.adopt(term("event:case_closed", 6))
    one, _other = await work.posted("p1"), await work.posted("p2")
    of_one = closed(name="case_closed", platform="", account="", record_id=one)

    found = await previews_of(work).state([of_one], actor=MANAGER)
    unawaited = await previews_of(work).state([closed(name="moon_landed")], actor=MANAGER)

    assert (found.effect.records, found.effect.begin) == (1, 1)
    assert not unawaited.awaited
    assert unawaited.effect.moved == 0


async def test_the_history_of_an_event_tells_every_statement_and_why_it_ended(work: Work) -> None:
    first = await work.events.state(closed(note="a letter"), actor=MANAGER)
    second = await work.events.correct(
        first.row.id, happened_at=LONG_AGO + timedelta(days=1), reason="misread", actor=MANAGER
    )
    await work.events.withdraw(second.row.id, reason="another account", actor=MANAGER)

    page = await EventHistory(database=work.archive.database).show(first.row.id, actor=COUNSEL)

    told = [(each.what, each.why) for each in page.said]
    assert told == [
        ("stated", "a letter"),
        ("corrected", "misread"),
        ("withdrawn", "another account"),
    ]
    assert page.stands == ""


async def test_a_look_at_a_file_says_what_its_import_then_does(work: Work) -> None:
    lines = [
        b"name,happened_at,platform,account\n",
        b"left,2020-01-31,x,@a\n",
        b"left,soon,x,@b\n",
        b"left,2020-01-31,x,@a\n",
    ]
    bad: list[int] = []

    looked = await work.imports.look(
        lines, actor=MANAGER, report=lambda each: bad.append(each.line)
    )

    assert (looked.outcome.stated, looked.outcome.known, looked.outcome.refused) == (1, 1, 1)
    assert [event.account for event in looked.first] == ["@a"]
    assert bad == [3]
    assert not (await work.events.list(actor=MANAGER)).items
    done = await work.imports.run(lines, actor=MANAGER, report=lambda each: bad.append(each.line))
    assert (done.stated, done.known, done.refused) == (1, 1, 1)
    again = await work.imports.look(lines, actor=MANAGER, report=lambda each: bad.append(each.line))
    assert (again.outcome.stated, again.outcome.known) == (0, 2)
