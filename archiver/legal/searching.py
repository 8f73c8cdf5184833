"""Searching: exact counts, pages of hits, and which part of the archive an answer speaks of.

Everything one answer says comes from one committed state of the index, within what its actor may
see (`archiver.legal.reach`). The text of a hit is read from its record and verified on the way.

Posts captured between two pages may join the later one, and none is skipped or repeated; but an
index that covers less than it did (it is being rebuilt) could skip hits, so the cursor of a page it
gave before is refused until the index has caught up.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import cached_property
from typing import NamedTuple

from archiver.access.rules import Permission, Reach, allowed, reach
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.db import hit_rows
from archiver.db import records as record_rows
from archiver.db.coverage import Counts
from archiver.db.hit_rows import HitRows
from archiver.db.transaction import Connection, Database
from archiver.errors import InvalidInput, SearchUnavailable
from archiver.legal import coverage, cursors
from archiver.legal.answers import (
    Answer,
    FieldCount,
    Freshness,
    Hit,
    NotSearchable,
    Overview,
)
from archiver.legal.asking import Asked, Condition
from archiver.legal.cursors import Cursor
from archiver.legal.hits import open_hits, opened
from archiver.legal.inquiry import Inquiry
from archiver.legal.looking import Seen, View, look
from archiver.legal.queries import OpenIndex, read_query, written
from archiver.legal.reach import Part, names
from archiver.legal.turns import Turns
from archiver.model.actor import Actor
from archiver.preserve.reader import RecordReader
from search.analyzer import ANALYZER_VERSION
from search.calendar import Interval
from search.index import Order, Snapshot
from search.normal_form import normalise
from search.query import Field, FieldName, Query, every

MAX_PAGE = 1000
MAX_VALUES = 1000
"""Values of one field that a page of its own lists."""


class Searching:
    """The search use cases. `engine` tells its name and version, as answers state it.

    `together` is how many threads open the records of one page: many where the store is far away,
    one where reading costs work and no waiting, which two threads would take from each other.
    """

    def __init__(
        self,
        *,
        index: OpenIndex,
        database: Database,
        records: RecordReader,
        zone: tzinfo,
        trail: Trail,
        engine: Callable[[], str],
        turns: Turns | None = None,
        together: int = 1,
    ) -> None:
        self._inquiry = Inquiry(index=index, database=database, turns=turns or Turns())
        self._engine = engine
        self._database = database
        self._zone = zone
        self._trail = trail
        self._records = records
        self._together = together
        self._is_near = together == 1 and database.reads_here
        self._covering = coverage.Covering(database, trail.clock)

    async def search(
        self, query: str, *, limit: int = 20, cursor: str = "", actor: Actor
    ) -> Answer:
        """Return one page of hits, newest first, with the exact count.

        Raises:
            Denied: the actor may search nothing, or asks what is held and may read no hold.
            InvalidInput: the query, the limit (1 to `MAX_PAGE`) or the cursor is not one, or the
                query costs more than one answer may.
            SearchUnavailable: the index does not answer, cannot be trusted, or covers less than
                when the cursor was given.
        """
        reach(actor, Permission.SEARCH)
        conditions = (Condition("q", read_query(query, self._zone)),)
        view = View(limit=_page_of(limit), zone=self._zone)
        answer, _, _ = await self._page(query, conditions, view, cursor, actor)
        return answer

    async def overview(
        self,
        asked: Asked,
        *,
        limit: int = 50,
        cursor: str = "",
        order: Order = Order.NEWEST,
        facets: Sequence[FieldName] = (),
        histogram: bool = True,
        interval: Interval | None = None,
        actor: Actor,
    ) -> Overview:
        """Return everything one page of a search shows, as one event.

        Args:
            asked: the query and the filters; empty asks for everything.
            limit: hits on the page, 1 to `MAX_PAGE`.
            cursor: `next_cursor` of the page before, of the same question and order.
            order: newest or oldest first.
            facets: the fields to be counted.
            histogram: whether to count by time, on the clock that `asked` names.
            interval: of the histogram; None lets the span of the hits choose.
            actor: who searches.

        Raises:
            Denied, InvalidInput, SearchUnavailable: as `search`; dates or an interval may be wrong.
        """
        reach(actor, Permission.SEARCH)
        conditions = asked.conditions(self._zone)
        filtered = [each.tree for each in (*asked.include, *asked.exclude)]
        view = View(
            limit=_page_of(limit),
            order=order,
            facets=facets,
            bars=histogram,
            clock=asked.clock,
            interval=interval,
            chosen=[tree for tree in filtered if isinstance(tree, Field)],
            zone=asked.days(self._zone),
        )
        answer, seen, fresh = await self._page(asked.query, conditions, view, cursor, actor)
        return Overview(
            answer=answer,
            facets=tuple(_field_count(name, seen) for name in facets),
            histogram=seen.bars,
            accounts=seen.accounts,
            as_query=written(every(each.tree for each in conditions)),
            freshness=fresh,
            wider=seen.wider,
        )

    async def count(self, query: str, *, actor: Actor) -> Answer:
        """Return the exact count without hits. Raises as `search`."""
        reach(actor, Permission.SEARCH)
        tree = read_query(query, self._zone)
        return await self._counted(query, tree, actor)

    async def ids(self, query: str, *, actor: Actor) -> Answer:
        """Return the ids of all records found, in log order. Raises as `search`."""
        within = reach(actor, Permission.SEARCH)
        tree = read_query(query, self._zone)
        part, (wanted,) = await self._inquiry.within(within, [tree], actor)
        seen, numbers = await self._inquiry.ask(
            actor, lambda snapshot: _numbers(snapshot, wanted, part.tree)
        )
        async with self._database.reading() as tx:
            ids = await record_rows.ids_at(tx, numbers)
        if len(ids) != seen.total:
            raise SearchUnavailable(
                f"the index found {seen.total} records, of which the database knows {len(ids)}; "
                "run `muniment reindex`, then `muniment verify`"
            )
        answer, _ = await self._answer(query, tree, seen, within, actor)
        await self._note(query, tree, seen, within, actor, shown=len(ids))
        return replace(answer, ids=tuple(ids))

    async def values(self, asked: Asked, name: FieldName, *, actor: Actor) -> Overview:
        """Return up to `MAX_VALUES` values of one field with their counts, and no hits.

        Raises as `overview`.
        """
        within = reach(actor, Permission.SEARCH)
        conditions = asked.conditions(self._zone)
        tree = every(each.tree for each in conditions)
        part, (wanted,) = await self._inquiry.within(within, [tree], actor)

        def counted(snapshot: Snapshot) -> Seen:
            inside = every((wanted, part.tree))
            return Seen(
                watermark=snapshot.watermark,
                whole=snapshot.known(),
                known=snapshot.count(part.tree),
                total=snapshot.count(inside),
                facets=dict(snapshot.facets(inside, [name], limit=MAX_VALUES)),
            )

        seen = await self._inquiry.ask(actor, counted)
        answer, fresh = await self._answer(asked.query, tree, seen, within, actor)
        await self._note(asked.query, tree, seen, within, actor, field=name.value)
        return Overview(
            answer=answer,
            facets=(_field_count(name, seen),),
            histogram=None,
            accounts=None,
            as_query=written(tree),
            freshness=fresh,
            wider=(),
        )

    async def not_searchable(
        self, *, limit: int = 50, cursor: str = "", actor: Actor
    ) -> NotSearchable:
        """Return a page of the posts that hold nothing to be searched, the newest first.

        Raises:
            Denied, InvalidInput, SearchUnavailable: as `search`.
        """
        within = reach(actor, Permission.SEARCH)
        log_size = await self._inquiry.ask(actor, lambda snapshot: snapshot.watermark)
        found = await coverage.not_searchable(
            self._database, within, log_size=log_size, limit=_page_of(limit), cursor=cursor
        )
        await self._trail.record(
            Action.SEARCH_RUN,
            actor=actor,
            object_type="not searchable",
            details={"count": found.total, "log_size": log_size, "shown": len(found.records)},
        )
        return found

    async def _page(
        self, query: str, conditions: Sequence[Condition], view: View, cursor: str, actor: Actor
    ) -> tuple[Answer, Seen, Freshness]:
        within = reach(actor, Permission.SEARCH)
        question = _Question(
            query=query, conditions=conditions, view=view, cursor=cursor, within=within, actor=actor
        )
        tree = question.tree
        noted: list[asyncio.Task[None]] = []
        try:
            found = await self._found_at_once(question, noted)
            if found is None:
                found = await self._found(question, noted)
            seen = found.seen
            answer, fresh = await self._answer(query, tree, seen, within, actor, found.rows)
        finally:
            for event in noted:
                await event
        if damaged := sum(bool(hit.integrity) for hit in found.hits):
            await self._note(query, tree, seen, within, actor, damaged=damaged)
        return replace(answer, hits=found.hits, next_cursor=found.more), seen, fresh

    async def _found_at_once(
        self, question: "_Question", noted: list[asyncio.Task[None]]
    ) -> "_Found | None":
        """Return what `_found` does, in one thread: where all is in files of this machine.

        Threads that hand work to one another wait for the interpreter at each turn. None where
        that cannot be, or where it was supposed that nothing had been restricted, and something
        was: then nothing was answered.
        """
        if not self._is_near:
            return None
        supposed = self._inquiry.supposed(question.within, question.trees, question.actor)
        if supposed is None:
            return None
        looking = question.looking(supposed.part, supposed.trees)

        def find(snapshot: Snapshot) -> _Found | None:
            seen = looking.look(snapshot)

            def looked_up(connection: Connection) -> _Rows | None:
                if not supposed.holds(connection):
                    return None
                return self._rows(connection, seen, question.within)

            rows = self._database.read_here(looked_up)
            if rows is None:
                return None
            hits = open_hits(seen.hits, rows.hits, question.tree, self._records)
            return _Found(seen, rows, hits, looking.more(seen))

        found = await self._inquiry.ask(question.actor, find)
        if found is not None:
            # Not while the hits are opened: both work more than they wait, and for one interpreter.
            noted.append(asyncio.create_task(self._note_of(question, found.seen)))
        return found

    async def _found(self, question: "_Question", noted: list[asyncio.Task[None]]) -> "_Found":
        """Return what index, database and records say, and begin the event into `noted`.

        It is written while the hits are opened: there both mostly wait.
        """
        within = question.within
        part, wanted = await self._inquiry.within(within, question.trees, question.actor)
        looking = question.looking(part, wanted)
        seen = await self._inquiry.ask(question.actor, looking.look)
        noted.append(asyncio.create_task(self._note_of(question, seen)))
        rows = await self._looked_up(seen, within)
        tree = question.tree
        hits = await opened(seen.hits, rows.hits, tree, self._records, together=self._together)
        return _Found(seen, rows, hits, looking.more(seen))

    async def _counted(self, query: str, tree: Query, actor: Actor) -> Answer:
        within = reach(actor, Permission.SEARCH)
        part, (wanted,) = await self._inquiry.within(within, [tree], actor)

        def counted(snapshot: Snapshot) -> Seen:
            return Seen(
                watermark=snapshot.watermark,
                whole=snapshot.known(),
                known=snapshot.count(part.tree),
                total=snapshot.count(every((wanted, part.tree))),
            )

        seen = await self._inquiry.ask(actor, counted)
        answer, _ = await self._answer(query, tree, seen, within, actor)
        await self._note(query, tree, seen, within, actor)
        return answer

    async def _looked_up(self, seen: Seen, within: Reach) -> "_Rows":
        """Return all that the database says to one answer, of one state and in one go."""
        return await self._database.run(
            lambda connection: self._rows(connection, seen, within), writes=False
        )

    def _rows(self, connection: Connection, seen: Seen, within: Reach) -> "_Rows":
        return _Rows(
            hits=hit_rows.read(connection, [hit.number for hit in seen.hits]),
            counts=self._covering.counts(connection, within, seen.watermark),
            fresh=coverage.freshness(connection, within, seen.watermark),
        )

    async def _answer(  # noqa: PLR0917 - what was asked, and what was found
        self,
        query: str,
        tree: Query,
        seen: Seen,
        within: Reach,
        actor: Actor,
        rows: "_Rows | None" = None,
    ) -> tuple[Answer, Freshness]:
        """Return the answer without hits, and how far the index is."""
        rows = rows or await self._looked_up(seen, within)
        covered = await self._covering.covered(rows.counts, seen.watermark, seen.known, seen.whole)
        if within.everything and allowed(actor, Permission.READ_PRIVACY):
            covered = replace(covered, restricted=seen.whole - seen.known)
        answer = Answer(
            query=query,
            normalised=normalise(tree),
            count=seen.total,
            covered=covered,
            engine=self._engine(),
            analyzer=ANALYZER_VERSION,
            within=names(within),
        )
        return answer, rows.fresh

    async def _note_of(self, question: "_Question", seen: Seen) -> None:
        await self._note(question.query, question.tree, seen, question.within, question.actor)

    async def _note(
        self,
        query: str,
        tree: Query,
        seen: Seen,
        within: Reach,
        actor: Actor,
        *,
        shown: int | None = None,
        damaged: int = 0,
        **besides: str,
    ) -> None:
        """Record the search; of hits that turned out `damaged` there is a second event."""
        details: dict[str, str | int | bool] = {
            "query": query,
            "normalised": normalise(tree),
            "count": seen.total,
            "log_size": seen.watermark,
            "shown": len(seen.hits) if shown is None else shown,
            **besides,
        }
        if parts := names(within):
            details["within"] = ", ".join(parts)
        await self._trail.record(
            Action.SEARCH_RUN,
            actor=actor,
            object_type="query",
            result="integrity" if damaged else "ok",
            details=details | ({"damaged": damaged} if damaged else {}),
        )


@dataclass(frozen=True, slots=True)
class _Rows:
    hits: HitRows
    counts: Counts
    fresh: Freshness


class _Found(NamedTuple):
    """What one page is made of. `more` is the cursor of the next."""

    seen: Seen
    rows: _Rows
    hits: tuple[Hit, ...]
    more: str


@dataclass(frozen=True, kw_only=True)
class _Question:
    """One page that somebody asks for."""

    query: str
    conditions: Sequence[Condition]
    view: View
    cursor: str
    within: Reach
    actor: Actor

    @property
    def trees(self) -> list[Query]:
        return [each.tree for each in self.conditions]

    @cached_property
    def tree(self) -> Query:
        return every(self.trees)

    def looking(self, part: Part, wanted: Sequence[Query]) -> "_Looking":
        """Return how to look for it in a part of the archive. Raises InvalidInput: the cursor."""
        given = [each._replace(tree=put) for each, put in zip(self.conditions, wanted, strict=True)]
        asked = cursors.asked(self.tree, self.view.order, part)
        return _Looking(given, part, self.view, asked, cursors.read(self.cursor, asked))


class _Looking(NamedTuple):
    given: list[Condition]
    part: Part
    view: View
    asked: int
    place: Cursor | None

    def look(self, snapshot: Snapshot) -> Seen:
        return look(snapshot, self.given, self.part.tree, self.view, self.place)

    def more(self, seen: Seen) -> str:
        """Return the cursor of the page after; empty where there is none."""
        if len(seen.hits) < self.view.limit:
            return ""
        return cursors.write(Cursor(seen.hits[-1], seen.watermark, self.asked))


def _numbers(snapshot: Snapshot, tree: Query, part: Query) -> tuple[Seen, list[int]]:
    inside = every((tree, part))
    numbers = [number for chunk in snapshot.numbers(inside) for number in chunk]
    known = snapshot.count(part)
    seen = Seen(
        watermark=snapshot.watermark, whole=snapshot.known(), known=known, total=len(numbers)
    )
    return seen, numbers


def _field_count(name: FieldName, seen: Seen) -> FieldCount:
    facet = seen.facets.get(name)
    if facet is None or facet.other is None:
        return FieldCount(field=name, values=(), other=0, counted=False)
    rare = tuple((leaf.value, count) for leaf, count in seen.chosen.items() if leaf.name is name)
    other = max(facet.other - sum(count for _, count in rare), 0)
    return FieldCount(field=name, values=facet.values + rare, other=other)


def _page_of(limit: int) -> int:
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"expected a limit of 1 to {MAX_PAGE}, found {limit}", pointer="limit")
    return limit
