"""Taking posts: stored once however often they are sent, acknowledged only when durable.

Callers' arrivals are gathered: while one batch is looked up and sealed, the next one collects, so
that one database look-up serves all who wait. A post is known by its sender's idempotency key, and
by its content key (the same bytes of the same version of a post); the keys of posts still being
written are kept in memory, so that a retry joins the first attempt instead of making a second.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from archiver.access.rules import Permission, require
from archiver.capture.preparation import Identified, identify, prepare
from archiver.clock import Clock, to_millis
from archiver.db import records as record_rows
from archiver.db.records import Known
from archiver.db.transaction import Database
from archiver.errors import ArchiverError, DatabaseUnavailable
from archiver.ids import Randomness, Ulids
from archiver.model.actor import Actor
from archiver.model.post import Arrival
from archiver.preserve.blobs import BlobWriter
from archiver.preserve.filing import FilePlan
from archiver.preserve.ledger.merkle import leaf_hash
from archiver.preserve.ledger.note import Ed25519Signer
from archiver.preserve.ledger.receipt import Receipt, make_receipts
from archiver.preserve.sealing import SECRET_BYTES
from archiver.preserve.sequencer import Written
from archiver.preserve.writer import Writer

PATIENCE_S = 20.0
"""How long a caller waits for its commit before it is told to send again."""

_GATHER = 512
_LINGER_S = 0.003
_STRETCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer for one arrival: `captured`, `unchanged` (stored before) or `refused`.

    `refused` means its idempotency key belongs to other bytes; `reason` says so.
    """

    status: str
    record_id: str = ""
    log_index: int = -1
    receipt: Receipt | None = None
    reason: str = ""


@dataclass(slots=True)
class _Waiting:
    identified: Identified
    answer: "asyncio.Future[Outcome]"


class Ingest:
    """The capture use case. One per process; open with `async with`."""

    def __init__(
        self,
        *,
        archive_id: str,
        plan: FilePlan,
        writer: Writer,
        blobs: BlobWriter,
        database: Database,
        signer: Ed25519Signer,
        clock: Clock,
        ulids: Ulids,
        randomness: Randomness,
    ) -> None:
        self._archive_id = archive_id
        self._plan = plan
        self._writer = writer
        self._blobs = blobs
        self._database = database
        self._signer = signer
        self._clock = clock
        self._ulids = ulids
        self._randomness = randomness
        self._waiting: list[_Waiting] = []
        self._in_flight: dict[bytes, tuple[bytes, asyncio.Future[Outcome]]] = {}
        self._answered: list[bytes] = []
        self._pump: asyncio.Task[None] | None = None

    async def submit(self, arrivals: Sequence[Arrival], *, actor: Actor) -> tuple[Outcome, ...]:
        """Keep arrivals and return one outcome each, in order, once all are durable.

        Raises:
            Overloaded, Stopping: nothing was stored.
            StorageUnavailable, DatabaseUnavailable: not acknowledged; sending again is safe and
                finds whatever was stored.
        """
        require(actor, Permission.CAPTURE)
        self._writer.check_room(len(arrivals), waiting=len(self._waiting))
        loop = asyncio.get_running_loop()
        mine = []
        for arrival in arrivals:
            answer: asyncio.Future[Outcome] = loop.create_future()
            answer.add_done_callback(_retrieved)
            mine.append(_Waiting(identify(arrival, actor.name), answer))
        self._enqueue(mine)
        answers = [waiting.answer for waiting in mine]
        _, late = await asyncio.wait(answers, timeout=PATIENCE_S)
        if late:
            raise DatabaseUnavailable(
                f"{len(late)} of {len(answers)} posts were not committed within "
                f"{PATIENCE_S:.0f} s; send them again: what is already stored is found, not stored "
                "twice"
            )
        return tuple(answer.result() for answer in answers)

    def _enqueue(self, waiting: Sequence[_Waiting]) -> None:
        self._waiting.extend(waiting)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run(), name="ingest")

    async def _run(self) -> None:
        alone = True
        while self._waiting:
            if not alone:  # several senders at once: a moment more serves them with one segment
                await asyncio.sleep(_LINGER_S)
            batch, self._waiting = self._waiting[:_GATHER], self._waiting[_GATHER:]
            alone = len(batch) == 1
            try:
                await self._take(batch)
            except ArchiverError as error:
                for waiting in batch:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(error)

    async def _take(self, batch: list[_Waiting]) -> None:
        # Forgotten only now: what was answered by now is committed, so the look-up below sees it.
        # What is answered during the look-up may be missing from its snapshot and is still here.
        for key in self._answered:
            self._in_flight.pop(key, None)
        self._answered.clear()
        content = [w.identified.content_key for w in batch]
        sent = [w.identified.idempotency_key for w in batch if w.identified.idempotency_key]
        by_content, by_sent = await self._database.run(
            lambda connection: record_rows.find_stored(connection, content, sent), writes=False
        )
        fresh = []
        for waiting in batch:
            found = waiting.identified
            known = by_sent.get(found.idempotency_key) or by_content.get(found.content_key)
            if known is not None:
                waiting.answer.set_result(self._known(found, known))
            elif not self._joined(waiting):
                fresh.append(waiting)
        await self._keep(fresh)

    def _known(self, found: Identified, known: Known) -> Outcome:
        if known.raw_sha256 != found.raw_sha256:
            return _key_reused(known.record_id)
        return Outcome(
            status="unchanged",
            record_id=known.record_id,
            log_index=known.log_index,
            receipt=self._receipt_again(known),
        )

    def _receipt_again(self, known: Known) -> Receipt:
        leaf = leaf_hash(known.entry)
        now = to_millis(self._clock())
        return make_receipts(self._signer, self._signer.name, known.log_index, [leaf], now)[0]

    def _joined(self, waiting: _Waiting) -> bool:
        """Join an attempt on the same post that is still being written; else become the first."""
        found = waiting.identified
        keys = [key for key in (found.idempotency_key, found.content_key) if key]
        for key in keys:
            if key in self._in_flight:
                raw, first = self._in_flight[key]
                same = raw == found.raw_sha256
                first.add_done_callback(partial(_follow, waiting=waiting, same=same))
                return True
        for key in keys:
            self._in_flight[key] = (found.raw_sha256, waiting.answer)
        waiting.answer.add_done_callback(lambda _: self._answered.extend(keys))
        return False

    async def _keep(self, fresh: list[_Waiting]) -> None:
        if not fresh:
            return
        now = self._clock()
        ids = self._ulids.take(len(fresh), now)
        secrets = self._randomness(SECRET_BYTES * len(fresh))
        sealed = []
        for number, (waiting, record_id) in enumerate(zip(fresh, ids, strict=True)):
            arrival = waiting.identified.arrival
            filed = self._plan.file_post(arrival.post, now)
            large = self._blobs.large_parts(arrival)
            sealed.append(
                prepare(
                    waiting.identified,
                    filed,
                    archive_id=self._archive_id,
                    record_id=record_id,
                    captured_at=now,
                    secret=secrets[number * SECRET_BYTES : (number + 1) * SECRET_BYTES],
                    blobs=await self._blobs.put(large, record_id, filed.lane) if large else (),
                )
            )
            if number % _STRETCH == _STRETCH - 1:
                await asyncio.sleep(0)  # let the loop serve others between stretches of sealing
        for waiting, written in zip(fresh, self._writer.write(sealed), strict=True):
            written.add_done_callback(partial(self._answer, waiting))

    def _answer(self, waiting: _Waiting, done: asyncio.Future[Written]) -> None:
        if waiting.answer.done():
            return
        error = done.exception()
        if error is not None:
            waiting.answer.set_exception(error)
            return
        written = done.result()
        if written.duplicate_of:  # another server was first: the look-up now finds its record
            self._enqueue([waiting])
            return
        waiting.answer.set_result(
            Outcome(
                status="captured",
                record_id=written.record_id,
                log_index=written.log_index,
                receipt=written.receipt,
            )
        )


def _follow(first: "asyncio.Future[Outcome]", *, waiting: _Waiting, same: bool) -> None:
    if waiting.answer.done():
        return
    error = first.exception()
    if error is not None:
        waiting.answer.set_exception(error)
    elif same:
        waiting.answer.set_result(replace(first.result(), status="unchanged"))
    else:
        waiting.answer.set_result(_key_reused(first.result().record_id))


def _key_reused(record_id: str) -> Outcome:
    return Outcome(
        status="refused",
        reason=(
            f"this idempotency key already stands for record {record_id} with other bytes; "
            "use a new key for a new post"
        ),
    )


def _retrieved(answer: "asyncio.Future[Outcome]") -> None:
    if not answer.cancelled():
        answer.exception()
