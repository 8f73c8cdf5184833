"""Answers from one committed state of a Whoosh index."""

import heapq
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, compress, islice, pairwise
from typing import NamedTuple

from search.engines.whoosh.compiler import found, is_exact
from search.engines.whoosh.schema import KEYWORDS, NEVER, PLACE
from search.engines.whoosh.segment import Segment
from search.errors import QueryTooBroad
from search.index import CHUNK, MOST_ACCOUNTS, Expandable, Facet, Hit, Order, Summary
from search.query import DateName, FieldName, LogRange, Query
from search.verification import Settling

_KEPT = 16
"""Queries whose hits a snapshot remembers: two bytes for each document and query."""


class Part(NamedTuple):
    """A segment and the marks of those of its documents that are not deleted."""

    segment: Segment
    live: int


class Found(NamedTuple):
    """The hits in one segment: marks as a number, and as bytes."""

    segment: Segment
    marks: int
    row: bytes


class WhooshSnapshot:
    """`search.index.Snapshot` over segments, none of which ever changes."""

    def __init__(self, watermark: int, parts: Sequence[Part]) -> None:
        self._watermark = watermark
        self._parts = parts
        self._kept: dict[Query, list[Found]] = {}

    @property
    def watermark(self) -> int:
        """See `Snapshot`."""
        return self._watermark

    def known(self) -> int:
        """See `Snapshot`."""
        return sum(part.live.bit_count() for part in self._parts)

    def count(self, query: Query) -> int:
        """See `Snapshot`."""
        return sum(each.marks.bit_count() for each in self._found(query))

    def page(
        self,
        query: Query,
        *,
        limit: int,
        order: Order = Order.NEWEST,
        after: Hit | None = None,
    ) -> list[Hit]:
        """See `Snapshot`."""
        if limit < 1:
            raise ValueError(f"a page has one hit or more, not {limit}")
        rows = [_in_order(each, order, after) for each in self._found(query)]
        merged = heapq.merge(*rows, key=_PLACE[order], reverse=order is Order.NEWEST)
        return list(islice(merged, limit))

    def facets(
        self, query: Query, fields: Collection[FieldName], *, limit: int
    ) -> dict[FieldName, Facet]:
        """See `Snapshot`."""
        _check_values(limit)
        return _facets(self._found(query), fields, limit)

    def summary(
        self, query: Query, fields: Collection[FieldName], *, limit: int, clock: DateName
    ) -> Summary:
        """See `Snapshot`."""
        _check_values(limit)
        hits = self._found(query)
        accounts = len(_counted(hits, PLACE))
        times = _times(hits, clock)
        return Summary(
            total=sum(each.marks.bit_count() for each in hits),
            accounts=accounts if accounts <= MOST_ACCOUNTS else None,
            span=(min(times), max(times)) if times else None,
            facets=_facets(hits, fields, limit),
        )

    def histogram(self, query: Query, clock: DateName, edges: Sequence[int]) -> list[int]:
        """See `Snapshot`."""
        times = sorted(_times(self._found(query), clock))
        return [
            bisect_left(times, end) - bisect_left(times, start) for start, end in pairwise(edges)
        ]

    def numbers(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        """See `Snapshot`."""
        return _chunks(self._found(query), chunk)

    def all_numbers(self, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        """See `Snapshot`."""
        return _chunks([_hits(part.segment, part.live) for part in self._parts], chunk)

    def between(self, start: int, end: int) -> list[int]:
        """See `Snapshot`."""
        found = self.numbers(LogRange(start, end), chunk=max(end - start, 1))
        return next(found, [])

    def texts(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[tuple[int, str]]]:
        """See `search.verification.Source`."""
        rows = [_texts(_hits(each, found(query, each) & live)) for each, live in self._parts]
        merged = heapq.merge(*rows)
        while part := list(islice(merged, chunk)):
            yield [(number, text.decode()) for number, text in part]

    def expansion(self, word: Expandable, *, limit: int) -> tuple[str, ...]:
        """See `Snapshot`."""
        words = set().union(*(part.segment.vocabulary.fitting(word) for part in self._parts))
        if len(words) > limit:
            raise QueryTooBroad(
                f"One word of the query stands for {len(words):,} different words, more than "
                f"{limit:,}. Give more of its letters."
            )
        return tuple(sorted(words))

    def _found(self, query: Query) -> list[Found]:
        """Return the hits. One page asks for the same ones again: its count, facets and bars."""
        if query not in self._kept:
            settled = Settling(self, is_exact).settled(query)
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[query] = [
                _hits(segment, found(settled, segment) & live) for segment, live in self._parts
            ]
        return self._kept[query]


_PLACE: dict[Order, Callable[[Hit], tuple[int, ...]]] = {
    Order.NEWEST: lambda hit: (hit.time, hit.number),
    Order.OLDEST: lambda hit: (hit.time, hit.number),
    Order.LOG: lambda hit: (hit.number,),
}


def _hits(segment: Segment, marks: int) -> Found:
    return Found(segment, marks, segment.row(marks))


def _positions(hits: Found, order: Order, after: Hit | None = None) -> Iterator[int]:
    """Return the positions of hits in `order`, of those that follow `after`."""
    segment = hits.segment
    ordered = segment.by_number if order is Order.LOG else segment.by_time
    place = _PLACE[order]
    if after is not None:
        last = place(after)

        def place_of(position: int) -> tuple[int, ...]:
            return place(Hit(segment.numbers[position], segment.times[position]))

        if order is Order.NEWEST:
            ordered = ordered[: bisect_left(ordered, last, key=place_of)]
        else:
            ordered = ordered[bisect_right(ordered, last, key=place_of) :]
    walked = reversed(ordered) if order is Order.NEWEST else iter(ordered)
    return (position for position in walked if hits.row[position])


def _in_order(hits: Found, order: Order, after: Hit | None) -> Iterator[Hit]:
    numbers, times = hits.segment.numbers, hits.segment.times
    return (Hit(numbers[at], times[at]) for at in _positions(hits, order, after))


def _texts(hits: Found) -> Iterator[tuple[int, bytes]]:
    numbers, texts = hits.segment.numbers, hits.segment.texts
    return ((numbers[at], texts[at]) for at in _positions(hits, Order.LOG))


def _chunks(hits: Iterable[Found], chunk: int) -> Iterator[list[int]]:
    numbers = sorted(chain.from_iterable(compress(each.segment.numbers, each.row) for each in hits))
    return (numbers[start : start + chunk] for start in range(0, len(numbers), chunk))


def _times(hits: Iterable[Found], clock: DateName) -> list[int]:
    told = chain.from_iterable(compress(each.segment.clock(clock), each.row) for each in hits)
    return [time for time in told if time != NEVER]


def _counted(hits: Iterable[Found], field: str) -> Counter[str]:
    """Return how many hits have each value of a field; those that have none are left out."""
    counts: Counter[str] = Counter()
    for segment, _, row in hits:
        for value, positions in segment.values(field).items():
            if count := sum(map(row.__getitem__, positions)):
                counts[value] += count
    return counts


def _facets(
    hits: Sequence[Found], fields: Collection[FieldName], limit: int
) -> dict[FieldName, Facet]:
    return {name: _facet(_counted(hits, KEYWORDS[name]), limit) for name in fields}


def _facet(counts: Counter[str], limit: int) -> Facet:
    most = heapq.nsmallest(limit, counts.items(), key=lambda each: (-each[1], each[0]))
    return Facet(tuple(most), counts.total() - sum(count for _, count in most))


def _check_values(limit: int) -> None:
    if limit < 1:
        raise ValueError(f"a facet has one value or more, not {limit}")
