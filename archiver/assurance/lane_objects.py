"""The objects beside the segments: epoch keys and blobs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256

from archiver.assurance.join import KnownSegment
from archiver.assurance.locks import lock_problem, locked_until
from archiver.assurance.report import Findings, Problem
from archiver.assurance.segment_check import ObjectFacts, read_object
from archiver.assurance.workers import Workers, batches, read_together
from archiver.errors import IntegrityError, NotFound
from archiver.model.lock import Lock, LockMode
from archiver.preserve.epochs import Epochs
from archiver.preserve.keyring import Keyring
from archiver.preserve.object_keys import epoch_object
from archiver.preserve.store import ObjectStore

_BATCH = 64
# Rolling locks end at midnight, and a blob is put before the segment that names it.
_MIDNIGHT = timedelta(days=1)

LaneKey = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLocks:
    """The strictest mode, the latest and the earliest end among a lane's segments."""

    mode: LockMode
    latest_ms: int
    earliest_ms: int


def lane_locks(
    segments: Iterable[KnownSegment], now_ms: int, ended: Mapping[str, int]
) -> dict[LaneKey, LaneLocks]:
    """Return what the segments of each class and period promise, as of `now_ms`.

    `ended` as of `SegmentTask`.
    """
    found: dict[LaneKey, LaneLocks] = {}
    for segment in segments:
        lane = segment.class_code, segment.period
        mode = LockMode(segment.lock_mode) if segment.lock_mode in set(LockMode) else LockMode.NONE
        until = segment.lock_until
        if mode is not LockMode.NONE:
            until = locked_until(until, segment.period, ended.get(segment.id, now_ms))
        known = found.get(lane)
        if known is None:
            found[lane] = LaneLocks(mode=mode, latest_ms=until, earliest_ms=until)
        elif mode is not LockMode.NONE:
            found[lane] = LaneLocks(
                mode=LockMode.COMPLIANCE if LockMode.COMPLIANCE in {mode, known.mode} else mode,
                latest_ms=max(until, known.latest_ms),
                earliest_ms=min(until, known.earliest_ms or until),
            )
    return found


def check_epochs(
    store: ObjectStore,
    archive_id: str,
    lanes: Mapping[LaneKey, LaneLocks],
    keyring: Keyring | None,
    findings: Findings,
) -> None:
    """Check that the epoch key of each lane is there, locked as long as its segments, and opens."""
    epochs = Epochs(keyring, store, _no_randomness) if keyring else None
    for (class_code, period), lane in lanes.items():
        key = epoch_object(archive_id, class_code, period)
        try:
            found = store.head(key)
            if what := lock_problem(found.lock, lane.mode, lane.latest_ms):
                findings.problem(what, object_key=key)
            if epochs is not None:
                epochs.for_reading(class_code, period)
        except NotFound:
            findings.problem(
                f"the epoch key is missing: no record of class {class_code}, period {period} can "
                "be read; restore it from its second copy",
                object_key=key,
            )
        except IntegrityError as error:
            findings.extend([Problem.of(error, key)])
    findings.count("epochs", len(lanes))
    if epochs is None:
        findings.not_checked.append("that epoch keys open: the keyring was not at hand")


def hash_blobs(
    workers: Workers, blobs: Sequence[tuple[str, str]], findings: Findings
) -> dict[str, tuple[ObjectFacts, Lock | None]]:
    """Read every blob and return what was found, by key."""
    found: dict[str, tuple[ObjectFacts, Lock | None]] = {}
    for answers in workers.map(_hash_batch, batches(blobs, _BATCH)):
        for facts, lock, problems in answers:
            findings.extend(problems)
            if facts is not None:
                findings.stored_bytes += facts.size
                found[facts.key] = facts, lock
    findings.count("blobs", len(blobs))
    return found


def check_blob_locks(
    blobs: Mapping[str, tuple[ObjectFacts, Lock | None]],
    lanes: Mapping[LaneKey, LaneLocks],
    findings: Findings,
) -> None:
    """Check that each blob is locked as the segments of its lane are."""
    for key, (_, lock) in blobs.items():
        class_code, period = key.split("/")[2:4]
        lane = lanes.get((class_code, period))
        if lane is None or lane.mode is LockMode.NONE:
            continue
        until = lane.earliest_ms - _MIDNIGHT // timedelta(milliseconds=1)
        if what := lock_problem(lock, lane.mode, until):
            findings.problem(what, object_key=key)


def _hash_batch(
    store: ObjectStore, blobs: Sequence[tuple[str, str]]
) -> list[tuple[ObjectFacts | None, Lock | None, list[Problem]]]:
    return list(read_together(store, partial(_hash_blob, store), blobs))


def _hash_blob(
    store: ObjectStore, named: tuple[str, str]
) -> tuple[ObjectFacts | None, Lock | None, list[Problem]]:
    problems: list[Problem] = []
    read = read_object(store, *named, problems)
    if read is None:
        return None, None, problems
    found, data = read
    facts = ObjectFacts(
        key=found.key,
        version_id=found.version_id,
        size=len(data),
        sha256=sha256(data).digest(),
        legal_hold=found.legal_hold,
    )
    return facts, found.lock, problems


def _no_randomness(count: int) -> bytes:
    raise IntegrityError(f"verification makes no keys, but was asked for {count} random bytes")
