r"""A segment: the frames of one lane (class and expiry month), with a footer that explains them.

```
"MUNSEG\0\1" | 16-byte segment id | frames … | footer (JSON)
| u32 footer length | SHA-256 of all bytes before this trailer's last 40 | "MUNEND\0\1"
```

The footer holds the log entries of the frames, in frame order and byte for byte, so a segment can
be adopted after a crash and the database rebuilt from segments alone. It holds nothing derived from
content: everything else about a record is inside its encrypted manifest.
"""

import hashlib
import struct
from dataclasses import dataclass

import msgspec

from archiver.errors import IntegrityError
from archiver.ids import ulid_bytes, ulid_text
from archiver.preserve.segments.frame import FrameSlice, walk_frames

MAGIC = b"MUNSEG\x00\x01"
END_MAGIC = b"MUNEND\x00\x01"
HEADER_BYTES = len(MAGIC) + 16

_TRAILER = struct.Struct(">I32s8s")
_HASHED_TAIL = 32 + len(END_MAGIC)


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
    """A parsed segment: its footer, and each frame beside its log entry."""

    footer: Footer
    frames: tuple[FrameSlice, ...]
    entries: tuple[bytes, ...]


def build_segment(footer: Footer, frames: list[bytes]) -> tuple[bytes, list[tuple[int, int]]]:
    """Return the segment's bytes, and where each frame stands in it: offset and length."""
    places, position = [], HEADER_BYTES
    for frame in frames:
        places.append((position, len(frame)))
        position += len(frame)
    tail = msgspec.json.encode(footer)
    body = b"".join(
        (MAGIC, ulid_bytes(footer.segment), *frames, tail, struct.pack(">I", len(tail)))
    )
    return body + hashlib.sha256(body).digest() + END_MAGIC, places


def parse_segment(data: bytes) -> Segment:
    """Parse and check a segment's own structure: checksum, footer, one entry per frame.

    The frames' hashes are not compared with the entries here: that is verification's work.

    Raises:
        IntegrityError: any byte is not as it was written.
    """
    if len(data) < HEADER_BYTES + _TRAILER.size or not data.startswith(MAGIC):
        raise IntegrityError(
            f"segment: expected {MAGIC!r} and at least {HEADER_BYTES + _TRAILER.size} bytes, "
            f"found {data[:8]!r} and {len(data)}"
        )
    footer_length, checksum, magic = _TRAILER.unpack_from(data, len(data) - _TRAILER.size)
    footer_end = len(data) - _TRAILER.size
    footer_start = footer_end - footer_length
    if magic != END_MAGIC or footer_start < HEADER_BYTES:
        raise IntegrityError("segment: the trailer is not one; the object is cut off or altered")
    if hashlib.sha256(memoryview(data)[:-_HASHED_TAIL]).digest() != checksum:
        raise IntegrityError("segment: its bytes do not have the SHA-256 written in its trailer")
    footer = _parse_footer(data[footer_start:footer_end])
    if ulid_text(data[len(MAGIC) : HEADER_BYTES]) != footer.segment:
        raise IntegrityError(
            f"segment: header and footer ({footer.segment}) name different segments"
        )
    frames = tuple(walk_frames(data, HEADER_BYTES, footer_start))
    if len(frames) != len(footer.entries):
        raise IntegrityError(
            f"segment {footer.segment}: {len(frames)} frames but {len(footer.entries)} entries"
        )
    return Segment(footer, frames, tuple(bytes(entry) for entry in footer.entries))


def _parse_footer(data: bytes) -> Footer:
    try:
        footer = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise IntegrityError(f"segment: the footer does not parse: {error}") from error
    if footer.v != 1:
        raise IntegrityError(f"segment {footer.segment}: version {footer.v} is not known here")
    return footer


_decoder = msgspec.json.Decoder(Footer)
