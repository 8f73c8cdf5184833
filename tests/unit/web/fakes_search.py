# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Searching as the face sees it: one hostile hit, and everything that stands around it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from archiver.access.rules import Permission, reach
from archiver.legal.answers import (
    Answer,
    Coverage,
    FieldCount,
    Freshness,
    Histogram,
    Hit,
    NotSearchable,
    Overview,
)
from archiver.legal.asking import Asked
from archiver.legal.expansions import Expansion
from archiver.legal.queries import written
from archiver.legal.reach import names
from archiver.legal.understanding import Syntax, Understood, understand, zone_of
from archiver.model.actor import Actor
from search.calendar import Interval, buckets
from search.index import Order
from search.normal_form import normalise
from search.query import FieldName, Query, every
from tests.unit.web.fakes_records import HOSTILE, RECORD

POSTED = datetime(2026, 10, 14, 16, 2, 7, tzinfo=UTC)
HIT = Hit(
    id=RECORD,
    log_index=7,
    platform="mastodon",
    account="@acme",
    author="<i>Acme</i>",
    posted_at=POSTED,
    captured_at=datetime(2026, 10, 14, 16, 2, 9, 123000, tzinfo=UTC),
    change="edited",
    text=HOSTILE,
    permalink="javascript:alert(1)",
    class_code="COM",
    held=True,
    media=2,
    marks=((0, 5), (8, 10)),
)
FRESH = Freshness(
    read=1284220,
    log_size=1284220,
    current_to=datetime(2026, 10, 14, 16, 31, 7, tzinfo=UTC),
    waiting=0,
    behind=False,
)


@dataclass
class FakeSearching:
    """Answers every question alike; `asked` keeps the questions."""

    failure: Exception | None = None
    count_of_all: int = 1284
    freshness: Freshness = FRESH
    asked: list[Asked] = field(default_factory=list)
    wider: tuple[tuple[str, int], ...] = ()

    async def search(
        self, query: str, *, limit: int = 20, cursor: str = "", actor: Actor
    ) -> Answer:
        return self._answer(query, actor, limit)

    async def count(self, query: str, *, actor: Actor) -> Answer:
        return replace(self._answer(query, actor, 0), next_cursor="")

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
        self.asked.append(asked)
        tree = every(each.tree for each in asked.conditions(UTC))
        october = buckets(1790812800000, 1793491199999, interval or Interval.WEEK, UTC)
        bars = tuple((bucket, number) for number, bucket in enumerate(october))
        shown = Histogram(
            clock=asked.clock,
            interval=interval or Interval.WEEK,
            bars=bars,
            undated=3,
            first=october[0].first,
            last=october[-1].last,
        )
        return Overview(
            answer=self._answer(asked.query, actor, limit),
            facets=tuple(self._facet(name) for name in facets),
            histogram=shown if histogram else None,
            accounts=9,
            as_query=written(tree),
            freshness=self.freshness,
            wider=self.wider,
        )

    async def values(self, asked: Asked, name: FieldName, *, actor: Actor) -> Overview:
        return await self.overview(asked, facets=(name,), histogram=False, actor=actor)

    async def not_searchable(
        self, *, limit: int = 50, cursor: str = "", actor: Actor
    ) -> NotSearchable:
        return NotSearchable(
            records=(),
            total=3,
            log_size=1284220,
            next_cursor="",
            within=names(reach(actor, Permission.SEARCH)),
        )

    def _facet(self, name: FieldName) -> FieldCount:
        if name is FieldName.TAG:
            return FieldCount(field=name, values=(), other=0, counted=False)
        return FieldCount(field=name, values=(("<b>one</b>", 1000), ("two", 200)), other=84)

    def _answer(self, query: str, actor: Actor, limit: int) -> Answer:
        within = names(reach(actor, Permission.SEARCH))
        if self.failure is not None:
            raise self.failure
        return Answer(
            query=query,
            normalised=query,
            count=self.count_of_all,
            covered=Coverage(log_size=1284220, records=1284217, not_searchable=3),
            engine="fake",
            analyzer="1",
            hits=(HIT,)[: min(limit, self.count_of_all)],
            next_cursor="next" if self.count_of_all > 1 else "",
            within=within,
        )


class FakeExplaining:
    """Understands as the real one does; every word that stands for many stands for two."""

    def understand(
        self, text: str, *, syntax: Syntax = Syntax.MUNIMENT, stem: bool = False, zone: str = ""
    ) -> Understood:
        return understand(text, zone_of(zone, UTC), syntax=syntax, stem=stem)

    async def expansions(self, query: Query, *, actor: Actor) -> tuple[Expansion, ...]:
        reach(actor, Permission.SEARCH)
        told = (("<b>fees</b>", 12), ("feet", 1))
        return (Expansion(word=normalise(query), tokens=2, told=told),)
