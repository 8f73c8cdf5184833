"""Answers from one committed state of a tantivy index."""

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import tantivy

from search.engines.tantivy import counts
from search.engines.tantivy.compiler import (
    STATE_ONLY,
    any_number,
    both,
    compiled,
    is_exact,
    number_range,
    time_range,
    without,
)
from search.engines.tantivy.kept import Kept
from search.engines.tantivy.number_sets import FEW_NUMBERS, cut_down, weight_of
from search.engines.tantivy.schema import LAYOUT, state_of
from search.engines.tantivy.vocabulary import expansion, vocabulary
from search.errors import IndexDamaged, IndexOutdated, IndexUnavailable
from search.index import CHUNK, Beside, Expandable, Facet, Hit, Order, Summary
from search.query import And, DateName, Everything, FieldName, Numbers, Query, every
from search.verification import Settling
from search.vocabulary import Vocabulary


class TantivySnapshot:
    """`search.index.Snapshot` over one tantivy searcher."""

    def __init__(
        self, path: Path, searcher: tantivy.Searcher, keep: Callable[[str], Kept] = Kept
    ) -> None:
        """Look at `searcher`; `keep` gives what was kept of the state of a stamp."""
        self._path = path
        self._searcher = searcher
        with failures_as_damage(path):
            found = searcher.search(STATE_ONLY, limit=1, count=False).hits
            if not found:
                raise IndexDamaged(f"Expected a state document in the index {path}, found none.")
            state = state_of(searcher.doc(found[0][1]))
        if state.layout != LAYOUT:
            raise IndexOutdated(
                f"Expected {LAYOUT} in the index {path}, found {state.layout}.", layout=state.layout
            )
        self._watermark = state.watermark
        self._kept = keep(state.stamp)

    @property
    def watermark(self) -> int:
        """See `Snapshot`."""
        return self._watermark

    def known(self) -> int:
        """See `Snapshot`."""
        return self._searcher.num_docs - 1  # without the state document

    def highest(self) -> int:
        """Return the highest number there is, or -1."""
        with failures_as_damage(self._path):
            newest = self._top(without(), "number", 1, descending=True)
        return newest[0].number if newest else -1

    def count(self, query: Query) -> int:
        """See `Snapshot`."""
        if isinstance(query, Everything):
            return self.known()
        return self._kept.once(("count", query), lambda: self._count(self._compiled(query)))

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
        wanted = self._compiled(query)
        with failures_as_damage(self._path):
            if order is not Order.LOG:
                whole = query if after is None else None
                newest = order is Order.NEWEST
                return self._by_time(wanted, limit, after, descending=newest, whole=whole)
            if after is not None:
                wanted = both(wanted, number_range(above=after.number))
            return self._top(wanted, "number", limit, descending=False)

    def facets(
        self, query: Query, fields: Collection[FieldName], *, limit: int
    ) -> dict[FieldName, Facet]:
        """See `Snapshot`."""
        if limit < 1:
            raise ValueError(f"a facet has one value or more, not {limit}")

        def counted() -> dict[FieldName, Facet]:
            wanted = self._among_few(query)
            with failures_as_damage(self._path):
                return counts.facets(self._searcher, wanted, fields, limit)

        return dict(self._kept.once(("facets", query, tuple(fields), limit), counted))

    def summary(
        self, query: Query, fields: Collection[FieldName], *, limit: int, clock: DateName
    ) -> Summary:
        """See `Snapshot`."""
        if limit < 1:
            raise ValueError(f"a facet has one value or more, not {limit}")

        def counted() -> Summary:
            wanted = self._among_few(query)
            with failures_as_damage(self._path):
                return counts.summary(self._searcher, wanted, fields, limit, clock.value)

        return self._kept.once(("summary", query, tuple(fields), limit, clock), counted)

    def histogram(self, query: Query, clock: DateName, edges: Sequence[int]) -> list[int]:
        """See `Snapshot`."""

        def counted() -> list[int]:
            wanted = self._among_few(query)
            with failures_as_damage(self._path):
                return counts.histogram(self._searcher, wanted, clock.value, edges)

        return list(self._kept.once(("histogram", query, clock, tuple(edges)), counted))

    def numbers(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        """See `Snapshot`."""
        return self._chunks(self._compiled(query), chunk)

    def beside(self, numbers: Sequence[int]) -> Beside:
        """See `Index`: a segment of tantivy goes when nothing in it is alive."""
        gone = any_number(numbers)
        addresses = [address for hits in self._hits(gone, CHUNK) for _, address in hits]
        segments = {address.segment_ord for address in addresses}
        beside = array("q")
        for hits in self._hits(without(gone), CHUNK):
            beside.extend(number for number, address in hits if address.segment_ord in segments)
        return Beside(len(addresses), beside)

    def texts(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[tuple[int, str]]]:
        """See `search.verification.Source`."""
        for hits in self._hits(self._compiled(query), chunk):
            with failures_as_damage(self._path):
                yield [
                    (number, str(self._searcher.doc(address).get_first("text") or ""))
                    for number, address in hits
                ]

    def expansion(self, word: Expandable, *, limit: int) -> tuple[str, ...]:
        """See `Snapshot`."""

        def found() -> tuple[str, ...]:
            with failures_as_damage(self._path):
                return expansion(self._searcher, word, limit, self._vocabulary)

        return self._kept.once(("expansion", word, limit), found, len)

    def _vocabulary(self) -> Vocabulary:
        return self._kept.once("vocabulary", lambda: vocabulary(self._searcher))

    def _compiled(self, query: Query) -> tantivy.Query:
        return self._made(query)[0]

    def _made(self, query: Query) -> tuple[tantivy.Query, int]:
        """Return `query` as tantivy takes it, what it cannot express settled, and its weight."""

        def settled() -> tuple[tantivy.Query, int]:
            found = self._narrowed(Settling(self, is_exact).settled(query))
            return compiled(found), weight_of(found)

        return self._kept.once(("compiled", query), settled, lambda made: made[1])

    def _among_few(self, query: Query) -> tantivy.Query:
        """Return `query` compiled, or its hits themselves where they are few and it is dear."""
        wanted, weight = self._made(query)
        if weight <= FEW_NUMBERS or self.count(query) > FEW_NUMBERS:
            return wanted

        def few() -> tantivy.Query:
            hits = frozenset(number for chunk in self.numbers(query) for number in chunk)
            return compiled(Numbers(hits))

        return self._kept.once(("few", query), few, lambda _: FEW_NUMBERS)

    def all_numbers(self, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        """See `Snapshot`."""
        return self._chunks(without(), chunk)

    def between(self, start: int, end: int) -> list[int]:
        """See `Snapshot`."""
        if start >= end:
            return []
        with failures_as_damage(self._path):
            found = self._searcher.search(
                both(without(), number_range(above=start - 1 if start else None, below=end)),
                limit=end - start,
                count=False,
                order_by_field="number",
                order=tantivy.Order.Asc,
            )
        return [number for number, _ in found.hits]

    def _narrowed(self, query: Query) -> Query:
        """Return `query` with the sets of numbers in an AND cut down to the hits of the rest of it.

        tantivy takes 2 microseconds for each number of a set, in every question, whatever else is
        asked: 40 ms at 20,000. Where the rest finds few, those are looked up in the set instead.
        """
        if not isinstance(query, And):
            return query
        rest = [part for part in query.parts if weight_of(part) <= FEW_NUMBERS]
        if not rest or len(rest) == len(query.parts) or self.count(every(rest)) > FEW_NUMBERS:
            return query
        hits = frozenset(number for chunk in self.numbers(every(rest)) for number in chunk)
        return every(part if part in rest else cut_down(part, hits) for part in query.parts)

    def _count(self, wanted: tantivy.Query) -> int:
        with failures_as_damage(self._path):
            # Ordering by a field keeps tantivy from scoring every hit.
            return _counted(
                self._searcher.search(wanted, limit=1, count=True, order_by_field="number")
            )

    def _chunks(self, wanted: tantivy.Query, chunk: int) -> Iterator[list[int]]:
        for hits in self._hits(wanted, chunk):
            yield [number for number, _ in hits]

    def _hits(
        self, wanted: tantivy.Query, chunk: int
    ) -> Iterator[list[tuple[int, tantivy.DocAddress]]]:
        """Yield the numbers of all hits, ascending, with where they lie, in lists of `chunk`."""
        rest = wanted
        while True:
            with failures_as_damage(self._path):
                found = self._searcher.search(
                    rest,
                    limit=chunk,
                    count=False,
                    order_by_field="number",
                    order=tantivy.Order.Asc,
                )
            hits = found.hits
            if hits:
                yield hits
            if len(hits) < chunk:
                return
            rest = both(wanted, number_range(above=hits[-1][0]))

    def _by_time(
        self,
        wanted: tantivy.Query,
        limit: int,
        after: Hit | None,
        *,
        descending: bool,
        whole: Query | None = None,
    ) -> list[Hit]:
        """Return hits by time, then number, both descending or both ascending.

        tantivy orders by one field and breaks ties by where the document lies, which a merge
        changes. So hits that share the time of the page's first or last one are read by number.
        """
        ties: list[Hit] = []
        if after is not None:
            ties = self._at(wanted, after.time, limit, after=after.number, descending=descending)
            rest = (None, after.time) if descending else (after.time + 1, None)
            wanted = both(wanted, time_range("time", *rest))
        room = limit - len(ties)
        if not room:
            return ties
        # One more than asked for tells whether the time of the last is shared beyond the page.
        page = self._top(wanted, "time", room + 1, descending=descending, whole=whole)
        if len(page) > room and page[room].time == page[room - 1].time:
            last = page[room].time
            page = [hit for hit in page if hit.time != last]
            page += self._at(wanted, last, room - len(page), descending=descending)
        page = page[:room]
        page.sort(key=lambda hit: (hit.time, hit.number), reverse=descending)
        return ties + page

    def _at(
        self,
        wanted: tantivy.Query,
        time: int,
        limit: int,
        *,
        after: int | None = None,
        descending: bool,
    ) -> list[Hit]:
        """Return the hits at exactly `time` by number, those that follow the number `after`."""
        exactly = both(wanted, time_range("time", time, time + 1))
        if after is not None:
            rest = number_range(below=after) if descending else number_range(above=after)
            exactly = both(exactly, rest)
        return self._top(exactly, "number", limit, descending=descending)

    def _top(
        self,
        wanted: tantivy.Query,
        field: str,
        limit: int,
        *,
        descending: bool,
        whole: Query | None = None,
    ) -> list[Hit]:
        """Return the first hits by one field; of `whole`, if that is what is asked, the count too.

        tantivy goes through all hits to find the first, so counting them on the way costs nothing.
        """
        found = self._searcher.search(
            wanted,
            limit=limit,
            count=whole is not None,
            order_by_field=field,
            order=tantivy.Order.Desc if descending else tantivy.Order.Asc,
        )
        if whole is not None:
            self._kept.once(("count", whole), lambda: _counted(found))
        addresses = [address for _, address in found.hits]
        # Both fields are whole numbers that every document has; the stubs allow for more.
        numbers = cast("list[int]", self._searcher.fast_field_values("number", addresses))
        times = cast("list[int]", self._searcher.fast_field_values("time", addresses))
        return [Hit(number, time) for number, time in zip(numbers, times, strict=True)]


def _counted(found: tantivy.SearchResult) -> int:
    return int(found.count)  # type: ignore[attr-defined]  # missing in its stubs


@contextmanager
def failures_as_damage(path: Path) -> Iterator[None]:
    """Raise `IndexDamaged` where tantivy fails while reading; nothing else fails there.

    But for its locks, which are files that reading makes: on a full disk nothing is damaged, and
    an index must not be built anew for it (`IndexUnavailable`).
    """
    try:
        yield
    except ValueError as error:
        if "Lockfile" in str(error):
            raise IndexUnavailable(f"The index {path} cannot be locked: {error}") from error
        raise IndexDamaged(f"The index {path} cannot be read: {error}") from error
    except BaseException as error:
        # A flipped bit can make tantivy panic. pyo3 derives that from BaseException and does not
        # export the class; let through, it would end the process.
        if type(error).__name__ != "PanicException":
            raise
        raise IndexDamaged(f"The index {path} cannot be read, tantivy panicked: {error}") from error
