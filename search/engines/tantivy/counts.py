"""Counting the hits of a query by value and by time, in tantivy's columns.

Its aggregations are exact only where no segment drops values before they are added up, so every
segment is told to keep all of them. They stop at some number of values and some memory, by raising;
that is no damage, and is told apart here.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import tantivy

from search.engines.tantivy.schema import BETWEEN, KEYWORDS, PLACE, SETS
from search.index import MOST_ACCOUNTS, Facet, Summary
from search.query import FieldName

_ALL_OF_A_SEGMENT = 2**31 - 1
_STOPPED = "Aborting aggregation"
_SINGLE = ("total", "span", "accounts")
_MOST_SETS = 10_000
_SPARE = 24
"""Values asked for beyond those wanted: mostly enough to hold all of the last one's count."""


def facets(
    searcher: tantivy.Searcher, wanted: tantivy.Query, fields: Collection[FieldName], limit: int
) -> dict[FieldName, Facet]:
    """Return the most frequent values of each field; see `search.index.Snapshot.facets`."""
    try:
        told = _asked(searcher, wanted, {name: _values_of(name, limit) for name in fields})
    except _Stopped:
        if len(fields) == 1:
            return {name: Facet((), None) for name in fields}
        # One field has too many values: the others are still counted.
        return {name: facets(searcher, wanted, [name], limit)[name] for name in fields}
    return {name: _facet(searcher, wanted, name, told[name], limit) for name in fields}


def summary(
    searcher: tantivy.Searcher,
    wanted: tantivy.Query,
    fields: Collection[FieldName],
    limit: int,
    clock: str,
) -> Summary:
    """Return count, accounts, span and facets; see `search.index.Snapshot.summary`."""
    question: dict[str, Any] = {
        "total": {"value_count": {"field": "number"}},  # every document has one
        "span": {"stats": {"field": clock}},  # `min` and `max` would read the column twice
        "accounts": _by_count(PLACE, MOST_ACCOUNTS),
        **{name.value: _values_of(name, limit) for name in fields},
    }
    try:
        told = _asked(searcher, wanted, question)
        found = {name: _facet(searcher, wanted, name, told[name], limit) for name in fields}
    except _Stopped:
        told = {name: _told_alone(searcher, wanted, question[name]) for name in _SINGLE}
        found = facets(searcher, wanted, fields, limit)
    span, accounts = told["span"], told["accounts"]
    return Summary(
        total=int(told["total"]["value"]),
        accounts=len(accounts["buckets"]) if accounts["sum_other_doc_count"] == 0 else None,
        span=None if span["min"] is None else (int(span["min"]), int(span["max"])),
        facets=found,
    )


def _told_alone(
    searcher: tantivy.Searcher, wanted: tantivy.Query, question: dict[str, Any]
) -> dict[str, Any]:
    try:
        return dict(_asked(searcher, wanted, {"alone": question})["alone"])
    except _Stopped:  # only values can be too many, and then they are more than are told apart
        return {"buckets": (), "sum_other_doc_count": 1}


def histogram(
    searcher: tantivy.Searcher, wanted: tantivy.Query, field: str, edges: Sequence[int]
) -> list[int]:
    """Return how many hits lie between each edge and the next; tantivy knows no calendar."""
    ranges = [{"from": float(start), "to": float(end)} for start, end in pairwise(edges)]
    asked = {"range": {"field": field, "ranges": ranges}}
    told = _asked(searcher, wanted, {"bars": asked})["bars"]["buckets"]
    # It adds what lies before the first and after the last.
    inner = {bar["from"]: bar["doc_count"] for bar in told if "from" in bar and "to" in bar}
    return [inner[each["from"]] for each in ranges]


class _Stopped(Exception):  # noqa: N818 - it never leaves this module
    """There are more different values than tantivy counts at a time."""


def _asked(
    searcher: tantivy.Searcher, wanted: tantivy.Query, question: dict[Any, Any]
) -> dict[str, Any]:
    try:
        return dict(searcher.aggregate(wanted, question))
    except ValueError as error:
        if _STOPPED in str(error):
            raise _Stopped from error
        raise


def _values_of(name: FieldName, limit: int) -> dict[str, Any]:
    if name in SETS:
        return _by_count(SETS[name], _MOST_SETS)
    return _by_count(KEYWORDS[name], limit + _SPARE)


def _by_count(field: str, size: int) -> dict[str, Any]:
    return {"terms": {"field": field, "size": size, "segment_size": _ALL_OF_A_SEGMENT}}


def _facet(
    searcher: tantivy.Searcher,
    wanted: tantivy.Query,
    name: FieldName,
    told: dict[str, Any],
    limit: int,
) -> Facet:
    if name in SETS:
        return _facet_of_sets(told, limit)
    found = [(bucket["key"], bucket["doc_count"]) for bucket in told["buckets"]]
    found.sort(key=lambda each: (-each[1], each[0]))
    values, rest = found[:limit], found[limit:]
    beyond = told["sum_other_doc_count"]
    if beyond and rest and rest[-1][1] == values[-1][1]:
        values = _first_by_value(searcher, wanted, name, values)
    return Facet(tuple(values), beyond + sum(count for _, count in rest))


def _facet_of_sets(told: dict[str, Any], limit: int) -> Facet:
    if told["sum_other_doc_count"]:
        return Facet((), None)
    counted: Counter[str] = Counter()
    for bucket in told["buckets"]:
        for value in bucket["key"].split(BETWEEN):
            counted[value] += bucket["doc_count"]
    found = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    return Facet(tuple(found[:limit]), sum(count for _, count in found[limit:]))


def _first_by_value(
    searcher: tantivy.Searcher,
    wanted: tantivy.Query,
    name: FieldName,
    values: list[tuple[str, int]],
) -> list[tuple[str, int]]:
    """Return `values` with those of the lowest count replaced by the first of that count by value.

    tantivy orders values of equal count by chance. Of all values at least that frequent, as many as
    are wanted and as are more frequent are enough to hold the right ones.
    """
    lowest = values[-1][1]
    above = [each for each in values if each[1] > lowest]
    terms = _by_count(KEYWORDS[name], len(values) + len(above))
    terms["terms"] |= {"order": {"_key": "asc"}, "min_doc_count": lowest}
    told = _asked(searcher, wanted, {name: terms})[name]["buckets"]
    level = [(each["key"], lowest) for each in told if each["doc_count"] == lowest]
    return above + level[: len(values) - len(above)]
