"""An archive with a second store: it is copied, read when the first fails, and repaired from it."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archiver.assurance import head
from archiver.assurance.repair import Outcome, Repaired
from archiver.assurance.target import VerificationTarget
from archiver.assurance.verification import verify_full
from archiver.audit.actions import Action
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.db import events as event_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.errors import DatabaseUnavailable, IntegrityError, NotFound, StorageUnavailable
from archiver.jobs.comparison import CYCLE
from archiver.preserve.epochs import Epochs
from archiver.preserve.keyring import KeyringFile
from archiver.preserve.object_keys import checkpoint_prefix, epoch_object
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.s3 import S3Store
from tests.conftest import BUCKET
from tests.fakes.archive import read_back, row_and_entry
from tests.fakes.copied_archive import (
    EVERYBODY,
    CopiedArchive,
    alter,
    found_with_copy,
    keys_of,
    lose,
    opened,
)
from tests.fakes.faulty_store import Fault, FaultyStore, fail_from, no_faults
from tests.fakes.small_archive import MovingClock

if TYPE_CHECKING:
    from tests.fakes.seaweedfs import SeaweedFS

PICTURE = os.urandom(300_000)
FOLLOWS = ("seg/", "keys/", "blob/", "log/")


@pytest.fixture(
    params=[
        "file and file",
        pytest.param("s3 and file", marks=pytest.mark.integration),
        pytest.param("s3 and s3", marks=[pytest.mark.integration, pytest.mark.faults]),
    ]
)
async def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an empty archive with an empty second store, on each pair worth telling apart."""
    first, _, second = str(request.param).partition(" and ")
    urls = ["", ""]
    for place, kind in enumerate((first, second)):
        if kind == "s3":
            server: SeaweedFS = request.getfixturevalue("seaweedfs")
            bucket = BUCKET if place == 0 else f"{BUCKET}-copy"
            urls[place] = server.store_url(bucket, f"copied-{os.urandom(6).hex()}")
            if place:
                S3Store(urls[place], clock=system_clock).create_bucket(default_days=None)
    return await found_with_copy(tmp_path / "home", store_url=urls[0], second_url=urls[1])


@pytest.fixture
async def archive(settings: Settings) -> AsyncIterator[CopiedArchive]:
    """An open archive of three posts, one with a picture, that is copied."""
    async with opened(settings) as archive:
        await archive.capture(b"one", b"two", media=(PICTURE,))
        await archive.capture(b"three")
        assert await archive.copy() == 3
        yield archive


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing publishes meanwhile."""
    monkeypatch.setattr(head, "PUBLICATION_S", 0.0)


def one_of(store: ObjectStore, kind: str) -> str:
    """The key of an object of a kind, the first there is."""
    log = next(iter(store.list_keys("log/"))).split("/")[1]
    begins, ends = {
        "segment": ("seg/", ".seg"),
        "keys": ("keys/", ".keys"),
        "epoch": ("keys/", "epoch.json"),
        "blob": ("blob/", ""),
        "tile": (f"log/{log}/tile/0/", ""),
        "bundle": (f"log/{log}/tile/entries/", ""),
        "kept checkpoint": (f"log/{log}/checkpoints/", ""),
        "checkpoint": (f"log/{log}/checkpoint", "/checkpoint"),
    }[kind]
    keys = [key for key in keys_of(store, begins) if key.endswith(ends)]
    return keys[-1] if kind in ("tile", "bundle") else keys[0]


def repaired(outcomes: list[Outcome]) -> set[str]:
    return {one.object_key for one in outcomes if isinstance(one, Repaired)}


async def told(archive: CopiedArchive, key: str) -> set[str]:
    """What the audit trail says was done to an object."""
    async with archive.services.database.reading() as tx:
        return {event.action for event in await event_rows.list_about(tx, key, 20)}


# --- copying


async def test_what_is_captured_is_copied_byte_for_byte_under_locks_of_its_own(
    archive: CopiedArchive,
) -> None:
    for prefix in FOLLOWS:
        for key in keys_of(archive.second, prefix):
            assert archive.second.get(key) == archive.first.get(key), key
            first, second = archive.first.head(key), archive.second.head(key)
            if first.lock is None:
                continue
            assert second.lock is not None, key
            assert second.lock.until >= first.lock.until
            assert second.lock.mode is first.lock.mode
    missing = set(keys_of(archive.first)) - set(keys_of(archive.second))
    assert {key.rsplit("/", 1)[1] for key in missing} <= {"policy.txt"}


async def test_the_copy_is_a_whole_archive_that_can_be_audited_alone(
    archive: CopiedArchive, settings: Settings
) -> None:
    await archive.capture(b"four, which is not copied")
    row = archive.services.archive
    report = await verify_full(
        VerificationTarget(
            archive_id=row.id,
            origin=row.origin,
            vkeys=(row.vkey,),
            store_url=settings.second_store_url,
        ),
        workers=1,
        content=False,
    )
    assert report.problems == ()
    assert (report.checked, report.size) == (3, 3)


async def test_at_every_write_the_copy_is_valid_up_to_the_checkpoint_it_shows(
    tmp_path: Path, faulty_stores: list[FaultyStore]
) -> None:
    settings = await found_with_copy(tmp_path / "home")
    async with opened(settings) as archive:
        await archive.capture(b"one", media=(PICTURE,))
        await archive.copy()
        await archive.capture(b"two", b"three", media=(PICTURE,))
        second = faulty_stores[1]
        for number in range(1, 200):
            second.plan = fail_from(len(second.calls) + number, Fault.NOT_DONE)
            try:
                assert await archive.copy() == 3
                break
            except StorageUnavailable:
                await _require_valid(archive, settings)
        else:
            pytest.fail("the copy never came through")
        assert number > 10


async def _require_valid(archive: CopiedArchive, settings: Settings) -> None:
    row = archive.services.archive
    target = VerificationTarget(
        archive_id=row.id,
        origin=row.origin,
        vkeys=(row.vkey,),
        store_url=settings.second_store_url,
    )
    report = await verify_full(target, workers=1, content=False)
    # Segments come before what covers them, and the last step is the published checkpoint, as when
    # the log itself is published.
    expected = ("not in the log", "publishing stopped")
    strange = [one for one in report.problems if not any(text in one.what for text in expected)]
    assert strange == []
    assert report.size in (1, 3)


async def test_a_long_way_is_gone_by_the_checkpoints_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.jobs.replication._SEGMENTS", 2)
    async with opened(await found_with_copy(tmp_path / "home")) as archive:
        for number in range(7):
            await archive.capture(b"post %d" % number)
        shown: list[int] = []
        await archive.second_store.replication.catch_up(lambda done, _total: shown.append(done))
        assert shown == [2, 4, 6, 7]
        assert len(keys_of(archive.second, "seg/")) == 7
        assert len(keys_of(archive.second, checkpoint_prefix(archive.services.archive.id))) == 7


async def test_copying_goes_on_after_a_restart_from_what_the_copy_shows(
    settings: Settings,
) -> None:
    async with opened(settings) as archive:
        await archive.capture(b"one")
        assert await archive.copy() == 1
    async with opened(settings) as archive:
        await archive.capture(b"two")
        words = await archive.second_store.replication.once()
        assert words == ""
        assert archive.second_store.replication.state.copied == 2
        assert len(keys_of(archive.second, "seg/")) == 2


async def test_a_second_store_that_is_away_stops_no_capture_shows_its_lag_and_is_caught_up(
    tmp_path: Path, faulty_stores: list[FaultyStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.jobs.replication._RESTS", timedelta(0))
    async with opened(await found_with_copy(tmp_path / "home")) as archive:
        await archive.capture(b"one")
        await archive.copy()
        second = faulty_stores[1]
        second.plan, second.deaf = fail_from(1, Fault.NOT_DONE), True

        captured = await archive.capture(b"two", b"three")
        words = await archive.second_store.replication.once()
        assert len(captured) == 2
        assert "injected" in words
        assert "pending" in words
        state = archive.second_store.replication.state
        assert state.pending >= 4
        assert state.lag_s >= 0
        ready = await archive.services.health.ready()
        assert all(value == "ok" for value in ready.values()), "captures go on"

        second.plan, second.deaf = no_faults, False
        assert await archive.second_store.replication.once() == ""
        assert (state.copied, state.pending, state.lag_s) == (3, 0, 0.0)


async def test_an_archive_starts_and_captures_without_its_second_store(tmp_path: Path) -> None:
    settings = await found_with_copy(tmp_path / "home")
    settings = settings.model_copy(update={"second_store_url": f"file:{tmp_path}/nowhere"})
    async with opened(settings) as archive:
        (record_id,) = await archive.capture(b"one")
        assert "no object store" in await archive.second_store.replication.once()
        assert (await read_back(archive.services, record_id)).manifest.id == record_id


async def test_damaged_bytes_are_never_copied(archive: CopiedArchive) -> None:
    await archive.capture(b"four")
    new = sorted(set(keys_of(archive.first, "seg/")) - set(keys_of(archive.second, "seg/")))
    key = next(one for one in new if "/default/" in one)
    alter(archive.first, key)
    await archive.copy()
    assert key not in keys_of(archive.second, "seg/")
    assert Action.OBJECT_DAMAGED in await told(archive, key)


# --- holds and locks


async def test_holds_follow_their_rows_onto_the_copy_and_off_it(archive: CopiedArchive) -> None:
    async with archive.services.database.reading() as tx:
        (row,) = await segment_rows.list_after(tx, 0, 1)
        (record,) = await record_rows.list_range(tx, row.first_index, row.first_index + 1)
    lane = epoch_object(archive.services.archive.id, row.class_code, row.period)
    keys = {row.object_key, row.keys_object_key, lane}
    hold = await archive.services.holds.place(
        name="inquiry", reason="a letter", record_ids=[record.id], actor=EVERYBODY
    )
    await archive.copy()
    assert held(archive.second) >= keys
    assert len({key for key in held(archive.second) if key.startswith("blob/")}) == 1

    await archive.services.holds.release(hold.id, reason="it is over", actor=EVERYBODY)
    await archive.copy()
    assert held(archive.second) == set()


def held(store: ObjectStore) -> set[str]:
    kinds = ("seg/", "keys/", "blob/")
    keys = [key for kind in kinds for key in keys_of(store, kind)]
    return {key for key in keys if store.head(key).legal_hold}


async def test_a_hold_somebody_set_on_the_copy_stays_and_one_that_is_missing_is_set(
    archive: CopiedArchive,
) -> None:
    async with archive.services.database.reading() as tx:
        (row,) = await segment_rows.list_after(tx, 0, 1)
        (record,) = await record_rows.list_range(tx, row.first_index, row.first_index + 1)
    await archive.services.holds.place(
        name="inquiry", reason="a letter", record_ids=[record.id], actor=EVERYBODY
    )
    await archive.copy()
    asked_for = held(archive.second)
    theirs = next(
        key
        for key in keys_of(archive.second, "seg/")
        if key.endswith(".seg") and key not in asked_for
    )
    set_hold(archive.second, theirs, on=True)
    set_hold(archive.second, row.object_key, on=False)

    found = await archive.second_store.replication.compare(read_all=False)

    assert found["holds changed"] == 1
    assert held(archive.second) == asked_for | {theirs}


def set_hold(store: ObjectStore, key: str, *, on: bool) -> None:
    store.set_legal_hold(key, version_id=store.head(key).version_id, on=on)


async def test_an_extended_lock_is_extended_on_the_copy(archive: CopiedArchive) -> None:
    key = one_of(archive.first, "segment")
    stored = archive.first.head(key)
    assert stored.lock is not None
    longer = replace(stored.lock, until=stored.lock.until + timedelta(days=365))
    archive.first.extend_lock(key, version_id=stored.version_id, lock=longer)

    found = await archive.second_store.replication.compare(read_all=False)

    assert found["locks extended"] == 1
    assert archive.second.head(key).lock == longer


# --- reading


@pytest.mark.parametrize("damage", [alter, lose])
@pytest.mark.parametrize("kind", ["segment", "keys", "epoch", "blob"])
async def test_reads_go_on_from_the_second_copy_and_it_is_told(
    settings: Settings, kind: str, damage: Callable[[ObjectStore, str], None]
) -> None:
    async with opened(settings) as archive:
        ids = await archive.capture(b"one", b"two", media=(PICTURE,))
        await archive.copy()
        key = one_of(archive.first, kind)
        if not pinned(archive.first, kind):
            damage(archive.first, key)
    async with opened(settings) as archive:  # nothing is remembered
        if pinned(archive.first, kind):  # a version that rows name is gone for good only by force
            _destroy(archive.first, key)
        for record_id in ids:
            record = await read_back_from(archive, record_id)
            assert record.manifest.id == record_id
        assert archive.second_store.copies.damaged == 1
        assert "damaged" in await archive.second_store.replication.once()
        assert Action.OBJECT_DAMAGED in await told(archive, key)


def pinned(store: ObjectStore, kind: str) -> bool:
    """Whether rows or manifests name the version to read, which newer ones leave alone."""
    return isinstance(store, S3Store) and kind != "epoch"


def _destroy(store: ObjectStore, key: str) -> None:
    """Make every version of a key unreadable, as a disk does; no lock keeps a disk from it."""
    assert isinstance(store, S3Store)
    real = store._read

    def read(asked: str, version_id: str | None, **options: object) -> bytes:
        if asked == key:
            raise NotFound(f"{asked}: no such object or version")
        return real(asked, version_id, **options)

    store._read = read  # type: ignore[method-assign, assignment]


async def read_back_from(archive: CopiedArchive, record_id: str) -> OpenedRecord:
    """Open a record with all its parts, by a reader that remembers no keys."""
    services = archive.services
    keyring = KeyringFile.of(services.settings).open()
    copies = archive.second_store.copies
    epochs = Epochs(keyring, copies.primary, os.urandom, reading=copies)
    reader = RecordReader(services.archive.id, copies, epochs)
    row, entry = await row_and_entry(services, record_id)
    async with services.database.reading() as tx:
        segment = await segment_rows.get(tx, row.segment_id)
    record = reader.open(segment, row, entry)
    assert reader.part(record, 1).content == PICTURE
    return record


async def test_a_first_store_that_is_away_is_no_reason_not_to_read(
    tmp_path: Path, faulty_stores: list[FaultyStore]
) -> None:
    async with opened(await found_with_copy(tmp_path / "home")) as archive:
        ids = await archive.capture(b"one", media=(PICTURE,))
        await archive.copy()
        faulty_stores[0].deaf = True
        assert (await read_back_from(archive, ids[0])).manifest.id == ids[0]
        assert await archive.services.log.inclusion(ids[0], actor=EVERYBODY)
        assert archive.second_store.copies.damaged == 0, "away is not damaged"


async def test_a_lost_epoch_key_is_put_back_and_no_other_is_made(settings: Settings) -> None:
    async with opened(settings) as archive:
        ids = await archive.capture(b"one", media=(PICTURE,))
        await archive.copy()
        key = next(key for key in keys_of(archive.first, "keys/") if "default" in key)
        key = f"{key.rpartition('/')[0]}/epoch.json"
        before = archive.first.get(key)
        lose(archive.first, key)
    async with opened(settings) as archive:
        ids += await archive.capture(b"two", media=(PICTURE,))
        assert archive.first.get(key) == before
        for record_id in ids:
            await read_back_from(archive, record_id)


async def test_without_any_copy_of_a_lost_epoch_key_nothing_is_captured_over_it(
    tmp_path: Path,
) -> None:
    settings = await found_with_copy(tmp_path / "home")
    async with opened(settings) as archive:
        await archive.capture(b"one")
        key = f"{keys_of(archive.first, 'keys/')[0].rpartition('/')[0]}/epoch.json"
        lose(archive.first, key)
    async with opened(settings) as archive:
        with pytest.raises(IntegrityError, match="epoch key is missing"):
            await archive.capture(b"two")
        assert key not in keys_of(archive.first)


# --- repairing

KINDS = ("segment", "keys", "epoch", "blob", "tile", "bundle", "kept checkpoint", "checkpoint")


@pytest.mark.parametrize("damage", [alter, lose])
@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_object_is_named_repaired_and_logged(
    archive: CopiedArchive, kind: str, damage: Callable[[ObjectStore, str], None]
) -> None:
    key = one_of(archive.first, kind)
    true = archive.first.get(key)
    damage(archive.first, key)

    report = await archive.verify()
    outcomes = await archive.repair(report)

    # A lost checkpoint leaves no trace that verification could find; the copy knows of it.
    assert key in {one.object_key for one in report.problems} or "checkpoint" in kind
    assert repaired(outcomes) == {key}
    (entry,) = await archive.repair_entries()
    assert (entry.object_key, entry.object_sha256) == (key, sha256(true).digest())
    if kind != "checkpoint":  # it has moved on since, for one with the entry of its repair
        assert archive.first.get(key) == true
    assert Action.OBJECT_REPAIRED in await told(archive, key)
    again = await archive.verify()
    assert again.problems == ()
    assert await archive.repair(again) == []
    await archive.copy()


async def test_a_repaired_object_is_locked_and_held_as_before(archive: CopiedArchive) -> None:
    async with archive.services.database.reading() as tx:
        (row,) = await segment_rows.list_after(tx, 0, 1)
        (record,) = await record_rows.list_range(tx, row.first_index, row.first_index + 1)
    await archive.services.holds.place(
        name="inquiry", reason="a letter", record_ids=[record.id], actor=EVERYBODY
    )
    before = {key: archive.first.head(key) for key in (row.object_key, row.keys_object_key)}
    for key in before:
        lose(archive.first, key)

    await archive.repair(await archive.verify())

    for key, was in before.items():
        found = archive.first.head(key)
        assert found.lock is not None
        assert was.lock is not None
        assert found.lock.until >= was.lock.until
        assert found.lock.mode is was.lock.mode
        assert found.legal_hold
    assert (await archive.verify()).problems == ()


@pytest.mark.parametrize("kind", KINDS[:-1])
async def test_a_bad_second_copy_never_replaces_anything_and_both_are_named(
    archive: CopiedArchive, kind: str
) -> None:
    key = one_of(archive.first, kind)
    alter(archive.first, key)
    damaged = archive.first.get(key)
    lose(archive.second, key)
    archive.second.put(key, b"\0" + damaged[1:])

    report = await archive.verify()
    (outcome,) = await archive.repair(report)

    assert not isinstance(outcome, Repaired)
    assert outcome.object_key == key
    assert "no better" in outcome.why
    assert archive.first.get(key) == damaged
    assert await archive.repair_entries() == []
    assert not (await archive.verify()).ok


async def test_another_archive_s_sound_objects_are_no_repair(
    archive: CopiedArchive, tmp_path: Path
) -> None:
    """A hostile copy: whole, consistent, sealed and signed, and not this archive's."""
    async with opened(await found_with_copy(tmp_path / "other")) as other:
        await other.capture(b"one", b"two", media=(PICTURE,))
        await other.copy()
        for kind in KINDS[:-1]:
            key = one_of(archive.first, kind)
            alter(archive.first, key)
            lose(archive.second, key)
            archive.second.put(key, other.first.get(one_of(other.first, kind)))
    outcomes = await archive.repair(await archive.verify())
    assert repaired(outcomes) == set()
    assert len(outcomes) >= len(KINDS) - 1


async def test_a_crash_between_restore_and_log_entry_is_made_good_by_the_next_repair(
    archive: CopiedArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = one_of(archive.first, "segment")
    alter(archive.first, key)
    report = await archive.verify()

    async def crash(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("injected: the process died here")

    with monkeypatch.context() as patch:
        patch.setattr(archive.second_store.repairs, "_log", crash)
        with pytest.raises(DatabaseUnavailable):
            await archive.repair(report)
    assert await archive.repair_entries() == []

    report = await archive.verify()
    assert key in {one.object_key for one in report.problems}, "nobody has said why it changed"
    assert repaired(await archive.repair(report)) == {key}
    assert [entry.object_key for entry in await archive.repair_entries()] == [key]
    assert (await archive.verify()).problems == ()


async def test_the_copy_is_repaired_from_the_first_store(archive: CopiedArchive) -> None:
    keys = {one_of(archive.first, kind) for kind in KINDS[:-1]}
    for key in keys:
        alter(archive.second, key)

    found = await archive.second_store.replication.compare(read_all=True)

    assert found["repaired"] == len(keys)
    assert "damaged" not in found
    for key in keys:
        assert archive.second.get(key) == archive.first.get(key)
        assert Action.COPY_REPAIRED in await told(archive, key)
    assert {entry.object_key for entry in await archive.repair_entries()} == keys


async def test_the_comparison_puts_back_what_the_copy_has_lost(archive: CopiedArchive) -> None:
    keys = {one_of(archive.first, kind) for kind in KINDS[:-1]}
    for key in keys:
        lose(archive.second, key)

    found = await archive.second_store.replication.compare(read_all=False)

    assert found["copied"] >= len(keys)
    for key in keys:
        assert archive.second.get(key) == archive.first.get(key)


async def test_the_comparison_names_the_first_store_s_damage_and_repairs_nothing_there(
    archive: CopiedArchive,
) -> None:
    altered, lost = one_of(archive.first, "segment"), one_of(archive.first, "kept checkpoint")
    alter(archive.first, altered)
    lose(archive.first, lost)
    damaged = archive.first.get(altered)

    found = await archive.second_store.replication.compare(read_all=True)

    assert found["damaged"] == 2
    assert archive.first.get(altered) == damaged
    assert archive.second.get(altered) != damaged
    assert Action.OBJECT_DAMAGED in await told(archive, altered)
    assert Action.OBJECT_DAMAGED in await told(archive, lost)
    assert "verify --full --repair" in archive.second_store.replication.words()


async def test_in_a_cycle_of_days_every_byte_of_the_copy_is_read(tmp_path: Path) -> None:
    clock = MovingClock(system_clock())
    async with opened(await found_with_copy(tmp_path / "home")) as archive:
        archive.second_store.replication._comparison._clock = clock
        await archive.capture(b"one")
        await archive.copy()
        alter(archive.second, one_of(archive.second, "segment"))
        days = 0
        while "repaired" not in await archive.second_store.replication.compare(read_all=False):
            clock.pass_by(timedelta(days=1))
            days += 1
            assert days < CYCLE
