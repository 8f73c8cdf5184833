"""Carrying out what the gate let go: in order, as often as it takes, never by force.

For each segment of a batch, after its `dis` entries are under a published checkpoint:

1. look whether a store keeps an object (lock, hold): then its records are kept, an event says so;
2. *claim*: in turn with all sequencing, look once more for holds and the emergency stop, and write
   down what will remain. From here the records count as destroyed, and nobody is shown them;
3. remove `.keys`, then `.seg`, then blobs, from the second copy and the first store; where others
   share the segment, a later generation of `.keys` without the destroyed ones takes its place;
4. remove the rows, then the documents of the search index; note the members as disposed.

Every step may be done again, so a process killed anywhere is resumed by the next (`resume`). Only
one process carries out at a time. When a batch is through, epoch keys of empty lanes are removed,
files of database and index are freed of what they still held, and an event ends it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.db import disposal as rows
from archiver.db import disposed as disposed_rows
from archiver.db.lease import try_alone
from archiver.db.transaction import Database
from archiver.disposal.doomed import Doomed, claim, grouped
from archiver.disposal.gate import BATCH, Gate
from archiver.disposal.key_generations import put_generation
from archiver.disposal.removal import Removal
from archiver.errors import Conflict, NotFound
from archiver.ids import ulid_bytes
from archiver.model.actor import SYSTEM, Actor
from archiver.preserve.disposal_effects import MOST_CLAIMS
from archiver.preserve.epochs import Epochs
from archiver.preserve.object_keys import epoch_object, generation_of, keys_for_segment
from archiver.preserve.reader import RecordReader
from archiver.preserve.segments.keys import parse_keys

_log = structlog.get_logger("muniment.disposal")


class Forgets(Protocol):
    """What of the search index a destruction needs."""

    async def forget(self, log_indexes: Sequence[int]) -> None:
        """Let no search find these records any more. Idempotent. Raises SearchUnavailable."""

    async def scrub(self) -> None:
        """Let no file of the index keep words of documents that were forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """How an execution ended: how many records were destroyed and kept in all, and how."""

    batch_id: str
    destroyed: int
    kept: int
    method: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "batch": self.batch_id,
            "destroyed": self.destroyed,
            "kept": self.kept,
            "method": self.method,
        }


class Destruction:
    """Executes approved batches of one archive."""

    def __init__(
        self,
        *,
        archive_id: str,
        database: Database,
        removal: Removal,
        epochs: Epochs,
        reader: RecordReader,
        gate: Gate,
        trail: Trail,
        index: Forgets,
        publish: Callable[[], Awaitable[int]],
        mirror_holds: Callable[[], Awaitable[object]],
        clock: Clock,
    ) -> None:
        """`publish` signs and publishes what is sequenced; it returns the published size.

        `mirror_holds` lets the store's holds follow those in force: one that was just released must
        not keep what was approved.
        """
        self._archive_id = archive_id
        self._database = database
        self._removal = removal
        self._epochs = epochs
        self._reader = reader
        self._gate = gate
        self._trail = trail
        self._index = index
        self._publish = publish
        self._mirror_holds = mirror_holds
        self._clock = clock

    async def execute(self, batch_id: str, *, actor: Actor) -> Executed:
        """Destroy what may go of an approved batch; done again, it goes on where it stopped.

        Raises:
            Denied, Stopping: as `Gate.condemn`.
            Conflict: as `Gate.condemn`; or another process is carrying out a batch.
            OperatorError: a store, the database or the index did not answer: run it again.
            IntegrityError: something stored is not what was promised; nothing of it was destroyed.
        """
        async with self._alone(batch_id, actor):
            await self._gate.admit(batch_id, actor=actor)
            await self._condemn(batch_id, actor)
            return await self._carry_out(batch_id, actor)

    async def resume(self) -> list[Executed]:
        """Go on with every batch whose execution was interrupted. Raises as `execute`."""
        async with self._database.reading() as tx:
            waiting = await rows.executing(tx)
        return [await self.execute(batch_id, actor=SYSTEM) for batch_id in waiting]

    async def repeat(self, segment_keys: Iterable[str]) -> int:
        """Remove again segments that were destroyed and that a restored store has brought back.

        Returns how many there were. Whoever adopts what a crash left names them: they are in the
        store, have no row, and their records are known as destroyed.
        """
        count = 0
        for key in segment_keys:
            keys = await asyncio.to_thread(self._removal.generations, keys_for_segment(key))
            objects = [*keys, key]
            for each in objects:
                await asyncio.to_thread(self._removal.remove, each)
            count += 1
        return count

    @asynccontextmanager
    async def _alone(self, batch_id: str, actor: Actor) -> AsyncIterator[None]:
        lease = await try_alone(self._database, "disposal")
        if lease is None:
            await self._gate.refuse(
                batch_id, "another process is carrying out a batch; wait for it", actor=actor
            )
        try:
            yield
        finally:
            await lease.release()

    async def _condemn(self, batch_id: str, actor: Actor) -> None:
        after = -1
        while True:
            chunk = await self._database.run(
                partial(rows.members_after, batch_id=batch_id, after=after, limit=MOST_CLAIMS),
                writes=False,
            )
            if not chunk:
                break
            await self._gate.condemn(batch_id, chunk, actor=actor)
            after = chunk[-1]

    async def _carry_out(self, batch_id: str, actor: Actor) -> Executed:
        dis = await self._database.run(lambda tx: rows.condemned_of(tx, batch_id), writes=False)
        lanes: set[tuple[str, str]] = set()
        if dis:
            await self._require_published(max(dis.values()))
            await self._mirror_holds()
            for members in await self._by_segment(dis):
                lanes |= await self._destroy(batch_id, members, actor)
            await self._remove_epochs(lanes)
        await self._index.scrub()
        await disposed_rows.scrub(self._database)
        return await self._end(batch_id, actor)

    async def _require_published(self, dis_index: int) -> None:
        """Wait until the log says in public that these records may be gone.

        Raises:
            Conflict: it was not published; nothing was removed.
        """
        size = await self._publish()
        if size <= dis_index:
            raise Conflict(
                f"the log is published up to {size} and the disposal stands at {dis_index}: "
                "nothing is destroyed before that is public. Try again when the log is published"
            )

    async def _by_segment(self, dis: Mapping[int, int]) -> list[Doomed]:
        return await self._database.run(lambda tx: grouped(tx, dis), writes=False)

    async def _destroy(self, batch_id: str, doomed: Doomed, actor: Actor) -> set[tuple[str, str]]:
        """Destroy the records of one segment; return its lane."""
        lane: set[tuple[str, str]] = set()
        if doomed.segment is not None:
            lane = {(doomed.segment.class_code, doomed.segment.period)}
            obstacle = await asyncio.to_thread(self._obstacle, doomed)
            if obstacle:
                await self._spare(batch_id, dict.fromkeys(doomed.indexes, obstacle), actor)
                return lane
            claimed = await self._claim(batch_id, doomed, actor)
            if claimed is None:
                return lane
            doomed = claimed
            if not await self._remove(batch_id, doomed, actor):
                return lane
        await self._database.run(lambda tx: disposed_rows.purge(tx, doomed.indexes), writes=True)
        await self._index.forget(doomed.indexes)
        await self._database.run(
            lambda tx: rows.mark_disposed(tx, batch_id, doomed.indexes), writes=True
        )
        return lane

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

    async def _claim(self, batch_id: str, doomed: Doomed, actor: Actor) -> Doomed | None:
        """Take what no hold has reached meanwhile; None where nothing is left to take."""
        held = await self._database.run(lambda tx: claim(tx, batch_id, doomed.members), writes=True)
        if held:
            await self._spare(batch_id, held, actor)
        rest = {index: dis for index, dis in doomed.members.items() if index not in held}
        found = await self._by_segment(rest)
        return found[0] if found else None

    async def _remove(self, batch_id: str, doomed: Doomed, actor: Actor) -> bool:
        """Remove the objects; False where a lock or hold came in between and they were kept."""
        try:
            if doomed.whole:
                await asyncio.to_thread(self._remove_whole, doomed)
            else:
                await self._remove_shared(doomed)
            for key in doomed.blobs:
                await asyncio.to_thread(self._removal.remove, key)
        except Conflict as error:
            if not await asyncio.to_thread(self._is_readable, doomed):
                raise  # their keys are gone, and what is left of them goes when the lock ends
            await self._spare(batch_id, dict.fromkeys(doomed.indexes, str(error)), actor)
            return False
        finally:
            if doomed.segment is not None:
                self._reader.forget(doomed.segment.id)
        return True

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
            segment = made
            await self._database.run(
                lambda tx: disposed_rows.point_to_keys(
                    tx,
                    segment.id,
                    key=segment.keys_object_key,
                    version_id=segment.keys_version_id,
                    sha256=segment.keys_sha256,
                ),
                writes=True,
            )
        for key in await asyncio.to_thread(self._removal.generations, segment.keys_object_key):
            if key != segment.keys_object_key:
                await asyncio.to_thread(self._removal.let_go, key)
                await asyncio.to_thread(self._removal.remove, key)

    def _is_readable(self, doomed: Doomed) -> bool:
        """Whether every one of them can still be read: then they can still be kept."""
        segment = doomed.segment
        if segment is None:
            return False
        try:
            data = self._removal.store.get(
                segment.keys_object_key, version_id=segment.keys_version_id
            )
        except NotFound:
            return False
        return doomed.frames <= parse_keys(data, ulid_bytes(segment.id)).keys()

    async def _spare(self, batch_id: str, reasons: Mapping[int, str], actor: Actor) -> None:
        _log.error("disposal.kept", batch=batch_id, records=len(reasons), why=reasons[min(reasons)])
        await self._gate.keep(batch_id, reasons, actor=actor)

    async def _remove_epochs(self, lanes: Iterable[tuple[str, str]]) -> None:
        """Remove the epoch keys of lanes that are empty and that nothing can enter any more."""
        now = self._clock()
        for class_code, period in sorted(lanes):
            if period >= f"{now.year:04d}-{now.month:02d}":
                continue  # what is captured this month may still be packed with it
            empty = await self._database.run(
                partial(disposed_rows.lane_is_empty, class_code=class_code, period=period),
                writes=False,
            )
            key = epoch_object(self._archive_id, class_code, period)
            stored = f"seg/{self._archive_id}/{class_code}/{period}/"
            if not empty or await asyncio.to_thread(self._holds_any, stored):
                continue
            if not await asyncio.to_thread(self._removal.obstacle, key):
                await asyncio.to_thread(self._removal.remove, key)
                self._epochs.forget(class_code, period)

    def _holds_any(self, prefix: str) -> bool:
        return next(self._removal.store.list_keys(prefix), None) is not None

    async def _end(self, batch_id: str, actor: Actor) -> Executed:
        counts, method = await self._database.run(
            lambda tx: rows.outcome(tx, batch_id), writes=False
        )
        executed = Executed(
            batch_id=batch_id,
            destroyed=counts.get(rows.DISPOSED, 0),
            kept=counts.get(rows.KEPT, 0),
            method=method,
        )
        if counts.get(rows.IN) or counts.get(rows.CONDEMNED):
            raise Conflict(
                f"batch {batch_id}: some of its records are neither destroyed nor kept yet; "
                "execute it again"
            )
        await self._trail.record(
            Action.DISPOSAL_EXECUTED,
            actor=actor,
            object_type=BATCH,
            object_id=batch_id,
            details={
                "records": executed.destroyed,
                "kept": executed.kept,
                "method": executed.method,
            },
        )
        return executed
