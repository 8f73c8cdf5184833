"""Query trees as tantivy queries."""

import re
from collections.abc import Sequence
from functools import lru_cache

import tantivy

from search.engines.tantivy.number_sets import FEW_NUMBERS
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
    is_words,
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
            return _token(token) if isinstance(token, str) else _fitting(token)
        case Wildcard():
            return either(*map(_fitting, query.forms))
        case Fuzzy():
            return either(*map(_similar, query.forms))
        case Phrase(tokens) if not query.has_patterns:
            return tantivy.Query.phrase_query(SCHEMA, "text", [str(token) for token in tokens])
        case Near() if (sides := _sides(query)) is not None:
            return _near(*sides, query.distance, ordered=query.ordered)
        case Field(name, value):
            return tantivy.Query.term_query(SCHEMA, KEYWORDS.get(name, HASH), value, "basic")
        case DateRange(name, start, end):
            return time_range(name.value, start, end)
        case And(parts):
            return both(*map(compiled, parts))
        case Or(parts):
            return _any_of(parts)
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


@lru_cache(maxsize=8)  # a matter's 100,000 numbers take 25 ms, and one page asks eight questions
def _of_a_matter(numbers: frozenset[int]) -> tantivy.Query:
    if len(numbers) <= FEW_NUMBERS:
        return either(*(tantivy.Query.term_query(SCHEMA, "number", each) for each in numbers))
    return any_number(sorted(numbers))


_MANY_WORDS = 16
"""Words of an OR from which a set of them is faster: 50,000 words took 0.3 s for 1.5 s."""


def _any_of(parts: Sequence[Query]) -> tantivy.Query:
    """Return the documents of any part; the single words among many become one set."""
    listed = {part: tokens for part in parts if (tokens := _tokens(part)) is not None}
    if len(listed) < _MANY_WORDS:
        return either(*map(compiled, parts))
    words = sorted(frozenset().union(*listed.values()))
    rest = [compiled(part) for part in parts if part not in listed]
    return either(tantivy.Query.term_set_query(SCHEMA, "text", words), *rest)


_MOST_PAIRS = 64
"""Pairs of words looked for as phrases; `a w/5 b` has nine, for each of three forms."""


def _sides(near: Near) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return the words of either side where each find of both is one token, and they are few."""
    left, right = _tokens(near.left), _tokens(near.right)
    if left is None or right is None or len(left) * len(right) > _MOST_PAIRS:
        return None
    return left, right


def _tokens(query: Query) -> frozenset[str] | None:
    """Return the tokens each of which alone is all that `query` looks for; None: it has others."""
    match query:
        case Term():
            return frozenset(query.forms)
        case Phrase((str() as token,)):
            return frozenset((token,))
        case Or(parts) if is_words(query):
            sides = [_tokens(part) for part in parts]
            known = [side for side in sides if side is not None]
            return frozenset().union(*known) if len(known) == len(sides) else None
        case _:
            return None


def _near(
    left: frozenset[str], right: frozenset[str], distance: int, *, ordered: bool
) -> tantivy.Query:
    pairs = [(one, other) for one in left for other in right]
    return either(*(_pair(*pair, distance, ordered=ordered) for pair in pairs))


def _pair(one: str, other: str, distance: int, *, ordered: bool) -> tantivy.Query:
    """Return the documents with two tokens near each other, `one` first if `ordered`.

    A phrase whose second token stands `offset` behind its first, with a slop, finds the pairs of
    positions that are from `offset - slop` to `offset + slop` apart: around 0 in either order,
    around the middle of the distance only forwards. Zero must be left out where both tokens are the
    same, for a position is not near itself; then either order is the same one.
    """
    if not ordered and one != other:
        return _apart(one, other, 0, slop=distance)
    middle = (distance + 1) // 2
    found = _apart(one, other, middle, slop=middle - 1)
    return found if distance % 2 else either(found, _apart(one, other, distance, slop=0))


def _apart(one: str, other: str, offset: int, *, slop: int) -> tantivy.Query:
    return tantivy.Query.phrase_query(SCHEMA, "text", [(0, one), (offset, other)], slop=slop)


def _token(token: str) -> tantivy.Query:
    return tantivy.Query.term_query(SCHEMA, "text", token)


def _fitting(pattern: Pattern) -> tantivy.Query:
    found = _automaton(pattern.text)
    if found is None:
        raise ValueError(f"expected a query that is settled, found {pattern}")
    return found


@lru_cache(maxsize=1024)
def _automaton(pattern: str) -> tantivy.Query | None:
    """Return the query of a pattern, None where it would have more states than tantivy builds.

    `*a????????` has 2**9: it must remember where each a stood. tantivy refuses beyond a thousand
    states, in some 50 ms, and runs what it takes in linear time.
    """
    expression = "".join({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in pattern)
    try:
        return tantivy.Query.regex_query(SCHEMA, "text", expression)
    except ValueError:
        return None


def _similar(token: str) -> tantivy.Query:
    return tantivy.Query.fuzzy_term_query(
        SCHEMA, "text", token, distance=1, transposition_cost_one=True
    )


def is_exact(query: Query) -> bool:  # noqa: PLR0911 - one case per node
    """Return whether `compiled` takes a whole tree; what it does not take is settled first."""
    match query:
        case Near():
            return _sides(query) is not None
        case Stemmed() | Held():
            return False
        case Wildcard():
            return all(_automaton(form.text) is not None for form in query.forms)
        case Phrase((Pattern(text),)):
            return _automaton(text) is not None
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
