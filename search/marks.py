"""Where in a text a query found its words: exact offsets, from the analyzer that cut the text."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from search.analyzer import beside, located
from search.normal_form import normalise
from search.pairs import Place
from search.patterns import halves
from search.positions import Fits, fits, places
from search.query import And, Fuzzy, Near, Not, Or, Phrase, Query, Stemmed, Term, Wildcard

_FEW = 8  # words that are looked for one by one faster than a text is cut

Word = Term | Wildcard | Fuzzy | Stemmed | Phrase | Near


class Mark(NamedTuple):
    """A place in the original text, half-open, and the term of the query that is found there."""

    start: int
    end: int
    term: str


def marks(query: Query, text: str) -> tuple[Mark, ...]:
    """Return every place where `query` found its words in `text`; for many texts see `marking`.

    Raises:
        QueryTooBroad: see `search.proximity.Proximity`.
    """
    return marking(query)(text)


def marking(query: Query) -> Callable[[str], tuple[Mark, ...]]:
    """Return what gives every place where a word or phrase of `query` stands in a text.

    As the matcher finds them: of words near each other only those that are near as asked, each
    word or phrase on its own. By place, longer ones first. Marks of different terms may overlap,
    and so may those of a phrase that begins in itself (`"a b a"` in a b a b a); `merged` gives
    ranges that do not. What stands under a NOT is not marked; fields and dates are about no place
    in the text.

    Raises:
        QueryTooBroad: see `search.proximity.Proximity`.
    """
    wanted = tuple(dict.fromkeys(_words(query, found=True)))
    finders, alone = _finders(wanted), _alone(wanted)

    def mark(text: str) -> tuple[Mark, ...]:
        if not finders:
            return ()
        found = _found_alone(alone, text) if alone else None
        if found is None:
            tokens, place = located(text)
            found = {
                Mark(place(first)[0], place(last)[1], term)
                for find in finders
                for (first, last), term in find(tokens)
            }
        return tuple(sorted(found, key=lambda mark: (mark.start, -mark.end, mark.term)))

    return mark


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


class _Alone(NamedTuple):
    """A word that is found whatever stands beside it; each token it finds has one of `pieces`."""

    pieces: Sequence[str]
    fits: Fits
    term: str


def _alone(wanted: Sequence[Word]) -> list[_Alone]:
    """Return all that is wanted, if each is a word alone and there are few; else nothing."""
    found = []
    for words in wanted[: _FEW + 1]:
        match words:
            case Term(token):
                pieces = [token]
            case Wildcard(pattern):
                pieces = [max((run.strip() for run in pattern.pieces), key=len)]
            case Fuzzy():
                pieces = [each for form in words.forms for each in halves(form)]
            case _:
                return []
        if not all(pieces):  # of so short a word an edit may leave nothing
            return []
        found.append(_Alone(pieces, fits(words), normalise(words)))
    return found if len(found) <= _FEW else []


def _found_alone(alone: Sequence[_Alone], text: str) -> set[Mark] | None:
    tokens = beside([piece for each in alone for piece in each.pieces], text)
    if tokens is None:
        return None
    return {
        Mark(start, end, each.term)
        for token, start, end in tokens
        for each in alone
        if each.fits(token)
    }


_Finder = Callable[[list[str]], Iterator[tuple[Place, str]]]


def _finders(wanted: Sequence[Word]) -> list[_Finder]:
    """Return what finds the words; all that are given letter by letter are found in one pass."""
    literal: dict[str, list[tuple[list[str], str]]] = {}
    finders: list[_Finder] = []
    for words in wanted:
        term = normalise(words)
        match words:
            case Term():
                for form in words.forms:
                    literal.setdefault(form, []).append(([form], term))
            case Phrase(tokens) if not words.has_patterns:
                row = list(map(str, tokens))
                literal.setdefault(row[0], []).append((row, term))
            case _:
                finders.append(_finder(words, term))
    return [_literally(literal), *finders] if literal else finders


def _finder(words: Word, term: str) -> _Finder:
    find = places(words)
    return lambda tokens: ((place, term) for place in find(tokens))


def _literally(literal: dict[str, list[tuple[list[str], str]]]) -> _Finder:
    return lambda tokens: (
        ((at, at + len(row) - 1), term)
        for at, token in enumerate(tokens)
        if token in literal
        for row, term in literal[token]
        if tokens[at : at + len(row)] == row
    )
