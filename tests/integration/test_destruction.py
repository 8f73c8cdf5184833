"""A batch is destroyed: every byte of it, and of nothing else; whoever asks afterwards is told."""

import json
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from archiver.access.destroyed_records import DestroyedRecord
from archiver.app import Services
from archiver.assurance.recovering import RecoveryTarget, recover_database
from archiver.assurance.report import Report
from archiver.assurance.verification import quiet, verify_full
from archiver.config import Settings
from archiver.db import ledger as ledger_rows
from archiver.db import segments as segment_rows
from archiver.db.disposal_tables import batch, batch_record, disposed
from archiver.db.records import RecordRow
from archiver.db.tables import metadata
from archiver.db.transaction import open_database
from archiver.errors import Conflict, Denied, NotFound
from archiver.model.actor import Actor, Role
from archiver.preserve.keyring import KeyringFile
from archiver.preserve.ledger.disposal_entry import DisposalEntry
from archiver.preserve.ledger.entry import decode_entry
from archiver.preserve.reader import RecordReader
from archiver.preserve.store.opening import open_store
from tests.fakes.archive import AGENT, an_arrival, found_whole, settings_for, stored_posts
from tests.fakes.database_fixtures import *  # noqa: F403 - pytest finds fixtures by name
from tests.fakes.disposal import COUNSEL, MANAGER, NINE_YEARS, Time, approved, opened
from tests.fakes.postgres import Postgres

OFFICER = Actor(name="otto", roles=frozenset(Role))


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def settings(tmp_path: Path, time: Time) -> Settings:
    return await found_whole(settings_for(tmp_path / "home"), clock=time)


@pytest.fixture
async def services(settings: Settings, time: Time) -> AsyncIterator[Services]:
    async with opened(settings, time) as each:
        yield each


async def capture(
    services: Services, *texts: str, media: tuple[bytes, ...] = ()
) -> list[RecordRow]:
    """Capture posts in one request, which puts them into one segment."""
    arrivals = [an_arrival(text.encode(), media=media) for text in texts]
    answers = await services.ingest.submit(arrivals, actor=AGENT)
    ids = {each.record_id for each in answers}
    return [row for row in await stored_posts(services) if row.id in ids]


def canaries_in(folder: Path, *canaries: bytes) -> list[str]:
    return [
        f"{canary!r} in {path.relative_to(folder)}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for canary in canaries
        if canary in path.read_bytes()
    ]


async def verified(services: Services, time: Time) -> Report:
    """What `verify --full --content` says, with the database beside the store."""
    await services.loops.catch_up()
    target = replace(services.verifying.target(), clock=time)
    return await verify_full(target, workers=1, content=True)


def counted(report: Report) -> int:
    return dict(report.counts).get("destroyed, as the log says", 0)


async def members(services: Services, batch_id: str) -> dict[int, tuple[str, str]]:
    columns = (batch_record.c.log_index, batch_record.c.state, batch_record.c.reason)
    async with services.database.reading() as tx:
        rows = await tx.execute(select(*columns).where(batch_record.c.batch_id == batch_id))
        return {row.log_index: (row.state, row.reason) for row in rows}


async def state_of(services: Services, batch_id: str) -> str:
    async with services.database.reading() as tx:
        return str((await tx.execute(select(batch.c.state).where(batch.c.id == batch_id))).scalar())


async def disposals(services: Services) -> list[DisposalEntry]:
    async with services.database.reading() as tx:
        end = (await ledger_rows.state(tx)).next_index
        entries = map(decode_entry, await ledger_rows.entries(tx, 0, end))
        return [entry for entry in entries if isinstance(entry, DisposalEntry)]


async def keys_in(services: Services, kind: str) -> list[str]:
    prefix = f"{kind}/{services.archive.id}/default/"
    return [key async for key in services.store.list_keys(prefix)]


async def readable(services: Services, rows: Sequence[RecordRow]) -> None:
    """Every one of these records opens, from the store's own bytes."""
    reader = RecordReader(services.archive.id, services.store.blocking, services.epochs)
    for row in rows:
        async with services.database.reading() as tx:
            segment = await segment_rows.get(tx, row.segment_id)
            (entry,) = await ledger_rows.entries(tx, row.log_index, row.log_index + 1)
        assert reader.open(segment, row, entry).manifest.id == row.id


async def test_of_a_destroyed_batch_no_byte_is_left(
    services: Services, settings: Settings, time: Time
) -> None:
    gone = await capture(services, "xyzzycanary one", "xyzzycanary 2", media=(b"film" * 100_000,))
    stays = await capture(services, "plughstays")
    await services.loops.catch_up()
    time.pass_by(NINE_YEARS)
    batch_id = await approved(services, gone)

    done = await services.destruction.execute(batch_id, actor=MANAGER)

    assert (done.destroyed, done.kept, done.method) == (2, 0, "delete")
    report = await verified(services, time)
    assert (report.problems, counted(report)) == ((), 2)
    assert [row.id for row in await stored_posts(services)] == [stays[0].id]
    await readable(services, stays)
    assert await keys_in(services, "blob") == []
    assert canaries_in(settings.home, b"xyzzycanary", gone[0].post_id.encode()) == []
    assert await state_of(services, batch_id) == "done"


async def test_a_batch_among_many_posts_builds_no_index_anew(
    services: Services, settings: Settings, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what shared files with the destroyed is written again, and no file has their words."""
    gone = await capture(services, "xyzzycanary one", "xyzzycanary two")
    await services.loops.catch_up()
    await capture(services, *(f"plughstays {number}" for number in range(20)))
    await services.loops.catch_up()
    time.pass_by(NINE_YEARS)
    monkeypatch.setattr(services.destruction._index, "_reindexing", None)

    done = await services.destruction.execute(await approved(services, gone), actor=MANAGER)

    assert (done.destroyed, done.kept) == (2, 0)
    await services.loops.catch_up()
    found = await services.searching.search("plughstays", actor=COUNSEL)
    assert found.count == 20
    assert (await services.searching.search("xyzzycanary", actor=COUNSEL)).count == 0
    assert canaries_in(settings.home / "index", b"xyzzycanary") == []


async def test_the_log_says_in_public_who_is_gone_before_a_byte_goes(
    services: Services, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = await capture(services, "one", "two")
    time.pass_by(NINE_YEARS)
    batch_id = await approved(services, gone)
    published = await services.destruction._publish()

    async def unpublished() -> int:
        return published

    monkeypatch.setattr(services.destruction, "_publish", unpublished)
    with pytest.raises(Conflict, match="nothing is destroyed before that is public"):
        await services.destruction.execute(batch_id, actor=MANAGER)

    await readable(services, gone)
    (entry,) = await disposals(services)
    assert (entry.method, entry.count, list(entry.indexes)) == (
        "delete",
        2,
        [row.log_index for row in gone],
    )
    monkeypatch.undo()
    assert (await services.destruction.execute(batch_id, actor=MANAGER)).destroyed == 2


async def test_what_shares_a_segment_with_the_destroyed_keeps_its_key(
    services: Services, settings: Settings, time: Time
) -> None:
    rows = await capture(services, "xyzzycanary", "plughstays", "plughstoo")
    await services.loops.catch_up()
    hold = await services.holds.place(
        name="Q3", matter="24-1", reason="suit", record_ids=[rows[1].id], actor=OFFICER
    )
    time.pass_by(NINE_YEARS)
    batch_id = await approved(services, rows)

    done = await services.destruction.execute(batch_id, actor=MANAGER)

    assert (done.destroyed, done.kept, done.method) == (2, 1, "erase")
    (kept,) = [each for each in (await members(services, batch_id)).values() if each[0] == "kept"]
    # By its id: what a hold is called and in which matter is not for all who see certificates.
    assert kept[1].startswith(f"held: On hold {hold.id} since")
    await readable(services, rows[1:2])
    (keys,) = [key for key in await keys_in(services, "keys") if ".keys" in key]
    assert keys.endswith(".keys.1")
    assert (await services.store.head(keys)).legal_hold
    assert canaries_in(settings.home, b"xyzzycanary") == []
    report = await verified(services, time)
    assert (report.problems, counted(report)) == ((), 2)

    await services.holds.release(hold.id, reason="settled", actor=OFFICER)
    again = await approved(services, rows[1:2])
    done = await services.destruction.execute(again, actor=MANAGER)

    assert (done.destroyed, done.method) == (1, "delete")
    assert await keys_in(services, "seg") == []
    assert await keys_in(services, "keys") == []  # the epoch key of the empty lane too
    assert (await verified(services, time)).problems == ()


async def test_who_may_see_all_is_told_what_remains_and_nobody_else_that_there_was_one(
    services: Services, time: Time
) -> None:
    (gone,) = await capture(services, "xyzzycanary")
    time.pass_by(NINE_YEARS)
    batch_id = await approved(services, [gone])
    await services.destruction.execute(batch_id, actor=MANAGER)

    shown = await services.records.show(gone.id, actor=COUNSEL)
    assert isinstance(shown, DestroyedRecord)
    document = shown.to_dict()
    assert (document["state"], document["batch"]) == ("disposed", batch_id)
    assert "acme" not in json.dumps(document)
    why = (await services.filing.why(gone.id, actor=COUNSEL)).to_dict()
    assert (why["state"], why["until"]) == ("disposed", None)
    with pytest.raises(NotFound, match=r"Destroyed on .* in disposal batch"):
        await services.records.raw(gone.id, actor=COUNSEL)
    with pytest.raises(Denied):
        await services.records.show(gone.id, actor=AGENT)
    found = await services.searching.search("xyzzycanary", actor=COUNSEL)
    assert found.count == 0


async def test_a_record_missing_without_an_entry_of_its_disposal_is_still_a_problem(
    services: Services, time: Time
) -> None:
    gone = await capture(services, "one")
    (lost,) = await capture(services, "two")
    time.pass_by(NINE_YEARS)
    await services.destruction.execute(await approved(services, gone), actor=MANAGER)
    store = services.store.blocking
    async with services.database.reading() as tx:
        segment = await segment_rows.get(tx, lost.segment_id)
    for key in (segment.object_key, segment.keys_object_key):
        store.delete(key, version_id=store.head(key).version_id)

    problems = (await verified(services, time)).problems

    assert {problem.record_id for problem in problems} == {lost.id, ""}


async def refusals(services: Services, batch_id: str) -> int:
    event = metadata.tables["event"]
    async with services.database.reading() as tx:
        rows = await tx.execute(
            select(event.c.result).where(
                event.c.object_id == batch_id, event.c.action.like("disposal:%")
            )
        )
        return sum(row.result == "refused" for row in rows)


async def test_what_the_store_keeps_locked_is_kept(services: Services, time: Time) -> None:
    rows = await capture(services, "one")
    time.pass_by(NINE_YEARS)
    async with services.database.reading() as tx:
        segment = await segment_rows.get(tx, rows[0].segment_id)
    services.store.blocking.set_legal_hold(
        segment.object_key, version_id=segment.version_id, on=True
    )
    batch_id = await approved(services, rows)

    done = await services.destruction.execute(batch_id, actor=MANAGER)

    assert (done.destroyed, done.kept) == (0, 1)
    await readable(services, rows)
    services.store.blocking.set_legal_hold(
        segment.object_key, version_id=segment.version_id, on=False
    )
    assert (await verified(services, time)).problems == ()


async def test_a_hold_placed_after_the_gate_still_keeps(
    services: Services, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = await capture(services, "one", "two")
    await services.loops.catch_up()
    time.pass_by(NINE_YEARS)
    batch_id = await approved(services, rows)
    publish = services.destruction._require_published

    async def hold_and_publish(dis_index: int) -> int:
        await services.holds.place(
            name="Late", reason="suit", record_ids=[rows[0].id], actor=OFFICER
        )
        return await publish(dis_index)

    monkeypatch.setattr(services.destruction, "_require_published", hold_and_publish)

    done = await services.destruction.execute(batch_id, actor=MANAGER)

    assert done.destroyed + done.kept == 2
    assert (await members(services, batch_id))[rows[0].log_index][0] == "kept"
    await readable(services, rows[:1])
    assert (await verified(services, time)).problems == ()
    assert [entry.method for entry in await disposals(services)][-1] == "keep"


async def test_what_was_let_go_and_then_kept_is_missed_when_it_goes(
    services: Services, time: Time
) -> None:
    """Else the entry that once let it go would explain a removal by whoever has the disk."""
    (row,) = await capture(services, "one")
    time.pass_by(NINE_YEARS)
    store = services.store.blocking
    async with services.database.reading() as tx:
        segment = await segment_rows.get(tx, row.segment_id)
    store.set_legal_hold(segment.object_key, version_id=segment.version_id, on=True)
    await services.destruction.execute(await approved(services, [row]), actor=MANAGER)
    store.set_legal_hold(segment.object_key, version_id=segment.version_id, on=False)
    assert (await verified(services, time)).problems == ()

    for key in (segment.object_key, segment.keys_object_key):
        store.delete(key, version_id=store.head(key).version_id)

    problems = (await verified(services, time)).problems
    assert {problem.record_id for problem in problems} == {row.id, ""}


async def test_of_two_executions_at_once_one_is_refused(
    services: Services, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = await capture(services, "one")
    time.pass_by(NINE_YEARS)
    batch_id = await approved(services, rows)
    publish = services.destruction._require_published

    async def meanwhile(dis_index: int) -> int:
        with pytest.raises(Conflict, match="another process is carrying out a batch"):
            await services.destruction.execute(batch_id, actor=MANAGER)
        return await publish(dis_index)

    monkeypatch.setattr(services.destruction, "_require_published", meanwhile)

    assert (await services.destruction.execute(batch_id, actor=MANAGER)).destroyed == 1
    assert await refusals(services, batch_id) == 1
    with pytest.raises(Conflict, match="the batch is done"):
        await services.destruction.execute(batch_id, actor=MANAGER)


@pytest.mark.integration
async def test_a_batch_is_destroyed_on_postgresql(
    postgres: Postgres, tmp_path: Path, time: Time
) -> None:
    settings = settings_for(tmp_path / "home", database_url=postgres.fresh_database())
    await found_whole(settings, clock=time)
    async with opened(settings, time) as services:
        gone = await capture(services, "one", "two", media=(b"film" * 100_000,))
        shared = await capture(services, "three", "four")
        time.pass_by(NINE_YEARS)
        batch_id = await approved(services, [*gone, shared[0]])

        done = await services.destruction.execute(batch_id, actor=MANAGER)

        assert (done.destroyed, done.kept, done.method) == (3, 0, "erase")
        await readable(services, shared[1:])
        assert (await verified(services, time)).problems == ()


async def test_the_second_copy_loses_the_same_bytes(settings: Settings, time: Time) -> None:
    url = f"file:{settings.home / 'copy'}"
    open_store(url, clock=time, create=True).close()
    copied = settings.model_copy(update={"second_store_url": url})
    async with opened(copied, time) as services:
        gone = await capture(services, "one", media=(b"film" * 100_000,))
        shared = await capture(services, "two", "three")
        assert services.second is not None
        await services.loops.catch_up()
        await services.second.replication.catch_up()
        copy = services.second.copies.second()
        prefixes = [f"{kind}/{services.archive.id}/default/" for kind in ("seg", "keys", "blob")]
        assert len([key for each in prefixes for key in copy.list_keys(each)]) == 6
        time.pass_by(NINE_YEARS)
        batch_id = await approved(services, [*gone, shared[0]])

        done = await services.destruction.execute(batch_id, actor=MANAGER)

        assert (done.destroyed, done.method) == (2, "erase")
        left = [key for each in prefixes for key in copy.list_keys(each)]
        assert left == [key for kind in ("seg", "keys") for key in await keys_in(services, kind)]
        await readable(services, shared[1:])
        assert services.second.copies.damaged == 0


Rows = dict[str, set[tuple[object, ...]]]


async def rows_of(services: Services) -> Rows:
    views = {"log_state", "token", "follower", "account_total", "account_month", "class_total"}
    async with services.database.reading() as tx:
        return {
            name: {tuple(row) for row in await tx.execute(select(table))}
            for name, table in metadata.tables.items()
            if name not in views
        }


async def recover(settings: Settings, time: Time) -> list[str]:
    """Recover the database; return the problems that were found."""

    async def no_plan(*_: object) -> None:
        raise AssertionError("the file plan is in the store")

    database = open_database(settings.effective_database_url)
    try:
        found = await recover_database(
            RecoveryTarget(
                store_url=settings.effective_store_url,
                keyring=KeyringFile.of(settings).open(),
                database=database,
                clock=time,
                workers=1,
                zone="UTC",
                plan=no_plan,
            ),
            dry_run=False,
            phase=quiet,
        )
    finally:
        await database.close()
    return [problem.what for problem in found.findings.problems]


async def test_a_lost_database_comes_back_without_the_destroyed(
    settings: Settings, time: Time
) -> None:
    async with opened(settings, time) as services:
        gone = await capture(services, "one", "two")
        shared = await capture(services, "three", "four")
        time.pass_by(NINE_YEARS)
        for rows in (gone, shared[:1]):
            await services.destruction.execute(await approved(services, rows), actor=MANAGER)
        await services.loops.catch_up()
        before = await rows_of(services)
    for path in settings.home.glob("*.sqlite*"):
        path.unlink()

    assert await recover(settings, time) == []

    async with opened(settings, time) as services:
        assert [row.id for row in await stored_posts(services)] == [shared[1].id]
        await readable(services, shared[1:])
        after = await rows_of(services)
        for name in before.keys() - {"event", "log_entry", "segment", "record"}:
            assert after[name] == before[name], name
        assert before["disposed"] <= after["disposed"]
        assert before["segment"] <= after["segment"]
        assert (await verified(services, time)).problems == ()


async def test_an_older_database_forgets_again_what_was_destroyed(
    settings: Settings, time: Time, tmp_path: Path
) -> None:
    database = Path(settings.effective_database_url.removeprefix("sqlite:///"))
    old = tmp_path / "old"
    async with opened(settings, time) as services:
        gone = await capture(services, "xyzzycanary", "two")
        shared = await capture(services, "three", "four")
        await services.loops.catch_up()
    shutil.copy(database, old)
    async with opened(settings, time) as services:
        time.pass_by(NINE_YEARS)
        for rows in (gone, shared[:1]):
            await services.destruction.execute(await approved(services, rows), actor=MANAGER)
        await services.loops.catch_up()
    for path in database.parent.glob(f"{database.name}-*"):
        path.unlink()
    shutil.copy(old, database)

    assert await recover(settings, time) == []

    async with opened(settings, time) as services:
        assert [row.id for row in await stored_posts(services)] == [shared[1].id]
        await readable(services, shared[1:])
        assert (await verified(services, time)).problems == ()


async def test_a_segment_that_a_restored_store_brings_back_is_removed_again(
    settings: Settings, time: Time, tmp_path: Path
) -> None:
    async with opened(settings, time) as services:
        gone = await capture(services, "xyzzycanary")
        time.pass_by(NINE_YEARS)
        store = Path(settings.effective_store_url.removeprefix("file:"))
        shutil.copytree(store, tmp_path / "copy")
        await services.destruction.execute(await approved(services, gone), actor=MANAGER)
    shutil.copytree(
        tmp_path / "copy", store, dirs_exist_ok=True, ignore=shutil.ignore_patterns("log")
    )

    async with opened(settings, time) as services:
        (chore,) = [each for each in services.loops.chores if each.name == "disposal"]
        assert services.recovered.destroyed
        await chore.act()
        assert await keys_in(services, "seg") == []
        assert [row.id for row in await stored_posts(services)] == []


async def test_batches_that_were_interrupted_are_gone_on_with(
    settings: Settings, time: Time
) -> None:
    async with opened(settings, time) as services:
        rows = await capture(services, "one", "two")
        time.pass_by(NINE_YEARS)
        batch_id = await approved(services, rows)
        await services.destruction._gate.condemn(
            batch_id, [row.log_index for row in rows], actor=MANAGER
        )
    async with opened(settings, time) as services:
        (done,) = await services.destruction.resume()
        assert (done.batch_id, done.destroyed) == (batch_id, 2)
        assert await services.destruction.resume() == []
        async with services.database.reading() as tx:
            rows_left = (await tx.execute(select(disposed))).all()
        assert len(rows_left) == 2
