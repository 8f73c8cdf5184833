"""An audit with the store and a policy file alone names every kind of damage, and no other."""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

import pytest

from archiver.assurance import head
from archiver.assurance.outside import outside_target
from archiver.assurance.report import Report
from archiver.assurance.target import Held, VerificationTarget
from archiver.assurance.verification import verify_full
from archiver.cli.exits import OK, PROBLEMS, USAGE
from archiver.cli.main import main
from archiver.clock import Clock, system_clock, to_millis
from archiver.errors import ConfigurationError, InvalidInput
from archiver.ids import Ulids
from archiver.model.lock import Lock
from archiver.preserve.keyring import KEY_FILE, create_keyring, write_keyring
from archiver.preserve.ledger.checkpoint import parse_checkpoint, sign_checkpoint
from archiver.preserve.ledger.entry import key_entry, other_entry, repair_entry
from archiver.preserve.ledger.merkle import leaf_hash
from archiver.preserve.ledger.note import Ed25519Signer, parse_note
from archiver.preserve.ledger.policy import parse_policy
from archiver.preserve.ledger.receipt import make_receipts
from archiver.preserve.ledger.tiles import decode_bundle
from archiver.preserve.object_keys import trust_object
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.s3 import S3Store
from tests.conftest import BUCKET
from tests.fakes.attested_archive import AttestedArchive, attest, build_attested
from tests.fakes.sealed_archive import ORIGIN, add_posts, build_archive
from tests.fakes.seaweedfs import SeaweedFS

BATCHES = (200, 70)
RECORDS = sum(BATCHES) + 2
STRANGER = Ed25519Signer.from_seed(ORIGIN, bytes(32))

SEGMENT = "seg/*/correspondence/*/*.seg"
KEPT = "log/*/checkpoints/*"
STAMP = "log/*/tsr/*/*.tsr"
COSIGNATURE = "log/*/cosignatures/*/*"
PUBLISHED = "log/*/checkpoint"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> AttestedArchive:
    home = tmp_path_factory.mktemp("pristine")
    return asyncio.run(
        build_attested(
            f"file:{home}/store", f"sqlite:///{home}/muniment.db", home / "tsa", batches=BATCHES
        )
    )


@pytest.fixture
def archive(pristine: AttestedArchive, tmp_path: Path) -> AttestedArchive:
    """A copy that a test may damage."""
    home = root_of(pristine).parent
    shutil.copytree(home / "store", tmp_path / "store")
    shutil.copyfile(home / "muniment.db", tmp_path / "muniment.db")
    sealed = replace(
        pristine.sealed,
        store_url=f"file:{tmp_path}/store",
        database_url=f"sqlite:///{tmp_path}/muniment.db",
    )
    return replace(pristine, sealed=sealed)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing publishes meanwhile."""
    monkeypatch.setattr(head, "PUBLICATION_S", 0.0)


def root_of(archive: AttestedArchive) -> Path:
    return Path(archive.sealed.store_url.removeprefix("file:"))


def found(archive: AttestedArchive, pattern: str) -> list[Path]:
    paths = root_of(archive).glob(pattern)
    return sorted(path for path in paths if path.suffix != ".lock")


def key_of(archive: AttestedArchive, path: Path) -> str:
    return str(path.relative_to(root_of(archive)))


def overwrite(path: Path, data: bytes) -> None:
    """Change a file as one who owns the disk would, and leave its time."""
    status = path.stat()
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def remove(path: Path) -> None:
    path.unlink()
    path.with_name(path.name + ".lock").unlink(missing_ok=True)


def outside(archive: AttestedArchive) -> VerificationTarget:
    target = outside_target(archive.sealed.store_url, archive.policy)
    return replace(target, tsa_roots=(archive.tsa.root,))


async def audit(target: VerificationTarget, *, content: bool = False) -> Report:
    return await verify_full(target, workers=1, content=content)


def objects(report: Report) -> set[str]:
    return {problem.object_key for problem in report.problems}


async def test_an_untouched_archive_has_no_problems_and_the_report_says_what_is_proven(
    archive: AttestedArchive,
) -> None:
    report = await audit(outside(archive))

    assert report.problems == ()
    assert report.warnings == ()
    assert report.checked == RECORDS
    document = report.to_dict()
    assert document["level"] == "A"
    assert document["entries"] == {"records": RECORDS, "hold": 1, "key": 3, "tsr": 2}
    assert document["witnessed"] == {
        "size": report.size - 1,
        "of": report.size,
        "cosignatures": 1,
        "quorum": "compliance",
    }
    stamped = document["timestamped"]
    assert isinstance(stamped, dict)
    assert (stamped["size"], stamped["tokens"]) == (report.size - 1, 2)
    proven = " ".join(report.proven)
    assert "level A" in proven
    assert "one tree" in proven
    assert "level B" not in proven
    assert "level B" in " ".join(report.not_checked)
    assert "the database" in " ".join(report.not_checked)


async def test_with_the_keyring_every_record_is_opened_as_well(archive: AttestedArchive) -> None:
    report = await audit(replace(outside(archive), keyring=archive.sealed.keyring), content=True)
    assert report.problems == ()
    assert report.warnings == ()  # every blob is named by a manifest
    assert report.level == "B"
    assert "level B" in " ".join(report.proven)


async def test_several_processes_say_what_one_does(archive: AttestedArchive) -> None:
    data = found(archive, STAMP)[0].read_bytes()
    overwrite(found(archive, STAMP)[0], data[:-1] + bytes([data[-1] ^ 1]))
    target = outside(archive)
    alone = await audit(target)
    together = await verify_full(target, workers=2, content=False)
    assert not alone.ok
    assert together.problems == alone.problems
    assert together.proven == alone.proven


FLIPS: dict[str, tuple[str, int]] = {
    "frame": (SEGMENT, 200),
    "footer": (SEGMENT, -300),
    "keys": ("keys/*/correspondence/*/*.keys", 100),
    "tile": ("log/*/tile/0/000", 33),
    "bundle": ("log/*/tile/entries/000", 60),
    "kept checkpoint": (KEPT, 40),
    "signature of a kept checkpoint": (KEPT, -20),
    "published checkpoint": (PUBLISHED, 40),
    "timestamp": (STAMP, 200),
    "cosignature": (COSIGNATURE, -20),
}


@pytest.mark.parametrize("kind", FLIPS)
async def test_one_flipped_bit_is_found_and_its_object_named(
    archive: AttestedArchive, kind: str
) -> None:
    pattern, offset = FLIPS[kind]
    path = found(archive, pattern)[0]
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x01
    overwrite(path, bytes(data))

    assert key_of(archive, path) in objects(await audit(outside(archive)))


@pytest.mark.parametrize("pattern", [STAMP, KEPT, "log/*/tile/0/000", "keys/*/*/*/epoch.json"])
async def test_a_deleted_object_is_named(archive: AttestedArchive, pattern: str) -> None:
    path = found(archive, pattern)[-1]
    remove(path)
    assert key_of(archive, path) in objects(await audit(outside(archive)))


async def test_the_records_of_a_deleted_segment_are_named(archive: AttestedArchive) -> None:
    remove(found(archive, SEGMENT)[0])
    report = await audit(outside(archive))
    assert sum("no segment" in problem.what for problem in report.problems) == 100
    assert all(problem.record_id for problem in report.problems)


async def test_whatever_is_no_part_of_an_archive_is_named(archive: AttestedArchive) -> None:
    strays = {
        "notes.txt",
        "backup/old.seg",
        f"seg/{Ulids().one(system_clock())}/letters/2032-11/x.seg",
        f"log/{archive.archive_id}/tile/entries/1.p",
        f"log/{archive.archive_id}/tsr/12/openssl.tsr",
        f"log/{archive.archive_id}/cosignatures/000000000012/zz",
    }
    for stray in strays:
        path = root_of(archive) / stray
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"?")

    named = objects(await audit(outside(archive)))

    assert named - {one for one in named if one not in strays} == strays


async def test_a_segment_that_the_log_does_not_know_is_named_once_it_should(
    archive: AttestedArchive, tmp_path: Path
) -> None:
    other = await build_archive(
        f"file:{tmp_path}/other", f"sqlite:///{tmp_path}/other.db", batches=(5,)
    )
    source = next((tmp_path / "other").glob(SEGMENT))
    path = found(archive, SEGMENT)[0].with_name(source.name)
    shutil.copyfile(source, path)
    key = key_of(archive, path)
    assert other.archive_id != archive.archive_id

    young = await audit(outside(archive))
    hour_ago = (system_clock() - timedelta(hours=1)).timestamp()
    os.utime(path, (hour_ago, hour_ago))
    old = await audit(outside(archive))

    assert not any("not in the log" in problem.what for problem in young.problems)
    assert any("are in the log: they came after" in text for text in young.not_checked)
    assert any(
        problem.object_key == key and "not in the log" in problem.what for problem in old.problems
    )


def resign(path: Path, signer: Ed25519Signer, root: bytes | None = None) -> None:
    checkpoint = parse_checkpoint(parse_note(path.read_bytes()).text)
    if root is not None:
        checkpoint = replace(checkpoint, root=root)
    overwrite(path, sign_checkpoint(checkpoint, [signer]))


async def test_a_log_signed_by_another_key_is_not_believed_whatever_its_bucket_says(
    archive: AttestedArchive,
) -> None:
    for path in [*found(archive, KEPT), *found(archive, PUBLISHED)]:
        resign(path, STRANGER)
    policy = root_of(archive) / trust_object(archive.archive_id, "policy.txt")
    policy.write_text(f"log {STRANGER.vkey}\nquorum none\n")

    report = await audit(outside(archive))

    assert {key_of(archive, path) for path in found(archive, KEPT)} <= objects(report)
    assert report.size == 0
    assert any("policy in the bucket" in warning.what for warning in report.warnings)


async def test_a_second_version_of_the_log_under_the_true_key_convicts_it(
    archive: AttestedArchive,
) -> None:
    path = found(archive, KEPT)[0]
    resign(path, archive.first, root=bytes(32))
    report = await audit(outside(archive))
    assert key_of(archive, path) in objects(report)
    assert "two versions" in " ".join(problem.what for problem in report.problems)


async def test_a_key_that_was_retired_signs_nothing_any_more(archive: AttestedArchive) -> None:
    """Whoever finds the old key can sign a checkpoint that is true in all but its signer."""
    for path in (found(archive, KEPT)[-1], found(archive, PUBLISHED)[0]):
        resign(path, archive.first)
    report = await audit(outside(archive))
    named = key_of(archive, found(archive, KEPT)[-1])
    assert any(
        problem.object_key == named and "in service" in problem.what for problem in report.problems
    )


async def test_a_key_announced_only_beneath_a_stranger_is_not_believed(
    archive: AttestedArchive,
) -> None:
    entry = key_entry(str(STRANGER.vkey), on=True, ts_ms=to_millis(system_clock()))
    await archive.log(entry)
    for path in (found(archive, KEPT)[-1], found(archive, PUBLISHED)[0]):
        resign(path, STRANGER)
    report = await audit(outside(archive))
    assert key_of(archive, found(archive, KEPT)[-1]) in objects(report)


async def roll_back(archive: AttestedArchive) -> tuple[Path, bytes]:
    """Cut off the newest two checkpoints; return the path and the bytes of the newest."""
    kept = found(archive, KEPT)
    note = kept[-1].read_bytes()
    overwrite(found(archive, PUBLISHED)[0], kept[-3].read_bytes())
    for path in kept[-2:]:
        remove(path)
    return kept[-1], note


async def test_a_rollback_shows_in_what_was_made_of_the_part_that_is_gone(
    archive: AttestedArchive,
) -> None:
    await roll_back(archive)
    report = await audit(outside(archive))
    beyond = {key_of(archive, found(archive, STAMP)[-1])}
    beyond |= {key_of(archive, path) for path in found(archive, COSIGNATURE)}
    assert beyond <= objects(report)
    assert "rolled back" in " ".join(problem.what for problem in report.problems)


async def test_a_rollback_that_left_no_trace_shows_by_a_checkpoint_kept_elsewhere(
    archive: AttestedArchive,
) -> None:
    _, note = await roll_back(archive)
    for path in (found(archive, STAMP)[-1], *found(archive, COSIGNATURE)):
        remove(path)
    target = outside(archive)

    without = await audit(target)
    held = await audit(replace(target, checkpoints=(Held(name="kept.note", data=note),)))

    assert without.ok  # what nobody else saw, nobody else can miss
    assert [problem.object_key for problem in held.problems] == [
        f"log/{archive.archive_id}/checkpoint"
    ]
    assert "kept.note" in held.problems[0].what
    assert "rolled back" in held.problems[0].what


async def test_a_checkpoint_kept_elsewhere_must_be_continued(archive: AttestedArchive) -> None:
    path = found(archive, KEPT)[0]
    note = path.read_bytes()
    target = outside(archive)
    true = await audit(replace(target, checkpoints=(Held(name="kept.note", data=note),)))
    assert true.ok

    checkpoint = replace(parse_checkpoint(parse_note(note).text), root=bytes(32))
    forked = sign_checkpoint(checkpoint, [archive.first])
    report = await audit(replace(target, checkpoints=(Held(name="kept.note", data=forked),)))
    assert objects(report) == {"kept.note"}

    stranger = sign_checkpoint(checkpoint, [STRANGER])
    with pytest.raises(InvalidInput, match="not a checkpoint of this log"):
        await audit(replace(target, checkpoints=(Held(name="kept.note", data=stranger),)))


async def test_a_receipt_is_kept_or_convicts_the_log(archive: AttestedArchive) -> None:
    bundle = decode_bundle(found(archive, "log/*/tile/entries/000")[0].read_bytes())
    leaves = [leaf_hash(entry) for entry in bundle[:3]]
    now = to_millis(system_clock())

    def held(first_index: int) -> tuple[Held, ...]:
        receipt = make_receipts(archive.first, ORIGIN, first_index, leaves, now)[1]
        return (Held(name="receipt.json", data=json.dumps(receipt.to_dict()).encode()),)

    target = outside(archive)
    kept = await audit(replace(target, receipts=held(0)))
    elsewhere = await audit(replace(target, receipts=held(1)))
    dropped = await audit(replace(target, receipts=held(100_000)))

    assert kept.ok
    assert "1 of 1 receipts" in " ".join(kept.proven)
    assert objects(elsewhere) == objects(dropped) == {"receipt.json"}
    for garbage in (b"", b"[]", b"{}", b"\xff", b"[" * 100_000):
        with pytest.raises(InvalidInput, match="no receipt"):
            await audit(replace(target, receipts=(Held(name="r", data=garbage),)))


def two_days_ago() -> datetime:
    return system_clock() - timedelta(days=2)


def in_two_days() -> datetime:
    return system_clock() + timedelta(days=2)


@pytest.fixture
def plain(tmp_path: Path) -> AttestedArchive:
    """An archive with one key and no timestamps, to go on writing to."""
    built = build_archive(f"file:{tmp_path}/store", f"sqlite:///{tmp_path}/plain.db", batches=(30,))
    return attest(asyncio.run(built), tmp_path / "tsa")


async def add(archive: AttestedArchive, clock: Clock) -> Path:
    """Write ten posts by a clock; return their segment."""
    before = set(found(archive, SEGMENT))
    await add_posts(archive.sealed, 10, clock)
    (path,) = set(found(archive, SEGMENT)) - before
    return path


def about_times(report: Report) -> dict[str, str]:
    """What is said of clocks: a log that was locked by a wrong clock is locked wrongly too."""
    said = (*report.problems, *report.warnings)
    return {one.object_key: one.what for one in said if "lock until" not in one.what}


async def test_records_dated_before_their_time_are_told_from_those_that_waited(
    plain: AttestedArchive,
) -> None:
    segment = await add(plain, two_days_ago)
    dated_back = await audit(outside(plain))
    waited_since = two_days_ago().timestamp()
    os.utime(segment, (waited_since, waited_since))  # as a crash leaves it
    waited = await audit(outside(plain))

    assert "dated back" in about_times(dated_back)[key_of(plain, segment)]
    assert key_of(plain, segment) in objects(dated_back)
    assert "it waited" in about_times(waited)[key_of(plain, segment)]
    assert key_of(plain, segment) not in objects(waited)


async def test_records_dated_after_their_time_contradict_the_store_and_the_timestamps(
    plain: AttestedArchive,
) -> None:
    segment = await add(plain, in_two_days)
    by_store = await audit(outside(plain))
    os.utime(segment, (in_two_days().timestamp(),) * 2)  # the store's clock is as wrong
    unseen = await audit(outside(plain))
    size = int(found(plain, KEPT)[-1].name)
    await plain.stamp(size)
    by_stamp = await audit(outside(plain))

    assert "received it" in about_times(by_store)[key_of(plain, segment)]
    assert key_of(plain, segment) not in about_times(unseen)
    assert "timestamp proves" in about_times(by_stamp)[key_of(plain, segment)]


async def test_entries_of_unknown_kinds_are_counted_and_named(archive: AttestedArchive) -> None:
    now = to_millis(system_clock())
    await archive.log(other_entry("rekey", {"id": "x"}, now), other_entry("novel", {}, now))
    report = await audit(outside(archive))
    assert report.ok
    entries = report.to_dict()["entries"]
    assert isinstance(entries, dict)
    assert (entries["rekey"], entries["novel"]) == (1, 1)
    assert "'novel'" in " ".join(report.not_checked)


async def test_while_posts_are_captured_nothing_is_reported(
    plain: AttestedArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head, "PUBLICATION_S", 600.0)
    done = asyncio.Event()

    async def write() -> None:
        for _ in range(12):
            await add_posts(plain.sealed, 40)
        done.set()

    writing = asyncio.create_task(write())
    sizes = set()
    while not done.is_set():
        report = await audit(replace(outside(plain), keyring=plain.sealed.keyring), content=True)
        assert report.problems == ()
        sizes.add(report.size)
    await writing
    assert len(sizes) > 1


async def test_several_archives_in_a_store_are_told_apart(
    archive: AttestedArchive, tmp_path: Path
) -> None:
    url = archive.sealed.store_url
    other = await build_archive(url, f"sqlite:///{tmp_path}/second.db", batches=(3,))
    with pytest.raises(InvalidInput, match="--archive"):
        outside_target(url, archive.policy)
    target = outside_target(url, archive.policy, archive.archive_id)
    report = await audit(replace(target, tsa_roots=(archive.tsa.root,)))
    assert report.ok
    assert other.archive_id in " ".join(report.not_checked)


async def test_what_cannot_be_verified_is_refused_with_advice(
    archive: AttestedArchive, tmp_path: Path
) -> None:
    FilesystemStore.create(tmp_path / "empty")
    two = parse_policy(
        f"log {archive.first.vkey}\nlog {Ed25519Signer.from_seed('b.example', bytes(32)).vkey}\n"
        "quorum none\n"
    )
    with pytest.raises(InvalidInput, match="no archive"):
        outside_target(f"file:{tmp_path}/empty", archive.policy)
    with pytest.raises(InvalidInput, match="one log"):
        outside_target(archive.sealed.store_url, two)
    with pytest.raises(InvalidInput, match="one log"):
        outside_target(archive.sealed.store_url, parse_policy("quorum none\n"))
    with pytest.raises(InvalidInput):
        outside_target(archive.sealed.store_url, archive.policy, "../other")
    with pytest.raises(ConfigurationError):
        outside_target(f"file:{tmp_path}/missing", archive.policy)


@pytest.fixture
def files(archive: AttestedArchive, tmp_path: Path) -> dict[str, str]:
    """What an auditor has on disk."""
    written = {
        "policy": archive.policy_text.encode(),
        "roots": archive.tsa.root,
        "checkpoint": found(archive, KEPT)[0].read_bytes(),
        "secret": b"a key file",
    }
    paths = {name: tmp_path / f"auditor-{name}" for name in written}
    for name, path in paths.items():
        path.write_bytes(written[name])
    return {name: str(path) for name, path in paths.items()}


def test_the_command_needs_no_home_and_says_what_it_proved(
    archive: AttestedArchive,
    files: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MUNIMENT_DATABASE_URL", "nonsense:")  # no setting is read
    line = ["verify", "--full", "--from", archive.sealed.store_url, "--workers", "1"]
    line += ["--policy", files["policy"], "--tsa-roots", files["roots"]]
    line += ["--checkpoint", files["checkpoint"]]

    assert main([*line, "--json"]) == OK
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert document["archive"] == archive.archive_id
    assert document["origin"] == ORIGIN
    assert main(line) == OK
    said = capsys.readouterr().out
    assert "proven: level A" in said
    assert f"witnessed to size {document['witnessed']['size']}" in said

    overwrite(found(archive, KEPT)[0], b"?")
    assert main([*line, "--json"]) == PROBLEMS
    document = json.loads(capsys.readouterr().out)
    assert {problem["object"] for problem in document["problems"]} == {
        key_of(archive, found(archive, KEPT)[0])
    }


def test_the_command_refuses_what_does_not_go_together(
    archive: AttestedArchive, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    begin = ["verify", "--from", archive.sealed.store_url]
    trusting = [*begin, "--policy", files["policy"]]
    for line, word in (
        (begin, "--policy"),
        (["verify", "--policy", files["policy"]], "--from"),
        ([*trusting, "--content"], "--keyring"),
        ([*trusting, "--sample", "5"], "sample"),
        ([*begin, "--policy", files["policy"] + "-missing"], "cannot be read"),
    ):
        assert main([*line]) == USAGE
        assert word in capsys.readouterr().err


def test_the_command_opens_content_with_the_archives_own_keyring_only(
    archive: AttestedArchive,
    files: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    strangers = create_keyring(Ulids().one(system_clock()), ORIGIN, os.urandom)
    line = ["verify", "--from", archive.sealed.store_url, "--policy", files["policy"], "--json"]
    line += ["--workers", "1"]
    for name, keyring, code in (
        ("own", archive.sealed.keyring, OK),
        ("other", strangers, USAGE),
    ):
        path = tmp_path / f"{name}.json"
        write_keyring(
            path,
            keyring,
            seal=KEY_FILE,
            secret=Path(files["secret"]).read_bytes(),
            randomness=os.urandom,
        )
        given = ["--keyring", str(path), "--keyring-secret", files["secret"]]
        assert main([*line, *given]) == code
    assert json.loads(capsys.readouterr().out)["level"] == "B"


@pytest.fixture(scope="module")
def bucket(seaweedfs: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> AttestedArchive:
    """An archive in a bucket with Object Lock."""
    home = tmp_path_factory.mktemp("bucket")
    url = seaweedfs.store_url(BUCKET, f"outside-audit-{home.name}")
    built = build_attested(url, f"sqlite:///{home}/muniment.db", home / "tsa", batches=(240, 20))
    return asyncio.run(built)


@pytest.fixture
def attacker(bucket: AttestedArchive) -> Iterator[S3Store]:
    """Another client of the bucket, with an administrator's rights."""
    store = S3Store(bucket.sealed.store_url, clock=system_clock)
    yield store
    store.close()


def stored(store: S3Store, pattern: str) -> str:
    """The first key that matches."""
    return min(key for key in store.list_keys("") if fnmatchcase(key, pattern))


KINDS = {
    "segment": SEGMENT,
    "keys": "keys/*/correspondence/*/*.keys",
    "epoch key": "keys/*/correspondence/*/epoch.json",
    "blob": "blob/*/correspondence/*/*",
    "full tile": "log/*/tile/0/000",
    "full bundle": "log/*/tile/entries/000",
    "kept checkpoint": KEPT,
    "timestamp": STAMP,
    "cosignature": COSIGNATURE,
}
"""Everything that is locked for long."""


@pytest.mark.integration
async def test_an_untouched_bucket_has_no_problems_until_a_blob_is_deleted_past_its_lock(
    s3_store: S3Store, tmp_path: Path
) -> None:
    archive = await build_attested(
        s3_store.url, f"sqlite:///{tmp_path}/s3.db", tmp_path / "tsa", batches=(20, 10)
    )
    target = replace(outside(archive), keyring=archive.sealed.keyring)
    report = await audit(target, content=True)
    assert report.problems == ()
    assert report.warnings == ()
    assert "by Object Lock" in " ".join(report.proven)

    key = stored(s3_store, KINDS["blob"])
    unlock_and_delete(s3_store, key)
    report = await audit(target, content=True)
    assert [key in problem.what for problem in report.problems] == [True]
    assert report.problems[0].record_id


@pytest.mark.integration
@pytest.mark.parametrize("kind", KINDS)
async def test_in_a_bucket_a_version_put_over_an_object_is_found(
    bucket: AttestedArchive, attacker: S3Store, kind: str
) -> None:
    key = stored(attacker, KINDS[kind])
    data = bytearray(attacker.get(key))
    data[len(data) // 2] ^= 0x01
    version = attacker.replace(key, bytes(data)).version_id
    report = await audit(outside(bucket))
    attacker.delete(key, version_id=version)

    said = [problem.what for problem in report.problems if problem.object_key == key]
    assert any("further version" in what for what in said)
    assert len(said) > 1 or kind in {"epoch key", "blob"}  # those only content can tell


@pytest.mark.integration
@pytest.mark.parametrize("kind", KINDS)
async def test_in_a_bucket_a_delete_marker_is_found(
    bucket: AttestedArchive, attacker: S3Store, kind: str
) -> None:
    key = stored(attacker, KINDS[kind])
    client, target = attacker._client, attacker._target(key, None)
    marker = client.delete_object(**target)["VersionId"]
    report = await audit(outside(bucket))
    client.delete_object(**target, VersionId=marker)

    said = {problem.what for problem in report.problems if problem.object_key == key}
    assert any("delete marker" in what for what in said)


def unlock_and_delete(store: S3Store, key: str) -> None:
    """Delete the one version of an object, as who may pass governance locks can."""
    target = store._target(key, store.head(key).version_id)
    store._client.delete_object(**target, BypassGovernanceRetention=True)


def put_again(store: S3Store, key: str, lock: Lock | None) -> None:
    """Put the same bytes with another lock."""
    data = store.get(key)
    unlock_and_delete(store, key)
    store.put(key, data, lock=lock)


@pytest.mark.integration
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("left", ["none", "short"])
async def test_in_a_bucket_a_lock_that_is_gone_or_shortened_is_found(
    bucket: AttestedArchive, attacker: S3Store, kind: str, left: str
) -> None:
    key = stored(attacker, KINDS[kind])
    lock = attacker.head(key).lock
    assert lock is not None
    short = Lock(mode=lock.mode, until=system_clock() + timedelta(days=30))
    put_again(attacker, key, short if left == "short" else None)
    report = await audit(outside(bucket))
    put_again(attacker, key, lock)

    assert objects(report) == {key}
    assert "lock until" in report.problems[0].what


@pytest.mark.integration
@pytest.mark.parametrize(
    "kind", ["segment", "keys", "epoch key", "full tile", "full bundle", "timestamp"]
)
async def test_in_a_bucket_a_version_deleted_past_its_lock_is_found(
    bucket: AttestedArchive, attacker: S3Store, kind: str
) -> None:
    key = stored(attacker, KINDS[kind])
    data, lock = attacker.get(key), attacker.head(key).lock
    unlock_and_delete(attacker, key)
    report = await audit(outside(bucket))
    attacker.put(key, data, lock=lock)

    assert not report.ok
    if kind == "segment":  # its name is gone with it; the log still knows its records
        assert all(problem.record_id for problem in report.problems)
    else:
        assert key in objects(report)


@pytest.mark.integration
async def test_versions_beneath_a_repair_that_the_log_names_are_no_problem(
    bucket: AttestedArchive, attacker: S3Store
) -> None:
    key = stored(attacker, KINDS["keys"])
    true, lock = attacker.get(key), attacker.head(key).lock
    attacker.replace(key, b"damage")
    attacker.replace(key, true, lock=lock)
    now = to_millis(system_clock())

    before = await audit(outside(bucket))
    await bucket.log(repair_entry(key, sha256(true).digest(), now))
    after = await audit(outside(bucket))

    assert objects(before) == {key}
    assert after.problems == ()
