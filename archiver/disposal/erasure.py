"""Taking records out of the store: whole segments, or only the keys of those that go.

`.keys` goes first, then `.seg`, then blobs: without its key nothing of a record can be read. Where
others share the segment, a later generation of `.keys` without the destroyed ones takes its place.
Every step may be done again.
"""

import asyncio
from functools import partial

from archiver.clock import Clock
from archiver.db import disposed as disposed_rows
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Connection, Database
from archiver.disposal.doomed import Doomed
from archiver.disposal.key_generations import put_generation
from archiver.disposal.removal import Removal
from archiver.errors import DatabaseUnavailable, NotFound
from archiver.ids import ulid_bytes
from archiver.preserve.object_keys import generation_of
from archiver.preserve.segments.keys import parse_keys


class Erasure:
    """Removes the objects of records that were claimed, and tells what stands against it."""

    def __init__(self, *, database: Database, removal: Removal, clock: Clock) -> None:
        self._database = database
        self._removal = removal
        self._clock = clock

    async def obstacle(self, doomed: Doomed) -> str:
        """Return what keeps an object of theirs, "" for nothing. Raises StorageUnavailable."""
        return await asyncio.to_thread(self._obstacle, doomed)

    async def readable(self, doomed: Doomed) -> set[int]:
        """Return which of them can still be read, by log index: those can still be kept."""
        return await asyncio.to_thread(self._readable, doomed)

    async def remove(self, doomed: Doomed) -> None:
        """Remove what is stored of them.

        Raises:
            Conflict: a version is locked or held; what went before it is gone.
            IntegrityError: something stored is not what was promised.
            OperatorError: a store or the database did not answer, or another process is at it.
        """
        if doomed.whole:
            await asyncio.to_thread(self._remove_whole, doomed)
        else:
            await self._remove_shared(doomed)
        for key in doomed.blobs:
            await asyncio.to_thread(self._removal.remove, key)

    def _remove_whole(self, doomed: Doomed) -> None:
        if doomed.segment is None:
            return
        for key in self._removal.generations(doomed.segment.keys_object_key):
            self._removal.remove(key)  # first: without its key nothing can be read
        self._removal.remove(doomed.segment.object_key)

    async def _remove_shared(self, doomed: Doomed) -> None:
        """Let a generation without their keys take the place of the present one.

        It is stored and named by the row before the old one goes, so at every moment those who
        stay have their keys.
        """
        segment = doomed.segment
        if segment is None:
            return
        made = await asyncio.to_thread(
            put_generation, self._removal, segment, doomed.frames, self._clock()
        )
        if made is not None:
            await self._database.run(partial(_point, segment=segment, made=made), writes=True)
            segment = made
        own = generation_of(segment.keys_object_key) or 0
        for key in await asyncio.to_thread(self._removal.generations, segment.keys_object_key):
            if (generation_of(key) or 0) < own:  # a later one may be another process's, and named
                await asyncio.to_thread(self._removal.let_go, key)
                await asyncio.to_thread(self._removal.remove, key)

    def _readable(self, doomed: Doomed) -> set[int]:
        """Return which of them can still be read: those can still be kept."""
        segment = doomed.segment
        if segment is None:
            return set()
        try:
            data = self._removal.store.get(
                segment.keys_object_key, version_id=segment.keys_version_id
            )
        except NotFound:
            return set()
        frames = doomed.frames & parse_keys(data, ulid_bytes(segment.id)).keys()
        return {segment.first_index + frame for frame in frames}

    def _obstacle(self, doomed: Doomed) -> str:
        """Return what keeps an object of theirs, "" for nothing."""
        segment = doomed.segment
        if segment is None:
            return ""
        objects = [
            *self._removal.generations(segment.keys_object_key),
            *([segment.object_key] if doomed.whole else []),
            *doomed.blobs,
        ]
        for key in objects:
            # What is held in a shared segment is held on: in the generation that comes after.
            is_shared = not doomed.whole and generation_of(key) is not None
            found = self._removal.obstacle(key, may_be_held=is_shared)
            if found:
                return found
        return ""


def _point(connection: Connection, segment: SegmentRow, made: SegmentRow) -> None:
    if not disposed_rows.point_to_keys(
        connection,
        segment.id,
        was=segment.keys_object_key,
        key=made.keys_object_key,
        version_id=made.keys_version_id,
        sha256=made.keys_sha256,
    ):
        raise DatabaseUnavailable(
            f"{segment.object_key}: another process has made a generation of its keys meanwhile; "
            "this one is not used. It is gone on with by itself"
        )
