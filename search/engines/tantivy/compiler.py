"""Query trees as tantivy queries."""

import re
from collections.abc import Sequence
from functools import lru_cache

import tantivy

from search.engines.tantivy.schema import HASH, KEYWORDS, PLACE, SCHEMA, STATE
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
)

STATE_ONLY = tantivy.Query.term_query(SCHEMA, STATE, STATE, "basic")
"""The state document."""

_ALL = tantivy.Query.all_query()


def compiled(query: Query) -> tantivy.Query:  # noqa: C901, PLR0911, PLR0912 - one case per node
    """Return the tantivy query that finds exactly what `search.matcher.matches` does."""
    match query:
        case Term():
            return either(*map(_token, query.forms))
        case Phrase((token,)):
            return _token(token) if isinstance(token, str) else _pattern(token)
        case Wildcard():
            return either(*map(_pattern, query.forms))
        case Fuzzy():
            return either(*map(_similar, query.forms))
        case Phrase(tokens) if not query.has_patterns:
            return tantivy.Query.phrase_query(SCHEMA, "text", [str(token) for token in tokens])
        case Field(name, value):
            return tantivy.Query.term_query(SCHEMA, KEYWORDS.get(name, HASH), value, "basic")
        case DateRange(name, start, end):
            return time_range(name.value, start, end)
        case And(parts):
            return both(*map(compiled, parts))
        case Or(parts):
            return either(*map(compiled, parts))
        case Not(part):
            return without(compiled(part))
        case Everything():
            return without()
        case Places(places):
            return tantivy.Query.term_set_query(SCHEMA, PLACE, sorted(places))
        case Numbers(numbers):
            return _of_a_matter(numbers)
        case LogRange(start, end):
            return number_range(above=start - 1 if start > 0 else None, below=end)
        case Phrase() | Stemmed() | Near() | Held():
            raise ValueError(f"expected a query that is settled, found {query}")


_FEW = 2_000
"""Numbers up to which a term for each is faster than a set of terms: 3 ms for 12 at a million."""


@lru_cache(maxsize=8)  # a matter's 100,000 numbers take 25 ms, and one page asks eight questions
def _of_a_matter(numbers: frozenset[int]) -> tantivy.Query:
    if len(numbers) <= _FEW:
        return either(*(tantivy.Query.term_query(SCHEMA, "number", each) for each in numbers))
    return any_number(sorted(numbers))


def _token(token: str) -> tantivy.Query:
    return tantivy.Query.term_query(SCHEMA, "text", token)


def _pattern(pattern: Pattern) -> tantivy.Query:
    return tantivy.Query.regex_query(SCHEMA, "text", as_expression(pattern))


def as_expression(pattern: Pattern) -> str:
    """Return a pattern as a regular expression; tantivy runs them as automata, in linear time."""
    return "".join({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in pattern.text)


def _similar(token: str) -> tantivy.Query:
    return tantivy.Query.fuzzy_term_query(
        SCHEMA, "text", token, distance=1, transposition_cost_one=True
    )


def is_exact(query: Query) -> bool:
    """Return whether `compiled` takes a whole tree; what it does not take is settled first."""
    match query:
        case Near() | Stemmed() | Held():
            return False
        case Phrase(tokens):
            return len(tokens) == 1 or not query.has_patterns
        case And(parts) | Or(parts):
            return all(map(is_exact, parts))
        case Not(part):
            return is_exact(part)
        case _:
            return True


def either(*queries: tantivy.Query) -> tantivy.Query:
    """Return the documents of any of `queries`."""
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def both(*queries: tantivy.Query) -> tantivy.Query:
    """Return the documents that all of `queries` find."""
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in queries])


def without(*queries: tantivy.Query) -> tantivy.Query:
    """Return all documents minus those of `queries`; the state document is never one of them."""
    excluded = [(tantivy.Occur.MustNot, query) for query in (*queries, STATE_ONLY)]
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, _ALL), *excluded])


def time_range(field: str, start: int | None, end: int | None) -> tantivy.Query:
    """Return the documents with `start <= field < end`."""
    kind = tantivy.FieldType.Integer
    return tantivy.Query.range_query(
        SCHEMA, field, kind, start, end, include_lower=True, include_upper=end is None
    )


def any_number(numbers: Sequence[int]) -> tantivy.Query:
    """Return the documents with one of `numbers`.

    Deletion goes through this and not through `delete_documents_by_term`, which in tantivy 0.27
    takes every int for a signed one and silently deletes nothing from an unsigned field.
    """
    return tantivy.Query.term_set_query(SCHEMA, "number", numbers)


def number_range(*, above: int | None = None, below: int | None = None) -> tantivy.Query:
    """Return the documents with `above < number < below`."""
    kind = tantivy.FieldType.Unsigned
    return tantivy.Query.range_query(
        SCHEMA,
        "number",
        kind,
        above,
        below,
        include_lower=above is None,  # tantivy wants an open side called inclusive
        include_upper=below is None,
    )
