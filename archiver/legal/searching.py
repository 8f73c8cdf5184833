"""Searching: exact counts, pages of hits, and which part of the archive an answer speaks of.

Count, page and coverage of one answer come from one committed state of the index. The text of a
hit is read from its record and verified on the way; a record whose stored bytes are not those the
log commits to stays in count and page, and says so, because a hidden hit is a wrong count.

Hits stand newest first. A cursor names the last hit of its page and the log size the page covered:
`<time>.<log index>.<log size>` in base64url, opaque to callers. Posts captured between two pages
may join the later one, and none is skipped or repeated; but an index that covers less than it did
(it is being rebuilt) could skip hits, so such a cursor is refused until the index has caught up.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from importlib.metadata import version
from typing import NamedTuple

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import from_millis
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.records import RecordRow
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, InvalidInput, NotFound, SearchUnavailable
from archiver.legal.answers import Answer, Coverage, Hit
from archiver.legal.queries import OpenIndex, asking_the_engine, read_query
from archiver.model.actor import Actor
from archiver.preserve.reader import RecordReader
from archiver.preserve.segments.manifest import PostEntry
from search.analyzer import ANALYZER_VERSION
from search.index import Hit as Found
from search.query import Query, normalise

MAX_PAGE = 1000

EMBEDDED_ENGINE = f"tantivy {version('tantivy')}"
"""The engine of an archive that names no other, as answers state it."""

_TOGETHER = 8  # records opened at a time for one page
_CURSOR_NUMBERS = 3
_LARGEST = 2**63


class _Page(NamedTuple):
    """What one state of the index says."""

    watermark: int
    known: int
    total: int
    hits: Sequence[Found] = ()
    numbers: Sequence[int] = ()


class _Cursor(NamedTuple):
    """Where the next page begins, and how much of the log the page before covered."""

    after: Found
    log_size: int


class Searching:
    """The search use cases. `engine` is the index's name and version, as answers state it."""

    def __init__(
        self,
        *,
        index: OpenIndex,
        database: Database,
        records: RecordReader,
        zone: tzinfo,
        trail: Trail,
        engine: str = EMBEDDED_ENGINE,
    ) -> None:
        self._index = index
        self._engine = engine
        self._database = database
        self._records = records
        self._zone = zone
        self._trail = trail
        self._opening = asyncio.Semaphore(_TOGETHER)

    async def search(
        self, query: str, *, limit: int = 20, cursor: str = "", actor: Actor
    ) -> Answer:
        """Return one page of hits, newest first, with the exact count.

        Raises:
            Denied: the actor may not search.
            InvalidInput: the query, the limit (1 to `MAX_PAGE`) or the cursor is not one.
            SearchUnavailable: the index does not answer, cannot be trusted, or covers less than
                when the cursor was given.
        """
        require(actor, Permission.SEARCH)
        tree = read_query(query, self._zone)
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(
                f"expected a limit of 1 to {MAX_PAGE}, found {limit}", pointer="limit"
            )
        place = _read_cursor(cursor) if cursor else None
        page = await asyncio.to_thread(self._page, tree, limit, place)
        hits = await self._read_hits(page.hits)
        more = ""
        if len(page.hits) == limit:
            more = _write_cursor(_Cursor(page.hits[-1], page.watermark))
        answer = await self._answer(query, tree, page, hits=hits, next_cursor=more)
        await self._note(answer, actor)
        return answer

    async def count(self, query: str, *, actor: Actor) -> Answer:
        """Return the exact count without hits. Raises as `search`."""
        require(actor, Permission.SEARCH)
        tree = read_query(query, self._zone)
        answer = await self._answer(query, tree, await asyncio.to_thread(self._count, tree))
        await self._note(answer, actor)
        return answer

    async def ids(self, query: str, *, actor: Actor) -> Answer:
        """Return the ids of all records found, in log order. Raises as `search`."""
        require(actor, Permission.SEARCH)
        tree = read_query(query, self._zone)
        page = await asyncio.to_thread(self._numbers, tree)
        async with self._database.reading() as tx:
            ids = await record_rows.ids_at(tx, page.numbers)
        if len(ids) != page.total:
            raise SearchUnavailable(
                f"the index found {page.total} records, of which the database knows {len(ids)}; "
                "run `muniment reindex`, then `muniment verify`"
            )
        answer = await self._answer(query, tree, page, ids=tuple(ids))
        await self._note(answer, actor)
        return answer

    def _page(self, tree: Query, limit: int, place: _Cursor | None) -> _Page:
        with asking_the_engine(), self._index.reader().snapshot() as snapshot:
            if place is not None and snapshot.watermark < place.log_size:
                raise SearchUnavailable(
                    f"the index covers the log up to {snapshot.watermark}, the page before "
                    f"covered {place.log_size}: it is being rebuilt; ask again when it is done"
                )
            hits = snapshot.page(tree, limit=limit, after=place.after if place else None)
            return _Page(snapshot.watermark, snapshot.known(), snapshot.count(tree), hits)

    def _count(self, tree: Query) -> _Page:
        with asking_the_engine(), self._index.reader().snapshot() as snapshot:
            return _Page(snapshot.watermark, snapshot.known(), snapshot.count(tree))

    def _numbers(self, tree: Query) -> _Page:
        with asking_the_engine(), self._index.reader().snapshot() as snapshot:
            numbers = [number for chunk in snapshot.numbers(tree) for number in chunk]
            return _Page(snapshot.watermark, snapshot.known(), len(numbers), numbers=numbers)

    async def _answer(
        self,
        query: str,
        tree: Query,
        page: _Page,
        *,
        hits: tuple[Hit, ...] = (),
        ids: tuple[str, ...] | None = None,
        next_cursor: str = "",
    ) -> Answer:
        async with self._database.reading() as tx:
            not_searchable = await record_rows.count_not_searchable(tx, page.watermark)
        return Answer(
            query=query,
            normalised=normalise(tree),
            count=page.total,
            covered=Coverage(
                log_size=page.watermark, records=page.known, not_searchable=not_searchable
            ),
            engine=self._engine,
            analyzer=ANALYZER_VERSION,
            hits=hits,
            ids=ids,
            next_cursor=next_cursor,
        )

    async def _note(self, answer: Answer, actor: Actor) -> None:
        damaged = sum(bool(hit.integrity) for hit in answer.hits)
        details: dict[str, str | int | bool] = {
            "query": answer.query,
            "normalised": answer.normalised,
            "count": answer.count,
            "log_size": answer.covered.log_size,
            "shown": len(answer.ids or answer.hits),
        }
        await self._trail.record(
            Action.SEARCH_RUN,
            actor=actor,
            object_type="query",
            result="integrity" if damaged else "ok",
            details=details | ({"damaged": damaged} if damaged else {}),
        )

    async def _read_hits(self, found: Sequence[Found]) -> tuple[Hit, ...]:
        numbers = [hit.number for hit in found]
        async with self._database.reading() as tx:
            rows = await record_rows.list_by_index(tx, numbers)
            entries = await record_rows.entries_at(tx, numbers)
            held = await record_rows.holds_on(tx, numbers)
            segments = await segment_rows.get_many(tx, {row.segment_id for row in rows.values()})
        return tuple(
            await asyncio.gather(
                *(
                    self._read_hit(hit, rows, entries, segments, held=hit.number in held)
                    for hit in found
                )
            )
        )

    async def _read_hit(
        self,
        found: Found,
        rows: Mapping[int, RecordRow],
        entries: Mapping[int, bytes],
        segments: Mapping[str, SegmentRow],
        *,
        held: bool,
    ) -> Hit:
        row = rows.get(found.number)
        if row is None:
            return _unknown(found, held=held)
        try:
            async with self._opening:
                opened = await asyncio.to_thread(
                    self._records.open, segments[row.segment_id], row, entries[found.number]
                )
        except (IntegrityError, NotFound) as error:
            return _hit(row, None, held=held, integrity=str(error))
        return _hit(row, opened.manifest.post, held=held)


def _hit(row: RecordRow, post: PostEntry | None, *, held: bool, integrity: str = "") -> Hit:
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


def _write_cursor(cursor: _Cursor) -> str:
    text = f"{cursor.after.time}.{cursor.after.number}.{cursor.log_size}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(text: str) -> _Cursor:
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        numbers = [int(number) for number in plain.decode("ascii").split(".")]
    except (binascii.Error, ValueError) as error:
        raise _no_cursor(text) from error
    if len(numbers) != _CURSOR_NUMBERS or min(numbers[1:]) < 0:
        raise _no_cursor(text)
    if not all(-_LARGEST <= number < _LARGEST for number in numbers):
        raise _no_cursor(text)
    return _Cursor(Found(number=numbers[1], time=numbers[0]), numbers[2])


def _no_cursor(text: str) -> InvalidInput:
    return InvalidInput(
        f"expected the next_cursor of a page before, found {text[:80]!r}", pointer="cursor"
    )
