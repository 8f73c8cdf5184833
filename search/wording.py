"""A query's tree in words: what each part of it finds, for whoever must be sure of it."""

from typing import NamedTuple

from search import dates
from search.normal_form import normalise
from search.patterns import Pattern
from search.query import (
    And,
    DateName,
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
    Standing,
    Stemmed,
    Term,
    Wildcard,
)


class Line(NamedTuple):
    """One part, and how deep it stands in those it belongs to."""

    depth: int
    text: str


def in_words(query: Query, depth: int = 0) -> tuple[Line, ...]:
    """Return a query part by part, in reading order; parts stand after what joins them."""
    match query:
        case And(parts):
            return _group("all of:", parts, depth)
        case Or(parts):
            return _group("any of:", parts, depth)
        case Not(part):
            return _group("all records but those with:", (part,), depth)
        case Near(left, right, distance, ordered):
            order = "the first before the second" if ordered else "in either order"
            words = "1 word" if distance == 1 else f"{distance:,} words"
            return _group(f"at most {words} apart, {order}:", (left, right), depth)
        case _:
            return (Line(depth, _leaf(query)),)


def _group(title: str, parts: tuple[Query, ...], depth: int) -> tuple[Line, ...]:
    lines = [Line(depth, title)]
    for part in parts:
        lines += in_words(part, depth + 1)
    return tuple(lines)


_STANDING = {
    Standing.HELD: "records under a hold",
    Standing.RESTRICTED: "records whose processing is restricted",
}


def _leaf(query: Query) -> str:  # noqa: C901, PLR0911, PLR0912 - one case per node
    match query:
        case Term():
            others = ", ".join(query.forms[1:])
            return f"the word {query.token}{f', also as {others}' if others else ''}"
        case Wildcard():
            return f"words that fit {' or '.join(form.text for form in query.forms)}"
        case Fuzzy():
            return f"words at most one letter away from {' or '.join(query.forms)}"
        case Stemmed(token):
            return f"the English forms of the word {token}, also as hashtags"
        case Phrase(tokens):
            text = " ".join(each.text if isinstance(each, Pattern) else each for each in tokens)
            return f"exactly “{text}”" if len(tokens) == 1 else f"these words in a row: “{text}”"
        case Field(name, value):
            return f"the field {name} is {value}"
        case DateRange():
            return _range(query)
        case Held(standing):
            return _STANDING[standing]
        case Everything():
            return "all records"
        case Places() | Numbers() | LogRange():
            return "records within a part of the archive"
        case _:
            return normalise(query)


def _range(query: DateRange) -> str:
    start, end = (
        None if each is None else dates.instant(each) for each in (query.start, query.end)
    )
    what = "posted" if query.name is DateName.POSTED else "captured"
    if end is None:
        return f"{what} at {start} or later"
    if start is None:
        return f"{what} before {end}"
    return f"{what} at {start} or later, and before {end}"
