"""After every failure: nothing acknowledged is lost, and a retry makes exactly one record."""

import asyncio
import errno
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from archiver import app
from archiver.app import open_services
from archiver.audit.actions import Action
from archiver.capture.ingest import Outcome
from archiver.clock import Clock, system_clock
from archiver.config import Settings
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.errors import (
    DatabaseUnavailable,
    IntegrityError,
    OperatorError,
    StorageUnavailable,
)
from archiver.preserve.ledger.entry import OrphanEntry, decode_entry
from archiver.preserve.store.filesystem import FilesystemStore
from tests.fakes.archive import (
    AGENT,
    an_arrival,
    eventually,
    found,
    left_by,
    publish,
    read_back,
    reader_of,
    require_included,
    row_and_entry,
    settings_for,
    stored_posts,
    unsequenced,
)
from tests.fakes.database_fixtures import *  # noqa: F403
from tests.fakes.faulty_commits import FaultyCommits
from tests.fakes.faulty_store import Call, Fault, FaultyStore, Plan
from tests.fakes.postgres import Postgres, losing_one_commit

POST = an_arrival(b"the post")


def first_put_of(suffix: str, fault: Fault) -> Plan:
    """Fail the first put of an object whose name ends so."""
    failed: list[Call] = []

    def plan(call: Call) -> Fault | None:
        if call.operation == "put" and call.key.endswith(suffix) and not failed:
            failed.append(call)
            return fault
        return None

    return plan


async def require_kept_once(services: app.Services, outcome: Outcome, content: bytes) -> None:
    """The post is one record that answers, whole in the store and provable in the log."""
    answering = [row for row in await stored_posts(services) if row.duplicate_of is None]
    assert [row.id for row in answering if row.id == outcome.record_id] == [outcome.record_id]
    opened = await read_back(services, outcome.record_id)
    assert reader_of(services).part(opened, 0).content == content
    _, entry = await row_and_entry(services, outcome.record_id)
    require_included(services, await publish(services), outcome.log_index, entry)
    named = await orphans_of(services)
    assert await unsequenced(services) <= named


async def orphans_of(services: app.Services) -> set[str]:
    async with services.database.reading() as tx:
        return await ledger_rows.orphans(tx)


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("suffix", [".keys", ".seg", "epoch.json"])
async def test_a_failed_put_is_told_and_the_retry_makes_one_record(
    suffix: str, fault: Fault, local_settings: Settings, faulty_stores: list[FaultyStore]
) -> None:
    async with open_services(local_settings) as services:
        faulty_stores[0].plan = first_put_of(suffix, fault)
        with pytest.raises(StorageUnavailable, match="injected"):
            await services.ingest.submit([POST], actor=AGENT)
        assert await stored_posts(services) == []

        (outcome,) = await services.ingest.submit([POST], actor=AGENT)
        assert outcome.status == "captured"
    async with open_services(local_settings) as services:
        # What the failed attempt left whole is sequenced too, and points to the one that answers.
        await require_kept_once(services, outcome, b"the post")
        (again,) = await services.ingest.submit([POST], actor=AGENT)
        assert (again.status, again.record_id) == ("unchanged", outcome.record_id)
        answering = [row for row in await stored_posts(services) if row.duplicate_of is None]
        assert len(answering) == 1


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("suffix", [".keys", ".seg"])
async def test_after_a_failed_put_and_a_crash_the_retry_makes_one_record(
    suffix: str, fault: Fault, local_settings: Settings, faulty_stores: list[FaultyStore]
) -> None:
    async with open_services(local_settings) as services:
        faulty_stores[0].plan = first_put_of(suffix, fault)
        with pytest.raises(StorageUnavailable):
            await services.ingest.submit([POST], actor=AGENT)
        # The other of the two puts may be under way still; a crash comes later than that.
        await asyncio.sleep(0.1)
    async with open_services(local_settings) as services:
        whole = fault is Fault.DONE
        assert services.recovered.segments == whole
        (outcome,) = await services.ingest.submit([POST], actor=AGENT)
        assert outcome.status == ("unchanged" if whole else "captured")
        await require_kept_once(services, outcome, b"the post")


@pytest.mark.parametrize("fault", Fault)
async def test_a_failed_commit_is_settled_and_the_sender_is_answered(
    fault: Fault, settings: Settings, commits: FaultyCommits
) -> None:
    async with open_services(settings) as services:
        commits.faults = [fault]
        (outcome,) = await services.ingest.submit([POST], actor=AGENT)

        assert outcome.status == "captured"
        assert len(await stored_posts(services)) == 1
        (again,) = await services.ingest.submit([POST], actor=AGENT)
        assert (again.status, again.record_id) == ("unchanged", outcome.record_id)
        await require_kept_once(services, outcome, b"the post")


async def test_a_commit_whose_answer_postgresql_never_gave_is_found_and_acknowledged(
    tmp_path: Path, postgres: Postgres
) -> None:
    direct = await found(settings_for(tmp_path / "home", database_url=postgres.fresh_database()))
    async with losing_one_commit(postgres) as port:
        url = direct.database_url.replace(f":{postgres.port}/", f":{port}/")
        async with open_services(direct.model_copy(update={"database_url": url})) as services:
            (outcome,) = await services.ingest.submit([POST], actor=AGENT)
            assert outcome.status == "captured"
            assert len(await stored_posts(services)) == 1
            await require_kept_once(services, outcome, b"the post")


async def test_a_database_that_stays_away_is_said_so_and_the_posts_are_adopted(
    local_settings: Settings, commits: FaultyCommits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.capture.ingest.PATIENCE_S", 0.2)
    async with open_services(local_settings) as services:
        commits.close()
        with pytest.raises(DatabaseUnavailable, match="send them again"):
            await services.ingest.submit([POST], actor=AGENT)
        monkeypatch.setattr("archiver.preserve.writer.DRAIN_S", 0.1)
    commits.open()
    async with open_services(local_settings) as services:
        assert (services.recovered.segments, services.recovered.records) == (1, 1)
        (outcome,) = await services.ingest.submit([POST], actor=AGENT)
        assert outcome.status == "unchanged"
        await require_kept_once(services, outcome, b"the post")
    async with open_services(local_settings) as services:
        assert services.recovered.segments == 0, "adopting twice changes nothing"


async def test_an_event_whose_commit_does_not_come_is_told_and_is_in_the_log_later(
    local_settings: Settings, commits: FaultyCommits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.audit.trail.PATIENCE_S", 0.2)
    async with open_services(local_settings) as services:
        commits.close()
        with pytest.raises(DatabaseUnavailable, match=r"search:run was not committed"):
            await services.trail.record(Action.SEARCH_RUN, actor=AGENT, object_id="x")
        commits.open()

        async def recorded() -> bool:
            async with services.database.reading() as tx:
                return (await ledger_rows.state(tx)).next_index == 1

        assert await eventually(recorded)


async def test_events_blobs_and_duplicates_are_adopted_with_their_rows(
    local_settings: Settings, commits: FaultyCommits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.preserve.writer.DRAIN_S", 0.1)
    large = os.urandom(400_000)
    async with open_services(local_settings) as services:
        commits.close()
        sending = [
            asyncio.create_task(
                services.ingest.submit([an_arrival(b"m", media=(large,))], actor=AGENT)
            ),
            asyncio.create_task(
                services.trail.record(Action.SEARCH_RUN, actor=AGENT, object_id="x")
            ),
        ]
        await eventually(lambda: left_by(services, 2))
    for task in sending:
        task.cancel()
    await asyncio.gather(*sending, return_exceptions=True)
    commits.open()
    async with open_services(local_settings) as services:
        assert (services.recovered.segments, services.recovered.records) == (2, 2)
        (row,) = await stored_posts(services)
        opened = await read_back(services, row.id)
        assert reader_of(services).part(opened, 1).content == large
        async with services.database.reading() as tx:
            adopted = await record_rows.list_range(tx, 0, 2)
        assert sorted(each.entry_type for each in adopted) == ["aud", "rec"]


async def test_a_segment_without_its_keys_is_named_in_the_log_once(
    local_settings: Settings, faulty_stores: list[FaultyStore]
) -> None:
    async with open_services(local_settings) as services:
        faulty_stores[0].plan = first_put_of(".keys", Fault.NOT_DONE)
        with pytest.raises(StorageUnavailable):
            await services.ingest.submit([POST], actor=AGENT)
        left = await eventually(lambda: left_by(services, 1))
    for _ in range(2):
        async with open_services(local_settings) as services:
            assert services.recovered.unreadable == tuple(left)
            assert await orphans_of(services) == left
            async with services.database.reading() as tx:
                entries = await ledger_rows.entries(tx, 0, (await ledger_rows.state(tx)).next_index)
            kinds = [type(decode_entry(entry)) for entry in entries]
            assert kinds.count(OrphanEntry) == 1


async def test_a_segment_altered_before_it_was_adopted_is_refused_by_name(
    local_settings: Settings, faulty_stores: list[FaultyStore]
) -> None:
    async with open_services(local_settings) as services:
        faulty_stores[0].plan = first_put_of(".keys", Fault.DONE)
        with pytest.raises(StorageUnavailable):
            await services.ingest.submit([POST], actor=AGENT)
        left = await eventually(lambda: left_by(services, 1))
    (key,) = left
    path = Path(local_settings.effective_store_url.removeprefix("file:")) / key
    sound = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(sound[:-60] + b"x" + sound[-59:])
    with pytest.raises(IntegrityError, match="second copy") as error:
        async with open_services(local_settings):
            pass
    assert error.value.object_key == key
    assert key in str(error.value)

    path.write_bytes(sound)
    async with open_services(local_settings) as services:
        assert services.recovered.segments == 1


async def test_a_segment_whose_row_was_deleted_is_evidence_and_no_orphan(
    local_settings: Settings,
) -> None:
    async with open_services(local_settings) as services:
        await services.ingest.submit([POST], actor=AGENT)
        async with services.database.reading() as tx:
            segment = (await segment_rows.list_after(tx, 0, 1))[0]
    database = sqlite3.connect(local_settings.effective_database_url.removeprefix("sqlite:///"))
    with closing(database), database:
        database.execute("DELETE FROM segment WHERE id = ?", (segment.id,))

    with pytest.raises(IntegrityError, match="row was deleted") as error:
        async with open_services(local_settings):
            pass

    assert error.value.object_key == segment.object_key


# --- disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 6 MB."""
    path = tmp_path / "small"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("cannot mount: needs root and a kernel that allows it")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


@pytest.mark.parametrize("what", ["the store", "everything"])
async def test_a_full_disk_is_told_nothing_is_lost_and_capture_resumes_by_itself(
    what: str, tmp_path: Path, small_disk: Path
) -> None:
    home = small_disk / "home" if what == "everything" else tmp_path / "home"
    settings = await found(settings_for(home, store_url=f"file:{small_disk / 'store'}"))
    acknowledged: dict[bytes, str] = {}
    async with open_services(settings) as services:
        reserve = small_disk / "reserve"
        reserve.write_bytes(bytes(1_500_000))
        number, content, failure = 0, b"", None
        while failure is None:
            number += 1
            content = b"%d " % number + os.urandom(60_000)
            try:
                (outcome,) = await services.ingest.submit([an_arrival(content)], actor=AGENT)
            except OperatorError as error:
                failure = error
            else:
                acknowledged[content] = outcome.record_id
        assert "full" in str(failure) or "room" in str(failure)
        assert acknowledged, "it took posts while there was room"
        some = next(iter(acknowledged.values()))
        assert (await read_back(services, some)).manifest.id == some, "reading goes on"

        reserve.unlink()
        (outcome,) = await services.ingest.submit([an_arrival(content)], actor=AGENT)
        assert outcome.status in {"captured", "unchanged"}
        acknowledged[content] = outcome.record_id
        for sent, record_id in acknowledged.items():
            opened = await read_back(services, record_id)
            assert reader_of(services).part(opened, 0).content == sent
        answering = [row for row in await stored_posts(services) if row.duplicate_of is None]
        assert len(answering) == len(acknowledged)
        await publish(services)


async def test_after_a_failed_fsync_no_posts_are_taken_until_the_restart(
    local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = False

    def fsync(descriptor: int) -> None:
        if broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(descriptor)

    def open_failing(url: str, *, clock: Clock, create: bool) -> FilesystemStore:
        assert not create
        return FilesystemStore(Path(url.removeprefix("file:")), clock=clock, fsync=fsync)

    with monkeypatch.context() as patch:
        patch.setattr(app, "open_store", open_failing)
        async with open_services(local_settings, clock=system_clock) as services:
            (kept,) = await services.ingest.submit([an_arrival(b"before")], actor=AGENT)
            broken = True
            with pytest.raises(StorageUnavailable, match="fsync"):
                await services.ingest.submit([POST], actor=AGENT)
            broken = False  # asking the kernel again would answer: all is well
            with pytest.raises(StorageUnavailable, match="restart"):
                await services.ingest.submit([POST], actor=AGENT)
    async with open_services(local_settings) as services:
        (outcome,) = await services.ingest.submit([POST], actor=AGENT)
        await require_kept_once(services, outcome, b"the post")
        await require_kept_once(services, kept, b"before")
