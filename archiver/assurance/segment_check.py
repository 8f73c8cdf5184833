"""One segment with all that belongs to it: its name, its `.keys` companion, and both locks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from archiver.assurance.locks import lock_problem, locked_until
from archiver.assurance.report import Problem
from archiver.assurance.segment_scan import ScannedFrames, diagnose, salvage, scan_segment
from archiver.assurance.workers import read_together
from archiver.clock import to_millis
from archiver.errors import IntegrityError, NotFound
from archiver.ids import ulid_bytes
from archiver.model.lock import LockMode
from archiver.preserve.ledger.merkle import HASH_SIZE
from archiver.preserve.object_keys import generation_of, keys_for_segment, segment_object
from archiver.preserve.segments.keys import parse_generation, parse_indexes
from archiver.preserve.store import ObjectStore, StoredObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """One stored object as it was found: its key, version, size and SHA-256, and its hold.

    `sha256` is empty where it is not compared: a segment is known by its seal. `modified_ms` is
    when it was stored by the store's own clock, in milliseconds; 0 where that was not asked.
    """

    key: str
    version_id: str
    size: int
    sha256: bytes
    legal_hold: bool
    modified_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedSegment:
    """What is known of one segment after its bytes were read; None where they tell nothing.

    `keys` is None where there is no `.keys` object: a problem, unless the log names the segment as
    an orphan. `keyless` are the frames that a later generation of keys leaves out.
    """

    object: ObjectFacts
    keys: ObjectFacts | None
    frames: ScannedFrames | None
    problems: tuple[Problem, ...]
    stored_bytes: int
    keyless: tuple[int, ...] = ()

    @property
    def first_leaf(self) -> bytes:
        """The leaf hash of its first entry; empty where there is none."""
        return self.frames.leaves[:HASH_SIZE] if self.frames else b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentTask:
    """Segments to check, `(object key, version)`, as of `now_ms`, milliseconds since 1970.

    `keys` names their `.keys` objects where those are of a later generation. `ended` tells of
    segments without an end of their own, by id, when the last of their records ended all the same.
    """

    segments: tuple[tuple[str, str], ...]
    now_ms: int
    keys: Mapping[str, str] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)


def check_segments(store: ObjectStore, task: SegmentTask) -> list[ScannedSegment]:
    """Check segments. A task for `Workers`.

    Raises:
        StorageUnavailable: the store did not answer, which says nothing about the segments.
    """
    check = partial(_check_segment, store, task)
    return list(read_together(store, check, task.segments))


def _check_segment(store: ObjectStore, task: SegmentTask, named: tuple[str, str]) -> ScannedSegment:
    key, version_id = named
    keys_key = task.keys.get(key, keys_for_segment(key))
    problems: list[Problem] = []
    stored = read_object(store, key, version_id, problems)
    if stored is None:
        facts = ObjectFacts(key=key, version_id=version_id, size=0, sha256=b"", legal_hold=False)
        return ScannedSegment(
            object=facts, keys=None, frames=None, problems=tuple(problems), stored_bytes=0
        )
    found, data = stored
    frames = _scan(key, data, problems)
    keys, keys_size, keyless = _check_keys(store, keys_key, frames, task, problems)
    if frames is not None:
        _check_name(key, frames, problems)
        problems += _lock_problems(found, frames, task)
    return ScannedSegment(
        object=_facts(found, data, b""),
        keys=keys,
        frames=frames,
        problems=tuple(problems),
        stored_bytes=len(data) + keys_size,
        keyless=keyless,
    )


def read_object(
    store: ObjectStore, key: str, version_id: str, problems: list[Problem]
) -> tuple[StoredObject, bytes] | None:
    """Return an object's description and bytes, or None and a problem where it cannot be had."""
    try:
        found = store.head(key, version_id=version_id or None)
        return found, _get(store, key, found.version_id)
    except NotFound:
        problems.append(
            Problem(
                what="the object cannot be read although the store lists it; restore it from its "
                "second copy",
                object_key=key,
            )
        )
    except IntegrityError as error:
        problems.append(Problem.of(error, key))
    return None


def _get(store: ObjectStore, key: str, version_id: str) -> bytes:
    try:
        return store.get(key)  # cheaper than by version, and the newest one is the same
    except NotFound:  # a delete marker hides it
        return store.get(key, version_id=version_id)


def _scan(key: str, data: bytes, problems: list[Problem]) -> ScannedFrames | None:
    try:
        return scan_segment(data)
    except IntegrityError as error:
        problems += diagnose(key, data, error)
        return salvage(data)


def _check_keys(
    store: ObjectStore,
    key: str,
    frames: ScannedFrames | None,
    task: SegmentTask,
    problems: list[Problem],
) -> tuple[ObjectFacts | None, int, tuple[int, ...]]:
    keyless: tuple[int, ...] = ()
    try:
        found = store.head(key)
        data = store.get(key)
    except NotFound:
        return None, 0, ()
    except IntegrityError as error:
        problems.append(Problem.of(error, key))
        return ObjectFacts(key=key, version_id="", size=0, sha256=b"", legal_hold=False), 0, ()
    if frames is not None:
        keyless = _keyless(key, data, frames, problems)
        # What was put after the lock had ended cannot be locked any more.
        if not generation_of(key) or frames.footer.lock_until > task.now_ms:
            problems += _lock_problems(found, frames, task)
    return _facts(found, data, sha256(data).digest()), len(data), keyless


def _keyless(
    key: str, data: bytes, frames: ScannedFrames, problems: list[Problem]
) -> tuple[int, ...]:
    """Return the frames that a later generation leaves out; the first one leaves none out."""
    advice = "restore the object from its second copy: without it the records cannot be read"
    try:
        indexes = parse_indexes(data, ulid_bytes(frames.footer.segment))
    except IntegrityError as error:
        problems.append(Problem(what=f"{error}; {advice}", object_key=key))
        return ()
    missing = tuple(sorted(set(range(frames.records)) - set(indexes)))
    is_later = parse_generation(data) == generation_of(key) != 0
    if (missing and not is_later) or len(indexes) != frames.records - len(missing):
        what = f"expected the keys of {frames.records} records, found {len(indexes)}; {advice}"
        problems.append(Problem(what=what, object_key=key))
        return ()
    return missing


def _check_name(key: str, frames: ScannedFrames, problems: list[Problem]) -> None:
    footer = frames.footer
    expected = segment_object(footer.archive, footer.class_code, footer.period, footer.segment)
    if key != expected:
        what = f"the segment stored here says that it belongs at {expected}; it was copied or moved"
        problems.append(Problem(what=what, object_key=key))


def _lock_problems(found: StoredObject, frames: ScannedFrames, task: SegmentTask) -> list[Problem]:
    footer = frames.footer
    if footer.lock_mode not in set(LockMode):
        what = f"its footer names no lock mode: {footer.lock_mode!r}"
        return [Problem(what=what, object_key=found.key)]
    last_ms = task.ended.get(footer.segment, task.now_ms)
    until = locked_until(footer.lock_until, footer.period, last_ms)
    what = lock_problem(found.lock, LockMode(footer.lock_mode), until)
    return [Problem(what=what, object_key=found.key)] if what else []


def _facts(found: StoredObject, data: bytes, digest: bytes) -> ObjectFacts:
    return ObjectFacts(
        key=found.key,
        version_id=found.version_id,
        size=len(data),
        sha256=digest,
        legal_hold=found.legal_hold,
        modified_ms=to_millis(found.modified_at) if found.modified_at else 0,
    )
