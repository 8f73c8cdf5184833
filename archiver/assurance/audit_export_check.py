"""Checking an exported trail without the archive: the file, and the log's public key."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from archiver.assurance.audit_export_files import CHECKPOINT, EVENTS, FORMAT, MANIFEST
from archiver.errors import IntegrityError, InvalidInput
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint
from archiver.preserve.ledger.entry import RecordEntry, decode_entry
from archiver.preserve.ledger.note import Ed25519Verifier, Verifier, decode_base64
from archiver.preserve.ledger.proof import InclusionProof, decode_path
from archiver.preserve.segments.manifest import parse_manifest

_MOST = 1 << 30
_LONGEST_LINE = 4 << 20
_BLOCK = 1 << 20
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(KeyError, NotImplementedError, RuntimeError),  # no such member; packed or locked otherwise
)


class _Line(msgspec.Struct, frozen=True):
    id: str
    log_index: int
    event: str
    manifest: str
    entry: str
    proof: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What an export proves: so many events, in the log `origin` as it stood at `log_size`.

    `key_given` is false where the key was taken from the file itself: then only the file's own
    consistency is known, not whose log it is.
    """

    events: int
    origin: str
    log_size: int
    key_given: bool

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "ok": True,
            "events": self.events,
            "origin": self.origin,
            "log_size": self.log_size,
            "key_given": self.key_given,
        }


def check_export(path: Path, vkey: str = "") -> Checked:
    """Check each file's hash, each event's place in the log, and the log's signature.

    Args:
        path: the zip.
        vkey: the log's public key, a C2SP verifier key; the file's own where empty.

    Raises:
        InvalidInput: the file is no export, or the key is none.
        IntegrityError: something in it is not as it was.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _check(archive, vkey)
    except _UNREADABLE as error:
        raise InvalidInput(f"expected an export of an audit trail at {path}: {error}") from error


def _check(archive: zipfile.ZipFile, vkey: str) -> Checked:
    manifest = _manifest(_read(archive, MANIFEST))
    for name, promised in manifest["files"].items():
        found = _digest(archive, name)
        if found != promised:
            raise IntegrityError(f"{name}: expected SHA-256 {promised}, found {found}")
    head = open_checkpoint(
        _read(archive, CHECKPOINT), manifest["origin"], _verifiers(vkey, manifest)
    )
    with archive.open(EVENTS) as lines:
        events, last = 0, -1
        for line in _lines(lines):
            index = _check_line(line, head)
            if index <= last:  # one event told twice would stand in for one that was left out
                raise IntegrityError(f"{EVENTS}: index {index} comes after {last}")
            events, last = events + 1, index
    if events != manifest["events"]:
        raise IntegrityError(f"expected {manifest['events']} events, found {events}")
    return Checked(
        events=events, origin=manifest["origin"], log_size=head.size, key_given=bool(vkey)
    )


def _verifiers(vkey: str, manifest: Mapping[str, Any]) -> Sequence[Verifier]:
    """Return who the log's signature is checked with: the key given, or the file's own."""
    if not vkey:
        return [Ed25519Verifier.from_vkey(key) for key in manifest["vkeys"]]
    try:
        return [Ed25519Verifier.from_vkey(vkey)]
    except IntegrityError as error:  # what somebody typed is no evidence
        raise InvalidInput(f"expected the log's public key: {error}", pointer="vkey") from error


def _check_line(text: bytes, head: Checkpoint) -> int:
    """Check one event; return its log index. Raises IntegrityError."""
    try:
        line = msgspec.json.decode(text, type=_Line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError(f"{EVENTS}: a line does not parse: {error}") from error
    manifest_bytes, entry = line.manifest.encode(), decode_base64(line.entry)
    promised, manifest = decode_entry(entry), parse_manifest(manifest_bytes)
    if not isinstance(promised, RecordEntry) or not manifest.parts:
        raise IntegrityError(f"event {line.id}: its entry in the log is not an event's")
    for what, found, expected in (
        ("id in the log", promised.id, line.id),
        ("id in the manifest", manifest.id, line.id),
        ("manifest", hashlib.sha256(manifest_bytes).hexdigest(), promised.manifest_sha256.hex()),
        ("event", hashlib.sha256(line.event.encode()).hexdigest(), manifest.parts[0].sha256),
    ):
        if found != expected:
            raise IntegrityError(
                f"event {line.id}, {what}: expected {expected}, found {found}", record_id=line.id
            )
    proof = InclusionProof(index=line.log_index, size=head.size, path=decode_path(line.proof))
    proof.verify(entry, head.root)
    return line.log_index


def _manifest(content: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{MANIFEST} does not parse: {error}") from error
    kinds: Mapping[str, type] = {"files": dict, "vkeys": list, "origin": str, "events": int}
    if (
        not isinstance(told, dict)
        or told.get("format") != FORMAT
        or not all(isinstance(told.get(name), kind) for name, kind in kinds.items())
        or not {EVENTS, CHECKPOINT} <= told["files"].keys()
        or not _all_texts([*told["files"].values(), *told["vkeys"]])
    ):
        raise InvalidInput(f"expected {MANIFEST} of the format {FORMAT}, found another thing")
    return told


def _all_texts(values: Sequence[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        content = member.read(_LONGEST_LINE + 1)
    if len(content) > _LONGEST_LINE:
        raise InvalidInput(f"expected {name} of at most {_LONGEST_LINE} bytes, found more")
    return content


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    digest, size = hashlib.sha256(), 0
    with archive.open(name) as member:
        while block := member.read(_BLOCK):
            digest.update(block)
            size += len(block)
            if size > _MOST:
                raise InvalidInput(f"expected {name} of at most {_MOST} bytes, found more")
    return digest.hexdigest()


def _lines(member: IO[bytes]) -> Iterator[bytes]:
    while line := member.readline(_LONGEST_LINE + 1):
        if len(line) > _LONGEST_LINE:
            raise InvalidInput(f"expected lines of at most {_LONGEST_LINE} bytes in {EVENTS}")
        yield line
