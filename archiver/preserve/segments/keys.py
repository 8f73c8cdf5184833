r"""The `.keys` companion of a segment: the record keys, wrapped, under the same lock as the data.

```
"MUNKEY\0\1" | 16-byte segment id | u32 generation | u32 count
| count of (u32 index | 48-byte wrapped key) | SHA-256 of all before
wrapping key  = HKDF-SHA256(epoch key, info = "seg-wrap/v1" || segment id)
wrapped key i = AES-256-GCM(wrapping key, nonce = i as 96 bits, record key, aad = record id)
```

A later generation keeps each survivor's original index: renumbering would reuse a nonce. Whoever
could delete these keys could erase the records early, so this object carries the segment's lock.
"""

import hashlib
import struct
from collections.abc import Collection, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from archiver.errors import IntegrityError

MAGIC = b"MUNKEY\x00\x01"
WRAPPED_BYTES = 48

_HEADER = struct.Struct(">8s16sII")
_ITEM = struct.Struct(f">I{WRAPPED_BYTES}s")
_INDEX = struct.Struct(f">I{WRAPPED_BYTES}x")


def wrapping_key(epoch_key: bytes, segment_id: bytes) -> bytes:
    """Return the 32-byte key that wraps the record keys of one segment."""
    return HKDF(
        algorithm=hashes.SHA256(), length=32, salt=None, info=b"seg-wrap/v1" + segment_id
    ).derive(epoch_key)


def build_keys(
    segment_id: bytes, wrapping: bytes, record_keys: Sequence[tuple[bytes, bytes]]
) -> bytes:
    """Return generation 0 of a `.keys` object for `(record id, record key)` in frame order."""
    cipher = AESGCM(wrapping)
    items = [
        _ITEM.pack(index, cipher.encrypt(index.to_bytes(12, "big"), key, record_id))
        for index, (record_id, key) in enumerate(record_keys)
    ]
    return _built(segment_id, 0, items)


def next_generation(
    data: bytes, segment_id: bytes, without: Collection[int], *, generation: int
) -> bytes | None:
    """Return a later generation of `data`, with the keys of all frames but those `without`.

    What is kept is kept as it is, at its index. None where nothing is left.

    Raises:
        IntegrityError: `data` is not a sound `.keys` object of this segment.
    """
    items = [
        _ITEM.pack(index, wrapped)
        for index, wrapped in parse_keys(data, segment_id).items()
        if index not in without
    ]
    return _built(segment_id, generation, items) if items else None


def parse_generation(data: bytes) -> int:
    """Return which generation a `.keys` object is; whether it is sound is for `parse_keys`."""
    return int(_HEADER.unpack_from(data)[2])


def _built(segment_id: bytes, generation: int, items: Sequence[bytes]) -> bytes:
    body = _HEADER.pack(MAGIC, segment_id, generation, len(items)) + b"".join(items)
    return body + hashlib.sha256(body).digest()


def parse_keys(data: bytes, segment_id: bytes) -> dict[int, bytes]:
    """Return the wrapped keys of a `.keys` object by frame index.

    Raises:
        IntegrityError: any byte is not as it was written, or it belongs to another segment.
    """
    return dict(_ITEM.iter_unpack(_items(data, segment_id)))


def parse_indexes(data: bytes, segment_id: bytes) -> list[int]:
    """Return the frame indexes of a `.keys` object, checked as `parse_keys` does."""
    return [index for (index,) in _INDEX.iter_unpack(_items(data, segment_id))]


def item_range(number: int) -> tuple[int, int]:
    """Return offset and length of the item of frame `number` in an object of generation 0."""
    return _HEADER.size + number * _ITEM.size, _ITEM.size


def parse_item(item: bytes, number: int) -> bytes | None:
    """Return the wrapped key in the bytes at `item_range`, None where another item stands there.

    So it is in a later generation: then the object is read whole. The key needs no other check, for
    it unwraps for no other record, index or epoch (`unwrap_key`).
    """
    if len(item) != _ITEM.size:
        return None
    found, wrapped = _ITEM.unpack(item)
    return bytes(wrapped) if found == number else None


def _items(data: bytes, segment_id: bytes) -> bytes:
    if len(data) < _HEADER.size + 32 or hashlib.sha256(data[:-32]).digest() != data[-32:]:
        raise IntegrityError("keys: the bytes do not have the SHA-256 written at their end")
    magic, found, _, count = _HEADER.unpack_from(data)
    if magic != MAGIC or found != segment_id:
        raise IntegrityError("keys: not a key object, or another segment's")
    items = data[_HEADER.size : -32]
    if len(items) != count * _ITEM.size:
        raise IntegrityError(f"keys: {count} keys do not fill {len(items)} bytes")
    return items


def unwrap_key(wrapping: bytes, index: int, record_id: bytes, wrapped: bytes) -> bytes:
    """Return the record key of frame `index`.

    Raises:
        IntegrityError: it was not wrapped for this record at this index under this epoch.
    """
    try:
        return AESGCM(wrapping).decrypt(index.to_bytes(12, "big"), wrapped, record_id)
    except InvalidTag as error:
        raise IntegrityError(
            f"keys: the key of frame {index} does not unwrap; the key object, the epoch key or "
            "the segment is not the one it was written with"
        ) from error
