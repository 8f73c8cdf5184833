"""Counting the hits of a query by value and by time, exactly.

A terms aggregation over several shards is approximate where shards drop values before they are
added up, so every shard is told to keep all of them. Where that is more than the cluster allows,
the values are read page by page instead (composite aggregation), and added up here.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from heapq import nsmallest
from itertools import pairwise
from typing import Any

from search.engines.opensearch.schema import KEYWORDS, PLACE
from search.errors import QueryTooBroad
from search.index import MOST_ACCOUNTS, Facet, Summary
from search.query import FieldName

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Answers a request body for all the hits of one query."""

_ALL_OF_A_SHARD = 2**31 - 1
_PAGE = 10_000


def facets(ask: Ask, fields: Collection[FieldName], limit: int) -> dict[FieldName, Facet]:
    """Return the most frequent values of each field; see `search.index.Snapshot.facets`."""
    if not fields:
        return {}
    try:
        told = ask({"aggs": {name.value: _by_count(name, limit) for name in fields}})
    except QueryTooBroad:
        return {name: _paged(ask, name, limit) for name in fields}
    return {name: _facet(told["aggregations"][name.value]) for name in fields}


def summary(ask: Ask, fields: Collection[FieldName], limit: int, clock: str) -> Summary:
    """Return count, accounts, span and facets; see `search.index.Snapshot.summary`."""
    # One more than are told apart, from each shard and from all: cut lists are seen as such.
    apart = MOST_ACCOUNTS + 1
    question = {
        "span": {"stats": {"field": clock}},
        "accounts": {"terms": {"field": PLACE, "size": apart, "shard_size": apart}},
    }
    told = ask({"aggs": question})
    span, accounts = (told["aggregations"][name] for name in ("span", "accounts"))
    different = len(accounts["buckets"])
    return Summary(
        total=int(told["hits"]["total"]["value"]),
        accounts=different if different <= MOST_ACCOUNTS else None,
        span=(int(span["min"]), int(span["max"])) if span["count"] else None,
        facets=facets(ask, fields, limit),
    )


def histogram(ask: Ask, field: str, edges: Sequence[int]) -> list[int]:
    """Return how many hits lie between each edge and the next."""
    ranges = [{"from": start, "to": end} for start, end in pairwise(edges)]
    bars = ask({"aggs": {"bars": {"range": {"field": field, "ranges": ranges}}}})
    counted = {bar["from"]: bar["doc_count"] for bar in bars["aggregations"]["bars"]["buckets"]}
    return [counted[float(start)] for start, _ in pairwise(edges)]


def _by_count(name: FieldName, limit: int) -> dict[str, Any]:
    order = [{"_count": "desc"}, {"_key": "asc"}]
    sizes = {"size": limit, "shard_size": _ALL_OF_A_SHARD}
    return {"terms": {"field": KEYWORDS[name], "order": order, **sizes}}


def _facet(told: dict[str, Any]) -> Facet:
    values = tuple((bucket["key"], bucket["doc_count"]) for bucket in told["buckets"])
    return Facet(values, told["sum_other_doc_count"])


def _paged(ask: Ask, name: FieldName, limit: int) -> Facet:
    """Return what `_facet` does, with no more values at a time than a page has."""
    total = 0

    def counted() -> Iterator[tuple[str, int]]:
        nonlocal total
        for value, count in _values(ask, KEYWORDS[name]):
            total += count
            yield value, count

    best = tuple(nsmallest(limit, counted(), key=lambda each: (-each[1], each[0])))
    return Facet(best, total - sum(count for _, count in best))


def _values(ask: Ask, field: str) -> Iterator[tuple[str, int]]:
    after: dict[str, Any] = {}
    while True:
        pages = {"size": _PAGE, "sources": [{"value": {"terms": {"field": field}}}], **after}
        told = ask({"aggs": {"page": {"composite": pages}}})["aggregations"]["page"]
        for bucket in told["buckets"]:
            yield bucket["key"]["value"], bucket["doc_count"]
        if len(told["buckets"]) < _PAGE:
            return
        after = {"after": told["after_key"]}
