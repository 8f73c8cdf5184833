"""That segments and log are the same records: each frame has one leaf, each leaf one frame.

The records of a segment stand together in the log, so one look-up by the leaf hash of its first
entry places a whole segment, and memory grows with segments, not with records.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from archiver.assurance.log_check import CheckedLog
from archiver.assurance.report import Findings
from archiver.assurance.segment_check import ObjectFacts, ScannedSegment
from archiver.assurance.spool import Spool
from archiver.clock import from_millis, rfc3339
from archiver.preserve.ledger.merkle import HASH_SIZE
from archiver.preserve.segments.segment import HEADER_BYTES

_LENGTH_BYTES = 4


@dataclass(slots=True, kw_only=True)
class KnownSegment:
    """One segment of the store, and where in the log its first record stands; -1: nowhere (yet).

    `keyless` are its frames without a key: they were destroyed, or somebody made it seem so.
    """

    id: str
    class_code: str
    period: str
    records: int
    lock_mode: str
    lock_until: int
    created_at: int
    object: ObjectFacts
    seal: bytes
    keys: ObjectFacts | None
    spooled: int
    intact: bool
    keyless: tuple[int, ...] = ()
    first_index: int = -1


@dataclass(slots=True)
class Catalogue:
    """The segments of the store. Leaf hashes and frame lengths lie in a spool."""

    segments: list[KnownSegment] = field(default_factory=list)
    by_first_leaf: dict[bytes, KnownSegment] = field(default_factory=dict)
    spool: Spool = field(default_factory=Spool)
    records: int = 0

    def add(self, scanned: ScannedSegment, findings: Findings) -> None:
        """Take in a segment whose footer could be read."""
        frames = scanned.frames
        if frames is None or not frames.records:
            return
        footer = frames.footer
        segment = KnownSegment(
            id=footer.segment,
            class_code=footer.class_code,
            period=footer.period,
            records=frames.records,
            lock_mode=footer.lock_mode,
            lock_until=footer.lock_until,
            created_at=footer.created_at,
            object=scanned.object,
            seal=frames.seal,
            keys=scanned.keys,
            spooled=self.spool.append(frames.leaves + frames.lengths),
            intact=not scanned.problems,
            keyless=scanned.keyless,
        )
        twin = self.by_first_leaf.setdefault(scanned.first_leaf, segment)
        if twin is not segment:
            findings.problem(
                f"it holds the same records as {twin.object.key}; one of them was copied here",
                object_key=segment.object.key,
            )
            return
        self.segments.append(segment)
        self.records += segment.records

    def leaves(self, segment: KnownSegment) -> bytes:
        """Return the leaf hashes of a segment's entries."""
        return self.spool.read(segment.spooled, segment.records * HASH_SIZE)

    def places(self, segment: KnownSegment) -> list[tuple[int, int]]:
        """Return offset and length of each frame of a segment."""
        start = segment.spooled + segment.records * HASH_SIZE
        lengths = array("I", self.spool.read(start, segment.records * _LENGTH_BYTES))
        return list(zip(accumulate(lengths, initial=HEADER_BYTES), lengths, strict=False))


def place_segments(
    catalogue: Catalogue, log: CheckedLog, findings: Findings
) -> list[tuple[int, int]]:
    """Walk the log and give every segment its place; return the index ranges nobody holds.

    Those are entries of records, [start, end), whose frames are in no segment of the store and
    that no `dis` entry explains.
    """
    missing: list[tuple[int, int]] = []
    destroyed = index = 0
    while index < log.end:
        segment = catalogue.by_first_leaf.get(log.leaf_range(index, index + 1))
        if segment is not None and segment.first_index < 0:
            segment.first_index = index
            _compare(catalogue, segment, log, findings)
            destroyed += _judge_keyless(segment, log, findings)
            index = min(index + segment.records, log.end)
            continue
        if index not in log.others and not log.is_unreadable(index):
            if log.destroyed.covers(index):
                destroyed += 1
            elif missing and missing[-1][1] == index:
                missing[-1] = (missing[-1][0], index + 1)
            else:
                missing.append((index, index + 1))
        index += 1
    if destroyed:
        findings.count("destroyed, as the log says", destroyed)
    return missing


def _judge_keyless(segment: KnownSegment, log: CheckedLog, findings: Findings) -> int:
    """Name the frames whose keys are gone without a `dis` entry; return how many have one."""
    lost = [
        frame for frame in segment.keyless if not log.destroyed.covers(segment.first_index + frame)
    ]
    if lost:
        findings.problem(
            f"{len(lost)} of its {segment.records} records, the first of them at log index "
            f"{segment.first_index + lost[0]}, have no key any more and no entry of the log says "
            "that they were destroyed; restore the keys from their second copy",
            object_key=segment.object.key,
        )
    return len(segment.keyless) - len(lost)


def _compare(
    catalogue: Catalogue, segment: KnownSegment, log: CheckedLog, findings: Findings
) -> None:
    start = segment.first_index
    ours = catalogue.leaves(segment)
    # A segment is sequenced whole, but a checkpoint may be signed in the middle of it.
    theirs = log.leaf_range(start, min(start + segment.records, log.end))
    if ours[: len(theirs)] == theirs:
        return
    for number in range(len(theirs) // HASH_SIZE):
        at = slice(number * HASH_SIZE, (number + 1) * HASH_SIZE)
        if ours[at] != theirs[at] and not log.is_unreadable(start + number):
            findings.problem(
                f"the entry of frame {number} is not the one at index {start + number} of the log: "
                "the segment's footer was altered; restore the object from its second copy",
                object_key=segment.object.key,
            )


def unplaced(catalogue: Catalogue) -> Iterator[KnownSegment]:
    """Yield the segments that the verified part of the log does not know."""
    return (segment for segment in catalogue.segments if segment.first_index < 0)


def judge_unplaced(
    catalogue: Catalogue,
    log: CheckedLog,
    rows: Mapping[str, int] | None,
    newest_ms: int,
    findings: Findings,
) -> None:
    """Say of each segment that the log does not know what it is.

    `rows` are the database's first indexes by segment id, None without a database. Segments that
    the store received at `newest_ms` or later may not have been sequenced yet.
    """
    later: list[KnownSegment] = []
    for segment in unplaced(catalogue):
        key = segment.object.key
        claimed = (rows or {}).get(segment.id)
        if key in log.orphans or (claimed is not None and claimed >= log.end):
            continue
        if claimed is not None:
            findings.problem(
                f"the database says its records begin at log index {claimed}, where the log has "
                "other entries: one of them was altered",
                object_key=key,
            )
        elif (segment.object.modified_ms or segment.created_at) >= newest_ms:
            later.append(segment)
        else:
            findings.problem(
                f"the segment is in the store but its {segment.records} records are not in the "
                "log: a crash left it, which the next start of the server adopts, or the log is "
                "not this archive's",
                object_key=key,
            )
    if later:
        oldest = min(later, key=lambda one: one.object.modified_ms or one.created_at)
        since = rfc3339(from_millis(oldest.object.modified_ms or oldest.created_at))
        findings.count("segments not in the log yet", len(later))
        findings.not_checked.append(
            f"whether {sum(one.records for one in later)} records in segments stored since {since} "
            "are in the log: they came after the checkpoint that was verified. If the archive has "
            "been at work since, its log was rolled back"
        )
