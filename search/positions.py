"""Where words stand in a text: what tells that they do, and the places they stand at.

Words are made ready once (`stands`, `places`) and then looked for in many texts. Cheap signs come
first: a piece that must be in the text and is not settles most texts without cutting them.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

from search.pairs import Pair, Place
from search.patterns import Pattern, near_to
from search.proximity import Proximity, Row, has_near
from search.query import Fuzzy, Near, Or, Phrase, Query, Stemmed, Term, Wildcard, Words
from search.stemming import stem

Fits = Callable[[str], bool]
_Places = Callable[[Sequence[str]], Iterable[Place]]
_Ascending = Callable[[Sequence[str]], Sequence[Place]]
_T = TypeVar("_T")

_FEW = 8  # pieces that are looked for one by one faster than a text is cut


class Text:
    """A token string, with a space before and after, so that whole tokens are found as pieces."""

    __slots__ = ("_tokens", "spaced")

    def __init__(self, text: str) -> None:
        self.spaced = f" {text} "
        self._tokens: list[str] | None = None

    @property
    def tokens(self) -> list[str]:
        """The tokens, cut when they are first asked for."""
        if self._tokens is None:
            self._tokens = self.spaced.split()
        return self._tokens


Stands = Callable[[Text], bool]

read = lru_cache(maxsize=4)(Text)
"""A text that is asked for again soon, by the next of many standing queries, is cut once."""


def fits(word: Term | Wildcard | Fuzzy | Stemmed | str | Pattern) -> Fits:
    """Return what tells whether a token is one that `word` finds."""
    match word:
        case str():
            return word.__eq__
        case Pattern():
            return word.fitting()
        case Term():
            return frozenset(word.forms).__contains__
        case Wildcard():
            return _any([form.fitting() for form in word.forms])
        case Fuzzy():
            return _any([near_to(form) for form in word.forms])
        case Stemmed(token):
            wanted = stem(token)
            return lambda token: stem(token.removeprefix("#")) == wanted


def stands_in(words: Words) -> Callable[[str], bool]:
    """Return what tells of a token string whether `words` are found in it."""
    stands = standing(words)
    return lambda text: stands(Text(text))


def standing(words: Words) -> Stands:
    """Return what tells of a text whether `words` are found in it."""
    match words:
        case Or(parts):
            return _any_of(parts)
        case Term():
            return _has_any([f" {form} " for form in words.forms])
        case Phrase(tokens) if not words.has_patterns:
            return _has_all([f" {' '.join(map(str, tokens))} "])
        case Wildcard() if all(form.is_one_run for form in words.forms):
            return _has_any([form.pieces[0] for form in words.forms])
        case Near():
            return _nearness(words)
        case _:
            might, found = _might(words), places(words)
            return lambda text: might(text) and any(True for _ in found(text.tokens))


def places(words: Words) -> Callable[[Sequence[str]], Iterable[Place]]:
    """Return what yields the places in a row of tokens where `words` stand, each once.

    Of words near each other these are the places of the single words and phrases that are near as
    asked, and of those no others.
    """
    match words:
        case Phrase():
            return _rows(words)
        case Or(parts):
            each = [places(part) for part in parts]  # type: ignore[arg-type]  # an OR of words
            return lambda tokens: dict.fromkeys(place for one in each for place in one(tokens))
        case Near(left, right) if not (has_near(left) or has_near(right)):
            pair, (one, other) = Pair(words.distance, words.ordered), _sides(words)
            return lambda tokens: sorted(pair.taking_part(one(tokens), other(tokens)))
        case Near():
            proximity, rows = _proximity(words)
            return lambda tokens: sorted(
                {(row.first, row.last) for row in proximity.taking_part(rows(tokens))}
            )
        case _:
            fit = fits(words)
            return lambda tokens: ((at, at) for at, token in enumerate(tokens) if fit(token))


def _rows(phrase: Phrase) -> _Places:
    wanted = list(phrase.tokens)
    length = len(wanted)
    if not phrase.has_patterns:
        return lambda tokens: (
            (at, at + length - 1)
            for at, token in enumerate(tokens)
            if token == wanted[0] and tokens[at : at + length] == wanted
        )
    each = [fits(token) for token in wanted]
    return lambda tokens: (
        (at, at + length - 1)
        for at in range(len(tokens) - length + 1)
        if all(fit(tokens[at + offset]) for offset, fit in enumerate(each))
    )


def _nearness(near: Near) -> Stands:
    might = _might(near)
    if has_near(near.left) or has_near(near.right):
        proximity, rows = _proximity(near)
        return lambda text: might(text) and proximity.is_in(rows(text.tokens))
    pair, (one, other) = Pair(near.distance, near.ordered), _sides(near)
    return lambda text: might(text) and pair.is_in(one(text.tokens), other(text.tokens))


def _sides(near: Near) -> tuple[_Ascending, _Ascending]:
    return _ascending(near.left), _ascending(near.right)


def _ascending(words: Words) -> _Ascending:
    found = places(words)
    if isinstance(words, Or):
        return lambda tokens: sorted(found(tokens))
    return lambda tokens: list(found(tokens))


def _proximity(near: Near) -> tuple[Proximity, Callable[[Sequence[str]], list[Row]]]:
    proximity = Proximity(near)
    found = [places(operand) for operand in proximity.operands]

    def rows(tokens: Sequence[str]) -> list[Row]:
        return [
            Row(first, last, number)
            for number, each in enumerate(found)
            for first, last in each(tokens)
        ]

    return proximity, rows


def _any_of(parts: Sequence[Query]) -> Stands:
    """Return what tells whether one of `parts` stands: of thousands of words in one look."""
    single: set[str] = set()
    rows: dict[str, list[str]] = {}
    others: list[Stands] = []
    for part in parts:
        match part:
            case Term():
                single.update(part.forms)
            case Phrase(tokens) if not part.has_patterns:
                rows.setdefault(str(tokens[0]), []).append(f" {' '.join(map(str, tokens))} ")
            case _:
                others.append(standing(part))  # type: ignore[arg-type]  # an OR of words

    pieces = [f" {token} " for token in single] + [row for each in rows.values() for row in each]
    if pieces and len(pieces) <= _FEW:
        return _any([_has_any(pieces), *others])

    def literally(text: Text) -> bool:
        tokens = text.tokens
        if not single.isdisjoint(tokens):
            return True
        return any(row in text.spaced for token in tokens if token in rows for row in rows[token])

    return _any([literally, *others] if single or rows else others)


def _might(words: Query) -> Stands:
    """Return a cheap sign: where it is not there, `words` are not found either."""
    match words:
        case Near(left, right):
            one, other = _might(left), _might(right)
            return lambda text: one(text) and other(text)
        case Or(parts) if len(parts) <= _FEW:
            return _any([_might(part) for part in parts])
        case Term():
            return standing(words)
        case Wildcard():
            return _any([_has_all(form.pieces) for form in words.forms])
        case Phrase(tokens):
            return _has_all([piece for token in tokens for piece in _pieces(token)])
        case _:
            return lambda _: True


def _pieces(token: str | Pattern) -> Sequence[str]:
    return token.pieces if isinstance(token, Pattern) else (f" {token} ",)


def _has_all(pieces: Sequence[str]) -> Stands:
    if len(pieces) == 1:
        (only,) = pieces
        return lambda text: only in text.spaced

    return lambda text: all(piece in text.spaced for piece in pieces)


def _has_any(pieces: Sequence[str]) -> Stands:
    if len(pieces) == 1:
        return _has_all(pieces)

    def has(text: Text) -> bool:
        spaced = text.spaced
        for piece in pieces:  # noqa: SIM110 - a generator would double what most queries cost
            if piece in spaced:
                return True
        return False

    return has


def _any(tests: Sequence[Callable[[_T], bool]]) -> Callable[[_T], bool]:
    if len(tests) == 1:
        return tests[0]
    return lambda subject: any(test(subject) for test in tests)
