"""The parts of a query that can be searched by themselves, for `search --explain`."""

from collections.abc import Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from archiver.legal.queries import read_query
from search.normal_form import normalise
from search.query import And, Not, Or, Query, Term

MAX_PARTS = 50
"""Parts that are explained: each is a search, and an event in the trail."""


class QueryPart(NamedTuple):
    """A part in its normal form, and the tokens a word finds; empty for other parts."""

    text: str
    finds: tuple[str, ...]


def parts_of(query: str, zone: str) -> Iterator[QueryPart]:
    """Give each different word, phrase, field and range of the query once, in reading order.

    Raises:
        InvalidInput: not in the query language.
    """
    leaves = dict.fromkeys(_leaves(read_query(query, ZoneInfo(zone))))
    for leaf in leaves:
        yield QueryPart(normalise(leaf), leaf.forms if isinstance(leaf, Term) else ())


def _leaves(query: Query) -> Iterator[Query]:
    match query:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _leaves(part)
        case Not(part):
            yield from _leaves(part)
        case _:
            yield query
