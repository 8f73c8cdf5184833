"""Carrying out what the gate let go: in order, as often as it takes, never by force.

For each segment of a batch, after its `dis` entries are under a published checkpoint:

1. compare its rows with the log and with the stored records (`witness`), and look whether a store
   keeps an object (lock, hold): then its records are kept, an event says so;
2. *claim*: in turn with all sequencing, judge the records once more, look for the emergency stop,
   and write down what will remain. From here they count as destroyed, and nobody is shown them;
3. remove `.keys`, then `.seg`, then blobs, from the second copy and the first store; where others
   share the segment, a later generation of `.keys` without the destroyed ones takes its place;
4. for all of the batch: remove the documents of the search index, write again what shared files
   with them, remove the rows; note the members as disposed.

Every step may be done again, so a process killed anywhere is resumed by the next (`resume`). Only
one process carries out at a time. When a batch is through, epoch keys of empty lanes are removed,
files of database and index are freed of what they still held, and an event ends it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.db import disposal as rows
from archiver.db import disposed as disposed_rows
from archiver.db.lease import Lease, try_alone
from archiver.db.transaction import Database
from archiver.disposal.destruction_witness import Witness
from archiver.disposal.doomed import Doomed, claim, grouped
from archiver.disposal.epoch_removal import EpochRemoval
from archiver.disposal.erasure import Erasure
from archiver.disposal.gate import BATCH, Gate
from archiver.disposal.removal import Removal
from archiver.errors import Conflict, DatabaseUnavailable, IntegrityError, NotFound
from archiver.model.actor import SYSTEM, Actor
from archiver.preserve.disposal_effects import MOST_CLAIMS
from archiver.preserve.object_keys import (
    keys_for_segment,
    segment_id_of,
)
from archiver.preserve.reader import RecordReader

_AT_IT = "another process is carrying out a batch; wait for it"

_log = structlog.get_logger("muniment.disposal")


class Forgets(Protocol):
    """What of the search index a destruction needs."""

    async def forget(self, log_indexes: Sequence[int]) -> bool:
        """Let no search find these records any more; they have their rows still. Idempotent.

        True if no file of the index keeps their words; False: that is for `scrub` to see to. Raises
        SearchUnavailable.
        """

    async def scrub(self, *, anew: bool) -> None:
        """Let no file keep words of what was forgotten: of the index, `anew`, and of jobs."""


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
        epochs: EpochRemoval,
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
        self._database = database
        self._removal = removal
        self.epochs = epochs
        self._reader = reader
        self._gate = gate
        self._trail = trail
        self._index = index
        self._publish = publish
        self._mirror_holds = mirror_holds
        self._clock = clock
        self._erasure = Erasure(database=database, removal=removal, clock=clock)
        self._witness = Witness(
            archive_id=archive_id, store=removal.store, reader=reader, database=database
        )

    async def execute(self, batch_id: str, *, actor: Actor) -> Executed:
        """Destroy what may go of an approved batch; done again, it goes on where it stopped.

        Raises:
            Denied, Stopping: as `Gate.condemn`.
            Conflict: as `Gate.condemn`; or another process is carrying out a batch.
            OperatorError: a store, the database or the index did not answer: run it again.
            IntegrityError: something stored is not what was promised; nothing of it was destroyed.
        """
        lease = await try_alone(self._database, "disposal")
        if lease is None:
            await self._gate.refuse(batch_id, _AT_IT, actor=actor)
        try:
            return await self._execute(batch_id, lease, actor)
        finally:
            await lease.release()

    async def _execute(self, batch_id: str, lease: Lease, actor: Actor) -> Executed:
        await self.admit(batch_id, actor=actor)
        try:
            await self._witness.follow(await self._publish())
            await self._witness.require_batch(batch_id)
            await self._condemn(batch_id, actor)
            return await self._carry_out(batch_id, lease, actor)
        except IntegrityError as error:
            await self._gate.note_refusal(batch_id, str(error), actor)
            raise

    async def admit(self, batch_id: str, *, actor: Actor) -> None:
        """Pass if a batch may be executed now by this actor. Raises as `Gate.admit`."""
        await self._gate.admit(batch_id, actor=actor)

    async def resume(self) -> list[Executed]:
        """Go on with every batch whose execution was interrupted, and that may go on.

        It is asked twice a minute, so what has to wait is no attempt, and makes no event.

        Raises:
            Conflict: some have to wait: stopped, not approved any more, or another process is
                carrying out a batch. The others went on.
            OperatorError, IntegrityError: as `execute`.
        """
        async with self._database.reading() as tx:
            interrupted = await rows.executing(tx)
        if not interrupted:
            return []
        lease = await try_alone(self._database, "disposal")
        if lease is None:
            raise Conflict(_AT_IT)
        try:
            waits = {each: await self._gate.objection(each) for each in interrupted}
            done = [
                await self._execute(batch_id, lease, SYSTEM)
                for batch_id, why in waits.items()
                if not why
            ]
        finally:
            await lease.release()
        for batch_id, why in waits.items():
            if why:
                raise Conflict(f"batch {batch_id} waits: {why}")
        return done

    async def repeat(self, segment_keys: Iterable[str]) -> int:
        """Remove again segments that were destroyed and that a restored store has brought back.

        Returns how many there were. Whoever adopts what a crash left names them: they are in the
        store and have no row. That their records were destroyed is for the log to say.

        Raises:
            IntegrityError: the log did not let all their records go. It is an event.
            OperatorError: a store or the database did not answer: do it again.
        """
        await self._witness.follow(await self._publish())
        count = 0
        for key in segment_keys:
            await self._require_destroyed(key)
            for each in await asyncio.to_thread(self._removal.generations, keys_for_segment(key)):
                await asyncio.to_thread(self._removal.remove, each)
            await asyncio.to_thread(self._removal.remove, key)
            count += 1
        return count

    async def _require_destroyed(self, segment_key: str) -> None:
        try:
            await self._witness.require_destroyed(segment_key)
        except NotFound:
            return  # it has gone meanwhile
        except IntegrityError as error:
            await self._trail.record(
                Action.DISPOSAL_CONDEMNED,
                actor=SYSTEM,
                object_type="segment",
                object_id=segment_id_of(segment_key),
                result="refused",
                details={"reason": str(error)},
            )
            raise

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

    async def _carry_out(self, batch_id: str, lease: Lease, actor: Actor) -> Executed:
        dis = await self._database.run(lambda tx: rows.condemned_of(tx, batch_id), writes=False)
        if dis:
            await self._witness.follow(await self._require_published(max(dis.values())))
            await self._witness.require_holds()
            await self._mirror_holds()
            gone: list[Doomed] = []
            for members in await self._by_segment(dis):
                await _require_alive(lease, batch_id)
                gone += await self._destroy(batch_id, members, actor)
            await self._forget(batch_id, gone)
        elif (await self._outcome(batch_id))[0].get(rows.DISPOSED):
            await self._index.scrub(anew=True)  # it died here, and nobody knows how far it came
        await disposed_rows.scrub(self._database)
        return await self._end(batch_id, actor)

    async def _forget(self, batch_id: str, gone: Sequence[Doomed]) -> None:
        """Remove rows and documents of what was destroyed, and note it; then keys of empty lanes.

        All of a batch at once, for the words of documents go with the files that they share.
        """
        indexes = sorted(index for doomed in gone for index in doomed.members)
        if not indexes:
            return
        clean = await self._index.forget(indexes)
        await self._database.run(lambda tx: disposed_rows.purge(tx, indexes), writes=True)
        lost = any(doomed.segment is None for doomed in gone)  # an execution before died here
        await self._index.scrub(anew=lost or not clean)
        await self._database.run(lambda tx: rows.mark_disposed(tx, batch_id, indexes), writes=True)
        segments = [doomed.segment for doomed in gone if doomed.segment is not None]
        lanes = {(segment.class_code, segment.period) for segment in segments}
        await self.epochs.remove(lanes, self._clock())

    async def _require_published(self, dis_index: int) -> int:
        """Wait until the log says in public that these records may be gone; return its size.

        Raises:
            Conflict: it was not published; nothing was removed.
        """
        size = await self._publish()
        if size <= dis_index:
            raise Conflict(
                f"the log is published up to {size} and the disposal stands at {dis_index}: "
                "nothing is destroyed before that is public. Try again when the log is published"
            )
        return size

    async def _by_segment(self, dis: Mapping[int, int]) -> list[Doomed]:
        return await self._database.run(lambda tx: grouped(tx, dis), writes=False)

    async def _destroy(self, batch_id: str, doomed: Doomed, actor: Actor) -> list[Doomed]:
        """Remove what is stored of the records of one segment; return what is gone of them."""
        if doomed.segment is None:
            await self._require_claimed(doomed)
            return [doomed]
        await self._witness.require_same(doomed)
        obstacle = await self._erasure.obstacle(doomed)
        if obstacle:
            await self._spare(batch_id, dict.fromkeys(doomed.indexes, obstacle), actor)
            return []
        claimed = await self._claim(batch_id, doomed, actor)
        if claimed is None or not await self._remove(batch_id, claimed, actor):
            return []
        return [claimed]

    async def _require_claimed(self, doomed: Doomed) -> None:
        """Pass if it is written down what remains of records without rows: then they are gone.

        Raises:
            IntegrityError: their rows went in another way.
        """
        known = await self._database.run(
            lambda tx: disposed_rows.remains_at(tx, doomed.indexes), writes=False
        )
        if lost := doomed.members.keys() - known.keys():
            raise IntegrityError(
                f"{len(lost)} condemned records, the first at log index {min(lost)}, have no row, "
                "and nothing says that they were destroyed: rows were deleted by hand. Run "
                "`muniment verify --full` and restore the database",
                object_key="database:record",
            )

    async def _claim(self, batch_id: str, doomed: Doomed, actor: Actor) -> Doomed | None:
        """Take what nothing keeps by now; None where nothing is left to take."""
        gone = doomed.members.keys() - await self._erasure.readable(doomed)
        kept = await self._database.run(
            lambda tx: claim(tx, batch_id, doomed.members, at=to_millis(self._clock()), gone=gone),
            writes=True,
        )
        if kept:
            await self._spare(batch_id, kept, actor)
        rest = {index: dis for index, dis in doomed.members.items() if index not in kept}
        found = await self._by_segment(rest)
        return found[0] if found else None

    async def _remove(self, batch_id: str, doomed: Doomed, actor: Actor) -> bool:
        """Remove the objects; False where a lock or hold came in between and they were kept."""
        try:
            await self._erasure.remove(doomed)
        except Conflict as error:
            if doomed.members.keys() - await self._erasure.readable(doomed):
                raise  # their keys are gone, and what is left of them goes when the lock ends
            await self._spare(batch_id, dict.fromkeys(doomed.indexes, str(error)), actor)
            return False
        finally:
            if doomed.segment is not None:
                self._reader.forget(doomed.segment.id)
        return True

    async def _spare(self, batch_id: str, reasons: Mapping[int, str], actor: Actor) -> None:
        _log.error("disposal.kept", batch=batch_id, records=len(reasons), why=reasons[min(reasons)])
        await self._gate.keep(batch_id, reasons, actor=actor)

    async def _outcome(self, batch_id: str) -> tuple[dict[str, int], str]:
        return await self._database.run(lambda tx: rows.outcome(tx, batch_id), writes=False)

    async def _end(self, batch_id: str, actor: Actor) -> Executed:
        counts, method = await self._outcome(batch_id)
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


async def _require_alive(lease: Lease, batch_id: str) -> None:
    """Pass if no other process can be carrying out by now.

    Raises:
        DatabaseUnavailable: the database has dropped the session that the lease was of.
    """
    if not await lease.alive():
        raise DatabaseUnavailable(
            f"batch {batch_id}: the database dropped this process's lease on disposal, and another "
            "may be carrying out by now; it is gone on with by itself"
        )
