"""Where in a row of tokens words are found: what proximity and highlights rest on.

A **find** is the positions that one occurrence stands on, ascending: of a word one, of a phrase
some in a row, of words near each other those of both sides.
"""

from collections.abc import Callable, Iterator, Sequence

from search.patterns import Pattern, is_one_edit
from search.query import Fuzzy, Near, Or, Phrase, Stemmed, Term, Wildcard, Words
from search.stemming import stem

Find = tuple[int, ...]
Fits = Callable[[str], bool]


def fits(word: Term | Wildcard | Fuzzy | Stemmed | str | Pattern) -> Fits:
    """Return what tells whether a token is one that `word` finds."""
    match word:
        case str():
            return word.__eq__
        case Pattern():
            return word.fits
        case Term():
            return frozenset(word.forms).__contains__
        case Wildcard():
            return lambda token: any(form.fits(token) for form in word.forms)
        case Fuzzy():
            return lambda token: any(is_one_edit(form, token) for form in word.forms)
        case Stemmed(token):
            wanted = stem(token)
            return lambda token: stem(token.removeprefix("#")) == wanted


def finds(words: Words, tokens: Sequence[str]) -> Iterator[Find]:
    """Yield every find of `words` in `tokens`, each once."""
    match words:
        case Phrase():
            yield from _rows(words, tokens)
        case Or(parts):
            every = (find for part in parts for find in finds(part, tokens))  # type: ignore[arg-type]  # an OR of words
            yield from dict.fromkeys(every)
        case Near():
            yield from _near(words, tokens)
        case _:
            fit = fits(words)
            yield from ((position,) for position, token in enumerate(tokens) if fit(token))


def _rows(phrase: Phrase, tokens: Sequence[str]) -> Iterator[Find]:
    wanted = [fits(token) for token in phrase.tokens]
    for first in range(len(tokens) - len(wanted) + 1):
        if all(fit(tokens[first + offset]) for offset, fit in enumerate(wanted)):
            yield tuple(range(first, first + len(wanted)))


def _near(near: Near, tokens: Sequence[str]) -> Iterator[Find]:
    left, right = (tuple(finds(side, tokens)) for side in (near.left, near.right))
    pairs = (
        tuple(sorted(one + other)) for one in left for other in right if _is_near(near, one, other)
    )
    yield from dict.fromkeys(pairs)


def _is_near(near: Near, left: Find, right: Find) -> bool:
    if near.ordered:
        return 0 < right[0] - left[-1] <= near.distance
    if not set(left).isdisjoint(right):
        return False
    return min(abs(one - other) for one in left for other in right) <= near.distance
