"""Searching: exact counts, pages of hits, and which part of the archive an answer speaks of.

Everything one answer says comes from one committed state of the index, within what its actor may
see (`archiver.legal.reach`). The text of a hit is read from its record and verified on the way.

Posts captured between two pages may join the later one, and none is skipped or repeated; but an
index that covers less than it did (it is being rebuilt) could skip hits, so the cursor of a page it
gave before is refused until the index has caught up.
"""

from collections.abc import Callable, Sequence
from datetime import tzinfo

from archiver.access.rules import Permission, Reach, reach
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.db import records as record_rows
from archiver.db.transaction import Database
from archiver.errors import InvalidInput, SearchUnavailable
from archiver.legal import coverage, cursors
from archiver.legal.answers import (
    Answer,
    FieldCount,
    Hit,
    NotSearchable,
    Overview,
)
from archiver.legal.asking import Asked, Condition
from archiver.legal.cursors import Cursor
from archiver.legal.hits import Hits
from archiver.legal.inquiry import Inquiry
from archiver.legal.looking import Seen, View, look
from archiver.legal.queries import OpenIndex, read_query, written
from archiver.legal.reach import names
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
    """The search use cases. `engine` tells its name and version, as answers state it."""

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
    ) -> None:
        self._inquiry = Inquiry(index=index, database=database, turns=turns or Turns())
        self._engine = engine
        self._database = database
        self._zone = zone
        self._trail = trail
        self._hits = Hits(database=database, records=records)
        self._covering = coverage.Covering(database)

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
        answer, _ = await self._page(query, conditions, view, cursor, actor)
        await self._note(answer, actor)
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
        within = reach(actor, Permission.SEARCH)
        conditions = asked.conditions(self._zone)
        view = View(
            limit=_page_of(limit),
            order=order,
            facets=facets,
            bars=histogram,
            clock=asked.clock,
            interval=interval,
            chosen=[Field(*each) for each in (*asked.include, *asked.exclude)],
            zone=self._zone,
        )
        answer, seen = await self._page(asked.query, conditions, view, cursor, actor)
        overview = Overview(
            answer=answer,
            facets=tuple(_field_count(name, seen) for name in facets),
            histogram=seen.bars,
            accounts=seen.accounts,
            as_query=written(every(each.tree for each in conditions)),
            freshness=await coverage.freshness(self._database, within, seen.watermark),
            wider=seen.wider,
        )
        await self._note(answer, actor)
        return overview

    async def count(self, query: str, *, actor: Actor) -> Answer:
        """Return the exact count without hits. Raises as `search`."""
        reach(actor, Permission.SEARCH)
        tree = read_query(query, self._zone)
        answer = await self._counted(query, tree, actor)
        await self._note(answer, actor)
        return answer

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
        answer = await self._answer(query, tree, seen, within, ids=tuple(ids))
        await self._note(answer, actor)
        return answer

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
        answer = await self._answer(asked.query, tree, seen, within)
        overview = Overview(
            answer=answer,
            facets=(_field_count(name, seen),),
            histogram=None,
            accounts=None,
            as_query=written(tree),
            freshness=await coverage.freshness(self._database, within, seen.watermark),
            wider=(),
        )
        await self._note(answer, actor, field=name.value)
        return overview

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
    ) -> tuple[Answer, Seen]:
        within = reach(actor, Permission.SEARCH)
        trees = [each.tree for each in conditions]
        tree = every(trees)
        part, wanted = await self._inquiry.within(within, trees, actor)
        asked = cursors.asked(tree, view.order, part)
        place = cursors.read(cursor, asked)
        given = [each._replace(tree=put) for each, put in zip(conditions, wanted, strict=True)]
        seen = await self._inquiry.ask(
            actor, lambda snapshot: look(snapshot, given, part.tree, view, place)
        )
        more = ""
        if len(seen.hits) == view.limit:
            more = cursors.write(Cursor(seen.hits[-1], seen.watermark, asked))
        hits = await self._hits.read(seen.hits, tree)
        return await self._answer(query, tree, seen, within, hits=hits, next_cursor=more), seen

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

        return await self._answer(query, tree, await self._inquiry.ask(actor, counted), within)

    async def _answer(
        self,
        query: str,
        tree: Query,
        seen: Seen,
        within: Reach,
        *,
        hits: tuple[Hit, ...] = (),
        ids: tuple[str, ...] | None = None,
        next_cursor: str = "",
    ) -> Answer:
        covered = await self._covering.covered(within, seen.watermark, seen.known, seen.whole)
        return Answer(
            query=query,
            normalised=normalise(tree),
            count=seen.total,
            covered=covered,
            engine=self._engine(),
            analyzer=ANALYZER_VERSION,
            hits=hits,
            ids=ids,
            next_cursor=next_cursor,
            within=names(within),
        )

    async def _note(self, answer: Answer, actor: Actor, **besides: str) -> None:
        damaged = sum(bool(hit.integrity) for hit in answer.hits)
        details: dict[str, str | int | bool] = {
            "query": answer.query,
            "normalised": answer.normalised,
            "count": answer.count,
            "log_size": answer.covered.log_size,
            "shown": len(answer.ids or answer.hits),
            **besides,
        }
        if answer.within:
            details["within"] = ", ".join(answer.within)
        await self._trail.record(
            Action.SEARCH_RUN,
            actor=actor,
            object_type="query",
            result="integrity" if damaged else "ok",
            details=details | ({"damaged": damaged} if damaged else {}),
        )


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
