"""Searching a real archive: exact counts, pages that neither skip nor repeat, honest coverage."""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from archiver.audit.actions import Action
from archiver.db.tables import record
from archiver.errors import Denied, InvalidInput, SearchUnavailable, StorageUnavailable
from archiver.model.post import Change
from tests.fakes.small_archive import (
    AGENT,
    COUNSEL,
    START,
    SmallArchive,
    arrival,
    small_archive,
)


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """An archive with five indexed posts, one of which does not speak of a merger."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        for number in range(4):
            posted = START + timedelta(minutes=number // 2)  # pairs share their time
            await opened.capture(arrival(f"p{number}", f"merger news {number}", posted_at=posted))
        await opened.capture(arrival("p4", "a picnic", posted_at=None))
        await opened.index_all()
        yield opened


async def test_an_answer_says_its_exact_count_and_what_it_covers(archive: SmallArchive) -> None:
    answer = await archive.searching.search("Merger", actor=COUNSEL)

    told = answer.to_dict()
    assert list(told) == [
        *("query", "normalised", "count", "covered", "engine", "analyzer"),
        *("hits", "next_cursor"),
    ]
    assert (told["query"], told["normalised"], told["count"]) == ("Merger", "merger", 4)
    assert told["covered"] == {
        "log_size": 5,
        "records": 5,
        "not_searchable": 0,
        "set_aside": 0,
        "exact": True,
    }
    assert answer.engine.startswith("tantivy 0.")
    assert [hit.text for hit in answer.hits] == [f"merger news {n}" for n in (3, 2, 1, 0)]
    hit = answer.hits[0]
    assert (hit.account, hit.author, hit.permalink) == (
        *("@acme", "Acme Corp"),
        "https://social.example/p3",
    )


async def test_a_search_is_an_event_before_it_is_answered(archive: SmallArchive) -> None:
    await archive.searching.search("merger", limit=2, actor=COUNSEL)

    (event,) = await archive.events_about("carla")
    assert (event.action, event.result) == (Action.SEARCH_RUN, "ok")
    assert '"count":4' in event.details
    assert '"query":"merger"' in event.details


async def test_a_search_whose_event_cannot_be_kept_is_not_answered(
    archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise StorageUnavailable("the disk is full")

    await archive.searching.search("merger", actor=COUNSEL)
    monkeypatch.setattr(archive.store, "put", full)

    with pytest.raises(StorageUnavailable, match="full"):
        await archive.searching.search("merger", actor=COUNSEL)


async def test_pages_give_every_hit_once_while_posts_arrive(archive: SmallArchive) -> None:
    seen: list[str] = []
    cursor = ""
    for page in range(4):
        answer = await archive.searching.search("merger", limit=1, cursor=cursor, actor=COUNSEL)
        seen += [hit.text for hit in answer.hits]
        cursor = answer.next_cursor
        late = START + timedelta(days=1)
        await archive.capture(arrival(f"late{page}", "merger, late", posted_at=late))
        await archive.index_all()

    assert seen == [f"merger news {n}" for n in (3, 2, 1, 0)]
    last = await archive.searching.search("merger", limit=1, cursor=cursor, actor=COUNSEL)
    assert (last.hits, last.next_cursor, last.count) == ((), "", 8)


async def test_a_cursor_of_a_longer_log_than_the_index_covers_is_refused(
    archive: SmallArchive,
) -> None:
    page = await archive.searching.search("merger", limit=1, actor=COUNSEL)
    with archive.index.reader().snapshot() as before:
        assert before.watermark == 5
    await archive.index.begin_anew("it was damaged")

    with pytest.raises(SearchUnavailable, match="being rebuilt"):
        await archive.searching.search("merger", cursor=page.next_cursor, actor=COUNSEL)
    assert (await archive.searching.count("merger", actor=COUNSEL)).to_dict()["covered"] == {
        "log_size": 0,
        "records": 0,
        "not_searchable": 0,
        "set_aside": 0,
        "exact": True,
    }


@pytest.mark.parametrize("cursor", ["no-cursor", "MQ", "äöü", "LTEuLTIuLTM", "====", "A" * 10_000])
async def test_what_is_no_cursor_is_refused(archive: SmallArchive, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="next_cursor") as caught:
        await archive.searching.search("merger", cursor=cursor, actor=COUNSEL)
    assert caught.value.pointer == "cursor"


async def test_a_malformed_query_is_shown_with_a_caret_under_the_fault(
    archive: SmallArchive,
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await archive.searching.search("merger picnic", actor=COUNSEL)

    assert caught.value.pointer == "query"
    assert "merger picnic\n         ^\nTry: merger AND picnic" in str(caught.value)


async def test_counts_and_ids_agree_and_ids_stand_in_log_order(archive: SmallArchive) -> None:
    counted = await archive.searching.count("merger", actor=COUNSEL)
    named = await archive.searching.ids("merger", actor=COUNSEL)

    assert counted.count == named.count == 4
    assert counted.hits == ()
    shown = await archive.searching.search("merger", actor=COUNSEL)
    by_log = sorted(shown.hits, key=lambda hit: hit.log_index)
    assert named.to_dict()["ids"] == [hit.id for hit in by_log]
    assert "hits" not in named.to_dict()


async def test_a_damaged_record_stays_in_the_page_and_says_so(archive: SmallArchive) -> None:
    sound = await archive.searching.search("merger", actor=COUNSEL)
    victim = sound.hits[1]
    async with archive.database.transaction() as tx:
        where = record.c.log_index == victim.log_index
        await tx.execute(update(record).where(where).values(frame_length=10))

    answer = await archive.searching.search("merger", actor=COUNSEL)

    assert answer.count == 4
    assert [hit.id for hit in answer.hits] == [hit.id for hit in sound.hits]
    damaged = answer.hits[1]
    assert "not the one the log commits to" in damaged.integrity
    assert (damaged.text, damaged.author) == ("", "")
    assert all(not hit.integrity for hit in answer.hits if hit.id != victim.id)
    (event, *_) = await archive.events_about("carla")
    assert event.result == "integrity"


async def test_duplicates_and_events_are_not_found_and_deletions_are(
    archive: SmallArchive,
) -> None:
    await archive.capture(arrival("p0", "merger news 0", change=Change.DELETED))
    await archive.index_all()

    answer = await archive.searching.search("merger AND is:deleted", actor=COUNSEL)
    assert [(hit.change, hit.held) for hit in answer.hits] == [("deleted", False)]
    again = await archive.searching.search("merger", actor=COUNSEL)
    assert again.count == 5  # the event of the search before quotes the word too


async def test_posts_that_cannot_be_searched_are_counted_in_the_coverage(
    archive: SmallArchive,
) -> None:
    async with archive.database.transaction() as tx:
        where = record.c.post_id == "p4"
        await tx.execute(update(record).where(where).values(searchable=False))

    covered = (await archive.searching.count("merger", actor=COUNSEL)).covered
    assert covered.not_searchable == 1


async def test_posts_that_are_gone_from_the_records_are_missed_within_a_minute(
    archive: SmallArchive,
) -> None:
    for _ in range(2):  # the second answer rests on what the first one counted
        assert (await archive.searching.count("merger", actor=COUNSEL)).covered.is_exact
    async with archive.database.transaction() as tx:
        await tx.execute(update(record).where(record.c.post_id == "p4").values(searchable=False))

    archive.clock.pass_by(timedelta(minutes=1))

    assert not (await archive.searching.count("merger", actor=COUNSEL)).covered.is_exact


async def test_without_an_index_the_error_says_what_to_do(archive: SmallArchive) -> None:
    archive.index.close()
    shutil.rmtree(archive.index.url.removeprefix("tantivy:"))

    with pytest.raises(SearchUnavailable, match="muniment reindex"):
        await archive.searching.count("merger", actor=COUNSEL)


async def test_who_may_only_capture_finds_nothing(archive: SmallArchive) -> None:
    for act in (archive.searching.search, archive.searching.count, archive.searching.ids):
        with pytest.raises(Denied, match="may not search"):
            await act("merger", actor=AGENT)
    assert await archive.events_about("agent") == []


@pytest.mark.parametrize("limit", [0, 1001])
async def test_a_page_is_of_1_to_1000_hits(archive: SmallArchive, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit of 1 to 1000"):
        await archive.searching.search("merger", limit=limit, actor=COUNSEL)
