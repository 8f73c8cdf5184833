"""Opening records: their rows from the database, their content verified from the store."""

import asyncio
from collections.abc import Sequence

from archiver.access.record_access import RecordAccess, may_see_hold
from archiver.access.record_views import AccessedRecord, hold_on_record
from archiver.access.rules import Permission
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import restricted as restricted_rows
from archiver.db import segments as segment_rows
from archiver.db.records import RecordRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import IntegrityError, NotFound
from archiver.model.actor import Actor
from archiver.model.post import Part
from archiver.preserve.reader import OpenedRecord, RecordReader

_TOGETHER = 8  # reads of the store that one process has under way for lists


class RecordOpening:
    """Opens records within an actor's reach."""

    def __init__(self, *, database: Database, reader: RecordReader, access: RecordAccess) -> None:
        self._database = database
        self._reader = reader
        self._access = access
        self._turns = asyncio.Semaphore(_TOGETHER)

    async def load(self, record_id: str, needs: Permission, *, actor: Actor) -> AccessedRecord:
        """Return the rows of a record. Raises as `RecordAccess.find`."""
        row = await self._access.find(record_id, needs, actor=actor)
        async with self._database.reading() as tx:
            return await accessed(tx, row, actor=actor)

    async def load_granted(self, record_id: str, *, actor: Actor) -> AccessedRecord:
        """Return the rows of a record whose access a ticket has granted. Raises NotFound."""
        async with self._database.reading() as tx:
            return await accessed(tx, await record_rows.get(tx, record_id), actor=actor)

    async def open(self, found: AccessedRecord) -> OpenedRecord:
        """Return the content of a record. Raises as `RecordReader.open`."""
        return await asyncio.to_thread(self._reader.open, found.segment, found.row, found.entry)

    async def part(self, opened: OpenedRecord, number: int) -> Part:
        """Return one part. Raises as `RecordReader.part`."""
        return await asyncio.to_thread(self._reader.part, opened, number)

    async def parts(self, opened: OpenedRecord) -> tuple[Part, ...]:
        """Return every part. Raises as `RecordReader.part`."""
        numbers = range(len(opened.manifest.parts))
        return tuple([await self.part(opened, number) for number in numbers])

    async def open_many(
        self, tx: Transaction, rows: Sequence[RecordRow]
    ) -> list[OpenedRecord | IntegrityError | NotFound]:
        """Return the content of many records, in their order; what does not verify is an error."""
        entries = await record_rows.entries_at(tx, [row.log_index for row in rows])
        segments = await segment_rows.get_many(tx, {row.segment_id for row in rows})

        async def opened(row: RecordRow) -> OpenedRecord | IntegrityError | NotFound:
            async with self._turns:
                try:
                    return await asyncio.to_thread(
                        self._reader.open, segments[row.segment_id], row, entries[row.log_index]
                    )
                except (IntegrityError, NotFound) as error:
                    return error

        return await asyncio.gather(*(opened(row) for row in rows))


async def accessed(tx: Transaction, row: RecordRow, *, actor: Actor) -> AccessedRecord:
    """Return the rows of a record that the actor was found to have access to."""
    (entry,) = await ledger_rows.entries(tx, row.log_index, row.log_index + 1)
    return AccessedRecord(
        row=row,
        segment=await segment_rows.get(tx, row.segment_id),
        entry=entry,
        holds=tuple(
            hold_on_record(hold, visible=may_see_hold(actor, hold.matter))
            for hold in await record_rows.holds_ever_on(tx, row.log_index)
        ),
        restricted=bool(await restricted_rows.among(tx, [row.log_index])),
    )
