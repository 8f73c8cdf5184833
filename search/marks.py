"""Where in a text a query found its words: exact offsets, from the analyzer that cut the text."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from search.analyzer import Token, spans
from search.normal_form import normalise
from search.positions import places
from search.query import And, Fuzzy, Near, Not, Or, Phrase, Query, Stemmed, Term, Wildcard

Word = Term | Wildcard | Fuzzy | Stemmed | Phrase | Near


class Mark(NamedTuple):
    """A place in the original text, half-open, and the term of the query that is found there."""

    start: int
    end: int
    term: str


def marks(query: Query, text: str) -> tuple[Mark, ...]:
    """Return every place where a word or phrase of `query` stands in `text`, as the matcher finds.

    By place, longer ones first. Marks of different terms may overlap, and so may those of a phrase
    that begins in itself (`"a b a"` in a b a b a); `merged` gives ranges that do not. What stands
    under a NOT is not marked; fields and dates are about no place in the text.
    """
    wanted: tuple[Word, ...] = tuple(dict.fromkeys(_words(query, found=True)))
    if not wanted:
        return ()
    tokens = spans(text)
    found = (mark for words in wanted for mark in _places(words, tokens))
    return tuple(sorted(set(found), key=lambda mark: (mark.start, -mark.end, mark.term)))


def merged(found: Sequence[Mark]) -> tuple[tuple[int, int], ...]:
    """Return the ranges that marks cover, ascending; those that overlap become one."""
    ranges: list[tuple[int, int]] = []
    for start, end, _ in found:
        if ranges and start < ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(ranges[-1][1], end)
        else:
            ranges.append((start, end))
    return tuple(ranges)


def _words(query: Query, *, found: bool) -> Iterator[Word]:
    match query:
        case Term() | Wildcard() | Fuzzy() | Stemmed() | Phrase() | Near():
            if found:
                yield query
        case And(parts) | Or(parts):
            for part in parts:
                yield from _words(part, found=found)
        case Not(part):
            yield from _words(part, found=not found)
        case _:
            return


def _places(words: Word, tokens: Sequence[Token]) -> Iterator[Mark]:
    term = normalise(words)
    for first, last in places(words)([each.text for each in tokens]):
        yield Mark(tokens[first].start, tokens[last].end, term)
