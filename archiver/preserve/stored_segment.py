"""A segment read back whole: the rows it was written with, from its bytes and keys alone.

Adoption after a crash and the rebuilding of a lost database both begin here.
"""

from dataclasses import dataclass, field, replace
from functools import partial

from archiver.clock import to_millis
from archiver.db.segments import SegmentRow
from archiver.errors import IntegrityError, NotFound
from archiver.model.lock import LockMode
from archiver.preserve.event_effects import effect_of
from archiver.preserve.event_record import event_row, parse_event
from archiver.preserve.lanes import Lane
from archiver.preserve.object_keys import generation_of, keys_for_segment
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.sealing import Sealed, record_facts
from archiver.preserve.segments.segment import parse_segment
from archiver.preserve.store import ObjectStore, StoredObject
from archiver.preserve.writer import segment_row


@dataclass(slots=True)
class StoredSegment:
    """A segment's row, not placed in the log yet, its records in frame order, and their places.

    `entries` are those of all its frames; `frames` are the numbers of `records` among them, which
    lack those whose keys were destroyed. `duplicates` and `keys_taken` are filled where its rows
    are inserted (`UnplacedSegment`).
    """

    row: SegmentRow
    records: list[Sealed]
    places: list[tuple[int, int]]
    entries: list[bytes]
    frames: list[int]
    duplicates: dict[int, str] = field(default_factory=dict)
    keys_taken: set[int] = field(default_factory=set)


def load_segment(store: ObjectStore, reader: RecordReader, key: str) -> StoredSegment | None:
    """Return the segment at `key` with every record opened, None where it has no keys.

    Frames that a later generation of keys leaves out are none: the log says whether they may be.

    The row says of lock and legal hold what the store says now.

    Raises:
        IntegrityError: anything of it is not as it was written.
        NotFound: the segment or its epoch key is not there.
    """
    try:
        stored_keys = find_keys(store, key)
        keys = store.get(stored_keys.key, version_id=stored_keys.version_id)
    except NotFound:
        return None
    stored = store.head(key)
    data = store.get(key, version_id=stored.version_id)
    parsed = parse_segment(data)
    row = segment_row(parsed.footer, stored, data, stored_keys, keys)
    row = replace(row, legal_hold=stored.legal_hold)
    if stored.lock is not None:  # locks are only ever extended
        row = replace(row, lock_until=max(row.lock_until, to_millis(stored.lock.until)))
    unlocked = reader.unlock(row, keys)
    opened = reader.open_parsed(row, parsed, data, unlocked)
    frames = [number for number in range(len(parsed.entries)) if number in unlocked.wrapped]
    if len(frames) < len(parsed.entries) and not generation_of(stored_keys.key):
        raise IntegrityError(
            f"{stored_keys.key}: it lacks keys of {len(parsed.entries) - len(frames)} records, and "
            "is the first generation; restore the object from its second copy",
            object_key=stored_keys.key,
        )
    return StoredSegment(
        row,
        [_restore(reader, row, one) for one in opened],
        parsed.places,
        list(parsed.entries),
        frames,
    )


def find_keys(store: ObjectStore, segment_key: str) -> StoredObject:
    """Return the `.keys` object of a segment: the oldest generation that is there.

    Several are there only while a destruction is interrupted; then the oldest has every key, also
    of records that were kept in the end.

    Raises:
        NotFound: there is none.
    """
    first = keys_for_segment(segment_key)
    try:
        return store.head(first)
    except NotFound:
        later = [key for key in store.list_keys(first) if generation_of(key) is not None]
        if not later:
            raise
        return store.head(min(later, key=lambda key: generation_of(key) or 0))


def _restore(reader: RecordReader, row: SegmentRow, record: OpenedRecord) -> Sealed:
    """Return a record as its writer had it, but for key and frame, which are stored."""
    manifest = record.manifest
    event = effect = None
    if manifest.type == "aud":
        body = parse_event(reader.part(record, 0).content)
        event = event_row(manifest.id, body)
        effect = effect_of(body, partial(reader.content_of, record))
    return Sealed(
        lane=Lane(row.class_code, row.period, LockMode(row.lock_mode)),
        record_id=manifest.id,
        key=b"",
        frame=b"",
        entry=record.entry,
        facts=record_facts(manifest),
        blobs=tuple(part.blob for part in manifest.parts if part.blob is not None),
        event=event,
        effect=effect,
    )
