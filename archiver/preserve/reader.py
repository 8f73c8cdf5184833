"""Giving content back: every read checks what the log promised before anything is returned.

Objects are read by the version the database names, so a newer version or delete marker on the same
key changes nothing; the frame's hash is compared with the log entry, the manifest's with the entry,
and each part's with the manifest. What does not pass is read from the second copy, where there is
one, and passes the same checks or is refused. Calls block: asynchronous callers use a thread.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.errors import IntegrityError, NotFound
from archiver.ids import ulid_bytes
from archiver.model.post import Part, PartRole
from archiver.preserve.epochs import Epochs
from archiver.preserve.ledger.entry import RecordEntry, decode_entry
from archiver.preserve.ledger.note import decode_base64
from archiver.preserve.segments.frame import frame_hash, open_frame
from archiver.preserve.segments.keys import (
    item_range,
    parse_item,
    parse_keys,
    unwrap_key,
    wrapping_key,
)
from archiver.preserve.segments.manifest import Blob, Manifest, parse_manifest
from archiver.preserve.segments.media import media_context, open_media
from archiver.preserve.segments.segment import Segment, parse_segment
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.second_copy import Reads, read_checked

_WRAPPING_KEYS_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record whose frame and manifest agree with its log entry. Parts are opened on demand."""

    manifest: Manifest
    manifest_bytes: bytes = field(repr=False)
    inline: bytes = field(repr=False)
    entry: bytes


@dataclass(frozen=True, slots=True)
class SegmentKeys:
    """What opens the frames of one segment: its wrapping key and its wrapped record keys."""

    wrapping: bytes = field(repr=False)
    wrapped: dict[int, bytes] = field(repr=False)


class RecordReader:
    """Opens records of one archive."""

    def __init__(self, archive_id: str, store: ObjectStore, epochs: Epochs) -> None:
        self._archive_id = archive_id
        self._store = store
        self._epochs = epochs
        self._wrapping: OrderedDict[str, bytes] = OrderedDict()

    def open(self, segment: SegmentRow, row: RecordRow, entry: bytes) -> OpenedRecord:
        """Return one record, read by range from its segment.

        Raises:
            IntegrityError: stored bytes differ from what `entry`, the log's leaf, commits to.
            NotFound, StorageUnavailable: the objects could not be read.
        """
        promised = _promised(segment, row.frame, entry)

        def read(store: Reads) -> bytes:
            frame = store.get_range(
                segment.object_key,
                row.frame_offset,
                row.frame_length,
                version_id=segment.version_id,
            )
            if frame_hash(frame) != promised.frame_sha256:
                raise IntegrityError(
                    f"record {promised.id}: the stored frame is not the one the log commits to; "
                    "restore the object from its second copy and run `muniment verify --full`",
                    object_key=segment.object_key,
                    record_id=promised.id,
                )
            return frame

        frame = read_checked(self._store, segment.object_key, read)
        return read_checked(
            self._store,
            segment.keys_object_key,
            lambda store: self._open_alone(segment, row.frame, frame, entry, store),
        )

    def forget(self, segment_id: str) -> None:
        """Forget what is remembered of a segment: its wrapping key, without which nothing opens.

        A record's own key is never remembered: it is read anew each time a record is opened, from
        the version of the key object that the database names.
        """
        self._wrapping.pop(segment_id, None)

    def open_segment(self, segment: SegmentRow) -> Iterator[OpenedRecord]:
        """Yield all records of a segment, in frame order, from one read of the object."""

        def read(store: Reads) -> tuple[Segment, bytes]:
            data = store.get(segment.object_key, version_id=segment.version_id)
            return parse_segment(data), data

        parsed, data = read_checked(self._store, segment.object_key, read)
        keys = read_checked(
            self._store,
            segment.keys_object_key,
            lambda store: self._segment_keys(segment, store),
        )
        places = zip(parsed.places, parsed.entries, strict=True)
        for number, ((offset, length), entry) in enumerate(places):
            frame = data[offset : offset + length]
            yield self._open_either(segment, number, frame, entry, keys)

    def open_parsed(
        self, segment: SegmentRow, parsed: Segment, data: bytes, keys: SegmentKeys
    ) -> Iterator[OpenedRecord]:
        """Yield the records of a segment whose bytes are at hand, those that have keys.

        Their frames are not hashed again: `parse_segment` compared them with their entries.
        """
        found = zip(parsed.places, parsed.entries, strict=True)
        for number, ((offset, length), entry) in enumerate(found):
            if number not in keys.wrapped:
                continue
            yield self._open_frame(segment, number, data[offset : offset + length], entry, keys)

    def part(self, record: OpenedRecord, number: int) -> Part:
        """Return one part, checked against the manifest.

        Raises:
            IntegrityError: its bytes are not those the manifest names.
        """
        manifest = record.manifest
        entry = manifest.parts[number]
        if entry.blob is None:
            start = sum(part.len for part in manifest.parts[:number] if part.blob is None)
            content = record.inline[start : start + entry.len]
        else:
            content = self._large_part(manifest.id, number, entry.blob)
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise IntegrityError(
                f"record {manifest.id}, part {entry.name}: expected SHA-256 {entry.sha256}, "
                f"found {hashlib.sha256(content).hexdigest()}",
                record_id=manifest.id,
            )
        return Part(
            name=entry.name,
            role=PartRole(entry.role),
            media_type=entry.media_type,
            content=content,
        )

    def content_of(self, record: OpenedRecord, name: str) -> bytes | None:
        """Return the content of the part of that name, checked as `part`; None: there is none."""
        names = [part.name for part in record.manifest.parts]
        return self.part(record, names.index(name)).content if name in names else None

    def unlock(self, segment: SegmentRow, data: bytes) -> SegmentKeys:
        """Return the keys in the bytes of a segment's `.keys` object.

        Raises:
            IntegrityError: they are not that segment's, or were altered.
            NotFound: the epoch key is gone: the records of that month were destroyed.
        """
        return SegmentKeys(self._wrapping_key(segment), parse_keys(data, ulid_bytes(segment.id)))

    def _large_part(self, record_id: str, number: int, blob: Blob) -> bytes:
        context = media_context(ulid_bytes(self._archive_id), ulid_bytes(record_id), number)

        def opened(sealed: bytes) -> bytes:
            return open_media(decode_base64(blob.dek), context, sealed)

        def read(store: Reads) -> bytes:
            try:
                return opened(store.get(blob.key, version_id=blob.version_id))
            except (NotFound, IntegrityError):
                # The manifest cannot follow a repair: then the newest version is the true one.
                return opened(store.get(blob.key))

        return read_checked(self._store, blob.key, read)

    def _open_either(
        self, segment: SegmentRow, number: int, frame: bytes, entry: bytes, keys: SegmentKeys
    ) -> OpenedRecord:
        """Open a frame with keys at hand, or else with its own, read anew from either store."""
        try:
            return self._open_frame(segment, number, frame, entry, keys)
        except IntegrityError:
            return read_checked(
                self._store,
                segment.keys_object_key,
                lambda store: self._open_alone(segment, number, frame, entry, store),
            )

    def _open_alone(
        self, segment: SegmentRow, number: int, frame: bytes, entry: bytes, store: Reads
    ) -> OpenedRecord:
        """Open a frame with its own key, read from its place in the key object."""
        offset, length = item_range(number)
        name, version = segment.keys_object_key, segment.keys_version_id
        wrapped = parse_item(store.get_range(name, offset, length, version_id=version), number)
        if wrapped is None:
            keys = self._segment_keys(segment, store)
        else:
            keys = SegmentKeys(self._wrapping_key(segment), {number: wrapped})
        try:
            return self._open_frame(segment, number, frame, entry, keys)
        except IntegrityError:
            self.forget(segment.id)  # it may be what was wrong: derive it again
            raise

    def _segment_keys(self, segment: SegmentRow, store: Reads) -> SegmentKeys:
        data = store.get(segment.keys_object_key, version_id=segment.keys_version_id)
        return self.unlock(segment, data)

    def _wrapping_key(self, segment: SegmentRow) -> bytes:
        known = self._wrapping.get(segment.id)
        if known is None:
            epoch = self._epochs.for_reading(segment.class_code, segment.period)
            known = self._wrapping[segment.id] = wrapping_key(epoch, ulid_bytes(segment.id))
            while len(self._wrapping) > _WRAPPING_KEYS_KEPT:
                self._wrapping.popitem(last=False)
        return known

    def _open_frame(
        self, segment: SegmentRow, number: int, frame: bytes, entry: bytes, keys: SegmentKeys
    ) -> OpenedRecord:
        promised = _promised(segment, number, entry)
        if number not in keys.wrapped:
            raise IntegrityError(
                f"record {promised.id}: its key is not in {segment.keys_object_key}",
                object_key=segment.keys_object_key,
                record_id=promised.id,
            )
        record_id = ulid_bytes(promised.id)
        key = unwrap_key(keys.wrapping, number, record_id, keys.wrapped[number])
        manifest_bytes, inline = open_frame(ulid_bytes(self._archive_id), key, frame)
        manifest = parse_manifest(manifest_bytes)
        if (
            hashlib.sha256(manifest_bytes).digest() != promised.manifest_sha256
            or manifest.id != promised.id
        ):
            raise IntegrityError(
                f"record {promised.id}: the manifest inside is not the one the log commits to",
                object_key=segment.object_key,
                record_id=promised.id,
            )
        return OpenedRecord(manifest, manifest_bytes, inline, entry)


def _promised(segment: SegmentRow, number: int, entry: bytes) -> RecordEntry:
    promised = decode_entry(entry)
    if not isinstance(promised, RecordEntry):
        raise IntegrityError(
            f"segment {segment.id}, frame {number}: its log entry is not a record's",
            object_key=segment.object_key,
        )
    return promised
