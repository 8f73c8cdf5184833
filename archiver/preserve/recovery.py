"""What a crash left is adopted, never thrown away.

A segment is durable before any transaction names it, so a process that dies in between leaves it
in the store alone. At start, before the first post is taken, such segments are sequenced: their
frames, footer and manifests hold all the rows. A retry by the sender then finds its post there.

| found in the store | means | done |
|---|---|---|
| `.seg` and `.keys`, not in the database | died before the commit | adopted: sequenced as it is |
| `.keys` without `.seg` | died between the two puts | left; it expires under its own lock |
| `.seg` without `.keys` | the same, the other way round | an `orphan` entry names it: unreadable |
| either, of destroyed records | a restored store brought it back | named, to be removed again |
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.clock import Clock, to_millis
from archiver.db import disposed as disposed_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.transaction import Database
from archiver.errors import IntegrityError
from archiver.ids import Ulids
from archiver.preserve.ledger.entry import orphan_entry
from archiver.preserve.ledger.integrator import require_current_database
from archiver.preserve.object_keys import segment_id_of, segment_prefix
from archiver.preserve.reader import RecordReader
from archiver.preserve.sequencer import DurableSegment, Sequencer, Written
from archiver.preserve.store import ObjectStore
from archiver.preserve.stored_segment import StoredSegment, load_segment
from retention.templates import AUDIT_CLASS

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What recovery found: segments adopted, records in them, and segments without keys.

    `destroyed` were destroyed once and are in the store again: they must be removed again.
    """

    segments: int = 0
    records: int = 0
    unreadable: tuple[str, ...] = ()
    destroyed: tuple[str, ...] = ()


class Recovery:
    """Adopts the segments of one archive that its database does not know."""

    def __init__(
        self,
        *,
        archive_id: str,
        store: ObjectStore,
        reader: RecordReader,
        database: Database,
        sequencer: Sequencer,
        clock: Clock,
    ) -> None:
        self._archive_id = archive_id
        self._store = store
        self._reader = reader
        self._database = database
        self._sequencer = sequencer
        self._clock = clock

    async def adopt_orphans(self, *, before: datetime | None = None) -> Recovered:
        """Sequence every stored segment that no transaction names.

        `before` leaves younger segments alone: other processes may be about to commit those.

        Raises:
            IntegrityError: an unsequenced segment was altered, and the object is named; or the
                store holds a later checkpoint than the database, which was restored from an old
                backup: what it lacks has log indexes already, and must not get others.
        """
        await require_current_database(self._store, self._database, self._archive_id)
        segments = records = 0
        unreadable = []
        async with self._database.reading() as tx:
            named = await ledger_rows.orphans(tx)
        unknown = await self._unknown_segments(before)
        destroyed = await self._destroyed(unknown)
        for key in unknown:
            if key in destroyed:
                continue
            try:
                orphan = await asyncio.to_thread(load_segment, self._store, self._reader, key)
            except IntegrityError as error:
                if key in named:  # by `muniment recover`, which told the operator
                    unreadable.append(key)
                    continue
                raise IntegrityError(
                    f"{key}: stored before a crash and not sequenced yet, but altered since "
                    f"({error}); restore the object and its keys from the store's second copy",
                    object_key=key,
                    record_id=error.record_id,
                ) from error
            if orphan is None:
                unreadable.append(key)
                continue
            await self._require_unsequenced(key, orphan)
            done: asyncio.Future[list[Written]] = asyncio.get_running_loop().create_future()
            await self._sequencer.adopt(
                DurableSegment(orphan.row, orphan.records, orphan.places, receipts=False, done=done)
            )
            segments += 1
            records += len(orphan.records)
        await self._log_unreadable(unreadable)
        return Recovered(
            segments=segments,
            records=records,
            unreadable=tuple(unreadable),
            destroyed=tuple(sorted(destroyed)),
        )

    async def _destroyed(self, keys: Sequence[str]) -> set[str]:
        """Return those of these segments whose records the log says are destroyed."""
        by_id = {segment_id_of(key): key for key in keys}
        async with self._database.reading() as tx:
            found = await disposed_rows.destroyed_segments(tx, sorted(by_id))
        return {by_id[each] for each in found}

    async def _require_unsequenced(self, key: str, orphan: StoredSegment) -> None:
        """A segment without a row whose records have rows was not left by a crash."""
        ids = [record.record_id for record in orphan.records]
        async with self._database.reading() as tx:
            known = await record_rows.indexes_of(tx, ids)
        if known:
            raise IntegrityError(
                f"{key}: {len(known)} of its {len(ids)} records have rows in the database, but its "
                "own row was deleted; restore the database from its newest backup, and find out "
                "who changed it",
                object_key=key,
            )

    async def _unknown_segments(self, before: datetime | None) -> list[str]:
        unknown: list[str] = []
        newest = Ulids.bound(before) if before else ""
        after = ""
        while page := await asyncio.to_thread(self._list, after):
            after = page[-1]
            keys = {segment_id_of(key): key for key in page if key.endswith(".seg")}
            async with self._database.reading() as tx:
                known = await segment_rows.known(tx, list(keys))
            unknown.extend(
                key
                for segment, key in keys.items()
                if segment not in known and (not newest or segment < newest)
            )
        return sorted(unknown, key=_adoption_order)

    def _list(self, after: str) -> list[str]:
        keys = self._store.list_keys(segment_prefix(self._archive_id), after=after)
        return [key for key, _ in zip(keys, range(_PAGE), strict=False)]

    async def _log_unreadable(self, keys: list[str]) -> None:
        """Name each segment that has no keys in the log, once, so that verification explains it."""
        if not keys:
            return
        hashes = {key: await asyncio.to_thread(self._hash, key) for key in keys}
        now = to_millis(self._clock())
        async with self._database.transaction() as tx:
            new = [key for key in keys if key not in await ledger_rows.orphans(tx)]
            if new:
                entries = [orphan_entry(key, hashes[key], now) for key in new]
                first = await ledger_rows.add(tx, entries)
                await ledger_rows.note_orphans(tx, first, new)

    def _hash(self, key: str) -> bytes:
        return hashlib.sha256(self._store.get(key)).digest()


def _adoption_order(key: str) -> tuple[bool, str]:
    """Oldest first, so that log order stays as near to capture order as it can be; events last.

    A placed hold names its members, which must be known by then; the clocks of two servers may
    make the hold's segment look older than theirs.
    """
    return f"/{AUDIT_CLASS}/" in key, segment_id_of(key)
