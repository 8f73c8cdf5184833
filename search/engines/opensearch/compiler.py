"""Query trees as OpenSearch queries, all of them filters: nothing is scored, nothing parsed."""

from collections.abc import Iterable, Sequence
from typing import Any

from search.engines.opensearch.automata import is_small, signs_in_order
from search.engines.opensearch.schema import KEYWORDS, MOST_TERMS, PLACE
from search.patterns import Pattern
from search.query import (
    And,
    DateRange,
    Everything,
    Field,
    Fuzzy,
    Held,
    LogRange,
    Near,
    Not,
    Numbers,
    Or,
    Phrase,
    Places,
    Query,
    Stemmed,
    Term,
    Wildcard,
    Words,
)

Compiled = dict[str, Any]

_MOST_NEAR = 100
"""Words on one side of a proximity that the engine compares; more are verified."""


def compiled(query: Query) -> Compiled:  # noqa: C901, PLR0911, PLR0912 - one case per node
    """Return the query that finds exactly what `search.matcher.matches` does."""
    match query:
        case Term() | Field() | Places() | Numbers() | Phrase((str(),)):
            return _compared([query])
        case Phrase((Pattern() as pattern,)):
            return _pattern(pattern)
        case Phrase(tokens) if not query.has_patterns:
            return {"match_phrase": {"text": {"query": " ".join(map(str, tokens))}}}
        case Wildcard():
            return either(map(_pattern, query.forms))
        case Fuzzy():
            return either(map(_similar, query.forms))
        case Near(left, right, distance, ordered) if is_exact(query):
            return _intervals(_plain(left), _plain(right), distance, ordered=ordered)
        case DateRange(name, start, end):
            return in_range(name.value, gte=start, lt=end)
        case LogRange(start, end):
            return numbered(start, end)
        case And(parts):
            given = [compiled(part) for part in parts if not isinstance(part, Not)]
            excluded = [compiled(part.part) for part in parts if isinstance(part, Not)]
            return every(given, without=excluded)
        case Or(parts):
            return _compared(parts)
        case Not(part):
            return every([], without=[compiled(part)])
        case Everything():
            return {"match_all": {}}
        case Phrase() | Stemmed() | Near() | Held():
            raise ValueError(f"expected a query that is settled, found {query}")


def is_exact(query: Query) -> bool:  # noqa: PLR0911 - one case per node
    """Return whether `compiled` takes a whole tree; what it does not take is settled first."""
    match query:
        case Stemmed() | Held():
            return False
        case Near(left, right, _, ordered):
            here, there = _plain(left), _plain(right)
            # Intervals let both sides stand on one word, unless they are different or in order.
            return bool(here and there) and (ordered or set(here).isdisjoint(there))
        case Wildcard(pattern) | Phrase((Pattern() as pattern,)):
            return is_small(pattern)
        case Phrase():
            return not query.has_patterns
        case And(parts) | Or(parts):
            return all(map(is_exact, parts))
        case Not(part):
            return is_exact(part)
        case _:
            return True


def _plain(words: Words) -> tuple[str, ...]:
    """Return the tokens that `words` finds if they are single and few; else nothing."""
    match words:
        case Term():
            return words.forms
        case Phrase((str() as token,)):
            return (token,)
        case Or(parts):
            sides = [_plain(part) for part in parts]  # type: ignore[arg-type]  # an OR of words
            found = tuple(dict.fromkeys(token for side in sides for token in side))
            return found if all(sides) and len(found) <= _MOST_NEAR else ()
        case _:
            return ()


def _intervals(
    left: Sequence[str], right: Sequence[str], distance: int, *, ordered: bool
) -> Compiled:
    def side(tokens: Sequence[str]) -> Compiled:
        return {"any_of": {"intervals": [{"match": {"query": token}} for token in tokens]}}

    mode = "ordered" if ordered else "unordered"
    both = [side(left), side(right)]
    return {
        "intervals": {
            "text": {"all_of": {"mode": mode, "max_gaps": distance - 1, "intervals": both}}
        }
    }


def _compared(parts: Iterable[Query]) -> Compiled:
    """Return the OR of `parts`, in which values of one field become one clause.

    A server counts clauses and refuses more than some thousand; values of a clause it does not.
    """
    values: dict[str, list[Any]] = {}
    rest = []
    for part in parts:
        match part:
            case Term():
                values.setdefault("text", []).extend(part.forms)
            case Phrase((str() as token,)):
                values.setdefault("text", []).append(token)
            case Field(name, value):
                values.setdefault(KEYWORDS[name], []).append(value)
            case Places(places):
                values.setdefault(PLACE, []).extend(sorted(places))
            case Numbers(numbers):
                values.setdefault("number", []).extend(sorted(numbers))
            case _:
                rest.append(compiled(part))
    return either([*(any_of(field, given) for field, given in values.items()), *rest])


def any_of(field: str, values: Sequence[Any]) -> Compiled:
    """Return the documents that have one of `values` in `field`; none without any."""
    starts = range(0, len(values), MOST_TERMS)
    return either({"terms": {field: values[start : start + MOST_TERMS]}} for start in starts)


def either(queries: Iterable[Compiled]) -> Compiled:
    """Return the documents of any of `queries`; none without any."""
    found = list(queries)
    if not found:
        return {"match_none": {}}
    if len(found) == 1:
        return found[0]
    return {"bool": {"should": found, "minimum_should_match": 1}}


def every(queries: Iterable[Compiled], *, without: Iterable[Compiled] = ()) -> Compiled:
    """Return the documents that all of `queries` find and none of `without` does."""
    return {"bool": {"filter": list(queries), "must_not": list(without)}}


def in_range(field: str, **bounds: int | None) -> Compiled:
    """Return the documents whose `field` keeps to `bounds` (`gte`, `gt`, `lt`); None: open."""
    return {"range": {field: {name: at for name, at in bounds.items() if at is not None}}}


def numbered(start: int, end: int) -> Compiled:
    """Return the documents with `start <= number < end`."""
    if start >= end or end <= 0:  # OpenSearch 2.9 takes "below 0" of an unsigned field for all
        return either([])
    return in_range("number", gte=max(start, 0), lt=end)


def _pattern(pattern: Pattern) -> Compiled:
    value = signs_in_order(pattern).replace("\\", "\\\\")
    return {"wildcard": {"text": {"value": value, "rewrite": "constant_score"}}}


def _similar(token: str) -> Compiled:
    # `constant_score` visits every similar word; the default rewrite keeps the best 50, silently.
    return {
        "fuzzy": {
            "text": {
                "value": token,
                "fuzziness": 1,
                "transpositions": True,
                "rewrite": "constant_score",
            }
        }
    }
