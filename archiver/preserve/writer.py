"""The write path: sealed records become durable, then sequenced, then acknowledged.

1. *Durable*: a lane's records are packed into a segment; `.keys` and `.seg` are put side by side.
   From here the posts survive anything: what no transaction names is adopted at the next start.
2. *Sequenced*: `sequencer.py` assigns log indexes and inserts the rows in one transaction.
3. *Acknowledged*: only after that commit do callers get ids, indexes and receipts.

Each step gathers while the one before it is in flight, so one fsync and one commit serve all who
wait (group commit, 5 to 19 times one fsync per post: performance-and-faults 2.4).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Self

import msgspec

from archiver.clock import Clock, to_millis
from archiver.db.segments import SegmentRow
from archiver.errors import (
    ArchiverError,
    IntegrityError,
    Overloaded,
    Stopping,
    StorageUnavailable,
)
from archiver.ids import Ulids, ulid_bytes
from archiver.model.lock import LockMode
from archiver.preserve.epochs import Epochs
from archiver.preserve.lanes import Lane, lock_for
from archiver.preserve.object_keys import keys_object, segment_object
from archiver.preserve.sealing import Sealed
from archiver.preserve.segments.keys import build_keys, wrapping_key
from archiver.preserve.segments.segment import Footer, build_segment, seal_of
from archiver.preserve.sequencer import DurableSegment, Sequencer, Written
from archiver.preserve.store import StoredObject
from archiver.preserve.store.threads import AsyncStore

DRAIN_S = 8.0
"""How long a stopping writer waits for what is in flight; the rest is adopted at next start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterLimits:
    """Bounds of the write path. Outstanding: taken and not yet committed."""

    lane_records: int = 256
    lane_bytes: int = 4 * 1024 * 1024
    outstanding_records: int = 4096
    outstanding_bytes: int = 64 * 1024 * 1024
    segments_in_flight: int = 4
    lock_limit: timedelta = timedelta(days=366 * 30)


@dataclass(slots=True)
class _LaneQueue:
    """Records waiting for the next segment of one lane."""

    waiting: list[tuple[Sealed, "asyncio.Future[Written]"]] = field(default_factory=list)
    in_flight: int = 0

    def take(self, limits: WriterLimits) -> list[tuple[Sealed, "asyncio.Future[Written]"]]:
        size = count = 0
        for record, _ in self.waiting[: limits.lane_records]:
            size += len(record.frame)
            if count and size > limits.lane_bytes:
                break
            count += 1
        batch, self.waiting = self.waiting[:count], self.waiting[count:]
        return batch


class Writer:
    """Makes sealed records durable and sequenced. One per process; open with `async with`.

    `clock` may refuse to tell the time (`ClockGuard.now`): then nothing is taken. It is asked once
    per request and once per segment. `require_room` may refuse posts (`DiskReserve`); events are
    written nevertheless.
    """

    def __init__(
        self,
        *,
        archive_id: str,
        software: str,
        epochs: Epochs,
        store: AsyncStore,
        sequencer: Sequencer,
        clock: Clock,
        ulids: Ulids,
        limits: WriterLimits,
        require_room: Callable[[], None] = lambda: None,
    ) -> None:
        self._archive_id = archive_id
        self._software = software
        self._epochs = epochs
        self._store = store
        self._sequencer = sequencer
        self._clock = clock
        self._ulids = ulids
        self._limits = limits
        self._require_room = require_room
        self._lanes: dict[Lane, _LaneQueue] = {}
        self._in_flight = asyncio.Semaphore(limits.segments_in_flight)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sequencing: asyncio.Task[None] | None = None
        self._records = 0
        self._bytes = 0
        self._stopped = ""

    async def __aenter__(self) -> Self:
        """Start sequencing."""
        self._sequencing = asyncio.create_task(self._sequencer.run(), name="sequencer")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take no more, and finish what is in flight for at most `DRAIN_S`."""
        self._stopped = self._stopped or "the server is shutting down"
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_S)
        leftover = [*self._tasks, *([self._sequencing] if self._sequencing else [])]
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)

    @property
    def stopped(self) -> str:
        """Why no posts are taken any more, in words; empty while they are."""
        try:
            self._require_taking()
        except (Stopping, StorageUnavailable) as reason:
            return str(reason)
        return ""

    def stop(self, why: str) -> None:
        """Take no more posts for good: a receipt would promise what is promised to others.

        Events are still kept; an act that leaves no trace is worse.
        """
        self._stopped = self._stopped or why

    def check_room(self, records: int = 1, *, waiting: int = 0) -> None:
        """Refuse new work while the bounded queue is full or the write path has stopped.

        `waiting` are records taken by the caller and not yet given to `write`. A request larger
        than the bound is taken when nothing else is outstanding.

        Raises:
            Overloaded: full; nothing was stored.
            StorageUnavailable: the disk has no room for posts.
            Stopping: shutting down, or stopped by a fatal write error or a clock in doubt.
        """
        self._require_taking()
        before = self._records + waiting
        full = before + records > self._limits.outstanding_records and before > 0
        if full or self._bytes > self._limits.outstanding_bytes:
            raise Overloaded(
                f"{before} records of at most {self._limits.outstanding_records} wait to be "
                "written; nothing of this request was stored: send it again after a second"
            )

    def _require_taking(self) -> None:
        why = self._stopped
        if self._sequencer.failure is not None:
            why = f"sequencing failed ({self._sequencer.failure})"
        if why:
            raise Stopping(f"not taking posts: {why}; send it again after the restart")
        self._clock()  # in doubt it refuses, before blobs are stored and not only their segment
        self._require_room()

    def write(self, records: Sequence[Sealed]) -> list["asyncio.Future[Written]"]:
        """Write live records, gathered per lane with whatever else is waiting.

        Each future gets its answer after the commit, however long that takes, or StorageUnavailable
        if the segment could not be stored. Callers bound their own patience; a record whose caller
        gave up is still committed.
        """
        loop = asyncio.get_running_loop()
        futures = []
        for record in records:
            future: asyncio.Future[Written] = loop.create_future()
            future.add_done_callback(_retrieved)
            self._lanes.setdefault(record.lane, _LaneQueue()).waiting.append((record, future))
            futures.append(future)
        self._count(records, 1)
        for lane in {record.lane for record in records}:
            self._pump(lane)
        return futures

    async def write_segment(self, lane: Lane, records: Sequence[Sealed]) -> list[Written]:
        """Write one segment of ready-gathered records and wait for its commit (imports).

        Raises:
            StorageUnavailable: not stored.
            Stopping: the write path has stopped.
        """
        # Not counted as outstanding: an import bounds itself, and must neither be refused because
        # of live posts nor get live posts refused.
        self._require_taking()
        return await (await self._make_durable(lane, records, receipts=False)).done

    def _count(self, records: Sequence[Sealed], sign: int) -> None:
        self._records += sign * len(records)
        self._bytes += sign * sum(len(record.frame) for record in records)

    def _pump(self, lane: Lane) -> None:
        queue = self._lanes[lane]
        # With one write in flight the next batch gathers; a full batch need not wait for it.
        while queue.waiting and (
            queue.in_flight == 0 or len(queue.waiting) >= self._limits.lane_records
        ):
            queue.in_flight += 1
            task = asyncio.create_task(self._flush(lane, queue.take(self._limits)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _flush(
        self, lane: Lane, batch: list[tuple[Sealed, "asyncio.Future[Written]"]]
    ) -> None:
        records = [record for record, _ in batch]
        try:
            try:
                # Who did something is promised nothing: the receipts of a batch cost a signature.
                promised = any(record.event is None for record in records)
                segment = await self._make_durable(lane, records, receipts=promised)
            finally:
                self._release(lane)  # the next batch's write runs beside this one's commit
            answers = await segment.done
        except ArchiverError as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        finally:
            self._count(records, -1)

    def _release(self, lane: Lane) -> None:
        queue = self._lanes.get(lane)
        if queue is not None and queue.in_flight:
            queue.in_flight -= 1
            self._pump(lane)
            if not queue.waiting and not queue.in_flight:
                del self._lanes[lane]

    async def _make_durable(
        self, lane: Lane, records: Sequence[Sealed], *, receipts: bool
    ) -> DurableSegment:
        now = self._clock()
        lock = lock_for(lane, now, self._limits.lock_limit)
        mode, until = (lock.mode, to_millis(lock.until)) if lock else (LockMode.NONE, 0)
        segment_id = self._ulids.one(now)
        footer = Footer(
            v=1,
            segment=segment_id,
            archive=self._archive_id,
            class_code=lane.class_code,
            period=lane.period,
            created_at=to_millis(now),
            writer=self._software,
            lock_mode=mode.value,
            lock_until=until,
            entries=[msgspec.Raw(record.entry) for record in records],
        )
        data, places = build_segment(footer, [record.frame for record in records])
        async with self._in_flight:
            wanted = (lane.class_code, lane.period, lock)
            epoch = self._epochs.at_hand(*wanted)
            if epoch is None:
                epoch = await asyncio.to_thread(self._epochs.for_writing, *wanted)
            keys = build_keys(
                ulid_bytes(segment_id),
                wrapping_key(epoch, ulid_bytes(segment_id)),
                [(ulid_bytes(record.record_id), record.key) for record in records],
            )
            names = (self._archive_id, lane.class_code, lane.period, segment_id)
            try:
                stored_keys, stored = await asyncio.gather(
                    self._store.put(keys_object(*names), keys, lock=lock),
                    self._store.put(segment_object(*names), data, lock=lock),
                )
            except IntegrityError as error:
                # A fresh name held other bytes: store or randomness cannot be trusted any more.
                self._stopped = str(error)
                raise
        row = segment_row(footer, stored, data, stored_keys, keys)
        done: asyncio.Future[list[Written]] = asyncio.get_running_loop().create_future()
        segment = DurableSegment(row, records, places, receipts, done)
        self._sequencer.submit(segment)
        return segment


def segment_row(
    footer: Footer, stored: StoredObject, data: bytes, stored_keys: StoredObject, keys: bytes
) -> SegmentRow:
    """Return the database row of a stored segment, not yet placed in the log."""
    return SegmentRow(
        id=footer.segment,
        class_code=footer.class_code,
        period=footer.period,
        first_index=-1,
        records=len(footer.entries),
        object_key=stored.key,
        version_id=stored.version_id,
        size=len(data),
        seal=seal_of(data),
        keys_object_key=stored_keys.key,
        keys_version_id=stored_keys.version_id,
        keys_sha256=sha256(keys).digest(),
        lock_mode=footer.lock_mode,
        lock_until=footer.lock_until,
        legal_hold=False,
        created_at=footer.created_at,
    )


def _retrieved(future: "asyncio.Future[Written]") -> None:
    # A caller that gave up must not turn a late failure into an unhandled-exception warning.
    if not future.cancelled():
        future.exception()
