"""The trail leaves the archive with its proofs, and is checked where there is no archive."""

import base64
import csv
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.assurance.audit_export import AuditExport
from archiver.assurance.audit_export_check import check_export
from archiver.assurance.audit_filter import TrailFilter, filter_from
from archiver.assurance.audit_view import AuditView
from archiver.audit.actions import Action
from archiver.errors import Conflict, Denied, IntegrityError, InvalidInput, TooLarge
from archiver.model.actor import Actor
from archiver.preserve.ledger.checkpoint import open_checkpoint
from archiver.preserve.ledger.merkle import leaf_hash, verify_inclusion
from archiver.preserve.ledger.note import Ed25519Signer, Ed25519Verifier
from tests.fakes.small_archive import (
    AUDITOR,
    COUNSEL,
    SmallArchive,
    arrival,
    small_archive,
)

FORMULA = '=HYPERLINK("https://evil.example","click")'
Content = dict[str, bytes]


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """An open archive with some events, all but the last under a checkpoint."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        (kept,) = await opened.capture(arrival("p1", "We opened a shop."))
        for _ in range(6):
            await opened.records.show(kept.record_id, actor=COUNSEL)
            opened.clock.pass_by(timedelta(seconds=1))
        await opened.trail.record(
            Action.SEARCH_RUN,
            actor=Actor(name="@mallory", roles=COUNSEL.roles),
            object_type="query",
            object_id=FORMULA,
            details={"query": FORMULA},
        )
        await opened.publish()
        await opened.records.show(kept.record_id, actor=COUNSEL)
        yield opened


def exporting(archive: SmallArchive) -> AuditExport:
    return AuditExport(
        archive=archive.archive,
        verifiers=[Ed25519Verifier.from_vkey(archive.archive.vkey)],
        database=archive.database,
        store=archive.store,
        reader=archive.reader,
        trail=archive.trail,
        clock=archive.clock,
    )


async def exported(
    archive: SmallArchive, path: Path, wanted: TrailFilter | None = None
) -> zipfile.ZipFile:
    wanted = wanted or TrailFilter()
    await exporting(archive).export(wanted, path, progress=lambda *_: None, actor=AUDITOR)
    return zipfile.ZipFile(path)


async def test_every_line_proves_its_event_with_nothing_but_the_logs_key(
    archive: SmallArchive, tmp_path: Path
) -> None:
    files = await exported(archive, tmp_path / "trail.zip")

    verifier = Ed25519Verifier.from_vkey(archive.archive.vkey)
    head = open_checkpoint(files.read("checkpoint"), archive.archive.origin, [verifier])
    lines = [json.loads(line) for line in files.read("events.jsonl").splitlines()]
    for line in lines:
        entry = base64.b64decode(line["entry"])
        promised = json.loads(entry)
        manifest = json.loads(line["manifest"])
        found = hashlib.sha256(line["event"].encode()).hexdigest()
        assert found == manifest["parts"][0]["sha256"]
        assert hashlib.sha256(line["manifest"].encode()).digest() == base64.b64decode(
            promised["m"] + "=="
        )
        verify_inclusion(
            leaf=leaf_hash(entry),
            index=line["log_index"],
            size=head.size,
            proof=[base64.b64decode(each) for each in line["proof"]],
            root=head.root,
        )
    assert [json.loads(line["event"])["action"] for line in lines][-1] == "search:run"
    assert json.loads(files.read("manifest.json"))["events"] == len(lines)


async def test_what_no_checkpoint_covers_yet_is_left_out(
    archive: SmallArchive, tmp_path: Path
) -> None:
    wanted = filter_from({"action": "record:viewed"})

    files = await exported(archive, tmp_path / "trail.zip", wanted)

    assert len(files.read("events.jsonl").splitlines()) == 6


async def test_an_export_is_checked_without_the_archive(
    archive: SmallArchive, tmp_path: Path
) -> None:
    path = tmp_path / "trail.zip"
    await exported(archive, path, filter_from({"actor": "carla"}))

    checked = check_export(path, archive.archive.vkey)

    assert (checked.events, checked.key_given) == (6, True)
    assert checked.origin == archive.archive.origin
    assert not check_export(path).key_given


async def test_an_export_of_nothing_is_checked_too(archive: SmallArchive, tmp_path: Path) -> None:
    path = tmp_path / "trail.zip"
    await exported(archive, path, filter_from({"actor": "nobody"}))

    assert check_export(path).events == 0


def _flip(files: Content) -> Content:
    lines = files["events.jsonl"].replace(b"carla", b"caria", 1)
    return {**files, "events.jsonl": lines}


def _resummed(change: Callable[[Content], Content]) -> Callable[[Content], Content]:
    """The change, with the sums in the manifest made to fit: whoever forges can do that."""

    def forged(files: Content) -> Content:
        changed = change(files)
        manifest = json.loads(changed["manifest.json"])
        for name in manifest["files"]:
            manifest["files"][name] = hashlib.sha256(changed[name]).hexdigest()
        return {**changed, "manifest.json": json.dumps(manifest).encode()}

    return forged


def _without_one(files: Content) -> Content:
    lines = files["events.jsonl"].splitlines(keepends=True)
    return {**files, "events.jsonl": b"".join(lines[1:])}


def _one_twice(files: Content) -> Content:
    lines = files["events.jsonl"].splitlines(keepends=True)
    return {**files, "events.jsonl": b"".join([lines[1], *lines[1:]])}


def _other_index(files: Content) -> Content:
    head, *rest = files["events.jsonl"].splitlines()
    line = json.loads(head)
    line["log_index"] += 1
    return {**files, "events.jsonl": b"\n".join([json.dumps(line).encode(), *rest]) + b"\n"}


def _other_head(files: Content) -> Content:
    return {**files, "checkpoint": files["checkpoint"].replace(b"\n", b"\n1", 1)}


@pytest.mark.parametrize(
    "change",
    [
        _flip,
        _without_one,
        _resummed(_flip),
        _resummed(_without_one),
        _resummed(_one_twice),
        _resummed(_other_index),
        _resummed(_other_head),
    ],
)
async def test_an_altered_export_is_refused(
    archive: SmallArchive, tmp_path: Path, change: Callable[[Content], Content]
) -> None:
    files = await exported(archive, tmp_path / "trail.zip")
    content = {name: files.read(name) for name in files.namelist()}
    with zipfile.ZipFile(tmp_path / "forged.zip", "w") as forged:
        for name, each in change(content).items():
            forged.writestr(name, each)

    with pytest.raises(IntegrityError):
        check_export(tmp_path / "forged.zip", archive.archive.vkey)


async def test_another_logs_key_is_refused(archive: SmallArchive, tmp_path: Path) -> None:
    path = tmp_path / "trail.zip"
    await exported(archive, path)
    other = Ed25519Signer.from_seed(archive.archive.origin, bytes(32)).vkey

    with pytest.raises(IntegrityError):
        check_export(path, str(other))


async def test_what_is_no_key_is_refused_as_input_and_says_nothing_of_the_export(
    archive: SmallArchive, tmp_path: Path
) -> None:
    path = tmp_path / "trail.zip"
    await exported(archive, path)

    for key in ("nonsense", "name+00000000+AQ==", "name+zz+zz"):
        with pytest.raises(InvalidInput, match="expected the log's public key"):
            check_export(path, key)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 broken", b"\x00" * 100, b"PK\x05\x06" + b"\0" * 18]
)
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trail.zip"
    path.write_bytes(content)

    with pytest.raises(InvalidInput):
        check_export(path)


async def test_no_cell_of_the_table_is_a_formula(archive: SmallArchive, tmp_path: Path) -> None:
    files = await exported(archive, tmp_path / "trail.zip")

    rows = list(csv.DictReader(io.StringIO(files.read("events.csv").decode("utf-8-sig"))))

    hostile = [row for row in rows if row["action"] == "search:run"]
    assert [row["actor"] for row in hostile] == ["'@mallory"]
    assert [row["object_id"] for row in hostile] == [f"'{FORMULA}"]
    assert hostile[0]["sentence"].startswith("'@mallory searched for")
    for row in rows:
        assert [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@"))] == []


async def test_the_same_export_has_the_same_proofs(archive: SmallArchive, tmp_path: Path) -> None:
    one = await exported(archive, tmp_path / "one.zip", filter_from({"actor": "carla"}))
    two = await exported(archive, tmp_path / "two.zip", filter_from({"actor": "carla"}))

    for name in ("events.jsonl", "events.csv", "checkpoint", "README.txt"):
        assert one.read(name) == two.read(name)


async def test_an_export_is_an_event_that_says_what_was_taken(
    archive: SmallArchive, tmp_path: Path
) -> None:
    path = tmp_path / "trail.zip"
    await exported(archive, path, filter_from({"actor": "carla"}))

    view = AuditView(
        database=archive.database,
        reader=archive.reader,
        trail=archive.trail,
        clock=archive.clock,
    )
    (told,) = (await view.list(filter_from({"action": "audit:exported"}), actor=AUDITOR)).items

    assert told.to_dict()["sentence"] == ("audrey exported the audit trail: 6 events (by carla).")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in told.row.details


async def test_more_than_one_export_holds_is_refused(
    archive: SmallArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.assurance.audit_export.MOST_EVENTS", 3)

    with pytest.raises(TooLarge, match="at most 3 events"):
        await exported(archive, tmp_path / "trail.zip")


async def test_nobody_exports_what_they_may_not_read(archive: SmallArchive, tmp_path: Path) -> None:
    with pytest.raises(Denied):
        await exporting(archive).export(
            TrailFilter(), tmp_path / "x", progress=lambda *_: None, actor=COUNSEL
        )


async def test_before_the_first_checkpoint_there_is_nothing_to_prove(
    tmp_path: Path, database_url: str
) -> None:
    async with small_archive(tmp_path / "home", database_url) as opened:
        with pytest.raises(Conflict, match="checkpoint"):
            await exported(opened, tmp_path / "trail.zip")


async def test_an_event_that_was_altered_is_not_exported(
    archive: SmallArchive, tmp_path: Path
) -> None:
    for path in (tmp_path / "home" / "store").rglob("*.seg"):
        path.chmod(0o600)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))

    with pytest.raises(IntegrityError):
        await exported(archive, tmp_path / "trail.zip")
