"""The log and the store as witnesses of a destruction, before a byte goes.

The gate decides by rows of the database. Those are a view of the log: whoever can write to the
database could release a hold there, exchange two records, or note one as destroyed. So what is
about to be removed is compared with what cannot be written by SQL: the published log, and the
stored records themselves, which open only as what they are. What differs removes nothing.

What is compared is the batch, which its stored events make once more on empty tables; what its
terms count from (`term_witness`); the holds; the records; and what was destroyed before.
"""

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial

from archiver.db import batch_replay as batch_rows
from archiver.db import destruction_witness as rows
from archiver.db import disposed as disposed_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.batch_replay import Standing
from archiver.db.destruction_witness import RecordFacts
from archiver.db.records import FACTS, RecordRow
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Connection, Database
from archiver.disposal.doomed import Doomed
from archiver.disposal.stored_events import StoredEvents
from archiver.disposal.term_witness import TermWitness
from archiver.errors import Conflict, IntegrityError, NotFound
from archiver.ids import ulid_bytes
from archiver.preserve.batch_effects import BatchFormed, batch_effect
from archiver.preserve.condemnation import APPROVED
from archiver.preserve.event_record import parse_event
from archiver.preserve.ledger.entry import HoldEntry, decode_entry, members_digest
from archiver.preserve.ledger.statements import Statements
from archiver.preserve.object_keys import log_prefix, segment_id_of
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.sealing import record_facts
from archiver.preserve.segments.keys import parse_keys
from archiver.preserve.segments.segment import parse_segment
from archiver.preserve.stated_terms import StatedTerms
from archiver.preserve.store import ObjectStore
from archiver.preserve.transitions import Transition

_OF_CONTENT = FACTS.index("class_code")
"""Facts before this one are the record's own for ever; a class is changed by events alone."""

_GIVEN_UP = {"content_key", "idempotency_key"}
"""A row goes without them where another record answers for it."""

_NEXT = "Nothing more was destroyed. Run `muniment verify --full`, and find out who changed it"


class Witness:
    """Compares what one archive's database says with its log and its store."""

    def __init__(
        self, *, archive_id: str, store: ObjectStore, reader: RecordReader, database: Database
    ) -> None:
        self._store = store
        self._reader = reader
        self._database = database
        prefix = log_prefix(archive_id)
        self._log = Statements(lambda path: store.get(prefix + path))
        self._events = StoredEvents(log=self._log, reader=reader, database=database)
        self._terms = TermWitness(reader=reader, database=database)
        self._stated = StatedTerms()

    async def follow(self, size: int) -> None:
        """Take in the log up to its published size, and its events.

        Raises as `Statements.follow` and `StoredEvents.follow`.
        """
        await asyncio.to_thread(self._log.follow, size)
        await self._events.follow()

    async def require_batch(self, batch_id: str) -> None:
        """Pass if a batch is what its stored events say: who is in it, who proposed and approved.

        So must be what the terms of its class count from.

        Raises:
            IntegrityError: its rows are not, or an event is not what was stored.
            StorageUnavailable: the store did not answer.
        """
        effects = [await self._effect(each) for each in self._events.of_batch(batch_id)]

        def apply(connection: Connection) -> None:
            for effect in effects:
                if effect is not None:
                    effect.apply(connection)

        stated = await asyncio.to_thread(batch_rows.replayed, batch_id, apply)
        found = await self._database.run(
            partial(batch_rows.standing, batch_id=batch_id), writes=False
        )
        if wrong := _other(found, stated):
            raise IntegrityError(
                f"batch {batch_id}: its {wrong} in the database is not what its events say. {_NEXT}"
            )
        if found is not None:
            self._stated = await self._terms.require_class(found.class_code, self._events.stating)

    async def _effect(self, event_id: str) -> BatchFormed | Transition | None:
        async with self._database.reading() as tx:
            row = await record_rows.get(tx, event_id)
            segment = await segment_rows.get(tx, row.segment_id)
            (entry,) = await ledger_rows.entries(tx, row.log_index, row.log_index + 1)
        return await asyncio.to_thread(self._read_effect, segment, row, entry)

    def _read_effect(
        self, segment: SegmentRow, row: RecordRow, entry: bytes
    ) -> BatchFormed | Transition | None:
        opened = self._reader.open(segment, row, entry)
        body = parse_event(self._reader.part(opened, 0).content)
        return batch_effect(body, partial(self._reader.content_of, opened))

    async def require_holds(self) -> None:
        """Pass if every hold that the log states is in force, over exactly its records.

        A hold is over only if the log says so and an event says who released it.

        Raises:
            IntegrityError: the database lacks one, or has it otherwise.
            Conflict: one was released a moment ago, and that is not public yet.
        """
        await self._database.run(self._compare_holds, writes=False)

    def _compare_holds(self, connection: Connection) -> None:
        active = rows.active_holds(connection)
        released = self._log.released & self._events.released
        later = _released(rows.entries_from(connection, self._log.size))
        for hold_id, entry in sorted(self._log.placed.items()):
            if hold_id in released:
                continue
            if hold_id in later:
                raise Conflict(f"hold {hold_id} was released a moment ago; it is not public yet")
            if hold_id not in active:
                raise IntegrityError(
                    f"hold {hold_id}: the log has it in force over {entry.count} records, and the "
                    f"database has not: it was changed by hand. {_NEXT}"
                )
            held = rows.ids_held_by(connection, hold_id)
            if (len(held), members_digest(held)) != (entry.count, entry.members_sha256):
                raise IntegrityError(
                    f"hold {hold_id}: the log has it over {entry.count} records, and the database "
                    f"over {len(held)} or others: it was changed by hand. {_NEXT}"
                )

    async def require_same(self, doomed: Doomed) -> None:
        """Pass if the records to be removed are those that the rows tell of, and no others.

        Those whose key is gone, because a removal was interrupted, have passed before.

        Raises:
            IntegrityError: a row is not what its record says, or another record would go as well.
            StorageUnavailable: the store did not answer.
        """
        segment = doomed.segment
        if segment is None:
            return
        known = await self._database.run(lambda tx: rows.facts_at(tx, doomed.indexes), writes=False)
        await asyncio.to_thread(self._compare_records, doomed, segment, known)

    def _compare_records(
        self, doomed: Doomed, segment: SegmentRow, known: Mapping[int, RecordFacts]
    ) -> None:
        try:
            data = self._store.get(segment.keys_object_key, version_id=segment.keys_version_id)
        except NotFound:
            return
        keys = parse_keys(data, ulid_bytes(segment.id)).keys()
        if doomed.whole and not keys <= doomed.frames:
            raise IntegrityError(
                f"{segment.object_key}: the database says that nothing else is in it, and "
                f"{len(keys - doomed.frames)} other records are. {_NEXT}",
                object_key=segment.object_key,
            )
        body = self._store.get(segment.object_key, version_id=segment.version_id)
        parsed = parse_segment(body)
        first = segment.first_index
        stated = dict(self._log.entries(first, first + len(parsed.entries)))
        unlocked = self._reader.unlock(segment, data)
        opened_frames = (frame for frame in range(len(parsed.entries)) if frame in keys)
        records = self._reader.open_parsed(segment, parsed, body, unlocked)
        for frame, opened in zip(opened_frames, records, strict=True):
            if frame not in doomed.frames:
                continue
            index = first + frame
            wrong = _difference(opened, known.get(index), self._stated)
            if wrong or stated.get(index) != opened.entry:
                what = f"its {wrong}" if wrong else "its place in the log"
                raise IntegrityError(
                    f"record {opened.manifest.id}: {what} in the database is not what the stored "
                    f"record and the log say. {_NEXT}",
                    object_key=segment.object_key,
                    record_id=opened.manifest.id,
                )

    async def require_destroyed(self, segment_key: str) -> None:
        """Pass if the log let go every record of a segment that is in the store without a row.

        Raises:
            IntegrityError: one of them was never let go, or was kept after all.
            NotFound, StorageUnavailable: the segment could not be read.
        """
        segment_id = segment_id_of(segment_key)
        firsts = await self._database.run(
            partial(disposed_rows.first_indexes, segment_id=segment_id), writes=False
        )
        entries = await asyncio.to_thread(
            lambda: parse_segment(self._store.get(segment_key)).entries
        )
        for first in firsts:
            stated = dict(self._log.entries(first, first + len(entries)))
            if all(
                stated.get(index) == entry and self._log.destroyed.covers(index)
                for index, entry in enumerate(entries, first)
            ):
                return
        raise IntegrityError(
            f"{segment_key}: the database says that its records were destroyed, and the log has "
            f"not let all of them go: rows were changed by hand. {_NEXT}, and restore the database",
            object_key=segment_key,
        )


def _other(found: Standing | None, stated: Standing | None) -> str:
    """Return what of a batch is other than its events made it, "" for nothing."""
    if found is None or stated is None or stated.state not in APPROVED:
        return "state"
    if not found.members <= stated.members:  # what another batch took in between is excluded
        return "list of records"
    names = ("facts", "approvals", "package")
    wrong = [name for name in names if getattr(found, name) != getattr(stated, name)]
    return ", ".join(wrong)


def _released(entries: Iterable[bytes]) -> set[str]:
    """Return the holds that entries, which are sequenced and not published yet, release."""
    return {
        entry.id
        for data in entries
        if isinstance(entry := decode_entry(data), HoldEntry) and not entry.on
    }


def _difference(opened: OpenedRecord, row: RecordFacts | None, stated: StatedTerms) -> str:
    """Return the names of the columns that are not what record and events say, "" for none."""
    if row is None:
        return "row"
    pairs = zip(FACTS[:_OF_CONTENT], row.facts, record_facts(opened.manifest), strict=False)
    wrong = [name for name, stored, true in pairs if stored != true and name not in _GIVEN_UP]
    if row.blobs != {part.blob.key for part in opened.manifest.parts if part.blob is not None}:
        wrong.append("blobs")
    filed = opened.manifest.retention.class_code
    if row.facts[_OF_CONTENT] != stated.moved.get(opened.manifest.id, filed):
        wrong.append("class")
    return ", ".join(wrong)
