"""Search documents by log index: from memory while fresh, from the store otherwise."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from archiver.capture.preparation import describe_document
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database
from archiver.errors import IntegrityError
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.sealing import Sealed
from archiver.preserve.segments.manifest import parse_moment, restore_post
from search.document import Document

_KEPT = 10_000


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
                self._fresh[first + offset] = record.follow
        while len(self._fresh) > _KEPT:
            self._fresh.popitem(last=False)

    async def read(self, start: int, end: int) -> list[Document]:
        """Return the documents of the records in [start, end) of the log, in log order.

        Raises:
            IntegrityError: a stored record is not what the log promises.
            StorageUnavailable, DatabaseUnavailable: could not be read now.
        """
        async with self._database.reading() as tx:
            places = await record_rows.searchable_places(tx, start, end)
            found = {
                place.log_index: fresh.numbered(place.log_index)
                for place in places
                if (fresh := self._fresh.get(place.log_index)) is not None
            }
            missing = [place for place in places if place.log_index not in found]
            segments = {
                segment_id: await segment_rows.get(tx, segment_id)
                for segment_id in dict.fromkeys(place.segment_id for place in missing)
            }
        for segment_id, segment in segments.items():
            frames = {p.frame: p.log_index for p in missing if p.segment_id == segment_id}
            found |= await asyncio.to_thread(self._from_store, segment, frames)
        return [found[place.log_index] for place in places]

    def _from_store(self, segment: SegmentRow, frames: Mapping[int, int]) -> dict[int, Document]:
        return {
            frames[number]: describe(opened, frames[number])
            for number, opened in enumerate(self._reader.open_segment(segment))
            if number in frames
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
        manifest.parts,
        class_code=manifest.retention.class_code,
        captured_at=captured_at,
        number=number,
    )
