"""The one text a query tree is echoed, stored and compared as."""

from search import dates
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
    Stemmed,
    Term,
    Wildcard,
)


def normalise(query: Query) -> str:  # noqa: C901, PLR0911, PLR0912 - one case per node
    """Return the normal form of `query`: what is echoed, stored and compared.

    For every query that `search.grammar.parse` returns, parsing the normal form gives an equal
    tree, in any time zone: dates are written as UTC instants. That of `Everything` is empty.

    Raises:
        ValueError: it has a `Places`, `Numbers` or `LogRange`, which no text can say.
    """
    match query:
        case Everything():
            return ""
        case Places() | Numbers() | LogRange():
            raise ValueError("a reach is no part of a query's text")
        case Term(token):
            return token
        case Wildcard(pattern):
            return pattern.text
        case Fuzzy(token):
            return f"{token}~1"
        case Stemmed(token):
            return f"stem:{token}"
        case Phrase(tokens):
            return f'"{" ".join(_text_of(token) for token in tokens)}"'
        case Near(left, right, distance, ordered):
            operator = "pre" if ordered else "w"
            return f"{_operand(left)} {operator}/{distance} {_operand(right)}"
        case Held(standing):
            return f"is:{standing}"
        case Field(name, value):
            return f"{name}:{_field_value(value)}"
        case DateRange():
            return _date_range(query)
        case And(parts):
            return " AND ".join(map(_operand, parts))
        case Or(parts):
            return " OR ".join(map(_operand, parts))
        case Not(part):
            return f"NOT {_operand(part)}"


def _operand(query: Query) -> str:
    text = normalise(query)
    return f"({text})" if isinstance(query, And | Or | Near) else text


def _text_of(token: str | Pattern) -> str:
    return token if isinstance(token, str) else token.text


def _field_value(value: str) -> str:
    bare = all(char.isalnum() or char in "_.-@#/+" for char in value)
    return value if bare else f'"{value}"'


def _date_range(query: DateRange) -> str:
    start, end = (
        None if bound is None else dates.instant(bound) for bound in (query.start, query.end)
    )
    if query.name is DateName.POSTED and end is None:
        return f"after:{start}"
    if query.name is DateName.POSTED and start is None:
        return f"before:{end}"
    return f"{query.name}:{start or ''}..{end or ''}"
