"""Answers from one committed state of an index."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from search.engines.opensearch import counts, vocabulary
from search.engines.opensearch.cluster import Cluster
from search.engines.opensearch.compiler import Compiled, compiled, is_exact, numbered
from search.engines.opensearch.state import State
from search.index import CHUNK, Expandable, Facet, Hit, Order, Summary
from search.query import DateName, Everything, FieldName, Query
from search.verification import Settling

_TEXTS = 2_000
"""Texts fetched at a time: a post may have 100,000 characters."""

Sort = Sequence[dict[str, str]]
_BY_NUMBER: Sort = ({"number": "asc"},)


class OpenSearchSnapshot:
    """`search.index.Snapshot` over a point in time; `state` says what of it counts."""

    def __init__(self, cluster: Cluster, point: str, state: State) -> None:
        self._cluster = cluster
        self._point = point
        self._state = state

    @property
    def watermark(self) -> int:
        """See `Snapshot`."""
        return self._state.watermark

    def known(self) -> int:
        """See `Snapshot`."""
        return self._state.documents

    def stored(self) -> int:
        """Return how many documents there are by count, to be compared with `known`."""
        everything = self._asked({"match_all": {}}, {})
        return _total(everything) - _total(self._asked(self._state.hidden(), {}))

    def highest(self) -> int:
        """Return the highest number there is, or -1."""
        newest = next(self._hits(self._everything(), ({"number": "desc"},), 1), None)
        return newest[0]["sort"][0] if newest else -1

    def count(self, query: Query) -> int:
        """See `Snapshot`."""
        if isinstance(query, Everything):
            return self.known()
        return _total(self._asked(self._found(query), {}))

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
        way = "desc" if order is Order.NEWEST else "asc"
        sort: Sort = [{"time": way}, {"number": way}]
        last = None if after is None else [after.time, after.number]
        fields: dict[str, Any] = {}
        if order is Order.LOG:
            sort, last = _BY_NUMBER, last and last[1:]
            fields = {"docvalue_fields": ["time"]}
        hits: list[Hit] = []
        for chunk in self._hits(self._found(query), sort, min(limit, CHUNK), last, fields):
            hits += map(_hit, chunk)
            if len(hits) >= limit:
                break
        return hits[:limit]

    def facets(
        self, query: Query, fields: Collection[FieldName], *, limit: int
    ) -> dict[FieldName, Facet]:
        """See `Snapshot`."""
        if limit < 1:
            raise ValueError(f"a facet has one value or more, not {limit}")
        wanted = self._found(query)
        return counts.facets(lambda body: self._asked(wanted, body), fields, limit)

    def summary(
        self, query: Query, fields: Collection[FieldName], *, limit: int, clock: DateName
    ) -> Summary:
        """See `Snapshot`."""
        if limit < 1:
            raise ValueError(f"a facet has one value or more, not {limit}")
        wanted = self._found(query)
        return counts.summary(lambda body: self._asked(wanted, body), fields, limit, clock.value)

    def histogram(self, query: Query, clock: DateName, edges: Sequence[int]) -> list[int]:
        """See `Snapshot`."""
        wanted = self._found(query)
        return counts.histogram(lambda body: self._asked(wanted, body), clock.value, edges)

    def numbers(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        """See `Snapshot`."""
        return self._numbers(self._found(query), chunk)

    def all_numbers(self, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        """See `Snapshot`."""
        return self._numbers(self._everything(), chunk)

    def between(self, start: int, end: int) -> list[int]:
        """See `Snapshot`."""
        stretch = self._state.visible(numbered(start, end))
        return [number for chunk in self._numbers(stretch, CHUNK) for number in chunk]

    def texts(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[tuple[int, str]]]:
        """See `search.verification.Source`."""
        wanted = self._state.visible(compiled(query))
        fields = {"_source": ["text"]}
        for hits in self._hits(wanted, _BY_NUMBER, min(chunk, _TEXTS), None, fields):
            yield [(hit["sort"][0], hit["_source"]["text"]) for hit in hits]

    def expansion(self, word: Expandable, *, limit: int) -> tuple[str, ...]:
        """See `Snapshot`."""
        wanted = self._state.visible(vocabulary.holding(word))
        return vocabulary.found(word, self._asked(wanted, vocabulary.question(word, limit)), limit)

    def _found(self, query: Query) -> Compiled:
        return self._state.visible(compiled(Settling(self, is_exact, spells=True).settled(query)))

    def _everything(self) -> Compiled:
        return self._state.visible({"match_all": {}})

    def _asked(self, wanted: Compiled, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a question about all the hits, without any of them."""
        return self._cluster.search(self._point, {"size": 0, "query": wanted, **body})

    def _numbers(self, wanted: Compiled, chunk: int) -> Iterator[list[int]]:
        for hits in self._hits(wanted, _BY_NUMBER, min(chunk, CHUNK)):
            yield [hit["sort"][0] for hit in hits]

    def _hits(
        self,
        wanted: Compiled,
        sort: Sort,
        size: int,
        after: Sequence[int] | None = None,
        fields: dict[str, Any] | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield the hits that follow `after` in a total order, in lists of up to `size`."""
        body = {"query": wanted, "sort": sort, "size": size, "_source": False, **(fields or {})}
        while True:
            start = {} if after is None else {"search_after": after}
            hits = self._cluster.search(self._point, {**body, **start})["hits"]["hits"]
            if hits:
                yield hits
            if len(hits) < size:
                return
            after = hits[-1]["sort"]


def _total(told: dict[str, Any]) -> int:
    return int(told["hits"]["total"]["value"])


def _hit(told: dict[str, Any]) -> Hit:
    if "fields" in told:
        return Hit(told["sort"][0], told["fields"]["time"][0])
    return Hit(told["sort"][1], told["sort"][0])
