"""Under the encryption: manifest, parts and blobs of each record, and what the database derived.

Level B of the log's promise: parts → manifest → `m` of the log entry. It needs the keyring. The
steps are written out here and not borrowed from `RecordReader`, so that the two check each other.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from archiver.assurance.report import Problem
from archiver.errors import IntegrityError, NotFound
from archiver.ids import ulid_bytes
from archiver.preserve.epochs import Epochs
from archiver.preserve.event_record import SET_FROZEN, event_row, is_stating, parse_event
from archiver.preserve.keyring import Keyring
from archiver.preserve.ledger.entry import RecordEntry, decode_entry
from archiver.preserve.ledger.note import decode_base64
from archiver.preserve.object_keys import generation_of, keys_for_segment
from archiver.preserve.sealing import record_facts
from archiver.preserve.segments.frame import frame_hash, open_frame
from archiver.preserve.segments.keys import parse_keys, unwrap_key, wrapping_key
from archiver.preserve.segments.manifest import Blob, Manifest, parse_manifest
from archiver.preserve.segments.media import media_context, open_media
from archiver.preserve.segments.segment import Segment, parse_segment
from archiver.preserve.store import ObjectStore

SEGMENTS_PER_TASK = 4

REPLAYED = frozenset(
    {
        *("account", "batch", "certificate", "class", "draft", "person", "privacy-request"),
        *("saved-search", "stop", "term report", "token"),
    }
)
"""The object types of the events that verification lets take effect again (`database_replay`).

In words, as an audit from outside starts without what those effects need.
"""


FINGERPRINTED = frozenset({"passkey", "person", "session", "token"})
"""The object types of the events that say which secrets were set (`database_ways_in`)."""

APPROVAL = "approval"
"""The object type of the events about requests for a second person (`database_approvals`)."""

COMPARED = REPLAYED | FINGERPRINTED | {APPROVAL}
"""The object types of all events that are compared by these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentTask:
    """Segments to open, `(object key, version)`; the keyring goes to the worker and no further.

    `keys` names their `.keys` objects where those are of a later generation.
    """

    keyring: Keyring = field(repr=False)
    segments: tuple[tuple[str, str], ...]
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFacts:
    """What one record says of itself: its facts as `FACTS` of `db.records`, its event row.

    `blobs` are the keys of the objects that hold its large parts, `stated` the parts by name of an
    event that states holds, what terms count from, or what people decided.
    """

    frame: int
    record_id: str
    blobs: tuple[str, ...]
    facts: tuple[object, ...] = field(repr=False)
    event: tuple[object, ...] | None = field(repr=False)
    stated: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSegment:
    """The records of one segment that opened, and the problems of those that did not."""

    key: str
    records: tuple[OpenedFacts, ...]
    problems: tuple[Problem, ...]


def open_segments(store: ObjectStore, task: ContentTask) -> list[OpenedSegment]:
    """Open every record of some segments. A task for `Workers`.

    Raises:
        StorageUnavailable: the store did not answer.
    """
    opener = RecordOpener(store, task.keyring)
    return [
        _open_segment(store, opener, key, version, task.keys.get(key, keys_for_segment(key)))
        for key, version in task.segments
    ]


class RecordOpener:
    """Opens records and checks them against their log entries."""

    def __init__(self, store: ObjectStore, keyring: Keyring) -> None:
        self._store = store
        self._archive = ulid_bytes(keyring.archive_id)
        self._epochs = Epochs(keyring, store, _no_randomness)

    def wrapping(self, class_code: str, period: str, segment_id: str) -> bytes:
        """Return the key that wraps the record keys of a segment.

        Raises:
            IntegrityError: its epoch key is missing or does not open.
        """
        try:
            epoch = self._epochs.for_reading(class_code, period)
        except NotFound as error:
            raise IntegrityError(
                f"the epoch key of class {class_code}, period {period} is missing"
            ) from error
        return wrapping_key(epoch, ulid_bytes(segment_id))

    def open(
        self, wrapping: bytes, number: int, wrapped: bytes, frame: bytes, entry: bytes
    ) -> OpenedFacts:
        """Return what a record says of itself, all of it checked.

        Raises:
            IntegrityError: frame, manifest, a part or a blob is not what the entry commits to.
        """
        promised = decode_entry(entry)
        if not isinstance(promised, RecordEntry) or frame_hash(frame) != promised.frame_sha256:
            raise IntegrityError("the frame is not the one the log commits to")
        key = unwrap_key(wrapping, number, ulid_bytes(promised.id), wrapped)
        data, inline = open_frame(self._archive, key, frame)
        manifest = parse_manifest(data)
        if hashlib.sha256(data).digest() != promised.manifest_sha256:
            raise IntegrityError("the manifest is not the one the log commits to")
        if (manifest.id, manifest.type) != (promised.id, promised.kind):
            raise IntegrityError(f"the manifest is that of {manifest.type} {manifest.id}")
        is_event = manifest.type == "aud"
        parts = {
            name: content if is_event else b""
            for name, content in self._checked_parts(manifest, inline)
        }
        body = parse_event(next(iter(parts.values()), b"")) if is_event else None
        states = body is not None and (
            body.action == SET_FROZEN
            or body.object_type in COMPARED
            or is_stating(body, parts.keys())
        )
        return OpenedFacts(
            frame=number,
            record_id=promised.id,
            blobs=tuple(part.blob.key for part in manifest.parts if part.blob is not None),
            facts=record_facts(manifest),
            event=None if body is None else event_row(manifest.id, body),
            stated=parts if states else {},
        )

    def _checked_parts(self, manifest: Manifest, inline: bytes) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of every part, compared with its hash; the payload is first."""
        offset = 0
        for number, part in enumerate(manifest.parts):
            if part.blob is None:
                content = inline[offset : offset + part.len]
                offset += part.len
            else:
                blob = self._stored(part.blob, part.name)
                context = media_context(self._archive, ulid_bytes(manifest.id), number)
                content = open_media(decode_base64(part.blob.dek), context, blob)
            if hashlib.sha256(content).hexdigest() != part.sha256 or len(content) != part.len:
                raise IntegrityError(f"part {part.name}: its SHA-256 is not the manifest's")
            yield part.name, content
        if offset != len(inline):
            raise IntegrityError(f"the frame holds {len(inline) - offset} bytes beyond its parts")

    def _stored(self, blob: Blob, part: str) -> bytes:
        """Return a blob's bytes: of the version in the manifest, or, since a repair, the newest."""
        fault = "is missing"
        for version_id in (blob.version_id, None):
            try:
                data = self._store.get(blob.key, version_id=version_id)
            except NotFound:
                continue
            if hashlib.sha256(data).hexdigest() == blob.sha256:
                return data
            fault = "was altered"
        raise IntegrityError(f"part {part}: its blob {blob.key} {fault}")


def _open_segment(
    store: ObjectStore, opener: RecordOpener, key: str, version: str, keys_key: str
) -> OpenedSegment:
    problems: list[Problem] = []
    records: list[OpenedFacts] = []
    try:
        data = store.get(key, version_id=version or None)
        parsed = parse_segment(data)
        footer = parsed.footer
        wrapped = parse_keys(store.get(keys_key), ulid_bytes(footer.segment))
        wrapping = opener.wrapping(footer.class_code, footer.period, footer.segment)
    except (IntegrityError, NotFound) as error:
        what = f"its records could not be opened: {error}"
        return OpenedSegment(key=key, records=(), problems=(Problem(what=what, object_key=key),))
    for number, record_id, frame, entry in _frames(parsed, data):
        if number not in wrapped and generation_of(keys_key):
            continue  # whether it was destroyed is judged by the log (`join`)
        try:
            found = opener.open(wrapping, number, wrapped.get(number, b""), frame, entry)
            records.append(found)
        except IntegrityError as error:
            problems.append(Problem(what=str(error), object_key=key, record_id=record_id))
    return OpenedSegment(key=key, records=tuple(records), problems=tuple(problems))


def _frames(parsed: Segment, data: bytes) -> Iterator[tuple[int, str, bytes, bytes]]:
    found = zip(parsed.places, parsed.entries, strict=True)
    for number, ((offset, length), entry) in enumerate(found):
        frame = data[offset : offset + length]
        yield number, entry[23:49].decode("ascii", "replace"), frame, entry


def _no_randomness(count: int) -> bytes:
    raise IntegrityError(f"verification makes no keys, but was asked for {count} random bytes")
