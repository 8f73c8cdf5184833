"""The second copy follows the first store, checkpoint by checkpoint.

What a checkpoint covers is copied before it, in the order in which it is relied on: epoch keys,
keys, segments, blobs, timestamps, the log's bundles and tiles, kept checkpoints, and last the
checkpoint itself. So the second store is a whole archive at every moment, up to the checkpoint it
shows, and that checkpoint is the position from which copying goes on: nothing else is remembered.

Whether the second store answers is nothing to posts that come in: no write waits for it, and a
store that is away makes a notice in `/readyz`, a lag in the metrics, and another attempt.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import ParamSpec, TypeVar

import structlog

from archiver.assurance.repair import Repairs, held_keys
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis
from archiver.db import ledger as ledger_rows
from archiver.db import segments as segment_rows
from archiver.db.lease import Lease, try_alone
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, NotFound, OperatorError
from archiver.jobs.comparison import Comparison
from archiver.jobs.copy_plan import CopyPlan
from archiver.jobs.copying import Copied, Item, copy
from archiver.model.actor import SYSTEM
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint
from archiver.preserve.ledger.entry import decode_entry
from archiver.preserve.ledger.note import Verifier
from archiver.preserve.object_keys import checkpoint_object, checkpoint_prefix, log_prefix
from archiver.preserve.store.second_copy import SecondCopy

COMPARE_EVERY = timedelta(days=1)
FIRST_COMPARED_AFTER = timedelta(hours=1)
"""A server that is restarted often does not list both stores each time."""

_SEGMENTS = 64  # copied between one checkpoint of the copy and the next
_STEPS = 16  # in one turn, so that the loop can say how far it is
_THREADS = 4  # few: what comes in has the first store's attention
_HOLDS = 500  # set or lifted in one turn
_RESTS = timedelta(seconds=10)

_log = structlog.get_logger("muniment.replication")

Progress = Callable[[int, int], None]
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class CopyState:
    """How far the second copy is. `lag_s` is the age of the oldest log entry it does not have."""

    copied: int = 0
    pending: int = 0
    lag_s: float = 0.0
    problem: str = ""
    compared_at: datetime | None = None


class Replication:
    """Copies one archive to its second store. `once` is the step of a background loop."""

    def __init__(
        self,
        *,
        archive_id: str,
        origin: str,
        verifiers: Sequence[Verifier],
        store: SecondCopy,
        database: Database,
        repairs: Repairs,
        comparison: Comparison,
        trail: Trail,
        clock: Clock,
    ) -> None:
        self._archive_id = archive_id
        self._prefix = log_prefix(archive_id)
        self._origin = origin
        self._verifiers = verifiers
        self._store = store
        self._database = database
        self._repairs = repairs
        self._comparison = comparison
        self._trail = trail
        self._clock = clock
        self._held: set[str] = set()
        self._plan = CopyPlan(archive_id=archive_id, store=store, database=database)
        self._lease: Lease | None = None
        self._rests_until: datetime | None = None
        self._compare_at = clock() + FIRST_COMPARED_AFTER
        self._position: int | None = None
        # Threads of its own: a second store that hangs must not take those of the first.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="replication")
        self.state = CopyState()

    async def once(self) -> str:
        """Copy what is new, compare a little, and return what an operator should know, in words."""
        await self._tell_damage()
        if self._rests_until is not None and self._clock() < self._rests_until:
            await self._measure()
            return self.words()
        try:
            if await self._leads():
                await self._turn()
            else:
                self._position = None  # the process that leads moves it
                await self._reached()
        except OperatorError as error:
            self.state.problem = str(error)
            self._rests_until, self._position = self._clock() + _RESTS, None
            _log.warning("second_copy.waits", error=str(error))
        else:
            self.state.problem, self._rests_until = "", None
        await self._measure()
        return self.words()

    def words(self) -> str:
        """Return how the second copy is, in words; "" where there is nothing to say."""
        said = []
        if self.state.problem:
            said.append(self.state.problem)
        if self.state.pending:
            said.append(f"{self.state.pending} objects pending, {self.state.lag_s:.0f} s behind")
        if self._store.damaged:
            said.append(
                f"{self._store.damaged} objects of the first store are damaged: run `muniment "
                "verify --full --repair`"
            )
        return "; ".join(said)

    async def catch_up(self, progress: Progress = lambda _done, _total: None) -> int:
        """Copy everything that is signed by now; return the size of the log that is copied.

        Raises:
            OperatorError: a store or the database did not answer; what was copied stays.
        """
        self._position = None
        await self._reached()
        async with self._database.reading() as tx:
            goal = (await ledger_rows.state(tx)).size
        while self.state.copied < goal and await self._step():
            progress(min(self.state.copied, goal), goal)
        await self._follow_holds()
        await self._tell_damage()
        await self._measure()
        return self.state.copied

    async def compare(
        self, progress: Progress = lambda _done, _total: None, *, read_all: bool
    ) -> dict[str, int]:
        """Compare both stores object by object, and put the copy right; return what was found.

        `read_all` reads every byte of both; otherwise a part of them that changes by the day.

        Raises:
            OperatorError: a store or the database did not answer; do it again.
        """
        self._comparison.begin(await self._reached(), read_all=read_all)
        total = 2 * await self._count_segments(0)
        while await self._comparison.go_on(await self._held_now()):
            progress(self._comparison.compared, max(total, self._comparison.compared))
        self.state.compared_at = self._clock()
        self._compare_at = self._clock() + COMPARE_EVERY
        await self._tell_damage()
        return dict(self._comparison.counts)

    @property
    def compared(self) -> int:
        """How many objects the comparison has looked at."""
        return self._comparison.compared

    async def close(self) -> None:
        """Give the lease back and stop the threads."""
        if self._lease is not None:
            await self._lease.release()
            self._lease = None
        await asyncio.to_thread(self._threads.shutdown)

    async def _leads(self) -> bool:
        """Whether this process is the one that copies; another one would only do it twice."""
        if self._lease is not None and not await self._lease.alive():
            self._lease = None
        if self._lease is None:
            self._lease = await try_alone(self._database, "replication")
        return self._lease is not None

    async def _turn(self) -> None:
        for _ in range(_STEPS):
            if not await self._step():
                break
        await self._follow_holds()
        if self._comparison.under_way:
            if not await self._comparison.go_on(await self._held_now()):
                self.state.compared_at = self._clock()
        elif self._clock() >= self._compare_at:
            self._compare_at = self._clock() + COMPARE_EVERY
            self._comparison.begin(await self._reached(), read_all=False)

    async def _step(self) -> bool:
        """Bring the copy to a later checkpoint; False where there is none."""
        start = await self._reached()
        async with self._database.reading() as tx:
            if (await ledger_rows.state(tx)).size <= start:
                return False
            rows = await segment_rows.list_after(tx, start, _SEGMENTS)
        head, note = await self._run(self._target, start, rows)
        if head.size <= start:
            return False
        for group in await self._plan.groups(start, head):
            for item, what in zip(group, await self._copy_all(group), strict=True):
                if what is Copied.DIFFERENT:
                    await self._settle(item)
        await self._run(self._publish, note)
        self._position = self.state.copied = head.size
        return True

    async def _reached(self) -> int:
        """Return the size of the checkpoint that the second store shows."""
        if self._position is None:
            self._position = self.state.copied = await self._run(self._read_position)
        return self._position

    def _read_position(self) -> int:
        try:
            data = self._store.second().get(self._prefix + "checkpoint")
            return open_checkpoint(data, self._origin, self._verifiers).size
        except (NotFound, IntegrityError):  # a new copy, or one that has to begin anew
            return 0

    def _target(self, start: int, rows: Sequence[SegmentRow]) -> tuple[Checkpoint, bytes]:
        """Return the checkpoint to copy next: published, or one on the way to it where it is far.

        Size 0 where there is none yet.
        """
        first = self._store.primary
        names = [self._prefix + "checkpoint"]
        if len(rows) == _SEGMENTS:
            reach = rows[-1].first_index + rows[-1].records
            after = checkpoint_object(self._archive_id, max(reach - 1, start))
            names[:0] = list(first.list_keys(checkpoint_prefix(self._archive_id), after=after))[:1]
        for name in names:
            try:
                note = first.get(name)
                return open_checkpoint(note, self._origin, self._verifiers), note
            except (NotFound, IntegrityError) as error:
                self._store.note_damage(name, error)
        return Checkpoint(origin=self._origin, size=0, root=b""), b""

    async def _copy_all(self, items: Sequence[Item]) -> list[Copied]:
        return list(await asyncio.gather(*(self._run(copy, self._store, item) for item in items)))

    async def _settle(self, item: Item) -> None:
        """The second store has other bytes than the first, whose bytes passed the item's check."""
        body = await self._run(self._store.primary.get, item.key)
        try:
            await self._repairs.repair_copy(
                item.key, body, copy=self._store.second(), lock=item.lock, held=item.held
            )
        except IntegrityError as error:
            self._store.note_damage(item.key, error)

    def _publish(self, note: bytes) -> None:
        self._store.second().replace(self._prefix + "checkpoint", note)

    async def _held_now(self) -> set[str]:
        return await held_keys(self._database, self._archive_id)

    async def _follow_holds(self) -> None:
        """Set and lift holds on the copy as the hold rows say; what is not copied yet comes held.

        What was held before this process began is set again, and the comparison lifts what it
        finds held without a reason.
        """
        held = await self._held_now()
        changed = sorted(held ^ self._held)[:_HOLDS]
        done = await asyncio.gather(*(self._run(self._hold, key, key in held) for key in changed))
        for key in (key for key, is_done in zip(changed, done, strict=True) if is_done):
            (self._held.add if key in held else self._held.discard)(key)

    def _hold(self, key: str, on: bool) -> bool:  # noqa: FBT001 - handed to a thread
        second = self._store.second()
        try:
            found = second.head(key)
        except (NotFound, IntegrityError):  # not copied yet, or damaged: the comparison says
            return not on
        if found.legal_hold != on:
            second.set_legal_hold(key, version_id=found.version_id, on=on)
        return True

    async def _measure(self) -> None:
        async with self._database.reading() as tx:
            size = (await ledger_rows.state(tx)).size
            copied = self.state.copied
            waiting = await ledger_rows.entries(tx, copied, min(copied + 1, size))
        self.state.pending, self.state.lag_s = 0, 0.0
        if waiting:
            # Segment, keys and the log's own objects: a bundle, a tile and a checkpoint at least.
            self.state.pending = 2 * await self._count_segments(copied) + 3
            age = self._clock() - from_millis(decode_entry(waiting[0]).ts_ms)
            self.state.lag_s = max(0.0, age.total_seconds())

    async def _count_segments(self, start: int) -> int:
        async with self._database.reading() as tx:
            return await segment_rows.count_from(tx, start)

    async def _tell_damage(self) -> None:
        """Put into the trail what was read from the second copy because the first was damaged."""
        for damage in self._store.new_damage():
            _log.error("object.damaged", object=damage.key, what=damage.what)
            await self._trail.record(
                Action.OBJECT_DAMAGED,
                actor=SYSTEM,
                object_type="object",
                object_id=damage.key,
                result="integrity",
                details={"what": damage.what},
            )
            self._store.told(damage.key)

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(call, *args, **kwargs))
