"""A later generation of a segment's keys: those of the records that stay, and no others.

What shares a segment with something held, or with another class's end, cannot die with its bytes.
Its key dies instead: the survivors' keys are put apart, the row names them, and the old object is
removed. The ciphertext that stays is then noise (NIST SP 800-88, cryptographic erase).
"""

from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from archiver.db.segments import SegmentRow
from archiver.disposal.removal import Removal
from archiver.errors import IntegrityError
from archiver.ids import ulid_bytes
from archiver.preserve.object_keys import first_keys_of, generation_of, keys_generation
from archiver.preserve.segments.keys import next_generation, parse_keys


def put_generation(
    removal: Removal, segment: SegmentRow, frames: frozenset[int], now: datetime
) -> SegmentRow | None:
    """Store the keys of all frames but these; return the row that names them, None: they are so.

    The new object is locked and held as the present one still is. Blocks.

    Raises:
        IntegrityError: the present keys are not those that were stored, or nobody would be left.
        StorageUnavailable: a store did not answer.
    """
    store, segment_id = removal.store, ulid_bytes(segment.id)
    data = store.get(segment.keys_object_key, version_id=segment.keys_version_id)
    if sha256(data).digest() != segment.keys_sha256:
        raise IntegrityError(
            f"{segment.keys_object_key}: the keys are not those that were stored; nothing was "
            "destroyed. Repair the object with `muniment verify --full --repair`",
            object_key=segment.keys_object_key,
        )
    if frames.isdisjoint(parse_keys(data, segment_id)):
        return None
    first = first_keys_of(segment.keys_object_key)
    # Behind all that are there: a crash may have left one that no row names.
    number = max(generation_of(key) or 0 for key in removal.generations(first)) + 1
    body = next_generation(data, segment_id, frames, generation=number)
    if body is None:
        raise IntegrityError(
            f"{segment.object_key}: the database says that records of it stay, and none of them "
            "has a key; nothing was destroyed. Run `muniment verify --full`",
            object_key=segment.object_key,
        )
    found = store.head(segment.keys_object_key, version_id=segment.keys_version_id)
    stored = removal.put(
        keys_generation(first, number),
        body,
        lock=found.lock if found.lock and found.lock.until > now else None,
        legal_hold=found.legal_hold,
    )
    return replace(
        segment,
        keys_object_key=stored.key,
        keys_version_id=stored.version_id,
        keys_sha256=sha256(body).digest(),
    )
