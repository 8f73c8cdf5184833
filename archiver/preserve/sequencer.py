"""Sequencing: durable segments get their log indexes in one transaction and are acknowledged.

Nothing is rolled back. A segment whose commit failed stays in the queue until the database is back,
so that a sender's retry finds its post already there; one that outlives the process is adopted at
the next start. Commits serve every segment that waits (group commit).
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from archiver.clock import Clock, to_millis
from archiver.db import events as event_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Connection, Database, Row
from archiver.errors import ArchiverError, Conflict, DatabaseUnavailable
from archiver.preserve.ledger.merkle import leaf_hash
from archiver.preserve.ledger.note import Signer
from archiver.preserve.ledger.receipt import Receipt, make_receipts
from archiver.preserve.sealing import FACT_CONTENT_KEY, FACT_IDEMPOTENCY_KEY, Sealed

_RETRY_S = (0.05, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The answer for one record: what it is called, where it stands, and the promise.

    `duplicate_of` names the record that answers for it, where two servers stored the same post.
    """

    record_id: str
    log_index: int
    receipt: Receipt | None
    duplicate_of: str | None = None


class UnplacedSegment(Protocol):
    """A stored segment whose rows are to be inserted. `places`: offset and length of each frame.

    `frames` are the numbers of its records' frames: all, but for those that were destroyed.
    `duplicates` gets the id of the record that answers for another one, by number; `keys_taken` the
    records whose idempotency key stands for another record's other bytes already.
    """

    row: SegmentRow
    duplicates: dict[int, str]
    keys_taken: set[int]

    @property
    def records(self) -> Sequence[Sealed]:
        """Its records, in frame order."""

    @property
    def places(self) -> Sequence[tuple[int, int]]:
        """Where each frame stands."""

    @property
    def frames(self) -> Sequence[int]:
        """Which frame each record is."""


@dataclass(slots=True)
class DurableSegment:
    """A segment that is in the store and waits for its commit; see `UnplacedSegment`."""

    row: SegmentRow
    records: Sequence[Sealed]
    places: Sequence[tuple[int, int]]
    receipts: bool
    done: "asyncio.Future[list[Written]]"
    duplicates: dict[int, str] = field(default_factory=dict)
    keys_taken: set[int] = field(default_factory=set)

    @property
    def frames(self) -> Sequence[int]:
        """All of them."""
        return range(len(self.records))


Listener = Callable[[int, Sequence[Sealed]], None]
"""Called after a commit with the first log index and the records, in log order."""


class Sequencer:
    """Commits durable segments. One per process; the writer owns it."""

    def __init__(self, *, database: Database, signer: Signer, clock: Clock) -> None:
        self._database = database
        self._signer = signer
        self._clock = clock
        self._queue: asyncio.Queue[DurableSegment] = asyncio.Queue()
        self._listeners: list[Listener] = []
        self.failure: ArchiverError | None = None

    def listen(self, listener: Listener) -> None:
        """Call `listener` after each commit."""
        self._listeners.append(listener)

    def submit(self, segment: DurableSegment) -> None:
        """Queue a segment; its `done` future gets the answers after the commit."""
        self._queue.put_nowait(segment)

    async def run(self) -> None:
        """Commit what is queued, for ever. Cancel it to stop; what is left is adopted later."""
        while True:
            batch = [await self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._commit(batch)

    async def adopt(self, segment: DurableSegment) -> None:
        """Sequence a segment found in the store that no transaction names (recovery).

        Raises:
            DatabaseUnavailable: not sequenced, or not known to be.
        """
        await self._sequence([segment])

    async def _commit(self, batch: list[DurableSegment]) -> None:
        attempt = 0
        while batch:
            try:
                await self._sequence(batch)
            except DatabaseUnavailable:
                await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
                attempt += 1
                batch = await self._unacknowledged(batch)
            except ArchiverError as error:
                # A rule of the schema was broken in a way retrying cannot mend: take no more posts.
                self.failure = error
                for segment in batch:
                    segment.done.set_exception(error)
                return
            else:
                return

    async def _unacknowledged(self, batch: list[DurableSegment]) -> list[DurableSegment]:
        """After a commit of unknown outcome: acknowledge what was committed, return the rest."""
        try:
            async with self._database.reading() as tx:
                known = await segment_rows.known(tx, [segment.row.id for segment in batch])
        except DatabaseUnavailable:
            return batch
        for segment in batch:
            if segment.row.id in known:
                self._acknowledge(segment, known[segment.row.id])
        return [segment for segment in batch if segment.row.id not in known]

    async def _sequence(self, batch: list[DurableSegment]) -> None:
        settle = False
        while batch:
            try:
                await self._transact(batch, settle=settle)
            except Conflict:
                # Another process committed some of the same posts between the probe and this
                # commit, or a commit whose answer was lost had succeeded.
                left = await self._unacknowledged(batch)
                if settle and len(left) == len(batch):
                    raise
                batch, settle = left, True
            else:
                return

    async def _transact(self, batch: list[DurableSegment], *, settle: bool) -> None:
        starts = await self._database.run(partial(_insert, batch, settle=settle), writes=True)
        for segment, start in zip(batch, starts, strict=True):
            self._acknowledge(segment, start)

    def _acknowledge(self, segment: DurableSegment, first: int) -> None:
        for listener in self._listeners:
            listener(first, segment.records)
        receipts: Sequence[Receipt | None] = [None] * len(segment.records)
        if segment.receipts:
            leaves = [leaf_hash(record.entry) for record in segment.records]
            now = to_millis(self._clock())
            receipts = make_receipts(self._signer, self._signer.name, first, leaves, now)
        if not segment.done.done():
            segment.done.set_result(
                [
                    Written(
                        record_id=record.record_id,
                        log_index=first + number,
                        receipt=receipt,
                        duplicate_of=segment.duplicates.get(number),
                    )
                    for number, (record, receipt) in enumerate(
                        zip(segment.records, receipts, strict=True)
                    )
                ]
            )


def _insert(batch: Sequence[DurableSegment], connection: Connection, *, settle: bool) -> list[int]:
    """Assign log indexes and insert every row of a batch; return where each segment starts."""
    records = [record for segment in batch for record in segment.records]
    first = ledger_rows.reserve(connection, len(records))
    starts = _starts(first, batch)
    # The reserved row keeps other processes from adding more keys meanwhile.
    insert_placed(connection, list(zip(batch, starts, strict=True)), settle=settle)
    ledger_rows.append(connection, first, [record.entry for record in records])
    for record in records:
        if record.effect is not None and record.effect.apply(connection):
            entries = record.effect.entries
            ledger_rows.append(connection, ledger_rows.reserve(connection, len(entries)), entries)
    return starts


def insert_placed(
    connection: Connection,
    placed: Sequence[tuple[UnplacedSegment, int]],
    *,
    settle: bool,
    known: Collection[str] = (),
) -> None:
    """Insert all rows of segments whose first log index is given, but for their log entries.

    With `settle`, records whose keys are stored already become duplicates; without it they raise
    the database's conflict. `known` segments have a row of their own already.
    """
    if settle:
        _settle_keys(connection, [segment for segment, _ in placed])
    records = [record for segment, _ in placed for record in segment.records]
    segment_rows.insert(
        connection,
        [
            replace(segment.row, first_index=start)
            for segment, start in placed
            if segment.row.id not in known
        ],
    )
    record_rows.insert(
        connection, [row for segment, start in placed for row in _rows(segment, start)]
    )
    segment_rows.insert_blobs(connection, [row for record in records for row in _blob_rows(record)])
    event_rows.insert(connection, [record.event for record in records if record.event])


def _starts(first: int, batch: Sequence[DurableSegment]) -> list[int]:
    starts = []
    for segment in batch:
        starts.append(first)
        first += len(segment.records)
    return starts


def _settle_keys(connection: Connection, batch: Sequence[UnplacedSegment]) -> None:
    """Note which records another one answers for, and which must go without the sender's key."""
    records = [record for segment in batch for record in segment.records]
    by_content, by_sent = record_rows.find_stored(
        connection,
        [key for record in records if (key := record.content_key)],
        [key for record in records if (key := record.idempotency_key)],
    )
    first = {
        key: (known.record_id, known.raw_sha256) for key, known in (by_content | by_sent).items()
    }
    for segment in batch:
        for number, record in enumerate(segment.records):
            for key in (record.content_key, record.idempotency_key):
                if key is None:
                    continue
                answers, raw = first.setdefault(key, (record.record_id, record.raw_sha256))
                if answers == record.record_id:
                    continue
                if raw == record.raw_sha256:
                    segment.duplicates[number] = answers
                else:  # other bytes are another post: it is kept as a record of its own
                    segment.keys_taken.add(number)


def _rows(segment: UnplacedSegment, first: int) -> list[Row]:
    rows: list[Row] = []
    for number, record in enumerate(segment.records):
        duplicate_of = segment.duplicates.get(number)
        facts = list(record.facts)
        if duplicate_of is not None:  # stored and logged, but the first one answers for it
            facts[FACT_CONTENT_KEY] = None
        if duplicate_of is not None or number in segment.keys_taken:
            facts[FACT_IDEMPOTENCY_KEY] = None
        frame = segment.frames[number]
        place = (
            first + frame,
            segment.row.id,
            frame,
            *segment.places[frame],
            duplicate_of,
        )
        rows.append((*place, *facts))
    return rows


def _blob_rows(record: Sealed) -> list[Row]:
    return [
        (blob.key, blob.version_id, record.record_id, blob.len, bytes.fromhex(blob.sha256), False)
        for blob in record.blobs
    ]
