"""The lock keeper when something fails: a store, a trail, a clock, or itself between two steps."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from archiver.app import Services, open_services
from archiver.assurance.lock_drift import DriftKind
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import to_millis
from archiver.db import integrity as integrity_rows
from archiver.db import lock_states
from archiver.db import segments as segment_rows
from archiver.db.disposal_tables import disposed
from archiver.db.lease import try_alone
from archiver.db.segments import SegmentRow
from archiver.db.tables import record
from archiver.errors import Conflict, DatabaseUnavailable, Denied, Stopping
from archiver.jobs.lock_keeping import AGAIN_AFTER, LockKeeping
from archiver.model.actor import Actor, Role
from archiver.preserve.store import ObjectStore
from tests.fakes.archive import found, settings_for
from tests.fakes.copied_archive import EVERYBODY, CopiedArchive, found_with_copy, lose, opened
from tests.fakes.disposal import Time
from tests.fakes.faulty_store import Fault, FaultyStore, fail_call, fail_from, no_faults

LATER = datetime(2040, 5, 17, tzinfo=UTC)
UNTIL = datetime(2040, 6, 1, tzinfo=UTC)


async def at_once(_seconds: float) -> None:
    """Patience that takes no time."""


@pytest.fixture
async def archive(tmp_path: Path, faulty_stores: list[FaultyStore]) -> AsyncIterator[CopiedArchive]:
    """An open, copied archive of two segments; the first one's record was given a later end."""
    settings = await found_with_copy(tmp_path / "home")
    async with opened(settings) as archive:
        await archive.capture(b"one", b"two")
        await archive.copy()
        archive.services.locks.sleep = at_once
        archive.services.locks.page = 1
        async with archive.services.database.transaction() as tx:
            await tx.execute(
                update(record)
                .where(record.c.log_index == (await rows_of(archive.services))[0].first_index)
                .values(retain_until=to_millis(LATER))
            )
        assert len(faulty_stores) == 2
        yield archive


async def rows_of(services: Services) -> list[SegmentRow]:
    async with services.database.reading() as tx:
        rows = await segment_rows.list_after(tx, 0, 1000)
    return [row for row in rows if row.class_code == "default"]


async def extensions(services: Services) -> list[str]:
    """The segments that events say were extended, each as often as an event says it."""
    async with services.database.reading() as tx:
        found = await integrity_rows.newest_events(tx, Action.LOCKS_EXTENDED.value, 100)
    return [
        segment_id
        for event in found
        for segment_id in json.loads(event.details)["segment_ids"].split()
    ]


def until_of(store: ObjectStore, row: SegmentRow) -> set[datetime]:
    locks = [store.head(key).lock for key in (row.object_key, row.keys_object_key)]
    return {lock.until for lock in locks if lock is not None}


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("which", [0, 1])
async def test_a_change_that_fails_once_is_done_again_and_confirmed(
    archive: CopiedArchive, faulty_stores: list[FaultyStore], which: int, fault: Fault
) -> None:
    faulty = faulty_stores[which]
    faulty.plan = fail_call(len(faulty.calls) + 1, fault)

    report = await archive.services.locks.keep(actor=EVERYBODY)

    row = (await rows_of(archive.services))[0]
    assert (report.ok, report.extended_segments) == (True, 1)
    assert until_of(archive.first, row) == until_of(archive.second, row) == {UNTIL}
    assert row.lock_until == to_millis(UNTIL)
    assert await extensions(archive.services) == [row.id]


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_copy_that_cannot_be_changed_leaves_the_row_and_the_next_run_ends_it(
    archive: CopiedArchive, faulty_stores: list[FaultyStore], fault: Fault
) -> None:
    second = faulty_stores[1]
    before = (await rows_of(archive.services))[0].lock_until
    second.plan = fail_from(len(second.calls) + 1, fault)

    report = await archive.services.locks.keep(actor=EVERYBODY)

    row = (await rows_of(archive.services))[0]
    assert not report.whole
    assert "second copy: 0 of 3 segments compared" in report.unfinished[0]
    assert row.lock_until == before
    assert until_of(archive.first, row) == {UNTIL}

    second.plan = no_faults
    assert (await archive.services.locks.keep(actor=EVERYBODY)).ok
    assert until_of(archive.second, row) == {UNTIL}
    assert (await rows_of(archive.services))[0].lock_until == to_millis(UNTIL)


async def test_a_store_that_goes_away_half_way_is_never_said_to_be_compared(
    archive: CopiedArchive, faulty_stores: list[FaultyStore]
) -> None:
    first = faulty_stores[0]

    def go_away(_phase: str, _done: int, _total: int | None) -> None:
        first.deaf = True

    report = await archive.services.locks.keep(actor=EVERYBODY, progress=go_away)
    first.deaf = False

    assert (report.whole, report.ok, report.segments, report.total) == (False, False, 1, 3)
    assert report.sentence.startswith("1 of 3 segments compared")
    assert "first store: 1 of 3 segments compared, then injected" in report.unfinished[0]
    assert report.drift == 0
    newest = await archive.services.locks.newest()
    assert newest is not None
    assert not newest.whole


async def test_a_second_store_that_cannot_be_opened_is_said_and_the_first_is_compared(
    tmp_path: Path,
) -> None:
    settings = await found_with_copy(tmp_path / "home")
    away = settings.model_copy(update={"second_store_url": f"file:{tmp_path / 'nowhere'}"})
    async with opened(away) as archive:
        await archive.capture(b"one")
        report = await archive.services.locks.keep(actor=EVERYBODY)

    assert (report.segments, report.total, report.whole) == (1, 1, False)
    assert report.unfinished[0].startswith("second copy: not compared: ")


Break = Callable[[pytest.MonkeyPatch], None]


def break_the_event(patch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Awaitable[int]] = Trail.record

    async def record_or_die(self: Trail, action: Action, **given: object) -> int:
        if action is Action.LOCKS_EXTENDED:
            raise DatabaseUnavailable("killed")
        return await real(self, action, **given)

    patch.setattr(Trail, "record", record_or_die)


def break_the_row(patch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("killed")

    patch.setattr(lock_states, "note_extended", die)


@pytest.mark.parametrize(("broken", "events"), [(break_the_event, 1), (break_the_row, 2)])
async def test_a_run_that_dies_between_store_event_and_row_is_ended_by_the_next(
    archive: CopiedArchive, monkeypatch: pytest.MonkeyPatch, broken: Break, events: int
) -> None:
    with monkeypatch.context() as patch:
        broken(patch)
        with pytest.raises(DatabaseUnavailable, match="killed"):
            await archive.services.locks.keep(actor=EVERYBODY)
    row = (await rows_of(archive.services))[0]
    assert row.lock_until < to_millis(UNTIL)

    report = await archive.services.locks.keep(actor=EVERYBODY)

    assert (report.ok, report.extended) == (True, 2)  # the epoch's, which come last
    assert (await rows_of(archive.services))[0].lock_until == to_millis(UNTIL)
    assert await extensions(archive.services) == [row.id] * events
    again = await archive.services.locks.keep(actor=EVERYBODY)
    assert (again.extended_segments, again.drift) == (0, 0)


async def test_a_destroyed_segment_is_not_missed(archive: CopiedArchive) -> None:
    row = (await rows_of(archive.services))[0]
    async with archive.services.database.transaction() as tx:
        found = await tx.execute(select(record).where(record.c.segment_id == row.id))
        claimed = found.mappings().one()
        await tx.execute(
            disposed.insert().values(
                **{name: claimed[name] for name in disposed.c.keys() if name in claimed},  # noqa: SIM118 - columns
                size=1,
                batch_id="01JD4M8X7ZK3Q9V5T2W6Y8B1CD",
                method="delete",
                dis_index=0,
                disposed_at=0,
            )
        )
    for key in (row.object_key, row.keys_object_key):
        lose(archive.first.inner if isinstance(archive.first, FaultyStore) else archive.first, key)

    report = await archive.services.locks.keep(actor=EVERYBODY)

    assert (report.drift, report.extended) == (0, 0)


async def test_an_object_that_is_lost_is_told_and_stops_nothing(archive: CopiedArchive) -> None:
    row = (await rows_of(archive.services))[1]
    assert isinstance(archive.first, FaultyStore)
    lose(archive.first.inner, row.object_key)

    report = await archive.services.locks.keep(actor=EVERYBODY)

    assert [(one.kind, one.store) for one in report.named] == [(DriftKind.LOST, "first store")]
    assert (report.whole, report.extended_segments) == (True, 1)


async def test_one_run_at_a_time_and_only_for_whoever_may_verify(archive: CopiedArchive) -> None:
    agent = Actor(name="agent", roles=frozenset({Role.CAPTURE_AGENT}))
    with pytest.raises(Denied):
        await archive.services.locks.keep(actor=agent)
    lease = await try_alone(archive.services.database, "lock keeper")
    assert lease is not None
    with pytest.raises(Conflict, match="another process"):
        await archive.services.locks.keep(actor=EVERYBODY)
    assert await archive.services.locks.daily() == ""
    await lease.release()


async def test_a_cancelled_run_says_how_far_it_came(archive: CopiedArchive) -> None:
    def cancel(_phase: str, _done: int, _total: int | None) -> None:
        raise Stopping("the job was cancelled")

    with pytest.raises(Stopping):
        await archive.services.locks.keep(actor=EVERYBODY, progress=cancel)

    newest = await archive.services.locks.newest()
    assert newest is not None
    assert newest.unfinished == ("1 of 2 segments compared, then the job was cancelled",)


# --- time


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def services(tmp_path: Path, time: Time) -> AsyncIterator[Services]:
    """An open archive at a time that a test sets."""
    settings = await found(settings_for(tmp_path / "home"), clock=time)
    async with open_services(settings, clock=time, stopwatch=time.seconds) as each:
        yield each


async def test_it_runs_a_day_after_the_founding_and_then_daily(
    services: Services, time: Time
) -> None:
    locks: LockKeeping = services.locks
    assert await locks.daily() == ""
    assert await locks.newest() is None
    time.pass_by(timedelta(days=1))
    await locks.daily()
    first = await locks.newest()
    assert first is not None
    time.pass_by(timedelta(hours=23))
    await locks.daily()
    assert await locks.newest() == first
    time.pass_by(timedelta(hours=2))
    await locks.daily()
    assert await locks.newest() != first


async def test_a_run_that_did_not_end_is_tried_again_in_an_hour(
    services: Services, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    time.pass_by(timedelta(days=1))
    with monkeypatch.context() as patch:
        break_the_count(patch)
        with pytest.raises(DatabaseUnavailable):
            await services.locks.daily()
        assert "0 of 0 segments compared, then away" in await services.locks.daily()
    time.pass_by(AGAIN_AFTER)
    assert await services.locks.daily() == ""


def break_the_count(patch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> int:
        raise DatabaseUnavailable("away")

    patch.setattr(lock_states, "count", away)


async def test_by_a_doubtful_clock_nothing_is_extended_and_nothing_compared(
    services: Services, time: Time
) -> None:
    await services.locks.keep(actor=EVERYBODY)
    before = await services.locks.newest()
    time.set_forward(timedelta(days=3650))
    with pytest.raises(Stopping, match="the clock says"):
        await services.locks.keep(actor=EVERYBODY)
    with pytest.raises(Stopping):
        await services.locks.daily()
    time.set_forward(-timedelta(days=3650))
    assert await services.locks.newest() == before


async def test_locks_that_roll_are_renewed_monthly_for_as_long_as_the_archive_runs(
    services: Services, time: Time
) -> None:
    await services.trail.record(Action.AUDIT_VIEWED, actor=EVERYBODY)
    await services.loops.catch_up()
    key = next(iter(services.store.blocking.list_keys(f"log/{services.archive.id}/checkpoints/")))
    renewed: list[int] = []
    for month in range(8):
        time.pass_by(timedelta(days=20))
        report = await services.locks.keep(actor=EVERYBODY)
        assert report.drift == 0, report.named
        lock = services.store.blocking.head(key).lock
        assert lock is not None
        assert lock.until - time.now > timedelta(days=334)
        renewed += [month] if lock.until - time.now > timedelta(days=364) else []
    assert renewed == list(range(1, 8, 2))
