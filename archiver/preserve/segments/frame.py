"""One record as it is stored: a self-describing frame around compressed, encrypted bytes.

```
"SMF1" | 16-byte record id | u8 algorithm | u8 flags | u32 length | ciphertext || 16-byte GCM tag
```

Integers are big-endian. The plaintext is `u32 manifest length || manifest || inline parts`,
compressed with zstd when flag bit 0 is set. Each record has a random 256-bit key used once, so the
nonce is zero; the associated data is `archive id || record id`. GCM does not commit to its key: the
manifest hash in the log settles which plaintext was meant. The log commits to the SHA-256 of the
whole frame, header included.
"""

import hashlib
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archiver.errors import IntegrityError

MAGIC = b"SMF1"
HEADER = struct.Struct(">4s16sBBI")
AES_256_GCM = 1
ZSTD = 1
KEY_BYTES = 32
TAG_BYTES = 16
MAX_PLAINTEXT = 64 * 1024 * 1024

# The same header with algorithm and flags read as one number.
_HEADER = struct.Struct(">4s16sHI")
_KINDS = frozenset({AES_256_GCM << 8, AES_256_GCM << 8 | ZSTD})

_NONCE = bytes(12)
_LENGTH = struct.Struct(">I")
_LEVEL = 3
_thread = threading.local()
_hash = hashlib.sha256()  # copying a started hash is quicker than starting one (see merkle)


@dataclass(frozen=True, slots=True)
class FrameSlice:
    """Where one frame stands in a segment, and whose it is."""

    record_id: bytes
    offset: int
    length: int


def seal_frame(
    archive_id: bytes, record_id: bytes, key: bytes, manifest: bytes, parts: tuple[bytes, ...]
) -> bytes:
    """Return the frame of one record. `key` must never be used for anything else."""
    plaintext = _compressor().compress(b"".join((_LENGTH.pack(len(manifest)), manifest, *parts)))
    sealed = AESGCM(key).encrypt(_NONCE, plaintext, archive_id + record_id)
    return HEADER.pack(MAGIC, record_id, AES_256_GCM, ZSTD, len(sealed)) + sealed


def open_frame(archive_id: bytes, key: bytes, frame: bytes) -> tuple[bytes, bytes]:
    """Return `(manifest, inline parts run together)` of a frame.

    Raises:
        IntegrityError: the frame is malformed, or was not sealed for this archive, record and key.
    """
    found = parse_header(frame, 0)
    if found.length != len(frame):
        raise IntegrityError(
            f"frame: expected {found.length} bytes by its header, found {len(frame)}"
        )
    flags = frame[HEADER.size - 5]
    try:
        plaintext = AESGCM(key).decrypt(_NONCE, frame[HEADER.size :], archive_id + found.record_id)
        if flags & ZSTD:
            plaintext = _decompressor().decompress(plaintext, max_output_size=MAX_PLAINTEXT)
    except (InvalidTag, zstandard.ZstdError) as error:
        raise IntegrityError(
            "frame: the bytes do not open under the record's key; they were altered, or the key "
            "is another record's"
        ) from error
    if len(plaintext) < _LENGTH.size:
        raise IntegrityError(f"frame: plaintext of {len(plaintext)} bytes holds no manifest")
    (size,) = _LENGTH.unpack_from(plaintext)
    end = _LENGTH.size + size
    if end > len(plaintext):
        raise IntegrityError(
            f"frame: manifest of {size} bytes does not fit a plaintext of {len(plaintext)}"
        )
    return plaintext[_LENGTH.size : end], plaintext[end:]


def frame_hash(frame: bytes | memoryview) -> bytes:
    """Return the hash the log commits to: SHA-256 of the whole frame."""
    return hashlib.sha256(frame).digest()


def parse_header(data: bytes, offset: int) -> FrameSlice:
    """Read the frame header at `offset`. The frame's bytes need not be complete.

    Raises:
        IntegrityError: there is no frame header there.
    """
    try:
        magic, record_id, algorithm, flags, length = HEADER.unpack_from(data, offset)
    except struct.error as error:
        raise IntegrityError(f"frame at byte {offset}: the header is cut off") from error
    if magic != MAGIC or algorithm != AES_256_GCM or flags & ~ZSTD or length < TAG_BYTES:
        raise IntegrityError(
            f"frame at byte {offset}: expected SMF1 with algorithm 1, found {magic!r} with "
            f"algorithm {algorithm}, flags {flags}, length {length}"
        )
    return FrameSlice(record_id, offset, HEADER.size + length)


@dataclass(frozen=True, slots=True)
class FrameRow:
    """The frames between two offsets, in columns: whose each is, its hash, and its bounds.

    Frame *i* is the bytes from `bounds[i]` up to `bounds[i + 1]`.
    """

    owners: list[bytes]
    hashes: list[bytes]
    bounds: list[int]


def walk_frames(data: bytes, start: int, end: int) -> FrameRow:
    """Return the frames between two offsets, which they must fill exactly, with their hashes.

    Raises:
        IntegrityError: a frame is malformed or runs over `end`.
    """
    read, size = _HEADER.unpack_from, HEADER.size
    owners, bounds, position = [], [start], start
    last = min(end, len(data)) - size
    while position <= last:
        magic, owner, kind, length = read(data, position)
        if magic != MAGIC or kind not in _KINDS or length < TAG_BYTES:
            break
        position += size + length
        owners.append(owner)
        bounds.append(position)
    if position < end:
        parse_header(data[:end], position)
    if position != end:
        raise IntegrityError(f"frame at byte {bounds[-2]}: it runs over the end at {end}")
    return FrameRow(owners, _hashes(data, bounds), bounds)


def _hashes(data: bytes, bounds: Sequence[int]) -> list[bytes]:
    view, start = memoryview(data), _hash.copy
    hashes = []
    for begin, end in pairwise(bounds):
        hasher = start()
        hasher.update(view[begin:end])
        hashes.append(hasher.digest())
    return hashes


# zstandard contexts are not safe to share: two threads on one compressor crash the process
# (performance-and-faults 2.7).
def _compressor() -> zstandard.ZstdCompressor:
    found: zstandard.ZstdCompressor | None = getattr(_thread, "compressor", None)
    if found is None:
        found = _thread.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return found


def _decompressor() -> zstandard.ZstdDecompressor:
    found: zstandard.ZstdDecompressor | None = getattr(_thread, "decompressor", None)
    if found is None:
        found = _thread.decompressor = zstandard.ZstdDecompressor()
    return found
