"""The bytes of one segment, and what is wrong with one that is damaged.

A full verification spends its time in `scan_segment`: one SHA-256 pass over the frames and one leaf
hash per record (see `parse_segment`). What does not pass is looked at again by `diagnose`, slowly,
to name the records that are damaged.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from msgspec.structs import replace

from archiver.assurance.report import Problem
from archiver.errors import IntegrityError
from archiver.ids import ulid_bytes, ulid_text
from archiver.preserve.ledger.entry import RecordEntry, decode_entry
from archiver.preserve.ledger.merkle import leaf_hashes
from archiver.preserve.segments.frame import HEADER, frame_hash
from archiver.preserve.segments.frame import MAGIC as FRAME_MAGIC
from archiver.preserve.segments.segment import (
    HEADER_BYTES,
    Footer,
    parse_segment,
    read_footer,
    seal_of,
)

_FOOTER_START = b'{"v":1,"segment":"'


@dataclass(frozen=True, slots=True)
class ScannedFrames:
    """What a segment holds. `leaves` are its entries' leaf hashes, `lengths` its frames' lengths.

    `lengths` are 4-byte integers of this machine; frames follow one another from `HEADER_BYTES`.
    `footer` is without its entries: this is handed from process to process.
    """

    footer: Footer
    records: int
    leaves: bytes
    lengths: bytes
    seal: bytes


def scan_segment(data: bytes) -> ScannedFrames:
    """Check a segment in itself and against its own entries.

    Raises:
        IntegrityError: see `parse_segment`.
    """
    found = parse_segment(data)
    return _scanned(found.footer, found.entries, found.lengths, found.seal)


def _scanned(
    footer: Footer, entries: Sequence[bytes], lengths: "array[int]", seal: bytes
) -> ScannedFrames:
    bare = replace(footer, entries=[])
    return ScannedFrames(bare, len(entries), leaf_hashes(entries), lengths.tobytes(), seal)


def diagnose(key: str, data: bytes, why: IntegrityError) -> tuple[Problem, ...]:
    """Say what is wrong with a segment that `scan_segment` refused: which records, at which byte.

    Always at least one problem.
    """
    general = Problem(
        what=f"{why}; restore the object from its second copy, then verify again", object_key=key
    )
    try:
        start, footer = _find_footer(data)
        entries = [_record_of(bytes(entry)) for entry in footer.entries]
        damaged = [
            Problem(what=what, object_key=key, record_id=entry.id)
            for entry, what in _damaged_frames(data, start, entries, footer.period)
        ]
    except IntegrityError:
        return (general,)
    if damaged:
        return (general, *damaged)
    what = (
        f"{why}; every frame is the one its entry commits to, so the damage is in the header "
        f"(bytes 0 to {HEADER_BYTES - 1}), the footer or the trailer (from byte {start}): restore "
        "the object from its second copy"
    )
    return (Problem(what=what, object_key=key),)


def salvage(data: bytes) -> ScannedFrames | None:
    """Return what a damaged segment says it holds, so that the rest can still be compared."""
    try:
        start, footer = _find_footer(data)
        entries = [bytes(entry) for entry in footer.entries]
        places = _places(data, start, map(_record_of, entries))
    except IntegrityError:
        return None
    lengths = array("I", [end - begin for begin, end in places])
    return _scanned(footer, entries, lengths, seal_of(data))


def _find_footer(data: bytes) -> tuple[int, Footer]:
    start = data.rfind(_FOOTER_START)
    if start < HEADER_BYTES:
        raise IntegrityError("segment: no footer is to be found")
    end = data.rfind(b"]}", start) + 2
    return start, read_footer(data[start:end])


def _record_of(entry: bytes) -> RecordEntry:
    found = decode_entry(entry)
    if not isinstance(found, RecordEntry):
        raise IntegrityError("segment: an entry is not a record's")
    return found


def _places(data: bytes, end: int, entries: Iterable[RecordEntry]) -> list[tuple[int, int]]:
    """Return where each frame must stand, from the frame headers that are still legible."""
    starts: list[int] = []
    position = HEADER_BYTES
    for entry in entries:
        found = data.find(FRAME_MAGIC + ulid_bytes(entry.id), position, end)
        starts.append(position if found < 0 else found)
        length = int.from_bytes(
            data[starts[-1] + HEADER.size - 4 : starts[-1] + HEADER.size], "big"
        )
        position = min(starts[-1] + HEADER.size + length, end)
        if data[position : position + 4] != FRAME_MAGIC:  # the length may be what was damaged
            position = starts[-1] + HEADER.size
    return list(pairwise([*starts, end]))


def _damaged_frames(
    data: bytes, end: int, entries: Sequence[RecordEntry], period: str
) -> Iterator[tuple[RecordEntry, str]]:
    for entry, (begin, stop) in zip(entries, _places(data, end, entries), strict=True):
        if frame_hash(data[begin:stop]) != entry.frame_sha256:
            yield (
                entry,
                (
                    f"the frame at bytes {begin} to {stop - 1} is not the one the log commits to: "
                    "the stored record was altered; restore the object from its second copy"
                ),
            )
        elif data[begin + 4 : begin + 20] != ulid_bytes(entry.id):
            yield (
                entry,
                f"the frame at byte {begin} is of {ulid_text(data[begin + 4 : begin + 20])}",
            )
        elif entry.expiry != period:
            yield entry, f"its entry says period {entry.expiry}, its segment {period}"
