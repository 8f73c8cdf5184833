"""Search documents by log index: from memory while fresh, from the store otherwise."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from archiver.capture.preparation import describe_document
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database
from archiver.errors import IntegrityError
from archiver.model.post import PartRole
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.sealing import Sealed
from archiver.preserve.segments.manifest import parse_moment, restore_post
from search.document import Document

_KEPT = 20_000


class Documents:
    """What the index follower reads. Remembers the documents of this process's own commits."""

    def __init__(self, database: Database, reader: RecordReader) -> None:
        self._database = database
        self._reader = reader
        self._fresh: OrderedDict[int, Document] = OrderedDict()

    def remember(self, first: int, records: Sequence[Sealed]) -> None:
        """Keep the documents of a commit at hand (a `Sequencer` listener)."""
        for offset, record in enumerate(records):
            if isinstance(record.follow, Document):
                self._fresh[first + offset] = replace(record.follow, number=first + offset)
        while len(self._fresh) > _KEPT:
            self._fresh.popitem(last=False)

    async def read(self, start: int, end: int) -> list[Document]:
        """Return the documents of the records in [start, end) of the log, in log order.

        Raises:
            IntegrityError: a stored record is not what the log promises.
            StorageUnavailable, DatabaseUnavailable: could not be read now.
        """
        async with self._database.reading() as tx:
            rows = await record_rows.list_range(tx, start, end)
            wanted = [
                row
                for row in rows
                if row.entry_type == "rec" and row.searchable and row.duplicate_of is None
            ]
            missing = [row for row in wanted if row.log_index not in self._fresh]
            segments = {}
            for segment_id in dict.fromkeys(row.segment_id for row in missing):
                segments[segment_id] = await segment_rows.get(tx, segment_id)
        found = {
            row.log_index: self._fresh.pop(row.log_index)
            for row in wanted
            if row.log_index in self._fresh
        }
        for segment_id, segment in segments.items():
            of_segment = [row for row in missing if row.segment_id == segment_id]
            found |= await asyncio.to_thread(self._from_store, segment, of_segment)
        return [found[row.log_index] for row in wanted]

    def _from_store(
        self, segment: SegmentRow, rows: Sequence[RecordRow]
    ) -> dict[int, Document]:
        by_frame = {row.frame: row for row in rows}
        return {
            by_frame[number].log_index: describe(opened, by_frame[number].log_index)
            for number, opened in enumerate(self._reader.open_segment(segment))
            if number in by_frame
        }


def describe(opened: OpenedRecord, number: int) -> Document:
    """Return the search document of a record read back from the store.

    Raises:
        IntegrityError: the manifest holds no post.
    """
    manifest = opened.manifest
    if manifest.post is None:
        raise IntegrityError(
            f"record {manifest.id}: expected a post in its manifest, found none",
            record_id=manifest.id,
        )
    captured_at = parse_moment(manifest.captured_at)
    if captured_at is None:
        raise IntegrityError(f"record {manifest.id}: no capture time", record_id=manifest.id)
    return describe_document(
        restore_post(manifest.post),
        class_code=manifest.retention.class_code,
        has_media=any(part.role == PartRole.MEDIA for part in manifest.parts),
        captured_at=captured_at,
        number=number,
    )
