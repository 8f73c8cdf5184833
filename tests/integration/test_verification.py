"""Full verification finds every kind of damage, names it, and finds nothing where there is none."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from archiver.assurance import head
from archiver.assurance.report import Report
from archiver.assurance.sample import verify_sample
from archiver.assurance.verification import verify_full
from archiver.clock import Clock, system_clock
from archiver.db.transaction import open_database
from archiver.errors import ConfigurationError, InvalidInput
from archiver.model.lock import LockMode
from archiver.preserve.ledger.entry import orphan_entry
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.s3 import S3Store
from tests.fakes.sealed_archive import BATCHES, SealedArchive, build_archive

RECORDS = sum(BATCHES) + 2  # and two events

SEGMENT = "correspondence/*/*.seg"
KEYS = "correspondence/*/*.keys"
EPOCH = "correspondence/*/epoch.json"
BLOB = "blob/*/*/*/*"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> SealedArchive:
    home = tmp_path_factory.mktemp("pristine")
    return asyncio.run(build_archive(f"file:{home}/store", f"sqlite:///{home}/muniment.db"))


@pytest.fixture
def archive(pristine: SealedArchive, tmp_path: Path) -> SealedArchive:
    """A copy that a test may damage."""
    home = Path(pristine.store_url.removeprefix("file:")).parent
    shutil.copytree(home / "store", tmp_path / "store")
    shutil.copyfile(home / "muniment.db", tmp_path / "muniment.db")
    return replace(
        pristine,
        store_url=f"file:{tmp_path}/store",
        database_url=f"sqlite:///{tmp_path}/muniment.db",
    )


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing publishes meanwhile."""
    monkeypatch.setattr(head, "PUBLICATION_S", 0.0)


def tomorrow() -> datetime:
    """By then whatever is in the store is in the log, or never will be."""
    return system_clock() + timedelta(days=1)


async def verify(
    archive: SealedArchive,
    *,
    clock: Clock = system_clock,
    content: bool = False,
    workers: int = 1,
    with_database: bool = True,
    with_keyring: bool = True,
) -> Report:
    database = open_database(archive.database_url) if with_database else None
    try:
        target = replace(archive.target(database, keyring=with_keyring), clock=clock)
        return await verify_full(target, workers=workers, content=content)
    finally:
        if database is not None:
            await database.close()


def root_of(archive: SealedArchive) -> Path:
    return Path(archive.store_url.removeprefix("file:"))


def first(archive: SealedArchive, pattern: str) -> str:
    """The key of the first object whose path matches."""
    root = root_of(archive)
    found = sorted(path for path in root.rglob(pattern) if path.suffix != ".lock")
    return str(found[0].relative_to(root))


def flip(archive: SealedArchive, key: str, offset: int) -> None:
    path = root_of(archive) / key
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x01
    path.chmod(0o644)
    path.write_bytes(data)


def delete(archive: SealedArchive, key: str) -> None:
    path = root_of(archive) / key
    path.unlink()
    path.with_name(path.name + ".lock").unlink(missing_ok=True)


def change_database(archive: SealedArchive, *statements: str) -> None:
    """Change rows as somebody with the file would: without the triggers that refuse it."""
    with closing(sqlite3.connect(archive.database_url.removeprefix("sqlite:///"))) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def ask(archive: SealedArchive, query: str) -> str:
    with closing(sqlite3.connect(archive.database_url.removeprefix("sqlite:///"))) as connection:
        return str(connection.execute(query).fetchone()[0])


def objects(report: Report) -> set[str]:
    return {problem.object_key for problem in report.problems}


def records(report: Report) -> set[str]:
    return {problem.record_id for problem in report.problems} - {""}


@pytest.mark.parametrize("workers", [1, 2])
async def test_an_untouched_archive_has_no_problems(archive: SealedArchive, workers: int) -> None:
    phases: set[str] = set()
    database = open_database(archive.database_url)
    report = await verify_full(
        archive.target(database),
        workers=workers,
        content=True,
        progress=lambda phase, _done, _total: phases.add(phase),
    )
    await database.close()

    assert report.problems == ()
    assert report.warnings == ()
    assert report.checked == RECORDS
    assert report.size == RECORDS + 1  # the hold
    assert phases == {"checkpoints", "segments", "log", "database", "content"}
    document = report.to_dict()
    assert document["ok"] is True
    assert document["checkpoint"] == {"size": report.size, "root": report.root.hex()}


async def test_the_store_alone_is_enough_and_the_report_says_what_that_leaves_out(
    archive: SealedArchive,
) -> None:
    report = await verify(archive, with_database=False, with_keyring=False)

    assert report.ok
    assert report.checked == RECORDS
    left_out = " ".join(report.not_checked)
    assert "the database" in left_out
    assert "keyring" in left_out
    assert "--content" in left_out


FLIPS: dict[str, tuple[str, int]] = {
    "segment header": (SEGMENT, 12),
    "frame": (SEGMENT, 200),
    "footer": (SEGMENT, -300),
    "footer length": (SEGMENT, -43),
    "segment checksum": (SEGMENT, -20),
    "end mark": (SEGMENT, -3),
    "keys": (KEYS, 100),
    "epoch": (EPOCH, -20),
    "blob": (BLOB, 1000),
    "full tile of level 0": ("tile/0/000", 33),
    "partial tile of level 0": ("tile/0/002.p/*", 33),
    "superseded partial tile": ("tile/0/000.p/200", 33),
    "tile of level 1": ("tile/1/000.p/2", 33),
    "superseded tile of level 1": ("tile/1/000.p/1", 3),
    "full bundle": ("tile/entries/000", 60),
    "length in a bundle": ("tile/entries/000", 0),
    "partial bundle": ("tile/entries/002.p/*", 60),
    "superseded partial bundle": ("tile/entries/000.p/200", 60),
    "oldest kept checkpoint": ("checkpoints/*", 40),
    "published checkpoint": ("log/*/checkpoint", 40),
    "signature of the published checkpoint": ("log/*/checkpoint", -20),
}


@pytest.mark.parametrize("kind", FLIPS)
async def test_one_flipped_bit_is_found_and_its_object_named(
    archive: SealedArchive, kind: str
) -> None:
    pattern, offset = FLIPS[kind]
    key = first(archive, pattern)
    flip(archive, key, offset)

    report = await verify(archive)

    assert not report.ok
    assert key in objects(report), report.problems
    assert not any(object_key.startswith("database") for object_key in objects(report))


async def test_a_flipped_bit_in_a_frame_names_the_record_and_the_place(
    archive: SealedArchive,
) -> None:
    query = "SELECT {} FROM record JOIN segment ON segment.id = segment_id WHERE log_index = 5"
    key, offset = (
        ask(archive, query.format("object_key")),
        ask(archive, query.format("frame_offset")),
    )
    flip(archive, key, int(offset) + 60)

    report = await verify(archive)

    assert records(report) == {ask(archive, query.format("record.id"))}
    named = [problem for problem in report.problems if problem.record_id]
    assert offset in named[0].what


async def test_a_frame_that_was_exchanged_with_all_checksums_put_right_is_found(
    archive: SealedArchive,
) -> None:
    """An insider rewrites a whole segment consistently; only the log tells."""
    key = first(archive, SEGMENT)
    other = max(root_of(archive).rglob(SEGMENT))
    path = root_of(archive) / key
    path.chmod(0o644)
    path.write_bytes(other.read_bytes())

    report = await verify(archive, with_database=False)

    assert key in objects(report)
    assert len(records(report)) > 50


DELETED = {
    "segment": SEGMENT,
    "keys": KEYS,
    "epoch": EPOCH,
    "blob": BLOB,
    "tile": "tile/0/000",
    "bundle": "tile/entries/001",
    "upper tile": "tile/1/000.p/2",
    "newest kept checkpoint": f"checkpoints/{RECORDS + 1:012d}",
}


@pytest.mark.parametrize("kind", DELETED)
async def test_a_deleted_object_is_named(archive: SealedArchive, kind: str) -> None:
    key = first(archive, DELETED[kind])
    delete(archive, key)

    report = await verify(archive)

    assert key in objects(report), report.problems


async def test_without_a_database_a_deleted_segment_shows_as_records_that_only_the_log_has(
    archive: SealedArchive,
) -> None:
    key = first(archive, SEGMENT)
    segment = Path(key).stem
    expected = int(ask(archive, f"SELECT count(*) FROM record WHERE segment_id = '{segment}'"))
    delete(archive, key)

    report = await verify(archive, with_database=False)

    assert len(records(report)) == expected
    assert "no segment" in report.problems[0].what


CHANGED_ROWS: dict[str, tuple[str, str]] = {
    "entry deleted": ("DELETE FROM log_entry WHERE log_index = 20", "database:log_entry"),
    "entry of another type": (
        "UPDATE log_entry SET entry = CAST(entry AS TEXT) WHERE log_index = 20",
        "database:log_entry",
    ),
    "entry altered": (
        (
            "UPDATE log_entry SET entry = CAST(replace(entry, 'rec', 'aud') AS BLOB) "
            "WHERE log_index = 20"
        ),
        "database:log_entry",
    ),
    "entries exchanged": (
        (
            "UPDATE log_entry SET entry = (SELECT entry FROM log_entry AS other "
            "WHERE other.log_index = 41 - log_entry.log_index) WHERE log_index IN (20, 21)"
        ),
        "database:log_entry",
    ),
    "entry inserted": ("INSERT INTO log_entry VALUES (5000, x'7b7d')", "database:log_entry"),
    "record deleted": ("DELETE FROM record WHERE log_index = 20", "database:record"),
    "record moved": (
        "UPDATE record SET frame_offset = frame_offset + 1 WHERE log_index = 20",
        "database:record",
    ),
    "record renamed": (
        "UPDATE record SET id = '01ARZ3NDEKTSV4RRFFQ69G5FAV' WHERE log_index = 20",
        "database:record",
    ),
}


@pytest.mark.parametrize("kind", CHANGED_ROWS)
async def test_a_changed_row_is_found_and_the_record_named(
    archive: SealedArchive, kind: str
) -> None:
    statement, table = CHANGED_ROWS[kind]
    record_id = ask(archive, "SELECT id FROM record WHERE log_index = 20")
    change_database(archive, statement)

    report = await verify(archive)

    assert table in objects(report), report.problems
    assert record_id in records(report) or "inserted" in kind


async def test_an_inserted_record_row_is_found(archive: SealedArchive) -> None:
    hold_index = RECORDS
    columns = [
        name
        for name in ask(
            archive, "SELECT group_concat(name) FROM pragma_table_info('record')"
        ).split(",")
        if name not in ("log_index", "id", "content_key", "idempotency_key")
    ]
    copied = ", ".join(columns)
    invented = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    change_database(
        archive,
        f"INSERT INTO record (log_index, id, {copied}) "
        f"SELECT {hold_index}, '{invented}', {copied} FROM record WHERE log_index = 20",
    )

    report = await verify(archive)

    assert records(report) == {invented}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE segment SET seal = x'00' WHERE first_index = 0",
        "UPDATE segment SET seal = 'text' WHERE first_index = 0",
        "UPDATE segment SET first_index = 100000 WHERE first_index = 0",
        "UPDATE segment SET keys_version_id = 'other' WHERE first_index = 0",
        "UPDATE segment SET legal_hold = 1 WHERE first_index = 0",
        "UPDATE segment SET lock_until = 5 WHERE first_index = 0",
        "DELETE FROM segment WHERE first_index = 0",
    ],
)
async def test_a_changed_segment_row_is_found(archive: SealedArchive, change: str) -> None:
    key = ask(archive, "SELECT object_key FROM segment WHERE first_index = 0")
    change_database(archive, change)

    report = await verify(archive)

    assert objects(report) == {key}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE blob SET sha256 = x'00'",
        (
            "INSERT INTO blob SELECT 'blob/invented', version_id, record_id, size, sha256, "
            "legal_hold FROM blob LIMIT 1"
        ),
        "UPDATE log_state SET root = x'00'",
        "UPDATE log_state SET checkpoint = x'00'",
    ],
)
async def test_changed_rows_about_blobs_and_the_log_are_found(
    archive: SealedArchive, change: str
) -> None:
    change_database(archive, change)
    assert not (await verify(archive)).ok


async def test_only_opening_the_content_shows_that_a_derived_column_was_altered(
    archive: SealedArchive,
) -> None:
    record_id = ask(archive, "SELECT id FROM record WHERE log_index = 20")
    change_database(
        archive,
        "UPDATE record SET account = '@other', retain_until = 5 WHERE log_index = 20",
        "UPDATE event SET actor = 'nobody'",
    )

    assert (await verify(archive)).ok
    report = await verify(archive, content=True)

    assert objects(report) == {"database:record", "database:event"}
    assert record_id in records(report)
    assert any("account, retain_until" in problem.what for problem in report.problems)
    assert "@other" not in str(report.to_dict())  # reports travel further than content may


async def test_a_flipped_bit_under_encryption_is_found_by_content_without_a_database(
    archive: SealedArchive,
) -> None:
    flip(archive, first(archive, BLOB), 1000)
    report = await verify(archive, content=True, with_database=False)
    assert any("blob" in problem.what and problem.record_id for problem in report.problems)


async def test_an_older_checkpoint_put_back_is_found_by_the_kept_ones(
    archive: SealedArchive,
) -> None:
    """The log is cut to an earlier, truly signed size, with the database cut to match."""
    older = sorted((root_of(archive) / "log").rglob("checkpoints/*"))
    older = [path for path in older if path.suffix != ".lock"]
    published = next((root_of(archive) / "log").rglob("checkpoint"))
    published.write_bytes(older[0].read_bytes())

    report = await verify(archive, with_database=False)

    key = str(published.relative_to(root_of(archive)))
    assert [problem.object_key for problem in report.problems] == [key]
    assert "an older one was put back" in report.problems[0].what
    assert report.size == RECORDS + 1  # all that was ever signed is verified


async def test_a_shortened_lock_is_found(archive: SealedArchive) -> None:
    for pattern in (SEGMENT, KEYS, EPOCH, BLOB):
        key = first(archive, pattern)
        sidecar = root_of(archive) / f"{key}.lock"
        sidecar.chmod(0o644)
        sidecar.write_bytes(sidecar.read_bytes().replace(b"2032", b"2027"))

        report = await verify(archive)

        assert key in objects(report), pattern
        assert "lock" in report.problems[-1].what


async def test_a_damaged_lock_file_does_not_stop_the_rest(archive: SealedArchive) -> None:
    key = first(archive, SEGMENT)
    sidecar = root_of(archive) / f"{key}.lock"
    sidecar.chmod(0o644)
    sidecar.write_bytes(b"{}")

    report = await verify(archive)

    assert key in objects(report)
    assert report.counts  # it went on to the end
    assert dict(report.counts)["segments"] == 9


async def test_what_a_crash_left_is_told_apart_from_what_somebody_put_there(
    archive: SealedArchive,
) -> None:
    keys = first(archive, KEYS)
    abandoned = keys.replace(Path(keys).stem, "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    blob = first(archive, BLOB)
    stray = f"seg/{archive.archive_id}/notes.txt"
    for source, target in ((keys, abandoned), (blob, f"{blob}X"), (blob, stray)):
        shutil.copyfile(root_of(archive) / source, root_of(archive) / target)
        if source == blob:
            shutil.copyfile(
                root_of(archive) / f"{source}.lock", root_of(archive) / f"{target}.lock"
            )

    report = await verify(archive, clock=tomorrow)

    assert {warning.object_key for warning in report.warnings} == {abandoned, f"{blob}X"}
    assert objects(report) == {stray}


async def test_a_segment_that_was_never_sequenced_is_a_problem_until_the_log_names_it(
    archive: SealedArchive,
) -> None:
    index = int(ask(archive, "SELECT max(first_index) FROM segment"))
    key = ask(archive, f"SELECT object_key FROM segment WHERE first_index = {index}")
    # Another archive's segment is not in this log.
    other = await build_archive(
        f"file:{root_of(archive).parent}/other",
        f"sqlite:///{root_of(archive).parent}/other.db",
        batches=(3,),
    )
    source = next(root_of(other).rglob(SEGMENT))
    left = f"{Path(key).parent}/{source.stem}.seg"
    shutil.copyfile(source, root_of(archive) / left)

    assert left in objects(await verify(archive))

    entry = orphan_entry(left, bytes(32), 1).hex()
    change_database(
        archive,
        f"INSERT INTO log_entry SELECT next_index, x'{entry}' FROM log_state",
        "UPDATE log_state SET next_index = next_index + 1",
    )
    report = await verify(archive)
    assert not any("not in the log" in problem.what for problem in report.problems)
    assert any("not integrated yet" in text for text in report.not_checked)


async def test_content_without_the_keyring_is_refused(archive: SealedArchive) -> None:
    with pytest.raises(InvalidInput, match="keyring"):
        await verify(archive, content=True, with_keyring=False)


async def test_a_store_that_is_not_there_is_no_problem_of_the_archive(
    archive: SealedArchive,
) -> None:
    """An unmounted disk must not read as a destroyed archive."""
    shutil.rmtree(root_of(archive))
    with pytest.raises(ConfigurationError):
        await verify(archive)


async def test_a_sample_is_the_same_for_the_same_seed_and_finds_what_it_meets(
    archive: SealedArchive,
) -> None:
    database = open_database(archive.database_url)
    target = archive.target(database)
    few = await verify_sample(target, percent=5, seed=7)
    assert few.ok
    assert few.checked == dict(few.counts)["sampled"] == pytest.approx(RECORDS * 0.05, abs=2)

    key = ask(archive, "SELECT object_key FROM segment WHERE first_index = 0")
    flip(archive, key, 200)
    record_id = ask(archive, "SELECT id FROM record WHERE log_index = 0")
    change_database(archive, "UPDATE record SET account = 'x' WHERE log_index = 1")
    altered = ask(archive, "SELECT id FROM record WHERE log_index = 1")

    everything = await verify_sample(target, percent=100, seed=7)
    await database.close()

    assert everything.checked == RECORDS
    assert records(everything) == {record_id, altered}


@pytest.mark.integration
def test_on_s3_versions_and_delete_markers_are_seen_as_well(
    s3_store: S3Store, tmp_path: Path
) -> None:
    archive = asyncio.run(
        build_archive(s3_store.url, f"sqlite:///{tmp_path}/s3.db", batches=(20, 10))
    )
    report = asyncio.run(verify(archive, content=True))
    assert report.problems == ()
    assert report.checked == 32

    segments = list(s3_store.list_keys("seg/"))
    s3_store.replace(segments[0], s3_store.get(segments[0]))
    s3_store._client.delete_object(
        Bucket=s3_store._bucket, Key=s3_store._address.prefix + segments[-1]
    )
    report = asyncio.run(verify(archive))

    said = {problem.object_key: problem.what for problem in report.problems}
    assert "version" in said[segments[0]]
    assert "delete marker" in said[segments[-1]]


async def test_the_filesystem_store_keeps_one_version(archive: SealedArchive) -> None:
    """What lets verification list plain names where a lock file is damaged."""
    store = FilesystemStore(root_of(archive), clock=system_clock)
    found = [one.key for one in store.list_versions("")]
    assert len(found) == len(set(found))
    assert LockMode.GOVERNANCE in {one.lock.mode for one in store.list_versions("seg/") if one.lock}
