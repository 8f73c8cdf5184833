"""Forged bundles: whatever a forger changes, the check that is there for it says so.

Most forgeries here are sealed again with the archive's own key: the inner proofs must hold alone.
"""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.assurance.evidence.container import BundleWriter
from archiver.assurance.evidence_verifier import MANIFEST, SEAL
from archiver.config import Settings
from archiver.preserve.ledger.cosignature import Ed25519Cosigner
from archiver.preserve.ledger.note import Ed25519Signer, parse_note
from tests.fakes.evidence_bundles import (
    Courtroom,
    courtroom,
    failed,
    keyring_of,
    members_of,
    resealed,
    said,
    verify,
)
from tests.fakes.timestamp_authority import Tsa

Members = dict[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """A genuine bundle, its files, and the key that may seal it again."""

    room: Courtroom
    bundle: bytes
    files: Members
    signer: Ed25519Signer
    log_size: int

    def forge(self, change: Callable[[Members], object]) -> bytes:
        """The bundle with changed files, whole and sealed with the archive's own key."""
        files = dict(self.files)
        change(files)
        return resealed(files, self.signer, self.signer.name, self.log_size)

    def in_record(self, name: str) -> str:
        return f"records/{self.room.records[0]}/{name}"


@pytest.fixture
async def exhibit(local_settings: Settings, tmp_path: Path) -> AsyncIterator[Exhibit]:
    """Two records under an earlier, stamped checkpoint and a newer one."""
    async with courtroom(local_settings, tmp_path) as room:
        exported = await room.export(*room.records[:2])
        bundle = exported.path.read_bytes()
        signer = keyring_of(local_settings).signers[0]
        yield Exhibit(
            room=room,
            bundle=bundle,
            files=members_of(bundle),
            signer=signer,
            log_size=exported.log_size,
        )


def replaced(files: Members, name: str, old: bytes, new: bytes) -> None:
    assert files[name].count(old) == 1
    files[name] = files[name].replace(old, new)


def put_first(files: Members, name: str, content: bytes) -> None:
    others = dict(files)
    files.clear()
    files.update({name: content, **others})


def test_the_same_files_sealed_again_are_the_same_bundle(exhibit: Exhibit) -> None:
    assert exhibit.forge(lambda _: None) == exhibit.bundle


@pytest.mark.parametrize(
    ("name", "old", "new", "checks"),
    [
        ("parts/000-post.json", b'"n"', b'"m"', {"parts"}),
        ("manifest.json", b'"kind":"post"', b'"kind":"poll"', {"manifests", "parts", "times"}),
        ("entry.json", b'"x":"', b'"x" :"', {"inclusion", "times"}),
        ("frame.bin", b"SMF1", b"SMF2", {"frames"}),
        ("proof.tlog-proof", b"index 0", b"index 1", {"inclusion", "times"}),
        ("proof.tlog-proof", b"tlog-proof@v1", b"tlog-proof@v2", {"inclusion", "times"}),
        ("events.jsonl", b'\\"what\\":\\"record\\"', b'\\"what\\":\\"nothing\\"', {"trail"}),
    ],
)
def test_an_altered_file_of_a_record_fails_its_own_check(
    exhibit: Exhibit, name: str, old: bytes, new: bytes, checks: set[str]
) -> None:
    report = verify(exhibit.forge(lambda files: replaced(files, exhibit.in_record(name), old, new)))

    assert failed(report) <= checks
    assert failed(report) & {"parts", "manifests", "frames", "inclusion", "trail"}
    assert report["conclusion"].startswith("Refused")


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("parts/000-post.json", "parts"),
        ("manifest.json", "manifests"),
        ("entry.json", "manifests"),
        ("proof.tlog-proof", "inclusion"),
    ],
)
def test_a_missing_file_of_a_record_is_named(exhibit: Exhibit, name: str, check: str) -> None:
    report = verify(exhibit.forge(lambda files: files.pop(exhibit.in_record(name))))

    assert check in failed(report)


def test_a_part_that_no_manifest_names_is_refused(exhibit: Exhibit) -> None:
    first = exhibit.in_record("parts/000-post.json")

    def add(files: Members) -> None:
        others = dict(files)
        files.clear()
        for name, content in others.items():
            files[name] = content
            if name == first:
                files[exhibit.in_record("parts/001-more.json")] = b"{}"

    assert failed(verify(exhibit.forge(add))) == {"parts"}


def test_an_event_of_another_record_is_no_part_of_the_trail(exhibit: Exhibit) -> None:
    def move(files: Members) -> None:
        other = f"records/{exhibit.room.records[1]}/events.jsonl"
        files[other] = files[exhibit.in_record("events.jsonl")]

    report = verify(exhibit.forge(move))

    assert failed(report) == {"trail"}


def test_a_record_under_another_ones_name_is_refused(exhibit: Exhibit) -> None:
    def swap(files: Members) -> None:
        first, second = (f"records/{each}/" for each in exhibit.room.records[:2])
        for name in ("parts/000-post.json", "manifest.json", "entry.json"):
            files[first + name] = files[second + name]

    assert {"manifests", "inclusion"} <= failed(verify(exhibit.forge(swap)))


def test_a_bundle_without_records_proves_nothing(exhibit: Exhibit) -> None:
    def empty(files: Members) -> None:
        for name in [name for name in files if name.startswith("records/")]:
            del files[name]

    assert failed(verify(exhibit.forge(empty))) == {"inclusion"}


def test_files_that_stand_elsewhere_are_refused(exhibit: Exhibit) -> None:
    def behind(files: Members) -> None:
        name = min(name for name in files if name.startswith("tsr/"))
        files[name] = files.pop(name)

    def apart(files: Members) -> None:
        files[exhibit.in_record("page.html")] = files.pop(exhibit.in_record("page.html"))

    assert "behind the records" in next(iter(said(verify(exhibit.forge(behind)), "container")))
    assert "do not stand together" in next(iter(said(verify(exhibit.forge(apart)), "container")))


def test_a_list_of_other_files_names_the_first(exhibit: Exhibit) -> None:
    name = exhibit.in_record("parts/000-post.json")
    altered = exhibit.bundle.replace(exhibit.files[name], b'{"n": 8}')

    report = verify(altered)

    assert {"container", "files", "parts"} <= failed(report)
    assert name in next(iter(said(report, "files")))
    assert name in next(iter(said(report, "container")))


def test_a_checkpoint_that_the_log_did_not_sign_is_refused(exhibit: Exhibit) -> None:
    def rewrite(files: Members) -> None:
        name = min(name for name in files if name.startswith("checkpoints/"))
        lines = files[name].split(b"\n")
        lines[2] = b"A" * 43 + b"="
        files[name] = b"\n".join(lines)

    assert "checkpoints" in failed(verify(exhibit.forge(rewrite)))


def test_a_newer_tree_that_does_not_extend_the_older_is_refused(exhibit: Exhibit) -> None:
    def rewrite(files: Members) -> None:
        (name,) = (name for name in files if name.startswith("consistency/"))
        proof = json.loads(files[name])
        proof["path"][0] = "A" * 43 + "="
        files[name] = json.dumps(proof).encode()

    assert failed(verify(exhibit.forge(rewrite))) == {"consistency"}


def test_a_timestamp_over_other_bytes_is_refused(exhibit: Exhibit) -> None:
    def rewrite(files: Members) -> None:
        (name,) = (name for name in files if name.startswith("tsr/"))
        files[name] = exhibit.room.tsa.stamp(b"other bytes")

    assert failed(verify(exhibit.forge(rewrite))) == {"timestamps"}


def test_a_timestamp_of_an_authority_that_is_not_trusted_is_refused(exhibit: Exhibit) -> None:
    other = Tsa(exhibit.room.folder / "other")

    report = verify(exhibit.bundle, roots=other.root)

    assert failed(report) == {"timestamps"}
    assert "no trusted root" in next(iter(said(report, "timestamps")))


def test_a_page_swapped_without_the_log_key_breaks_the_seal(exhibit: Exhibit) -> None:
    class Kept:
        """Puts the old seal under new files, as who has no key must."""

        name, key_id = exhibit.signer.name, exhibit.signer.key_id

        def sign(self, _: bytes) -> bytes:
            return parse_note(exhibit.files[SEAL]).signatures[0].signature

    files = {**exhibit.files, "page.html": b"<p>He never said that.</p>"}
    with (exhibit.room.folder / "forged.zip").open("wb") as file, BundleWriter(file) as bundle:
        for name, content in files.items():
            if name not in {MANIFEST, SEAL}:
                bundle.add(name, content)
        bundle.seal(exhibit.signer.name, exhibit.log_size, [Kept()])

    report = verify((exhibit.room.folder / "forged.zip").read_bytes())

    assert failed(report) == {"seal"}


def test_a_bundle_of_another_key_is_believed_only_where_the_policy_comes_from_it(
    exhibit: Exhibit,
) -> None:
    forger = Ed25519Signer.from_seed(exhibit.signer.name, bytes(32))
    own = {**exhibit.files, "policy.txt": f"log {forger.vkey}\nquorum none\n".encode()}
    forged = resealed(own, forger, forger.name, exhibit.log_size)
    trusted = exhibit.files["policy.txt"].decode()

    alone, held_against = verify(forged), verify(forged, policy=trusted)

    assert "seal" not in failed(alone)  # but no checkpoint of the true log bears the forger's name
    assert "checkpoints" in failed(alone)
    assert any("taken from the bundle itself" in line for line in alone["trust"])
    assert str(forger.vkey) in alone["log_keys"][0]["vkey"]
    assert {"seal"} <= failed(held_against)
    assert not any("log's key was taken" in line for line in held_against["trust"])


def test_a_policy_that_asks_for_witnesses_is_not_met_without_them(exhibit: Exhibit) -> None:
    witness = Ed25519Cosigner.from_seed("witness.example", bytes(32))
    policy = f"log {exhibit.signer.vkey}\nwitness W {witness.vkey}\nquorum W\n"

    def cosign(files: Members) -> None:
        notes = {name: files[name] for name in files if name.startswith("checkpoints/")}
        for name, note in notes.items():
            text = parse_note(note).text.encode()
            line = str(witness.cosign(text, at=datetime(2026, 11, 22, tzinfo=UTC))).encode()
            put_first(files, name.replace("checkpoints", "cosignatures"), line)
            for proof in [each for each in files if each.endswith(".tlog-proof")]:
                if files[proof].endswith(files[name]):
                    files[proof] += line

        del files[exhibit.in_record("events.jsonl")]  # its proofs hold the bare checkpoints

    cosigned = exhibit.forge(cosign)

    assert failed(verify(exhibit.bundle, policy=policy)) == {"quorum"}
    assert verify(cosigned, policy=policy)["ok"]
    assert verify(cosigned)["ok"]  # lines of witnesses a policy does not know are passed over


def test_a_cosignature_that_does_not_match_condemns_the_checkpoint(exhibit: Exhibit) -> None:
    witness = Ed25519Cosigner.from_seed("witness.example", bytes(32))
    policy = f"log {exhibit.signer.vkey}\nwitness W {witness.vkey}\nquorum none\n"

    def cosign(files: Members) -> None:
        name = max(name for name in files if name.startswith("checkpoints/"))
        line = str(witness.cosign(b"another text\n", at=datetime(2026, 11, 22, tzinfo=UTC)))
        put_first(files, name.replace("checkpoints", "cosignatures"), line.encode())

    assert "checkpoints" in failed(verify(exhibit.forge(cosign), policy=policy))


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "quorum none\n",
        "log x\nquorum none\n",
        "log archive.example.com/acme+00000000+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\n",
        "what is this\n",
    ],
)
def test_a_policy_that_cannot_be_read_is_said(exhibit: Exhibit, policy: str) -> None:
    assert "seal" in failed(verify(exhibit.bundle, policy=policy))
