r"""A segment: the frames of one lane (class and expiry month), with a footer that explains them.

```
"MUNSEG\0\1" | 16-byte segment id | frames … | footer (JSON)
| u32 footer length | seal | "MUNEND\0\1"
```

The footer holds the log entries of the frames, in frame order and byte for byte, so a segment can
be adopted after a crash and the database rebuilt from segments alone. It holds nothing derived from
content: everything else about a record is inside its encrypted manifest.

The *seal* is the SHA-256 of all that is not a frame: header, footer and footer length. The frames
are bound by the hashes in their entries, so that reading a segment hashes each byte once.
"""

import binascii
import hashlib
import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import sub

import msgspec

from archiver.errors import IntegrityError, InvalidInput
from archiver.ids import ulid_bytes
from archiver.preserve.segments.frame import FrameRow, walk_frames

MAGIC = b"MUNSEG\x00\x01"
END_MAGIC = b"MUNEND\x00\x01"
HEADER_BYTES = len(MAGIC) + 16

_TRAILER = struct.Struct(">I32s8s")
_LENGTH_BYTES = 4

# Where the fields stand in the one spelling of a record's entry (`ledger.entry.RecordEntry`):
# {"v":1,"t":"rec","id":"<26>","m":"<44>","c":"<44>","x":"YYYY-MM","ts":…}
# Of the 44 base64 digits of `c` the last one is padding.
_FIELDS = struct.Struct("23s 26s 7x44x7x 43s 17s")
_KINDS = {b'{"v":1,"t":"rec","id":"', b'{"v":1,"t":"aud","id":"'}

# Crockford's alphabet to the digits of int(…, 32); everything else to what is no digit.
_DIGITS = bytes(
    b"0123456789abcdefghijklmnopqrstuv"[place] if place >= 0 else ord("!")
    for place in map(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".find, range(256))
)


class Footer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The footer's fields. `lock_until` and `created_at` are milliseconds since 1970 UTC."""

    v: int
    segment: str
    archive: str
    class_code: str
    period: str
    created_at: int
    writer: str
    lock_mode: str
    lock_until: int
    entries: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class Segment:
    """A parsed segment: its footer and its seal, the log entry of each frame and its length."""

    footer: Footer
    seal: bytes
    entries: tuple[bytes, ...]
    lengths: "array[int]"

    @property
    def places(self) -> list[tuple[int, int]]:
        """Offset and length of each frame, in frame order."""
        return list(zip(accumulate(self.lengths, initial=HEADER_BYTES), self.lengths, strict=False))


def build_segment(footer: Footer, frames: list[bytes]) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the segment's bytes, and where each frame stands in it: offset and length."""
    places, position = [], HEADER_BYTES
    for frame in frames:
        places.append((position, len(frame)))
        position += len(frame)
    header = MAGIC + ulid_bytes(footer.segment)
    tail = msgspec.json.encode(footer)
    tail += struct.pack(">I", len(tail))
    seal = hashlib.sha256(header + tail).digest()
    return b"".join((header, *frames, tail, seal, END_MAGIC)), places


def seal_of(data: bytes) -> bytes:
    """Return the seal written in the trailer of a segment that was just built or parsed."""
    return data[-len(END_MAGIC) - 32 : -len(END_MAGIC)]


def parse_segment(data: bytes) -> Segment:
    """Parse a segment and check all of it: seal, footer, and that each frame is its entry's.

    Raises:
        IntegrityError: any byte is not as it was written, or an entry is of another kind or period.
    """
    start, end = _check_envelope(data)
    footer = read_footer(data[start:end])
    if data[len(MAGIC) : HEADER_BYTES] != _id_bytes(footer.segment):
        raise IntegrityError(
            f"segment: header and footer ({footer.segment}) name different segments"
        )
    frames = walk_frames(data, HEADER_BYTES, start)
    entries = tuple(map(bytes, footer.entries))
    if len(frames.owners) != len(entries):
        raise IntegrityError(
            f"segment {footer.segment}: {len(frames.owners)} frames but {len(entries)} entries"
        )
    if entries:
        _check_entries(entries, footer.period, frames)
    lengths = array("I", map(sub, frames.bounds[1:], frames.bounds))
    return Segment(footer, seal_of(data), entries, lengths)


def read_footer(data: bytes) -> Footer:
    """Return a footer of version 1. Raises IntegrityError."""
    try:
        footer = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError(f"segment: the footer does not parse: {error}") from error
    if footer.v != 1:
        raise IntegrityError(f"segment {footer.segment}: version {footer.v} is not known here")
    return footer


def _check_envelope(data: bytes) -> tuple[int, int]:
    """Return where the footer begins and ends, both under the seal."""
    if len(data) < HEADER_BYTES + _TRAILER.size or not data.startswith(MAGIC):
        raise IntegrityError(
            f"segment: expected {MAGIC!r} and at least {HEADER_BYTES + _TRAILER.size} bytes, "
            f"found {data[:8]!r} and {len(data)}"
        )
    end = len(data) - _TRAILER.size
    length, seal, magic = _TRAILER.unpack_from(data, end)
    if magic != END_MAGIC or end - length < HEADER_BYTES:
        raise IntegrityError("segment: the trailer is not one; the object is cut off or altered")
    hasher = hashlib.sha256(data[:HEADER_BYTES])
    hasher.update(memoryview(data)[end - length : end + _LENGTH_BYTES])
    if hasher.digest() != seal:
        raise IntegrityError("segment: header and footer do not have the SHA-256 in the trailer")
    return end - length, end


# Reading every record of an archive spends its time here, so comparisons are made in bulk, without
# an object per record.


def _check_entries(entries: Sequence[bytes], period: str, frames: FrameRow) -> None:
    kinds, periods = set(), set()
    ids, committed = [], []
    try:
        for kind, record_id, frame_hash, month in map(_FIELDS.unpack_from, entries):
            kinds.add(kind)
            ids.append(record_id)
            committed.append(frame_hash)
            periods.add(month)
    except struct.error as error:
        raise IntegrityError(f"segment: an entry is not a record's: {error}") from error
    if not kinds <= _KINDS:
        raise IntegrityError("segment: an entry is not a record's")
    if periods != {b'=","x":"%b",' % period.encode()}:
        raise IntegrityError(f"segment: an entry is not of the segment's period {period}")
    if not _are_same_ids(ids, frames.owners):
        raise IntegrityError("segment: a frame is of another record than its entry")
    # A zero byte after each 32-byte hash turns its padding `=` into an `A`, so that one call
    # spells all of them.
    spelled = binascii.b2a_base64(b"\0".join(frames.hashes) + b"\0", newline=False)
    if spelled != b"A".join(committed) + b"A":
        raise IntegrityError("segment: a frame is not the one that its log entry commits to")


def _are_same_ids(texts: Sequence[bytes], binary: Sequence[bytes]) -> bool:
    # A ULID is a number in base 32. Six zeros before 26 digits make 20 bytes of it, as do four
    # before 16 bytes: so all of them are one number, spelled in two ways.
    try:
        number = int(b"000000".join(texts).translate(_DIGITS), 32)
    except ValueError:
        return False
    return number == int.from_bytes(b"\0\0\0\0".join(binary), "big")


def _id_bytes(text: str) -> bytes:
    try:
        return ulid_bytes(text)
    except InvalidInput as error:
        raise IntegrityError(f"segment: {text!r} is not a segment's id") from error


_decoder = msgspec.json.Decoder(Footer)
