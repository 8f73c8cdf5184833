"""Known answers of the segment formats, described in archiver/preserve/segments/FORMAT.md.

Run `python -m tests.vectors.segments.generate` from the repository's root after a deliberate change
of format; a test compares the file with what this module computes. It is one archive in small: two
records, the second with a part that is stored as a blob.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from archiver.clock import to_millis
from archiver.ids import ulid_bytes
from archiver.model.lock import LockMode
from archiver.model.post import Author, Part, PartRole, Post
from archiver.preserve.epochs import Epochs
from archiver.preserve.keyring import create_keyring, write_keyring
from archiver.preserve.lanes import Lane, lock_for
from archiver.preserve.object_keys import blob_object, epoch_object
from archiver.preserve.sealing import Draft, Sealed, seal
from archiver.preserve.segments.keys import build_keys, wrapping_key
from archiver.preserve.segments.manifest import Blob, Retention, Source
from archiver.preserve.segments.media import media_context
from archiver.preserve.segments.segment import Footer, build_segment
from archiver.preserve.store.filesystem import FilesystemStore

FILE = Path(__file__).with_name("segment.json")
ARCHIVE, SEGMENT = "01JD4M8X7ZK3Q9V5T2W6Y8B1C0", "01JD4M8X7ZK3Q9V5T2W6Y8B1C1"
RECORDS = ("01JD4M8X7ZK3Q9V5T2W6Y8B1C2", "01JD4M8X7ZK3Q9V5T2W6Y8B1C3")
BLOB_ID = "01JD4M8X7ZK3Q9V5T2W6Y8B1C4"
NOW = datetime(2026, 11, 21, 22, 1, 26, 123_000, tzinfo=UTC)
LANE = Lane("sec-17a4-comms", "2032-11", LockMode.COMPLIANCE)
RAW = '{"id":"1","text":"Größe ✓ \\ud83d\\ude00"}'.encode()
PICTURE = b"picture " * 2500  # two chunks
SECRET = b"the key file's content\n"


def counting(start: int = 0) -> Callable[[int], bytes]:
    """Return a source of "randomness": SHA-256 of 0, 1, 2 …"""
    numbers = iter(range(start, 1 << 20))

    def take(count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += sha256(next(numbers).to_bytes(4, "big")).digest()
        return data[:count]

    return take


def vector() -> dict[str, Any]:
    """Return the content of the file."""
    take = counting()
    keyring = create_keyring(ARCHIVE, "archive.example.com/acme", take)
    with TemporaryDirectory() as folder:
        write_keyring(Path(folder, "k"), keyring, seal="key-file", secret=SECRET, randomness=take)
        FilesystemStore.create(Path(folder, "store"))
        store = FilesystemStore(Path(folder, "store"), clock=lambda: NOW)
        epochs = Epochs(keyring, store, take)
        epoch_key = epochs.for_writing(LANE.class_code, LANE.period, None)
        epoch = store.get(epoch_object(ARCHIVE, LANE.class_code, LANE.period))
        sealed_keyring = Path(folder, "k").read_bytes()
    dek, blob = take(32), _blob(take)
    records = [_record(0, take(64), ()), _record(1, take(64), ((1, _placed(dek, blob(dek))),))]
    segment, keys = _segment(records, epoch_key)
    return {
        "zstd": list(zstandard.ZSTD_VERSION),
        "key_file": _b64(SECRET),
        "keyring": sealed_keyring.decode(),
        "root_key": _b64(keyring.root_keys[0]),
        "log_key": _b64(keyring.log_keys[0].seed),
        "epoch": epoch.decode(),
        "epoch_key": _b64(epoch_key),
        "wrapping_key": _b64(wrapping_key(epoch_key, ulid_bytes(SEGMENT))),
        "record_keys": [_b64(record.key) for record in records],
        "keys_object": _b64(keys),
        "segment": _b64(segment),
        "entries": [record.entry.decode() for record in records],
        "content_keys": [(record.content_key or b"").hex() for record in records],
        "parts": [[_b64(RAW)], [_b64(RAW + b" "), _b64(PICTURE)]],
        "blob": _b64(blob(dek)),
    }


def _record(number: int, secret: bytes, blobs: tuple[tuple[int, Blob], ...]) -> Sealed:
    raw = Part(
        name="post.json",
        role=PartRole.RAW,
        media_type="application/json",
        content=RAW + b" " * number,
    )
    picture = Part(name="0.jpg", role=PartRole.MEDIA, media_type="image/jpeg", content=PICTURE)
    draft = Draft(
        record_id=RECORDS[number],
        entry_type="rec",
        lane=LANE,
        source=Source(method="push", source="test", details={"remote": "192.0.2.1"}),
        parts=(raw, picture)[: 1 + number],
        retention=Retention(
            class_code=LANE.class_code,
            rule="1/default",
            schedule_version=1,
            until="2032-11-20T09:30:00.000Z",
        ),
        post=Post(
            platform="example",
            account="acme",
            post_id=str(number),
            posted_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
            text="Größe ✓ \N{GRINNING FACE}",
            author=Author(id="1", handle="acme"),
            tags=("launch",),
        ),
        idempotency_key=sha256(b"push\x00key-1").digest() if number else b"",
        blobs=blobs,
    )
    return seal(ARCHIVE, draft, NOW, secret)


def _segment(records: list[Sealed], epoch_key: bytes) -> tuple[bytes, bytes]:
    lock = lock_for(LANE, NOW, timedelta(days=366 * 30))
    footer = Footer(
        v=1,
        segment=SEGMENT,
        archive=ARCHIVE,
        class_code=LANE.class_code,
        period=LANE.period,
        created_at=to_millis(NOW),
        writer="muniment/vector",
        lock_mode=LANE.lock_mode.value,
        lock_until=to_millis(lock.until) if lock else 0,
        entries=[msgspec.Raw(record.entry) for record in records],
    )
    segment, _ = build_segment(footer, [record.frame for record in records])
    segment_id = ulid_bytes(SEGMENT)
    keys = build_keys(
        segment_id,
        wrapping_key(epoch_key, segment_id),
        [(ulid_bytes(record.record_id), record.key) for record in records],
    )
    return segment, keys


def _blob(take: Callable[[int], bytes]) -> Callable[[bytes], bytes]:
    """Seal PICTURE by hand: the product's own sealing draws its salt from the system."""
    salt = take(24)
    context = media_context(ulid_bytes(ARCHIVE), ulid_bytes(RECORDS[1]), 1)
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + context

    def seal_with(dek: bytes) -> bytes:
        derived = HKDFExpand(SHA512(), 76, info).derive(dek)
        base = int.from_bytes(derived[32:44], "big")
        chunks = [
            AESGCM(derived[:32]).encrypt(
                (base ^ n).to_bytes(12, "big"), PICTURE[at : at + 2**14], None
            )
            for n, at in enumerate(range(0, len(PICTURE), 2**14))
        ]
        return salt + derived[44:] + b"".join(chunks)

    return seal_with


def _placed(dek: bytes, blob: bytes) -> Blob:
    return Blob(
        key=blob_object(ARCHIVE, LANE.class_code, LANE.period, BLOB_ID),
        version_id="1",
        dek=_b64(dek),
        sha256=sha256(blob).hexdigest(),
        len=len(blob),
    )


def render(content: dict[str, Any]) -> str:
    """Return the text of the file."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _b64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


if __name__ == "__main__":
    FILE.write_text(render(vector()), encoding="utf-8")
