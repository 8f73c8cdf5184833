"""Query trees as OpenSearch queries, all of them filters: nothing is scored, nothing parsed."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
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
"""Words and phrases on one side of a proximity that the engine compares; more are verified."""

_MOST_LENGTHS = 4
"""Different lengths of those: each of one side is compared with each of the other."""


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
            return _near(_runs(left), _runs(right), distance, ordered=ordered)
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
        case Near(left, right):
            return bool(_runs(left) and _runs(right))
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


_Runs = Mapping[int, Sequence[str]]
"""What stands at the places of one operand: words and phrases, by how many tokens they have."""


def _runs(words: Words) -> _Runs:
    """Return what `words` finds if that is plain words and phrases, and few; else nothing."""
    match words:
        case Term():
            return {1: words.forms}
        case Phrase(tokens) if not words.has_patterns:
            return {len(tokens): [" ".join(map(str, tokens))]}
        case Or(parts):
            found: dict[int, list[str]] = {}
            for part in parts:
                runs = _runs(part)  # type: ignore[arg-type]  # an OR of words
                if not runs:
                    return {}
                for length, texts in runs.items():
                    found.setdefault(length, []).extend(texts)
            few = len(found) <= _MOST_LENGTHS and sum(map(len, found.values())) <= _MOST_NEAR
            return found if few else {}
        case _:
            return {}


def _near(left: _Runs, right: _Runs, distance: int, *, ordered: bool) -> Compiled:
    """Return the documents in which one of `left` and one of `right` stand near each other.

    Lucene keeps the shortest of overlapping intervals: of "a b" and "a" the second alone, which is
    further from what follows. Among intervals of one length none hides another, so each length is
    asked for by itself. Ordered intervals share no position, unordered ones may: hence both orders.
    """
    pairs = list(product(left.values(), right.values()))
    if not ordered:
        pairs += [(other, one) for one, other in pairs]
    return either(_in_order(*pair, distance - 1) for pair in pairs)


def _in_order(one: Sequence[str], other: Sequence[str], gaps: int) -> Compiled:
    both = [{"any_of": {"intervals": [_run(text) for text in texts]}} for texts in (one, other)]
    return {
        "intervals": {"text": {"all_of": {"mode": "ordered", "max_gaps": gaps, "intervals": both}}}
    }


def _run(text: str) -> Compiled:
    return {"match": {"query": text, "mode": "ordered", "max_gaps": 0}}


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
