"""Reading segments back for a lost database: a sketch first, to place them; then every record.

Tasks for `Workers`. What is wrong with a segment is returned, not raised: the rest of the archive
must be recoverable when one object is damaged.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from archiver.assurance.report import Problem
from archiver.assurance.workers import read_together
from archiver.db.segments import SegmentRow
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.epochs import Epochs
from archiver.preserve.keyring import Keyring
from archiver.preserve.object_keys import keys_for_segment, segment_id_of
from archiver.preserve.reader import RecordReader
from archiver.preserve.segments.segment import END_MAGIC, Footer, read_footer
from archiver.preserve.store import ObjectStore
from archiver.preserve.stored_segment import StoredSegment, find_keys, load_segment
from archiver.preserve.writer import segment_row

SKETCHED_AT_ONCE = 32
LOADED_AT_ONCE = 8

_TAIL = 64 * 1024  # holds the footer of a usual segment
_TRAILER = struct.Struct(">I32s8s")
_ID = slice(23, 49)
_LOST = "restore it from the store's second copy and run `muniment recover` again"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSketch:
    """A segment by its footer: the id of its first record and how many there are.

    With a `problem` nothing else is known.
    """

    key: str
    first_id: str = ""
    records: int = 0
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTask:
    """Segments to load; the keyring goes to the worker and no further."""

    keyring: Keyring = field(repr=False)
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSegment:
    """A segment with its records; or what is wrong with it, and its row where that can be told.

    `held_blobs` are those of its blobs that the store holds.
    """

    key: str
    segment: StoredSegment | None = None
    row: SegmentRow | None = None
    held_blobs: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def sketch_segments(store: ObjectStore, keys: Sequence[str]) -> list[SegmentSketch]:
    """Return what the footers of some segments say. Raises StorageUnavailable."""
    return list(read_together(store, partial(_sketch, store), keys))


def load_segments(store: ObjectStore, task: LoadTask) -> list[LoadedSegment]:
    """Return some segments with every record opened and checked. Raises StorageUnavailable."""
    epochs = Epochs(task.keyring, store, _no_randomness)
    reader = RecordReader(task.keyring.archive_id, store, epochs)
    return list(read_together(store, partial(_load, store, reader), task.keys))


def _sketch(store: ObjectStore, key: str) -> SegmentSketch:
    try:
        footer = _read_footer(store, key)
    except (IntegrityError, NotFound) as error:
        what = f"the segment cannot be read ({error}); {_LOST}"
        return SegmentSketch(key=key, problem=Problem(what=what, object_key=key))
    first_id = bytes(footer.entries[0])[_ID].decode("ascii", "replace")
    return SegmentSketch(key=key, first_id=first_id, records=len(footer.entries))


def _read_footer(store: ObjectStore, key: str) -> Footer:
    size = store.head(key).size
    tail = store.get_range(key, max(0, size - _TAIL), min(size, _TAIL))
    if len(tail) < _TRAILER.size or not tail.endswith(END_MAGIC):
        raise IntegrityError("the trailer is not one; the object is cut off or altered")
    length, _, _ = _TRAILER.unpack(tail[-_TRAILER.size :])
    if length + _TRAILER.size > len(tail):
        start = max(0, size - length - _TRAILER.size)
        tail = store.get_range(key, start, size - start)
    footer = read_footer(tail[-_TRAILER.size - length : -_TRAILER.size])
    if footer.segment != segment_id_of(key) or not footer.entries:
        raise IntegrityError(f"its footer is that of segment {footer.segment}")
    return footer


def _load(store: ObjectStore, reader: RecordReader, key: str) -> LoadedSegment:
    try:
        segment = load_segment(store, reader, key)
        if segment is None:
            keys = keys_for_segment(key)
            what = f"the keys of this segment's records are missing; {_LOST}"
            return LoadedSegment(key=key, problems=(Problem(what=what, object_key=keys),))
    except (IntegrityError, NotFound) as error:
        damage = Problem(
            what=f"its records cannot be opened ({error}); {_LOST}",
            object_key=key,
            record_id=getattr(error, "record_id", "") or "",
        )
        return LoadedSegment(key=key, row=_damaged_row(store, key), problems=(damage,))
    held, problems = _look_at_blobs(store, segment)
    return LoadedSegment(key=key, segment=segment, held_blobs=held, problems=problems)


def _damaged_row(store: ObjectStore, key: str) -> SegmentRow | None:
    """Return the row of a segment whose footer alone is sound, None where it is not."""
    try:
        stored, stored_keys = store.head(key), find_keys(store, key)
        data, keys = store.get(key), store.get(stored_keys.key)
        length, _, _ = _TRAILER.unpack(data[-_TRAILER.size :])
        footer = read_footer(data[-_TRAILER.size - length : -_TRAILER.size])
        return segment_row(footer, stored, data, stored_keys, keys)
    except (IntegrityError, NotFound, struct.error):
        return None


def _look_at_blobs(
    store: ObjectStore, segment: StoredSegment
) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    held, problems = [], []
    for record in segment.records:
        for blob in record.blobs:
            try:
                if store.head(blob.key, version_id=blob.version_id).legal_hold:
                    held.append(blob.key)
            except (NotFound, IntegrityError) as error:
                what = f"a part of the record cannot be read ({error}); {_LOST}"
                problems.append(Problem(what=what, object_key=blob.key, record_id=record.record_id))
    return tuple(held), tuple(problems)


def _no_randomness(count: int) -> bytes:
    raise IntegrityError(f"recovery makes no keys, but was asked for {count} random bytes")
