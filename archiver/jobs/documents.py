"""Search documents by log index: from memory while fresh, from the store otherwise.

One post that cannot be read must not keep the others out of the index: each is read by itself where
reading its segment fails, and those that fail are told, by why.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from archiver.capture.preparation import describe_document
from archiver.db import records as record_rows
from archiver.db import searchable
from archiver.db import segments as segment_rows
from archiver.db.searchable import Place
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import ArchiverError, IntegrityError, NotFound, StorageUnavailable
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.sealing import Sealed
from archiver.preserve.segments.manifest import parse_moment, restore_post
from search.document import Document

_KEPT = 10_000
_MOST_WORDS = 500


class Why(StrEnum):
    """Why a post could not be taken into the index."""

    DAMAGED = "damaged"  # what is stored is not what the log promises: evidence
    LOST = "lost"  # its object or its key is not there: evidence
    UNREADABLE = "unreadable"  # the store answers, but not for this object
    REFUSED = "refused"  # the analyzer or the engine does not take it


EVIDENCE = frozenset({Why.DAMAGED, Why.LOST})
"""These say that something stored is not as promised, and raise the alarm of that."""


class Unread(NamedTuple):
    """A post that no document could be made of; `reason` holds no content."""

    log_index: int
    why: Why
    reason: str


@dataclass(frozen=True, slots=True)
class Read:
    """What a stretch of the log gave: every searchable post of it is in one of the two."""

    documents: tuple[Document, ...]
    unread: tuple[Unread, ...] = ()


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
            places = await searchable.places(tx, start, end)
            found, segments = await self._at_hand(tx, places)
        for segment, missing in segments:
            frames = {place.frame: place.log_index for place in missing}
            found |= await asyncio.to_thread(self._from_store, segment, frames)
        return [found[place.log_index] for place in places]

    async def read_each(self, start: int, end: int, *, patient: bool = True) -> Read:
        """Return the documents of [start, end) of the log that can be made, and what cannot.

        A store that does not answer is waited for, since all posts after it would fail alike;
        where the caller is not `patient`, what it does not give is told as unreadable.

        Raises:
            StorageUnavailable: the store did not answer, and the caller is patient.
            DatabaseUnavailable: could not be read now.
        """
        async with self._database.reading() as tx:
            places = await searchable.places(tx, start, end)
        return await self._each(places, patient=patient)

    async def read_at(self, indexes: Sequence[int], *, patient: bool = True) -> Read:
        """Return the documents at these log indexes, as `read_each`; others are left out."""
        async with self._database.reading() as tx:
            places = await searchable.places_at(tx, indexes)
        return await self._each(places, patient=patient)

    async def _each(self, places: Sequence[Place], *, patient: bool) -> Read:
        async with self._database.reading() as tx:
            found, segments = await self._at_hand(tx, places)
        unread: list[Unread] = []
        for segment, missing in segments:
            frames = {place.frame: place.log_index for place in missing}
            try:
                found |= await asyncio.to_thread(self._from_store, segment, frames)
            except Exception:  # noqa: BLE001 - whatever failed, each post is now tried by itself
                one_by_one, failed = await self._one_by_one(segment, missing, patient=patient)
                found |= one_by_one
                unread += failed
        documents = (found.get(place.log_index) for place in places)
        return Read(tuple(each for each in documents if each is not None), tuple(unread))

    async def _at_hand(
        self, tx: Transaction, places: Sequence[Place]
    ) -> tuple[dict[int, Document], list[tuple[SegmentRow, list[Place]]]]:
        """Return what is in memory, and the segments that hold the rest, in log order."""
        found = {
            place.log_index: fresh.numbered(place.log_index)
            for place in places
            if (fresh := self._fresh.get(place.log_index)) is not None
        }
        missing: dict[str, list[Place]] = {}
        for place in places:
            if place.log_index not in found:
                missing.setdefault(place.segment_id, []).append(place)
        return found, [(await segment_rows.get(tx, name), missing[name]) for name in missing]

    async def _one_by_one(
        self, segment: SegmentRow, places: Sequence[Place], *, patient: bool
    ) -> tuple[dict[int, Document], list[Unread]]:
        indexes = [place.log_index for place in places]
        async with self._database.reading() as tx:
            rows = await record_rows.list_by_index(tx, indexes)
            entries = await record_rows.entries_at(tx, indexes)
        found: dict[int, Document] = {}
        unread: list[Unread] = []
        for index in indexes:
            try:
                opened = await asyncio.to_thread(
                    self._reader.open, segment, rows[index], entries[index]
                )
                found[index] = await asyncio.to_thread(describe, opened, index)
            except StorageUnavailable as error:
                if patient:
                    raise
                unread.append(_unread(index, Why.UNREADABLE, str(error)))
            except NotFound as error:
                unread.append(_unread(index, Why.LOST, str(error)))
            except IntegrityError as error:
                unread.append(_unread(index, Why.DAMAGED, str(error)))
            except ArchiverError:
                raise
            except Exception as error:  # noqa: BLE001 - no post may stop those that follow it
                # The error's own words may be those of the post.
                reason = f"the analyzer failed on it ({type(error).__name__})"
                unread.append(_unread(index, Why.REFUSED, reason))
        return found, unread

    def _from_store(self, segment: SegmentRow, frames: Mapping[int, int]) -> dict[int, Document]:
        return {
            frames[number]: describe(opened, frames[number])
            for number, opened in enumerate(self._reader.open_segment(segment))
            if number in frames
        }


def _unread(index: int, why: Why, reason: str) -> Unread:
    return Unread(index, why, reason[:_MOST_WORDS])


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
