"""Checkpoints are stamped by authorities outside, and nothing waits for those that fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from archiver.app import Services, open_services
from archiver.assurance.timestamp_view import Stamp
from archiver.cli import serve
from archiver.clock import Clock, system_clock, to_millis
from archiver.config import Settings
from archiver.db import events as event_rows
from archiver.db import ledger as ledger_rows
from archiver.db.events import EventRow
from archiver.errors import (
    ConfigurationError,
    Conflict,
    DatabaseUnavailable,
    Denied,
    IntegrityError,
    StorageUnavailable,
)
from archiver.jobs.timestamping import FRESH, RENEWAL_MARGIN, Outcome, Result, needs_renewal
from archiver.model.actor import SYSTEM
from archiver.preserve.ledger.entry import TimestampEntry, decode_entry
from archiver.preserve.ledger.timestamps import Token
from archiver.preserve.object_keys import (
    checkpoint_object,
    timestamp_object,
    timestamp_prefix,
    trust_object,
)
from archiver.web.server import create_app
from tests.e2e.command_line import CommandLine
from tests.fakes.archive import (
    AGENT,
    an_arrival,
    eventually,
    publish,
    require_included,
    serving,
)
from tests.fakes.faulty_commits import FaultyCommits
from tests.fakes.faulty_store import Call, FaultyStore
from tests.fakes.faulty_store import Fault as StoreFault
from tests.fakes.timestamp_authority import (
    Fault,
    TimestampAuthority,
    Tsa,
    listening,
    openssl_verifies,
    write_authorities,
)

REFUSED = (Fault.WRONG_NONCE, Fault.WRONG_IMPRINT, Fault.OTHER_ROOT, Fault.GARBAGE)
UNAVAILABLE = (Fault.DOWN, Fault.BUSY, Fault.REJECTING)


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[TimestampAuthority]:
    async with listening(tmp_path, "one") as authority:
        yield authority


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[TimestampAuthority]:
    async with listening(tmp_path, "two") as authority:
        yield authority


def asking(settings: Settings, *authorities: TimestampAuthority, interval_s: float = 1) -> Settings:
    """The settings, with these authorities."""
    path = write_authorities(settings.home / "authorities" / "file.toml", authorities)
    return settings.model_copy(
        update={"timestamp_authorities_file": path, "timestamp_interval_s": interval_s}
    )


@dataclass
class Moment:
    """A clock that stands until it is moved; it starts at the real time, which authorities keep."""

    ahead: timedelta = timedelta()
    start: datetime = field(default_factory=system_clock)

    def __call__(self) -> datetime:
        return self.start + self.ahead


@asynccontextmanager
async def opened(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Services]:
    """The archive's services without their loops, by a clock that nobody doubts."""
    async with open_services(
        settings, clock=clock, stopwatch=lambda: clock().timestamp()
    ) as services:
        yield services


async def capture(services: Services, content: bytes = b"{}") -> None:
    """Capture a post and have it under a checkpoint."""
    await services.ingest.submit([an_arrival(content)], actor=AGENT)
    await publish(services)


async def stored(services: Services) -> list[str]:
    """The keys of all tokens."""
    return [key async for key in services.store.list_keys(timestamp_prefix(services.archive.id))]


async def logged(services: Services) -> list[tuple[int, bytes, TimestampEntry]]:
    """Every `tsr` entry, with its index and its bytes."""
    async with services.database.reading() as tx:
        end = (await ledger_rows.state(tx)).next_index
        entries = await ledger_rows.entries(tx, 0, end)
    return [
        (index, data, entry)
        for index, data in enumerate(entries)
        if isinstance(entry := decode_entry(data), TimestampEntry)
    ]


async def events_about(services: Services, name: str) -> list[EventRow]:
    async with services.database.reading() as tx:
        return list(await event_rows.list_about(tx, name, 10))


def by_name(outcomes: list[Outcome]) -> dict[str, Result]:
    return {outcome.authority: outcome.result for outcome in outcomes}


async def test_tokens_of_two_authorities_are_kept_logged_and_covered(
    settings: Settings, one: TimestampAuthority, two: TimestampAuthority
) -> None:
    async with opened(asking(settings, one, two)) as services:
        await capture(services)
        outcomes = await services.timestamping.stamp_now(actor=SYSTEM)
        head = await publish(services)

        assert by_name(outcomes) == {"one": Result.STAMPED, "two": Result.STAMPED}
        size = outcomes[0].size
        message = await services.store.get(checkpoint_object(services.archive.id, size))
        entries = await logged(services)
        assert len(entries) == 2
        for outcome, authority in zip(outcomes, (one, two), strict=True):
            stamp = outcome.stamp
            assert stamp is not None
            assert stamp.token is not None
            response = await services.store.get(
                timestamp_object(services.archive.id, size, authority.name)
            )
            at = int(stamp.token.time.timestamp())
            assert openssl_verifies(authority.tsa, response, message, at)
            index, data, entry = next(
                each for each in entries if each[2].authority == authority.name
            )
            assert index == stamp.log_index
            assert entry.size == size
            assert entry.token_sha256 == sha256(response).digest()
            assert entry.time_ms == to_millis(stamp.token.time)
            require_included(services, head, index, data)
        assert head.size > size
        locked = services.store.blocking.head(timestamp_object(services.archive.id, size, "one"))
        assert locked.lock is not None
        assert locked.lock.until > services.clock() + timedelta(days=360)


async def test_the_loop_stamps_and_the_next_token_covers_the_last(
    local_settings: Settings, one: TimestampAuthority, two: TimestampAuthority
) -> None:
    async with serving(asking(local_settings, one, two)) as services:
        await services.ingest.submit([an_arrival(b"first")], actor=AGENT)
        await eventually(lambda: _at_least(services, 2))
        await services.ingest.submit([an_arrival(b"second")], actor=AGENT)
        await eventually(lambda: _at_least(services, 4))

        stamps = await services.timestamping.view.stamps(newest=20, actor=SYSTEM)
        parts = await services.health.ready()

    newest = {stamp.authority: stamp for stamp in stamps}
    assert newest["one"].covers(stamps[0])
    assert newest["two"].covers(stamps[0])
    assert not stamps[0].covers(stamps[0])
    assert all(stamp.token and not stamp.problem for stamp in stamps)
    assert parts["timestamps"] == "ok"


async def _at_least(services: Services, count: int) -> bool:
    return len(await logged(services)) >= count


async def test_an_authority_that_is_down_stops_neither_the_other_nor_captures(
    local_settings: Settings, one: TimestampAuthority, two: TimestampAuthority
) -> None:
    one.fault = Fault.DOWN
    async with serving(asking(local_settings, one, two)) as services:
        await services.ingest.submit([an_arrival(b"first")], actor=AGENT)
        await eventually(lambda: _at_least(services, 1))
        await services.ingest.submit([an_arrival(b"second")], actor=AGENT)
        parts = await services.health.ready()
        app = create_app(services, readings=serve._readings(services))
        async with TestClient(TestServer(app)) as anybody:
            ready = await anybody.get("/readyz?verbose")
            words = await ready.text()
            metrics = await (await anybody.get("/metrics")).text()
        keys = await stored(services)
        stopped = [state.stopped for state in services.loops.states.values()]
        one.fault = None
        await eventually(lambda: _from(services, "one"))
        await eventually(lambda: _is_well(services))

    assert all("/two.tsr" in key for key in keys)
    assert parts["timestamps"].startswith(f"ok; one: {one.url} did not answer")
    assert parts["integrator"] == parts["writer"] == "ok"
    assert ready.status == 200
    assert f"[+]timestamps {parts['timestamps']}" in words
    assert "muniment_timestamp_problems 1.0" in metrics
    assert not any(stopped)


async def _from(services: Services, name: str) -> bool:
    return any(entry.authority == name for _, _, entry in await logged(services))


async def _is_well(services: Services) -> bool:
    return (await services.health.ready())["timestamps"] == "ok"


async def test_a_slow_authority_holds_up_nobody(
    local_settings: Settings, one: TimestampAuthority, two: TimestampAuthority
) -> None:
    one.fault = Fault.SLOW
    async with serving(asking(local_settings, one, two)) as services:
        await services.ingest.submit([an_arrival(b"first")], actor=AGENT)
        await eventually(lambda: _from(services, "two"))
        assert len(one.queries) == 1
        await capture(services, b"second")
        assert not await _from(services, "one")
        one.released.set()
        await eventually(lambda: _from(services, "one"))


@pytest.mark.parametrize("fault", REFUSED)
async def test_a_token_that_does_not_verify_is_an_event_and_never_kept(
    local_settings: Settings, one: TimestampAuthority, two: TimestampAuthority, fault: Fault
) -> None:
    clock, one.fault = Moment(), fault
    async with opened(asking(local_settings, one, two, interval_s=3600), clock) as services:
        await capture(services)
        notice = await services.timestamping.stamp_due()
        await publish(services)
        asked = len(one.queries)
        await services.timestamping.stamp_due()

        assert len(one.queries) == asked == 1  # left alone until the next round
        assert notice.startswith("one: ")
        assert [entry.authority for _, _, entry in await logged(services)] == ["two"]
        (event,) = await events_about(services, "one")
        assert (event.action, event.result) == ("timestamp:refused", "refused")

        clock.ahead = timedelta(hours=1)
        await services.timestamping.stamp_due()
        assert len(one.queries) == 2
        assert len(await events_about(services, "one")) == 1  # told once, until it was good again
        one.fault, clock.ahead = None, timedelta(hours=2)
        assert await services.timestamping.stamp_due() == ""
        assert await _from(services, "one")


@pytest.mark.parametrize("fault", UNAVAILABLE)
async def test_an_authority_without_an_answer_is_asked_again_after_growing_pauses(
    local_settings: Settings, one: TimestampAuthority, fault: Fault
) -> None:
    clock, one.fault = Moment(), fault
    asked_at = []
    async with opened(asking(local_settings, one, interval_s=3600), clock) as services:
        await capture(services)
        for seconds in range(0, 240, 5):
            clock.ahead = timedelta(seconds=seconds)
            before = len(one.queries)
            await services.timestamping.stamp_due()
            asked_at += [seconds] * (len(one.queries) - before)
        events = await events_about(services, "one")

    pauses = [late - early for early, late in pairwise(asked_at)]
    assert len(pauses) >= 3
    assert all(late > early for early, late in pairwise(pauses))
    assert events == []


async def test_an_idle_archive_is_stamped_once_and_then_daily(
    local_settings: Settings, one: TimestampAuthority, two: TimestampAuthority
) -> None:
    clock = Moment()
    async with opened(asking(local_settings, one, two, interval_s=60), clock) as services:
        await services.timestamping.stamp_due()
        await capture(services)
        counts = []
        for minutes in (0, 2, 4, 60, 600, 24 * 60 + 1, 24 * 60 + 10):
            clock.ahead = timedelta(minutes=minutes)
            await services.timestamping.stamp_due()
            await publish(services)
            counts.append(len(await logged(services)))

    assert counts == [2, 2, 2, 2, 2, 4, 4]


async def test_news_within_the_interval_waits_for_its_end(
    local_settings: Settings, one: TimestampAuthority
) -> None:
    clock = Moment()
    async with opened(asking(local_settings, one, interval_s=3600), clock) as services:
        counts = []
        for minutes in (0, 30, 61, 62):
            clock.ahead = timedelta(minutes=minutes)
            await capture(services, str(minutes).encode())
            await services.timestamping.stamp_due()
            counts.append(len(await logged(services)))

    assert counts == [1, 1, 2, 2]


@pytest.mark.parametrize("fault", StoreFault)
async def test_a_store_that_fails_leaves_one_token_and_one_entry(
    local_settings: Settings,
    faulty_stores: list[FaultyStore],
    one: TimestampAuthority,
    fault: StoreFault,
) -> None:
    async with opened(asking(local_settings, one)) as services:
        await capture(services)
        faulty_stores[0].plan = lambda call: fault if "/tsr/" in call.key else None
        with pytest.raises(StorageUnavailable):
            await services.timestamping.stamp_due()
        faulty_stores[0].plan = lambda _call: None
        await services.timestamping.stamp_due()

        assert len(await stored(services)) == len(await logged(services)) == 1


@pytest.mark.parametrize("fault", StoreFault)
async def test_a_database_that_fails_leaves_one_token_and_one_entry(
    local_settings: Settings, commits: FaultyCommits, one: TimestampAuthority, fault: StoreFault
) -> None:
    async with opened(asking(local_settings, one)) as services:
        await capture(services)
        commits.faults.append(fault)
        with pytest.raises(DatabaseUnavailable):
            await services.timestamping.stamp_due()
        await services.timestamping.stamp_due()

        (key,) = await stored(services)
        ((_, _, entry),) = await logged(services)
        assert entry.token_sha256 == sha256(await services.store.get(key)).digest()


@pytest.mark.parametrize("died", ["before the object", "before the entry", "after the entry"])
async def test_a_crash_leaves_exactly_one_entry(
    local_settings: Settings,
    faulty_stores: list[FaultyStore],
    commits: FaultyCommits,
    one: TimestampAuthority,
    died: str,
) -> None:
    """The process dies, the log grows, and the next process has another size to stamp."""
    settings = asking(local_settings, one)
    async with opened(settings) as services:
        await capture(services)
        if died == "before the object":
            faulty_stores[0].before = _die_at_token
        else:
            commits.faults.append(
                StoreFault.NOT_DONE if died == "before the entry" else StoreFault.DONE
            )
        with pytest.raises((DatabaseUnavailable, StorageUnavailable)):
            await services.timestamping.stamp_due()
    async with opened(settings) as services:
        await capture(services, b"more")
        await services.timestamping.stamp_due()
        keys, entries = await stored(services), await logged(services)
        hashes = [sha256(await services.store.get(key)).digest() for key in keys]

    assert len(keys) == (1 if died == "before the object" else 2)
    assert [entry.token_sha256 for _, _, entry in entries] == hashes


def _die_at_token(call: Call) -> None:
    if "/tsr/" in call.key:
        raise StorageUnavailable("injected: the process died here")


async def test_two_processes_that_stamp_at_once_log_each_token_once(
    local_settings: Settings, one: TimestampAuthority, two: TimestampAuthority
) -> None:
    settings = asking(local_settings, one, two)
    async with opened(settings) as first, opened(settings) as second:
        await capture(first)
        outcomes = await asyncio.gather(
            *(services.timestamping.stamp_now(actor=SYSTEM) for services in (first, second))
        )
        entries = await logged(first)

    assert sorted(entry.authority for _, _, entry in entries) == ["one", "two"]
    assert {each.result for group in outcomes for each in group} <= {
        Result.STAMPED,
        Result.ALREADY,
    }


async def test_only_one_process_asks_by_itself(
    local_settings: Settings, one: TimestampAuthority
) -> None:
    settings = asking(local_settings, one)
    async with opened(settings) as first, opened(settings) as second:
        await capture(first)
        await first.timestamping.stamp_due()
        await capture(first, b"more")
        await second.timestamping.stamp_due()

        assert len(one.queries) == 1


async def test_what_is_stamped_already_is_not_asked_for_again(
    local_settings: Settings, one: TimestampAuthority
) -> None:
    async with opened(asking(local_settings, one)) as services:
        await capture(services)
        await services.timestamping.stamp_now(actor=SYSTEM)
        (again,) = await services.timestamping.stamp_now(actor=SYSTEM)
        await services.timestamping.stamp_due()

    assert again.result is Result.ALREADY
    assert len(one.queries) == 1


async def test_other_bytes_in_a_tokens_place_are_refused_and_not_logged(
    local_settings: Settings, one: TimestampAuthority
) -> None:
    async with opened(asking(local_settings, one)) as services:
        await capture(services)
        async with services.database.reading() as tx:
            size = (await ledger_rows.state(tx)).size
        await services.store.put(timestamp_object(services.archive.id, size, "one"), b"planted")
        (outcome,) = await services.timestamping.stamp_now(actor=SYSTEM)

        assert outcome.result is Result.REFUSED
        assert timestamp_object(services.archive.id, size, "one") in outcome.problem
        assert await logged(services) == []


async def test_an_exchanged_token_is_evidence_and_names_the_object(
    local_settings: Settings, one: TimestampAuthority
) -> None:
    settings = asking(local_settings, one)
    async with opened(settings) as services:
        await capture(services)
        (outcome,) = await services.timestamping.stamp_now(actor=SYSTEM)
        assert outcome.stamp is not None
        message = await services.store.get(checkpoint_object(services.archive.id, outcome.size))
        path = settings.home / "store" / outcome.stamp.object_key
        path.chmod(0o600)
        path.write_bytes(one.tsa.stamp(message))  # as good a token, but not the one that is logged
    async with opened(settings) as services:
        with pytest.raises(IntegrityError, match="another hash") as told:
            await services.timestamping.stamp_due()

    assert told.value.object_key == outcome.stamp.object_key


async def test_an_authority_that_is_no_longer_asked_is_covered_by_those_that_are(
    local_settings: Settings, one: TimestampAuthority, two: TimestampAuthority
) -> None:
    clock = Moment()
    async with opened(asking(local_settings, one, two), clock) as services:
        await capture(services)
        await services.timestamping.stamp_due()
        await publish(services)
    clock.ahead = timedelta(minutes=5)
    async with opened(asking(local_settings, one), clock) as services:
        await services.timestamping.stamp_due()
        await publish(services)
        stamps = await services.timestamping.view.stamps(newest=9, actor=SYSTEM)
        clock.ahead = timedelta(minutes=10)
        await services.timestamping.stamp_due()
        entries = await logged(services)
        roots = await services.store.get(trust_object(services.archive.id, "tsa-roots.pem"))

    gone = next(stamp for stamp in stamps if stamp.authority == "two")
    assert gone.problem == "its authority is no longer in the authorities file"
    assert stamps[-1].authority == "one"
    assert stamps[-1].covers(gone)
    assert len(entries) == 3  # once is enough
    assert roots.count(b"BEGIN CERTIFICATE") == 2
    assert roots.index(b"# no longer asked") < roots.index(two.tsa.root)


async def test_an_authority_kept_for_its_roots_is_not_asked_and_its_tokens_verify(
    local_settings: Settings, one: TimestampAuthority, two: TimestampAuthority
) -> None:
    async with opened(asking(local_settings, one, two)) as services:
        await capture(services)
        await services.timestamping.stamp_now(actor=SYSTEM)
    two.asked = False
    async with opened(asking(local_settings, one, two)) as services:
        await publish(services)
        await services.timestamping.stamp_due()
        stamps = await services.timestamping.view.stamps(newest=9, actor=SYSTEM)

    assert len(two.queries) == 1
    assert [stamp.authority for stamp in stamps] == ["one", "two", "one"]
    assert all(stamp.token for stamp in stamps)
    assert stamps[2].covers(stamps[1])


async def test_a_new_root_is_published_and_the_checkpoint_stamped_under_it(
    local_settings: Settings, one: TimestampAuthority, tmp_path: Path
) -> None:
    clock = Moment()
    async with opened(asking(local_settings, one), clock) as services:
        await capture(services)
        await services.timestamping.stamp_due()
        await publish(services)
    one.tsa, clock.ahead = Tsa(tmp_path / "renewed"), timedelta(minutes=5)
    async with opened(asking(local_settings, one), clock) as services:
        assert await services.timestamping.stamp_due() == ""
        stamps = await services.timestamping.view.stamps(newest=9, actor=SYSTEM)
        roots = await services.store.get(trust_object(services.archive.id, "tsa-roots.pem"))

    assert [stamp.token is not None for stamp in stamps] == [False, True]
    assert stamps[1].covers(stamps[0])
    assert roots.startswith(b"# one " + one.url.encode() + b"\n" + one.tsa.root)


async def test_an_ageing_certificate_is_renewed_once_when_it_begins_to_age(
    local_settings: Settings, one: TimestampAuthority
) -> None:
    clock = Moment(ahead=timedelta(hours=12))
    one.tsa.certify(days=RENEWAL_MARGIN.days + 1)  # ages from hour 24 on
    async with opened(asking(local_settings, one), clock) as services:
        await capture(services)
        await services.timestamping.stamp_due()
        await publish(services)
        counts = []
        for hours in (23, 25, 26, 30):
            clock.ahead = timedelta(hours=hours)
            await services.timestamping.stamp_due()
            await publish(services)
            counts.append(len(await logged(services)))

    assert counts == [1, 2, 2, 2]


NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("made", "expires", "configured", "needed"),
    [
        (NOW - FRESH, NOW + RENEWAL_MARGIN + timedelta(seconds=1), True, False),
        (NOW - FRESH, NOW + RENEWAL_MARGIN, True, True),
        (NOW - timedelta(days=60), NOW - timedelta(days=1), True, True),
        (NOW - timedelta(seconds=1), NOW + timedelta(days=10), True, False),  # made while it ages
        (NOW - FRESH, NOW + timedelta(days=3000), False, True),
    ],
)
def test_a_token_needs_renewal(
    made: datetime,
    expires: datetime,
    configured: bool,  # noqa: FBT001 - a column of the table above
    needed: bool,  # noqa: FBT001
) -> None:
    token = Token(
        time=made, serial=1, policy="1.2", hash_algorithm="SHA-256", signer="", expires_at=expires
    )
    stamp = Stamp(
        size=3,
        authority="one",
        object_key="k",
        response_sha256=b"",
        log_index=4,
        logged_at=made,
        token=token,
    )

    assert needs_renewal(stamp, configured=configured, now=NOW) is needed
    assert needs_renewal(replace(stamp, token=None), configured=True, now=NOW)


async def test_who_may_not_verify_may_not_have_stamped(
    local_settings: Settings, one: TimestampAuthority
) -> None:
    async with opened(asking(local_settings, one)) as services:
        with pytest.raises(Denied):
            await services.timestamping.stamp_now(actor=AGENT)
        with pytest.raises(Denied):
            await services.timestamping.view.stamps(newest=1, actor=AGENT)
        with pytest.raises(Conflict, match="no published checkpoint"):
            await services.timestamping.stamp_now(actor=SYSTEM)


async def test_without_authorities_there_is_no_loop_and_asking_is_refused(
    local_settings: Settings,
) -> None:
    async with opened(local_settings) as services:
        assert services.timestamping.chores == ()
        with pytest.raises(ConfigurationError, match="MUNIMENT_TIMESTAMP_AUTHORITIES_FILE"):
            await services.timestamping.stamp_now(actor=SYSTEM)


async def test_an_authorities_file_that_is_wrong_is_told_at_the_start(
    local_settings: Settings,
) -> None:
    wrong = local_settings.model_copy(
        update={"timestamp_authorities_file": local_settings.home / "missing.toml"}
    )
    with pytest.raises(ConfigurationError, match=r"missing\.toml"):
        async with opened(wrong):
            pass


@pytest.mark.e2e
async def test_the_command_line_stamps_and_tells_which_token_covers_which(
    local_settings: Settings, one: TimestampAuthority, two: TimestampAuthority
) -> None:
    named = asking(local_settings, one, two).timestamp_authorities_file
    home = local_settings.home
    (home / "muniment.toml").write_text(f'timestamp_authorities_file = "{named}"\n')
    muniment = CommandLine(home)
    async with opened(local_settings) as services:
        await capture(services)

    first = await asyncio.to_thread(muniment, "log", "timestamp", "--json")
    two.fault = Fault.BUSY
    second = await asyncio.to_thread(muniment, "log", "timestamp", expect=4)
    listed = await asyncio.to_thread(muniment, "log", "timestamps", "--json")
    words = await asyncio.to_thread(muniment, "log", "timestamps", "--newest", "1")

    assert [item["result"] for item in first.json()["items"]] == ["stamped", "stamped"]
    assert "503" in second.out
    assert "stamped by 1 of the 2 configured" in second.out
    items = listed.json()["items"]
    assert [item["authority"] for item in items] == ["one", "two", "one"]
    assert [item["covered_by"] for item in items[:2]] == [f"one at size {items[2]['size']}"] * 2
    assert items[2]["covered_by"] is None
    assert items[0]["signer"] == "CN=Test TSA"
    assert all(item["time"] and item["expires_at"] and not item["problem"] for item in items)
    assert len(words.out.splitlines()) == 3
    assert words.out.endswith("1 timestamp\n")
