"""Search documents by log index: from memory while fresh, from the store otherwise.

One post that cannot be read must not keep the others out of the index: each is read by itself where
reading its segment fails, and those that fail are told, by why. What failed for want of memory or
of file handles is not the post's fault: it is tried again, as where the store does not answer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import NamedTuple, TypeVar

from archiver.capture.preparation import describe_document
from archiver.db import records as record_rows
from archiver.db import searchable
from archiver.db import segments as segment_rows
from archiver.db.records import RecordRow
from archiver.db.searchable import Place
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import ArchiverError, IntegrityError, NotFound, StorageUnavailable
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.sealing import Sealed
from archiver.preserve.segments.manifest import parse_moment, restore_post
from search.analyzer_comparison import Reading, Tokens
from search.document import Document

_T = TypeVar("_T")
_Make = Callable[[Place, OpenedRecord], _T]
"""Makes something of where a record stands, and of the record that was read there."""

_OF_THE_POST = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What code raises that a content trips: the same content does it again, wherever it is tried."""

_KEPT = 10_000
_MOST_WORDS = 500


class Why(StrEnum):
    """Why a post could not be taken into the index."""

    DAMAGED = "damaged"  # what is stored is not what the log promises: evidence
    LOST = "lost"  # its object or its key is not there: evidence
    UNREADABLE = "unreadable"  # the store answers, but not for this object; or memory ran out
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

    async def read_each(self, start: int, end: int, *, patient: bool = True) -> Read:
        """Return the documents of [start, end) of the log that can be made, and what cannot.

        A store that does not answer is waited for, since all posts after it would fail alike, and
        so is a machine short of memory or handles; where the caller is not `patient`, what they do
        not give is told as unreadable.

        Raises:
            StorageUnavailable: it could not be read now, and the caller is patient.
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

    async def read_twice(self, start: int, end: int, before: Tokens) -> list[Reading]:
        """Return the posts of [start, end) as another analyzer and as this one reads them.

        What cannot be read is left out. Raises as `read_each` to a patient caller.
        """

        def make(place: Place, opened: OpenedRecord) -> Reading:
            document, text = describe(place, opened), text_of(opened)
            return Reading(document.reading(" ".join(before(text))), document)

        async with self._database.reading() as tx:
            segments = await _by_segment(tx, await searchable.places(tx, start, end))
        found, _ = await self._stored(segments, make, patient=True)
        return [found[index] for index in sorted(found)]

    async def _each(self, places: Sequence[Place], *, patient: bool) -> Read:
        async with self._database.reading() as tx:
            found, segments = await self._at_hand(tx, places)
        stored, unread = await self._stored(segments, describe, patient=patient)
        found |= stored
        documents = (found.get(place.log_index) for place in places)
        return Read(tuple(each for each in documents if each is not None), tuple(unread))

    async def _stored(
        self, segments: Sequence["_InSegment"], make: _Make[_T], *, patient: bool
    ) -> tuple[dict[int, _T], list[Unread]]:
        found: dict[int, _T] = {}
        unread: list[Unread] = []
        for segment, missing in segments:
            frames = {place.frame: place for place in missing}
            try:
                whole = partial(self._from_store, segment, frames, make)
                found |= await asyncio.to_thread(whole)
            except Exception:  # noqa: BLE001 - whatever failed, each post is now tried by itself
                one_by_one, failed = await self._one_by_one(segment, missing, make, patient=patient)
                found |= one_by_one
                unread += failed
        return found, unread

    async def _at_hand(
        self, tx: Transaction, places: Sequence[Place]
    ) -> tuple[dict[int, Document], list["_InSegment"]]:
        """Return what is in memory, and the segments that hold the rest, in log order."""
        found = {
            place.log_index: fresh.numbered(place.log_index).filed(place.class_code)
            for place in places
            if (fresh := self._fresh.get(place.log_index)) is not None
        }
        missing = [place for place in places if place.log_index not in found]
        return found, await _by_segment(tx, missing)

    async def _one_by_one(
        self, segment: SegmentRow, places: Sequence[Place], make: _Make[_T], *, patient: bool
    ) -> tuple[dict[int, _T], list[Unread]]:
        indexes = [place.log_index for place in places]
        async with self._database.reading() as tx:
            rows = await record_rows.list_by_index(tx, indexes)
            entries = await record_rows.entries_at(tx, indexes)
        found: dict[int, _T] = {}
        unread: list[Unread] = []
        for place in places:
            index = place.log_index
            try:
                found[index] = await asyncio.to_thread(
                    self._one, segment, rows[index], entries[index], partial(make, place)
                )
            except StorageUnavailable as error:
                if patient:
                    raise
                unread.append(_unread(index, Why.UNREADABLE, str(error)))
            except NotFound as error:
                unread.append(_unread(index, Why.LOST, str(error)))
            except IntegrityError as error:
                unread.append(_unread(index, Why.DAMAGED, str(error)))
            except _OF_THE_POST as error:
                # The error's own words may be those of the post.
                reason = f"the analyzer failed on it ({type(error).__name__})"
                unread.append(_unread(index, Why.REFUSED, reason))
        return found, unread

    def _one(
        self,
        segment: SegmentRow,
        row: RecordRow,
        entry: bytes,
        make: Callable[[OpenedRecord], _T],
    ) -> _T:
        try:
            return make(self._reader.open(segment, row, entry))
        except (ArchiverError, *_OF_THE_POST):
            raise
        except Exception as error:  # no memory, no handle, no thread: no post may stop the next
            raise StorageUnavailable(
                f"log index {row.log_index} could not be read for want of something on this "
                f"machine ({type(error).__name__}); it is tried again"
            ) from error

    def _from_store(
        self, segment: SegmentRow, frames: Mapping[int, Place], make: _Make[_T]
    ) -> dict[int, _T]:
        return {
            frames[number].log_index: make(frames[number], opened)
            for number, opened in enumerate(self._reader.open_segment(segment))
            if number in frames
        }


_InSegment = tuple[SegmentRow, list[Place]]


async def _by_segment(tx: Transaction, places: Sequence[Place]) -> list[_InSegment]:
    """Return the segments that places are in, each with its places, in log order."""
    inside: dict[str, list[Place]] = {}
    for place in places:
        inside.setdefault(place.segment_id, []).append(place)
    return [(await segment_rows.get(tx, name), inside[name]) for name in inside]


def _unread(index: int, why: Why, reason: str) -> Unread:
    return Unread(index, why, reason[:_MOST_WORDS])


def text_of(opened: OpenedRecord) -> str:
    """Return the text that is searched of a record; empty where it holds no post."""
    post = opened.manifest.post
    return restore_post(post).text if post is not None else ""


def describe(place: Place, opened: OpenedRecord) -> Document:
    """Return the search document of a record read back from the store, in the class it is in now.

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
        class_code=place.class_code,
        captured_at=captured_at,
        number=place.log_index,
    )
