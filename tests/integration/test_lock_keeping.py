"""The lock keeper on real stores: locks move with ends, holds with their rows, drift is found."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from archiver.assurance.lock_drift import DriftKind
from archiver.assurance.lock_report import LockReport
from archiver.audit.actions import Action
from archiver.clock import system_clock, to_millis
from archiver.config import Settings
from archiver.db import integrity as integrity_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.events import EventRow
from archiver.db.segments import SegmentRow
from archiver.db.tables import record, segment
from archiver.model.lock import Lock, LockMode
from archiver.preserve.object_keys import epoch_object
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.s3 import S3Store
from tests.conftest import BUCKET
from tests.fakes.copied_archive import (
    EVERYBODY,
    CopiedArchive,
    found_with_copy,
    keys_of,
    lose,
    opened,
)

if TYPE_CHECKING:
    from tests.fakes.seaweedfs import SeaweedFS

PICTURE = os.urandom(300_000)


on_each_store = pytest.mark.parametrize(
    "settings", ["file", pytest.param("s3", marks=pytest.mark.integration)], indirect=True
)


@pytest.fixture
async def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an empty archive with a second store of files, on files unless a test asks."""
    url = ""
    if getattr(request, "param", "file") == "s3":
        server: SeaweedFS = request.getfixturevalue("seaweedfs")
        url = server.store_url(BUCKET, f"kept-{os.urandom(6).hex()}")
    return await found_with_copy(tmp_path / "home", store_url=url)


@pytest.fixture
async def archive(settings: Settings) -> AsyncIterator[CopiedArchive]:
    """An open archive of three posts, one with a picture, that is copied."""
    async with opened(settings) as archive:
        await archive.capture(b"one", media=(PICTURE,))
        await archive.capture(b"two", b"three")
        await archive.copy()
        yield archive


async def kept(archive: CopiedArchive) -> LockReport:
    return await archive.services.locks.keep(actor=EVERYBODY)


async def segments(archive: CopiedArchive) -> list[SegmentRow]:
    """The segments of posts, in log order."""
    async with archive.services.database.reading() as tx:
        rows = await segment_rows.list_after(tx, 0, 1000)
    return [row for row in rows if row.class_code == "default"]


async def events(archive: CopiedArchive, action: Action) -> list[EventRow]:
    async with archive.services.database.reading() as tx:
        return list(await integrity_rows.newest_events(tx, action.value, 100))


async def test_an_archive_as_it_was_written_has_no_drift_and_nothing_to_extend(
    archive: CopiedArchive,
) -> None:
    report = await kept(archive)

    assert report.named == ()
    assert report.unfinished == ()
    assert (report.segments, report.drift, report.extended) == (report.total, 0, 0)
    assert report.objects > 2 * report.total
    assert await archive.services.locks.newest() == report


# --- extending


async def end_later(archive: CopiedArchive, row: SegmentRow, end: datetime | None) -> None:
    """Let the last record of a segment end at another time, as a refiling does."""
    async with archive.services.database.transaction() as tx:
        await tx.execute(
            update(record)
            .where(record.c.log_index == row.first_index + row.records - 1)
            .values(retain_until=None if end is None else to_millis(end))
        )


def objects_of(archive: CopiedArchive, row: SegmentRow) -> list[str]:
    return [
        row.object_key,
        row.keys_object_key,
        epoch_object(archive.services.archive.id, row.class_code, row.period),
    ]


@on_each_store
async def test_a_later_end_extends_every_object_of_the_segment_in_both_stores(
    archive: CopiedArchive,
) -> None:
    row, other, _ = await segments(archive)
    picture = keys_of(archive.first, "blob/")
    await end_later(archive, row, datetime(2040, 5, 17, tzinfo=UTC))

    report = await kept(archive)

    until = datetime(2040, 6, 1, tzinfo=UTC)
    for store in (archive.first, archive.second):
        for key in (*objects_of(archive, row), *picture):
            found = store.head(key).lock
            assert found == Lock(mode=LockMode(row.lock_mode), until=until), key
        unmoved = store.head(other.object_key).lock
        assert unmoved is not None
        assert unmoved.until < until
    assert (report.extended, report.extended_segments, report.drift) == (8, 1, 0)
    assert (await segments(archive))[0].lock_until == to_millis(until)
    told = [json.loads(event.details) for event in await events(archive, Action.LOCKS_EXTENDED)]
    assert [each["segment_ids"] for each in told if each["segments"]] == [row.id]
    assert (await kept(archive)).extended == 0


async def test_an_earlier_end_shortens_nothing(archive: CopiedArchive) -> None:
    row = (await segments(archive))[0]
    before = archive.first.head(row.object_key).lock
    await end_later(archive, row, datetime(2026, 12, 1, tzinfo=UTC))

    report = await kept(archive)

    assert (report.extended, report.drift) == (0, 0)
    assert archive.first.head(row.object_key).lock == before


async def test_a_record_without_an_end_gets_a_lock_that_rolls(archive: CopiedArchive) -> None:
    row = (await segments(archive))[0]
    soon = Lock(mode=LockMode(row.lock_mode), until=system_clock() + timedelta(days=300))
    await end_later(archive, row, None)
    await write_lock(archive, row, soon.until)

    await kept(archive)

    found = archive.first.head(row.object_key).lock
    assert found is not None
    assert found.until - system_clock() > timedelta(days=363)
    assert (await kept(archive)).extended == 0


async def write_lock(archive: CopiedArchive, row: SegmentRow, until: datetime) -> None:
    """Let a segment have been written with a shorter lock: in its row; on S3 in no object."""
    async with archive.services.database.transaction() as tx:
        await tx.execute(
            update(segment).where(segment.c.id == row.id).values(lock_until=to_millis(until))
        )
    if not isinstance(archive.first, S3Store):
        for store in (archive.first, archive.second):
            for key in (row.object_key, row.keys_object_key):
                rewrite(store, key, lock=Lock(mode=LockMode(row.lock_mode), until=until))


def rewrite(store: ObjectStore, key: str, *, lock: Lock | None) -> None:
    """Change an object's lock behind the store's back, as who owns the disk can."""
    assert isinstance(store, FilesystemStore)
    store._promise(key, store.head(key).version_id, lambda one: replace(one, lock=lock))


# --- drift


@on_each_store
async def test_a_lock_that_was_removed_is_set_again_and_told(settings: Settings) -> None:
    async with opened(settings.model_copy(update={"log_lock": "governance"})) as archive:
        await archive.capture(b"one")
        await archive.copy()
        key = next(one for one in keys_of(archive.first, "log/") if "/checkpoints/" in one)
        before = archive.first.head(key).lock
        if isinstance(archive.first, S3Store):
            archive.first._client.put_object_retention(
                Bucket=archive.first._bucket,
                Key=archive.first._address.prefix + key,
                VersionId=archive.first.head(key).version_id,
                Retention={
                    "Mode": "GOVERNANCE",
                    "RetainUntilDate": system_clock() + timedelta(days=1),
                },
                BypassGovernanceRetention=True,
            )
        else:
            rewrite(archive.first, key, lock=None)

        report = await kept(archive)

        (found,) = report.named
        assert found.object_key == key
        assert found.kind in {DriftKind.LOCK_MISSING, DriftKind.LOCK_SHORT}
        assert (found.mended, report.drift, report.mended, report.extended) == (True, 1, 1, 0)
        after = archive.first.head(key).lock
        assert before is not None
        assert after is not None
        assert after.until >= before.until
        (told,) = await events(archive, Action.OBJECT_DRIFTED)
        assert (told.object_id, told.result) == (key, "integrity")
        assert (await kept(archive)).ok
        status = await archive.services.integrity.status(EVERYBODY)
        assert status.state == "problem"


@pytest.mark.parametrize("which", ["first", "second"])
async def test_a_legal_hold_that_was_removed_is_set_again_and_told(
    archive: CopiedArchive, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.assurance.lock_drift.SETTLES", timedelta(0))
    row = (await segments(archive))[0]
    await archive.services.holds.place(
        name="suit", reason="a letter", record_ids=[await record_in(archive, row)], actor=EVERYBODY
    )
    await archive.copy()
    assert (await kept(archive)).ok
    store = archive.first if which == "first" else archive.second
    for key in (row.keys_object_key, *keys_of(store, "blob/")):
        store.set_legal_hold(key, version_id=store.head(key).version_id, on=False)

    report = await kept(archive)

    assert {one.kind for one in report.named} == {DriftKind.HOLD_MISSING}
    assert (report.drift, report.mended) == (2, 2)
    assert store.head(row.keys_object_key).legal_hold
    assert (await kept(archive)).ok


async def record_in(archive: CopiedArchive, row: SegmentRow) -> str:
    async with archive.services.database.reading() as tx:
        return (await record_rows.ids_at(tx, [row.first_index]))[0]


async def test_a_hold_of_a_stranger_is_told_and_left_and_our_own_leftover_is_lifted(
    archive: CopiedArchive,
) -> None:
    ours, strangers, _ = await segments(archive)
    hold = await archive.services.holds.place(
        name="suit", reason="a letter", record_ids=[await record_in(archive, ours)], actor=EVERYBODY
    )
    await archive.services.holds.release(hold.id, reason="settled", actor=EVERYBODY)
    for row in (ours, strangers):
        archive.first.set_legal_hold(row.object_key, version_id=row.version_id, on=True)

    report = await kept(archive)

    found = {one.object_key: (one.kind, one.mended) for one in report.named}
    assert found == {
        ours.object_key: (DriftKind.HOLD_LEFT, True),
        strangers.object_key: (DriftKind.HOLD_UNKNOWN, False),
    }
    assert not archive.first.head(ours.object_key).legal_hold
    assert archive.first.head(strangers.object_key).legal_hold


@on_each_store
async def test_an_object_that_is_gone_or_hidden_is_told(archive: CopiedArchive) -> None:
    row = (await segments(archive))[0]
    lose(archive.first, row.object_key)  # under a delete marker, where the store keeps versions

    report = await kept(archive)

    kind = DriftKind.DELETE_MARKER if isinstance(archive.first, S3Store) else DriftKind.LOST
    assert [(one.kind, one.object_key) for one in report.named] == [(kind, row.object_key)]
    assert not report.named[0].mended
    assert (await kept(archive)).drift == 1


@pytest.mark.integration
@pytest.mark.faults
@pytest.mark.parametrize("settings", ["s3"], indirect=True)
async def test_bytes_put_over_an_object_are_told_and_a_repair_explains_them(
    archive: CopiedArchive,
) -> None:
    row = (await segments(archive))[0]
    archive.first.replace(row.object_key, b"something else")

    report = await kept(archive)
    assert [one.kind for one in report.named] == [DriftKind.EXTRA_VERSION]

    await archive.repair(await archive.verify())
    assert (await kept(archive)).named == ()


async def test_a_row_that_says_another_month_than_the_log_is_told(archive: CopiedArchive) -> None:
    row = (await segments(archive))[0]
    async with archive.services.database.transaction() as tx:
        await tx.execute(update(segment).where(segment.c.id == row.id).values(period="2031-01"))

    report = await kept(archive)

    assert DriftKind.ROW_DIFFERS in {one.kind for one in report.named}


@on_each_store
async def test_the_settings_of_the_bucket_are_told(archive: CopiedArchive) -> None:
    report = await kept(archive)

    if isinstance(archive.first, S3Store):
        assert "no default retention" in report.bucket[0]
        assert "no default retention" in await archive.services.locks.daily()
    else:
        assert report.bucket == ()
