"""The bytes of one segment: checksum, footer, frames, and that each is the one its entry names.

`scan_segment` is what a full verification spends its time in: about two SHA-256 passes and half a
microsecond per record, so there are no objects per record and comparisons are made in bulk. It
gives the same verdict as `parse_segment`, to which a test holds it, and checks more. What does not
pass it is looked at again by `diagnose`, slowly, to name the records that are damaged.
"""

import binascii
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import repeat

import msgspec

from archiver.assurance.report import Problem
from archiver.errors import IntegrityError, InvalidInput
from archiver.ids import ulid_bytes, ulid_text
from archiver.preserve.ledger.entry import RecordEntry, decode_entry
from archiver.preserve.ledger.merkle import leaf_hashes
from archiver.preserve.segments.frame import AES_256_GCM, HEADER, TAG_BYTES, ZSTD, frame_hash
from archiver.preserve.segments.frame import MAGIC as FRAME_MAGIC
from archiver.preserve.segments.segment import END_MAGIC, HEADER_BYTES, MAGIC, Footer

_TRAILER = struct.Struct(">I32s8s")
_HASHED_TAIL = 40
_FOOTER_START = b'{"v":1,"segment":"'

# The header of a frame with algorithm and flags read as one number.
_FRAME_HEADER = struct.Struct(">4s16sHI")
_KINDS = frozenset({AES_256_GCM << 8, AES_256_GCM << 8 | ZSTD})

# Where the fields stand in the one spelling of a record's entry:
# {"v":1,"t":"rec","id":"<26>","m":"<44>","c":"<44>","x":"YYYY-MM","ts":…}
_ID = slice(23, 49)
_FRAME_HASH = slice(107, 150)  # 43 of the 44 base64 digits; the last one is padding
_PERIOD = slice(151, 167)

# Crockford's alphabet to the digits of int(…, 32).
_DIGITS = bytes.maketrans(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", b"0123456789abcdefghijklmnopqrstuv")

_decode_footer = msgspec.json.Decoder(Footer).decode
_number = partial(int.from_bytes, byteorder="big")
_fresh = sha256()  # copying a started hash is quicker than starting one (see merkle)


@dataclass(frozen=True, slots=True)
class ScannedFrames:
    """What a segment holds. `leaves` are its entries' leaf hashes, `lengths` its frames' lengths.

    `lengths` are 4-byte integers of this machine; frames follow one another from `HEADER_BYTES`.
    `sha256` is of the whole object.
    """

    footer: Footer
    leaves: bytes
    lengths: bytes
    sha256: bytes

    @property
    def records(self) -> int:
        """How many records there are."""
        return len(self.footer.entries)


def scan_segment(data: bytes) -> ScannedFrames:
    """Check a segment in itself and against its own entries.

    Raises:
        IntegrityError: any byte is not as it was written, a frame is not the one its entry commits
            to, or an entry is of another kind or period.
    """
    footer_start, footer_end, digest = _check_envelope(data)
    footer = read_footer(data[footer_start:footer_end])
    if data[len(MAGIC) : HEADER_BYTES] != _id_bytes(footer.segment):
        raise IntegrityError(f"segment: header and footer ({footer.segment}) name two segments")
    entries = [bytes(entry) for entry in footer.entries]
    hashes, lengths = _scan_frames(data, footer_start, entries)
    _check_entries(entries, hashes, footer.period)
    return ScannedFrames(footer, leaf_hashes(entries), lengths.tobytes(), digest)


def read_footer(data: bytes) -> Footer:
    """Return a footer of version 1. Raises IntegrityError."""
    try:
        footer = _decode_footer(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError(f"segment: the footer does not parse: {error}") from error
    if footer.v != 1:
        raise IntegrityError(f"segment {footer.segment}: version {footer.v} is not known here")
    return footer


def _check_envelope(data: bytes) -> tuple[int, int, bytes]:
    """Return where the footer begins and ends, and the SHA-256 of the whole object."""
    if len(data) < HEADER_BYTES + _TRAILER.size or not data.startswith(MAGIC):
        raise IntegrityError(
            f"segment: expected {MAGIC!r} and at least {HEADER_BYTES + _TRAILER.size} bytes, "
            f"found {data[:8]!r} and {len(data)}"
        )
    footer_end = len(data) - _TRAILER.size
    footer_length, checksum, magic = _TRAILER.unpack_from(data, footer_end)
    if magic != END_MAGIC or footer_end - footer_length < HEADER_BYTES:
        raise IntegrityError("segment: the trailer is not one; the object is cut off or altered")
    view = memoryview(data)
    hasher = sha256(view[:-_HASHED_TAIL])
    if hasher.digest() != checksum:
        raise IntegrityError("segment: its bytes do not have the SHA-256 written in its trailer")
    hasher.update(view[-_HASHED_TAIL:])
    return footer_end - footer_length, footer_end, hasher.digest()


def _scan_frames(
    data: bytes, end: int, entries: Sequence[bytes]
) -> tuple[list[bytes], "array[int]"]:
    """Return the hash and the length of each frame; they fill the space, in entry order."""
    view, read, start = memoryview(data), _FRAME_HEADER.unpack_from, _fresh.copy
    hashes, lengths, position = [], array("I"), HEADER_BYTES
    owners = []
    last = end - HEADER.size
    for _ in entries:
        if position > last:
            raise IntegrityError(f"segment: the frame at byte {position} is cut off")
        magic, owner, kind, length = read(data, position)
        if magic != FRAME_MAGIC or kind not in _KINDS or length < TAG_BYTES:
            raise IntegrityError(f"segment: there is no frame at byte {position}")
        begin, position = position, position + HEADER.size + length
        if position > end:
            raise IntegrityError(f"segment: the frame at byte {begin} runs into the footer")
        hasher = start()
        hasher.update(view[begin:position])
        hashes.append(hasher.digest())
        owners.append(owner)
        lengths.append(position - begin)
    if position != end:
        raise IntegrityError(f"segment: its frames end at byte {position}, its footer is at {end}")
    _check_owners(owners, entries)
    return hashes, lengths


def _check_owners(owners: Sequence[bytes], entries: Sequence[bytes]) -> None:
    # An id is a number in base 32, so that both spellings are compared without making texts.
    named = b" ".join([entry[_ID] for entry in entries]).translate(_DIGITS).split(b" ")
    try:
        same = list(map(int, named, repeat(32))) == list(map(_number, owners))
    except ValueError:
        same = False
    if entries and not same:
        raise IntegrityError("segment: a frame is of another record than its entry")


def _check_entries(entries: Sequence[bytes], hashes: Sequence[bytes], period: str) -> None:
    # Appending a zero byte to each 32-byte hash turns its padding `=` into an `A`, so that all of
    # them are decoded by one call.
    committed = b"A".join([entry[_FRAME_HASH] for entry in entries]) + b"A"
    try:
        same = binascii.a2b_base64(committed) == b"\0".join(hashes) + b"\0"
    except binascii.Error:
        same = False
    if entries and not same:
        raise IntegrityError("segment: a frame is not the one that its log entry commits to")
    kinds = {entry[:23] for entry in entries}
    if not kinds <= {b'{"v":1,"t":"rec","id":"', b'{"v":1,"t":"aud","id":"'}:
        raise IntegrityError("segment: an entry is not a record's")
    if {entry[_PERIOD] for entry in entries} - {b'","x":"%b",' % period.encode()}:
        raise IntegrityError(f"segment: an entry is not of the segment's period {period}")


def _id_bytes(text: str) -> bytes:
    try:
        return ulid_bytes(text)
    except InvalidInput as error:
        raise IntegrityError(f"segment: {text!r} is not a segment's id") from error


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
        lengths = array(
            "I", [end - begin for begin, end in _places(data, start, map(_record_of, entries))]
        )
    except IntegrityError:
        return None
    return ScannedFrames(footer, leaf_hashes(entries), lengths.tobytes(), sha256(data).digest())


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
    return list(zip(starts, [*starts[1:], end], strict=True)) if starts else []


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
