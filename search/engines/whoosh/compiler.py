"""Query trees as marks on a segment's documents (`segment.Segment`).

Whoosh's own queries are not used: those for spans cannot be joined by AND and OR, those for similar
words know no swapped letters, and walking any of them costs a Python call for each document. Words
that stand for many, and words near each other, are settled before (`search.verification`).
"""

from collections.abc import Iterable
from functools import reduce
from operator import and_, or_

from search.engines.whoosh.schema import KEYWORDS, NEVER, PLACE, TEXT
from search.engines.whoosh.segment import Key, Segment
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


def found(query: Query, segment: Segment) -> int:  # noqa: C901, PLR0911, PLR0912 - one case per node
    """Return marks of exactly what `search.matcher.matches` finds, deleted documents as well."""
    match query:
        case Term() | Field() | Places():
            return segment.marked(_keys(query))
        case Phrase((str(),)):
            return segment.marked(_keys(query))
        case Phrase(tokens) if not query.has_patterns:
            return _in_a_row([str(token) for token in tokens], segment)
        case DateRange():
            return _in_range(query, segment)
        case And(parts):
            return reduce(and_, (found(part, segment) for part in parts))
        case Or(parts):
            return _any(parts, segment)
        case Not(part):
            return segment.all ^ found(part, segment)
        case Everything():
            return segment.all
        case Numbers(numbers):
            return _marks(map(numbers.__contains__, segment.numbers))
        case LogRange(start, end):
            return _marks(start <= number < end for number in segment.numbers)
        case Phrase() | Wildcard() | Fuzzy() | Stemmed() | Near() | Held():
            raise ValueError(f"expected a query that is settled, found {query}")


def is_exact(query: Query) -> bool:
    """Return whether `found` takes a whole tree; what it does not take is settled first."""
    match query:
        case Wildcard() | Fuzzy() | Stemmed() | Near() | Held():
            return False
        case Phrase():
            return not query.has_patterns
        case And(parts) | Or(parts):
            return all(map(is_exact, parts))
        case Not(part):
            return is_exact(part)
        case _:
            return True


def _keys(query: Query) -> tuple[Key, ...]:
    """Return what is looked up for a query that is nothing but look-ups, else nothing."""
    match query:
        case Term():
            return tuple((TEXT, form) for form in query.forms)
        case Phrase((str(token),)):
            return ((TEXT, token),)
        case Field(name, value):
            return ((KEYWORDS[name], value),)
        case Places(places):
            return tuple((PLACE, place) for place in places)
        case _:
            return ()


def _any(parts: Iterable[Query], segment: Segment) -> int:
    """Return the marks of any of `parts`; a list of 50,000 words is one row of marks, not as many.

    A part without keys, as `Places` of nothing may be, is found by itself.
    """
    keys: list[Key] = []
    rest: list[Query] = []
    for part in parts:
        looked_up = _keys(part)
        keys += looked_up
        if not looked_up:
            rest.append(part)
    return reduce(or_, (found(part, segment) for part in rest), segment.marked(keys))


def _in_a_row(tokens: list[str], segment: Segment) -> int:
    """Read the texts that hold every token: tokens have no space, so a row is a substring."""
    candidates = reduce(and_, (segment.marked([(TEXT, token)]) for token in set(tokens)))
    wanted = f" {' '.join(tokens)} ".encode()
    row = bytearray(segment.row(candidates))
    position = row.find(1)
    while position >= 0:
        row[position] = wanted in b" %b " % segment.texts[position]
        position = row.find(1, position + 1)
    return int.from_bytes(row, "little")


def _in_range(query: DateRange, segment: Segment) -> int:
    start = NEVER + 1 if query.start is None else query.start
    times = segment.clock(query.name)
    if query.end is None:
        return _marks(time >= start for time in times)
    end = query.end
    return _marks(start <= time < end for time in times)


def _marks(found: Iterable[bool]) -> int:
    return int.from_bytes(bytes(found), "little")
