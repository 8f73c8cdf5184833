"""Legal holds on stored objects, kept to match the holds in the database.

The database decides what is held and blocks disposal at once; the object holds make the store
refuse as well, whoever asks. A segment with a held record is held whole, with all that is needed to
read it: its `.seg` and `.keys`, the epoch key of its lane, and the record's blobs.

Each object is changed first and noted afterwards, so a crash in between is repaired by doing it
again. `mirror` is idempotent and runs after every change of a hold and in a background loop.
"""

import asyncio
from collections.abc import Awaitable, Collection, Sequence

from archiver.db import archive as archive_rows
from archiver.db import segments as segment_rows
from archiver.db.segments import BlobRow, SegmentRow
from archiver.db.transaction import Database
from archiver.errors import ArchiverError
from archiver.preserve.object_keys import epoch_object
from archiver.preserve.store.threads import AsyncStore

_CHUNK = 200  # segments noted together; what a crash or a failing store makes to be done again

Lane = tuple[str, str]


class ObjectHolds:
    """Sets and lifts object holds. Calls in one process take turns."""

    def __init__(self, *, database: Database, store: AsyncStore) -> None:
        self._database = database
        self._store = store
        self._turn = asyncio.Lock()

    async def mirror(self) -> None:
        """Make every object's hold match the holds in force.

        Raises:
            StorageUnavailable, NotFound: some objects could not be changed; all others were.
        """
        async with self._turn:
            while await self._pass():
                pass  # a hold placed meanwhile is seen by another look

    async def pending(self) -> int:
        """Return how many segments and blobs have a hold that does not match yet."""
        async with self._database.reading() as tx:
            segments = await segment_rows.hold_drift(tx)
            return len(segments) + len(await segment_rows.blob_hold_drift(tx))

    async def _pass(self) -> bool:
        async with self._database.reading() as tx:
            archive_id = (await archive_rows.get(tx)).id
            segments = await segment_rows.hold_drift(tx)
            blobs = await segment_rows.blob_hold_drift(tx)
            held = await segment_rows.held_lanes(tx)
        if not segments and not blobs:
            return False
        failures: list[ArchiverError] = []
        for on in (True, False):
            rows = [row for row, wanted in segments if wanted is on]
            lanes = {_lane(row) for row in rows}
            if not on:
                lanes -= held
            closed = await self._epochs(archive_id, lanes, on=on)
            # Noted as done only with its epoch: nothing else would bring us back to that.
            ready = [row for row in rows if _lane(row) not in closed]
            failures += closed.values()
            failures += await self._segments(ready, on=on)
            failures += await self._blobs([row for row, wanted in blobs if wanted is on], on=on)
            if not on:
                failures += await self._restore(archive_id, lanes)
        if failures:
            raise failures[0]
        return True

    async def _restore(self, archive_id: str, lifted: set[Lane]) -> list[ArchiverError]:
        """Hold the lifted epochs again that a hold of another process has come to need."""
        if not lifted:
            return []
        async with self._database.reading() as tx:
            held = await segment_rows.held_lanes(tx)
        return list((await self._epochs(archive_id, lifted & held, on=True)).values())

    async def _epochs(
        self, archive_id: str, lanes: Collection[Lane], *, on: bool
    ) -> dict[Lane, ArchiverError]:
        """Set or lift the holds of epoch keys; return the lanes where that failed, and why."""
        ordered = sorted(lanes)
        answers = await _together(
            [self._epoch(epoch_object(archive_id, *lane), on=on) for lane in ordered]
        )
        return {lane: no for lane, no in zip(ordered, answers, strict=True) if no is not None}

    async def _epoch(self, key: str, *, on: bool) -> None:
        version_id = (await self._store.head(key)).version_id
        await self._store.set_legal_hold(key, version_id=version_id, on=on)

    async def _segments(self, rows: Sequence[SegmentRow], *, on: bool) -> list[ArchiverError]:
        failures: list[ArchiverError] = []
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            answers = await _together([self._segment(row, on=on) for row in chunk])
            done = [row.id for row, no in zip(chunk, answers, strict=True) if no is None]
            async with self._database.transaction() as tx:
                await segment_rows.set_legal_hold(tx, done, on=on)
            failures += _failures(answers)
        return failures

    async def _segment(self, row: SegmentRow, *, on: bool) -> None:
        for key, version_id in (
            (row.object_key, row.version_id),
            (row.keys_object_key, row.keys_version_id),
        ):
            await self._store.set_legal_hold(key, version_id=version_id, on=on)

    async def _blobs(self, rows: Sequence[BlobRow], *, on: bool) -> list[ArchiverError]:
        failures: list[ArchiverError] = []
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            answers = await _together(
                [
                    self._store.set_legal_hold(row.object_key, version_id=row.version_id, on=on)
                    for row in chunk
                ]
            )
            done = [row.object_key for row, no in zip(chunk, answers, strict=True) if no is None]
            async with self._database.transaction() as tx:
                await segment_rows.set_blob_hold(tx, done, on=on)
            failures += _failures(answers)
        return failures


def _lane(row: SegmentRow) -> Lane:
    return row.class_code, row.period


async def _together(calls: Sequence[Awaitable[None]]) -> list[ArchiverError | None]:
    """Run store calls side by side (the store's threads bound them); return their refusals."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refusals: list[ArchiverError | None] = []
    for answer in answers:
        if answer is not None and not isinstance(answer, ArchiverError):
            raise answer
        refusals.append(answer)
    return refusals


def _failures(answers: Sequence[ArchiverError | None]) -> list[ArchiverError]:
    return [answer for answer in answers if answer is not None]
