"""Large parts: encrypted apart from the frame and stored before the manifest that names them.

A crash in between leaves a locked blob that nothing refers to; it expires under its own lock.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import timedelta

from archiver.clock import Clock
from archiver.ids import Randomness, Ulids, ulid_bytes
from archiver.model.post import Arrival, Part
from archiver.preserve.lanes import Lane, lock_for
from archiver.preserve.ledger.note import encode_base64
from archiver.preserve.object_keys import blob_object
from archiver.preserve.segments.manifest import Blob
from archiver.preserve.segments.media import media_context, seal_media
from archiver.preserve.store.threads import AsyncStore


class BlobWriter:
    """Stores the parts that are too large to stand in a frame."""

    def __init__(
        self,
        *,
        archive_id: str,
        store: AsyncStore,
        clock: Clock,
        ulids: Ulids,
        randomness: Randomness,
        inline_limit: int,
        lock_limit: timedelta,
    ) -> None:
        self._archive_id = archive_id
        self._store = store
        self._clock = clock
        self._ulids = ulids
        self._randomness = randomness
        self._inline_limit = inline_limit
        self._lock_limit = lock_limit

    def large_parts(self, arrival: Arrival) -> list[tuple[int, Part]]:
        """Return the parts over the inline limit, with their numbers."""
        return [
            (number, part)
            for number, part in enumerate(arrival.parts)
            if len(part.content) > self._inline_limit
        ]

    async def put(
        self, parts: Sequence[tuple[int, Part]], record_id: str, lane: Lane
    ) -> list[tuple[int, Blob]]:
        """Store parts of one record under the lane's lock, and say where they are.

        Raises:
            StorageUnavailable: not stored, or not known to be.
        """
        blobs = await asyncio.gather(
            *(self._put(number, part, record_id, lane) for number, part in parts)
        )
        return list(zip((number for number, _ in parts), blobs, strict=True))

    async def _put(self, number: int, part: Part, record_id: str, lane: Lane) -> Blob:
        now = self._clock()
        key = self._randomness(32)
        context = media_context(ulid_bytes(self._archive_id), ulid_bytes(record_id), number)
        body = await asyncio.to_thread(seal_media, key, context, part.content)
        name = blob_object(self._archive_id, lane.class_code, lane.period, self._ulids.one(now))
        stored = await self._store.put(name, body, lock=lock_for(lane, now, self._lock_limit))
        return Blob(
            key=name,
            version_id=stored.version_id,
            dek=encode_base64(key),
            sha256=hashlib.sha256(body).hexdigest(),
            len=len(body),
        )
