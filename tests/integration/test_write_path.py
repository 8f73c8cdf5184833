"""The write path on real stores and databases: kept once, acknowledged when durable, given back."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from archiver.app import Services, open_services
from archiver.audit.actions import Action
from archiver.capture.ingest import Outcome
from archiver.config import Settings
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.errors import InvalidInput, Overloaded, Stopping
from archiver.model.actor import SYSTEM
from archiver.model.post import Arrival, Change
from archiver.preserve.ledger.entry import RecordEntry, decode_entry
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.ledger.receipt import verify_receipt
from tests.fakes.archive import (
    AGENT,
    an_arrival,
    eventually,
    left_by,
    publish,
    read_back,
    reader_of,
    require_included,
    row_and_entry,
    serving,
    stored_posts,
    unsequenced,
)
from tests.fakes.database_fixtures import *  # noqa: F403
from tests.fakes.faulty_commits import FaultyCommits


async def send(services: Services, *arrivals: Arrival) -> tuple[Outcome, ...]:
    return await services.ingest.submit(arrivals, actor=AGENT)


async def test_a_post_sent_ten_times_at_once_is_one_record_and_every_sender_is_told(
    settings: Settings,
) -> None:
    async with open_services(settings) as services:
        answers = await asyncio.gather(*(send(services, an_arrival(b"one")) for _ in range(10)))
        later = await send(services, an_arrival(b"one"), an_arrival(b"one"))

        outcomes = [outcome for each in answers for outcome in each] + list(later)
        assert Counter(outcome.status for outcome in outcomes) == {"captured": 1, "unchanged": 11}
        assert len({(outcome.record_id, outcome.log_index) for outcome in outcomes}) == 1
        assert all(outcome.receipt for outcome in outcomes)
        (row,) = await stored_posts(services)
        assert row.id == outcomes[0].record_id


async def test_a_post_sent_again_and_again_while_it_is_committed_is_stored_once(
    local_settings: Settings,
) -> None:
    async with open_services(local_settings) as services:
        for number in range(60):
            content = b"%d" % number
            first = asyncio.create_task(send(services, an_arrival(content)))
            while not first.done():
                await send(services, an_arrival(content))
        assert len(await stored_posts(services)) == 60


async def test_an_idempotency_key_stands_for_its_first_bytes(settings: Settings) -> None:
    async with open_services(settings) as services:
        at_once = await asyncio.gather(
            send(services, an_arrival(b"first", idempotency_key="k")),
            send(services, an_arrival(b"other", idempotency_key="k")),
            send(services, an_arrival(b"first", idempotency_key="k")),
        )
        (later,) = await send(services, an_arrival(b"other", idempotency_key="k"))
        (again,) = await send(services, an_arrival(b"first", idempotency_key="k"))

        statuses = [outcome.status for (outcome,) in at_once]
        assert statuses == ["captured", "refused", "unchanged"]
        assert later.status == "refused"
        assert at_once[0][0].record_id in later.reason
        assert "other bytes" in later.reason
        assert (again.status, again.record_id) == ("unchanged", at_once[0][0].record_id)
        assert len(await stored_posts(services)) == 1


async def test_receipts_hold_at_once_and_the_entries_are_in_the_log_later(
    settings: Settings,
) -> None:
    async with open_services(settings) as services:
        outcomes = await send(services, *(an_arrival(b"%d" % n) for n in range(300)))
        verifier = Ed25519Verifier.from_vkey(services.archive.vkey)
        head = await publish(services)

        assert [outcome.log_index for outcome in outcomes] == list(range(300))
        assert head.size == 300
        for outcome in outcomes[::29]:
            _, entry = await row_and_entry(services, outcome.record_id)
            assert outcome.receipt is not None
            promise = verify_receipt(outcome.receipt, entry, [verifier])
            assert promise.first_index <= outcome.log_index < promise.first_index + promise.count
            assert promise.origin == services.archive.origin
            require_included(services, head, outcome.log_index, entry)


async def test_nothing_is_acknowledged_before_its_commit(
    local_settings: Settings, commits: FaultyCommits
) -> None:
    async with open_services(local_settings) as services:
        commits.close()
        waiting = asyncio.create_task(send(services, an_arrival(b"one")))
        await committing(commits, waiting)
        assert await stored_posts(services) == []
        assert len(await unsequenced(services)) == 1, "it is durable, and that is not enough"
        assert not waiting.done()

        commits.open()
        (outcome,) = await waiting
        assert outcome.status == "captured"


async def committing(commits: FaultyCommits, *senders: "asyncio.Task[tuple[Outcome, ...]]") -> None:
    """Wait until a commit is asked for, and give an answer every chance to come too early."""
    before = commits.count
    await eventually(lambda: asyncio.sleep(0, commits.count > before))
    await asyncio.wait(senders, timeout=0.2)


async def test_beyond_the_bound_posts_are_turned_away_and_nothing_of_them_is_stored(
    local_settings: Settings, commits: FaultyCommits
) -> None:
    bounded = local_settings.model_copy(update={"queue_records": 10})
    async with open_services(bounded) as services:
        commits.close()
        first = asyncio.create_task(send(services, *(an_arrival(b"%d" % n) for n in range(10))))
        await committing(commits, first)
        with pytest.raises(Overloaded, match="nothing of this request was stored") as error:
            await send(services, an_arrival(b"too many"))
        assert error.value.retry_after_s > 0

        commits.open()
        assert len(await first) == 10
        assert len(await stored_posts(services)) == 10
        (outcome,) = await send(services, an_arrival(b"too many"))
        assert outcome.status == "captured"


async def test_posts_that_wait_for_a_look_up_count_against_the_bound_too(
    local_settings: Settings,
) -> None:
    bounded = local_settings.model_copy(update={"queue_records": 50})
    async with open_services(bounded) as services:
        burst = await asyncio.gather(
            *(send(services, an_arrival(b"%d" % n)) for n in range(500)), return_exceptions=True
        )
        refused = [each for each in burst if isinstance(each, Overloaded)]
        taken = [each for each in burst if not isinstance(each, BaseException)]

        assert len(refused) + len(taken) == 500
        assert 1 <= len(taken) <= 51
        assert len(await stored_posts(services)) == len(taken)


async def test_edits_and_deletions_are_new_records_of_the_same_post(settings: Settings) -> None:
    async with open_services(settings) as services:
        versions = [
            (b"draft", Change.CREATED),
            (b"final", Change.EDITED),
            (b"final", Change.DELETED),
        ]
        outcomes = [
            (await send(services, an_arrival(content, post_id="p", change=change)))[0]
            for content, change in versions
        ]
        assert [outcome.status for outcome in outcomes] == ["captured"] * 3
        async with services.database.reading() as tx:
            rows = await record_rows.versions(tx, "example", "acme", "p")
        assert [row.id for row in rows] == [outcome.record_id for outcome in outcomes]
        assert [row.change for row in rows] == ["created", "edited", "deleted"]
        for (content, _), outcome in zip(versions, outcomes, strict=True):
            opened = await read_back(services, outcome.record_id)
            assert reader_of(services).part(opened, 0).content == content


async def test_large_parts_are_stored_apart_and_come_back_whole(settings: Settings) -> None:
    picture, video = bytes(range(256)) * 2000, b"\x00" * 1_048_576
    async with open_services(settings) as services:
        (outcome,) = await send(services, an_arrival(b"post", media=(picture, b"small", video)))
        opened = await read_back(services, outcome.record_id)
        reader = reader_of(services)
        parts = await asyncio.to_thread(lambda: [reader.part(opened, n).content for n in range(4)])

        assert parts == [b"post", picture, b"small", video]
        assert [part.blob is not None for part in opened.manifest.parts] == [0, 1, 0, 1]
        blobs = [key async for key in services.store.list_keys("blob/")]
        assert sorted(blobs) == sorted(p.blob.key for p in opened.manifest.parts if p.blob)


async def test_records_of_different_classes_or_months_never_share_a_segment(
    local_settings: Settings,
) -> None:
    now = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    async with open_services(
        local_settings,
        clock=lambda: now,
        stopwatch=lambda: now.timestamp(),  # noqa: PLW0108 - of `now` as it is then
    ) as services:
        for _ in range(3):
            await asyncio.gather(
                *(send(services, an_arrival(b"%d %d" % (now.month, n))) for n in range(5)),
                services.trail.record(Action.SEARCH_RUN, actor=SYSTEM),
            )
            now += timedelta(days=31)
        async with services.database.reading() as tx:
            rows = await record_rows.list_range(tx, 0, 18)
            segments = await segment_rows.get_many(tx, {row.segment_id for row in rows})
        assert len(rows) == 18
        assert len({(each.class_code, each.period) for each in segments.values()}) == 6
        for row in rows:
            segment, (_, entry) = segments[row.segment_id], await row_and_entry(services, row.id)
            promised = decode_entry(entry)
            assert isinstance(promised, RecordEntry)
            assert (segment.class_code, segment.period) == (row.class_code, promised.expiry)


async def test_an_event_is_a_record_in_the_log_and_a_row_in_the_trail(settings: Settings) -> None:
    async with open_services(settings) as services:
        index = await services.trail.record(
            Action.RECORD_VIEWED,
            actor=SYSTEM,
            object_id="a\0b\ud800",
            details={"query": "\0 launch"},
        )
        (outcome,) = await send(services, an_arrival(b"after"))
        head = await publish(services)
        async with services.database.reading() as tx:
            row = (await record_rows.list_by_index(tx, [index]))[index]
        _, entry = await row_and_entry(services, row.id)

        assert outcome.status == "captured", "such an event does not stop the write path"
        assert row.entry_type == "aud"
        require_included(services, head, index, entry)
        opened = await read_back(services, row.id)
        assert b"launch" in reader_of(services).part(opened, 0).content


async def test_a_post_no_database_can_hold_harms_no_other(settings: Settings) -> None:
    async with open_services(settings) as services:
        with pytest.raises(InvalidInput):
            await send(services, an_arrival(b"bad", post_id="a\0b"))
        (outcome,) = await send(services, an_arrival(b"good"))
        assert outcome.status == "captured"


async def test_two_servers_that_get_the_same_posts_answer_with_the_same_records(
    settings: Settings,
) -> None:
    async with serving(settings) as one, serving(settings) as two:
        posts = [an_arrival(b"%d" % n, idempotency_key=f"k{n}") for n in range(40)]
        answers = await asyncio.gather(
            *(send(server, post) for post in posts for server in (one, two))
        )
        for first, second in zip(answers[::2], answers[1::2], strict=True):
            assert first[0].record_id == second[0].record_id
            assert first[0].log_index == second[0].log_index
            assert {first[0].status, second[0].status} in ({"captured", "unchanged"}, {"unchanged"})
        rows = await stored_posts(one)
        answering = [row for row in rows if row.duplicate_of is None]
        assert len(answering) == 40
        verifier = Ed25519Verifier.from_vkey(one.archive.vkey)
        for (outcome,) in answers:
            _, entry = await row_and_entry(one, outcome.record_id)
            assert outcome.receipt is not None
            assert outcome.receipt.log_index == outcome.log_index
            verify_receipt(outcome.receipt, entry, [verifier])
        (again,) = await send(two, posts[0])
        assert again.status == "unchanged"


async def test_other_bytes_under_one_key_on_two_servers_lose_nothing(
    local_settings: Settings, commits: FaultyCommits
) -> None:
    async with open_services(local_settings) as one, open_services(local_settings) as two:
        commits.close()
        senders = [
            asyncio.create_task(send(server, an_arrival(content, idempotency_key="k")))
            for server, content in ((one, b"first"), (two, b"other"))
        ]
        await committing(commits, *senders)
        await eventually(lambda: left_by(one, 2))
        commits.open()
        (first,), (other,) = await asyncio.gather(*senders)

        # Both were durable before either could know of the other: both are records of their own.
        assert first.record_id != other.record_id
        assert [row.duplicate_of for row in await stored_posts(one)] == [None, None]
        (again,) = await send(two, an_arrival(b"third", idempotency_key="k"))
        assert again.status == "refused"


async def test_a_stopping_server_takes_no_posts(local_settings: Settings) -> None:
    async with open_services(local_settings) as services:
        await send(services, an_arrival(b"one"))
    with pytest.raises(Stopping, match="send it again"):
        await send(services, an_arrival(b"two"))
