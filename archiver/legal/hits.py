"""Reading the hits of a page from their records, each checked against what the log commits to.

A record whose stored bytes are not what the log commits to stays in count and page, and says so,
because a hidden hit is a wrong count.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from archiver.clock import from_millis
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, NotFound
from archiver.legal.answers import Hit
from archiver.preserve.reader import RecordReader
from archiver.preserve.segments.manifest import PostEntry
from search import Mark, marking, merged
from search.index import Hit as Found
from search.query import Query

_Marking = Callable[[str], tuple[Mark, ...]]
_TOGETHER = 8  # records opened at a time for one page


class Hits:
    """Reads pages of hits, with a number of statements that does not grow with them."""

    def __init__(self, *, database: Database, records: RecordReader) -> None:
        self._database = database
        self._records = records
        self._opening = asyncio.Semaphore(_TOGETHER)

    async def read(self, found: Sequence[Found], tree: Query) -> tuple[Hit, ...]:
        """Return what is shown of each hit, in order, with where `tree` found its words."""
        if not found:
            return ()
        mark = marking(tree)
        numbers = [hit.number for hit in found]
        async with self._database.reading() as tx:
            rows = await record_rows.list_by_index(tx, numbers)
            entries = await record_rows.entries_at(tx, numbers)
            held = await record_rows.holds_on(tx, numbers)
            segments = await segment_rows.get_many(tx, {row.segment_id for row in rows.values()})
        return tuple(
            await asyncio.gather(
                *(
                    self._read(hit, rows, entries, segments, mark, held=hit.number in held)
                    for hit in found
                )
            )
        )

    async def _read(
        self,
        found: Found,
        rows: Mapping[int, RecordRow],
        entries: Mapping[int, bytes],
        segments: Mapping[str, SegmentRow],
        mark: _Marking,
        *,
        held: bool,
    ) -> Hit:
        row = rows.get(found.number)
        if row is None:
            return _unknown(found, held=held)
        segment, entry = segments[row.segment_id], entries[found.number]
        async with self._opening:
            return await asyncio.to_thread(self._open, row, segment, entry, mark, held=held)

    def _open(
        self, row: RecordRow, segment: SegmentRow, entry: bytes, mark: _Marking, *, held: bool
    ) -> Hit:
        try:
            post = self._records.open(segment, row, entry).manifest.post
        except (IntegrityError, NotFound) as error:
            return _hit(row, None, (), held=held, integrity=str(error))
        return _hit(row, post, merged(mark(post.text)) if post else (), held=held)


def _hit(
    row: RecordRow,
    post: PostEntry | None,
    marked: tuple[tuple[int, int], ...],
    *,
    held: bool,
    integrity: str = "",
) -> Hit:
    return Hit(
        id=row.id,
        log_index=row.log_index,
        platform=row.platform,
        account=row.account,
        author=(post.author.name or post.author.handle) if post else "",
        posted_at=from_millis(row.posted_at) if row.posted_at is not None else None,
        captured_at=from_millis(row.captured_at),
        change=row.change,
        text=post.text if post else "",
        permalink=post.permalink if post else "",
        class_code=row.class_code,
        held=held,
        integrity=integrity,
        lang=row.lang,
        media=row.media,
        marks=marked,
    )


def _unknown(found: Found, *, held: bool) -> Hit:
    """Return a hit the database has no row of: lost, or destroyed a moment ago."""
    return Hit(
        id="",
        log_index=found.number,
        platform="",
        account="",
        author="",
        posted_at=None,
        captured_at=from_millis(found.time),
        change="",
        text="",
        permalink="",
        class_code="",
        held=held,
        integrity=(
            f"the index found log index {found.number}, of which the database has no record; if "
            "it was not disposed of just now, run `muniment verify`"
        ),
    )
