"""Query trees as tantivy queries."""

from collections.abc import Sequence
from functools import lru_cache

import tantivy

from search.engines.tantivy.schema import KEYWORDS, PLACE, SCHEMA, STATE
from search.query import (
    And,
    DateRange,
    Everything,
    Field,
    Not,
    Numbers,
    Or,
    Phrase,
    Places,
    Query,
    Term,
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
            return _token(token)
        case Phrase(tokens):
            return tantivy.Query.phrase_query(SCHEMA, "text", list(tokens))
        case Field(name, value):
            return tantivy.Query.term_query(SCHEMA, KEYWORDS[name], value, "basic")
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


_FEW = 2_000
"""Numbers up to which a term for each is faster than a set of terms: 3 ms for 12 at a million."""


@lru_cache(maxsize=8)  # a matter's 100,000 numbers take 25 ms, and one page asks eight questions
def _of_a_matter(numbers: frozenset[int]) -> tantivy.Query:
    if len(numbers) <= _FEW:
        return either(*(tantivy.Query.term_query(SCHEMA, "number", each) for each in numbers))
    return any_number(sorted(numbers))


def _token(token: str) -> tantivy.Query:
    return tantivy.Query.term_query(SCHEMA, "text", token)


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
