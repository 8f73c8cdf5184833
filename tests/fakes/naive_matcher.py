"""The meaning of words in a text, written as plainly as it can be: the oracle of the matcher.

Every find is built, from every pair of finds, and no thought is given to time. It shares nothing
with `search.matcher` but the nodes of the tree.
"""

import itertools
import re
from collections.abc import Sequence

import Stemmer

from search.patterns import Pattern
from search.query import Fuzzy, Near, Or, Phrase, Query, Stemmed, Term, Wildcard

Find = tuple[int, ...]

_STEMMER = Stemmer.Stemmer("english")


def is_found(words: Query, text: str) -> bool:
    """Return whether `words` stand in a token string."""
    return bool(finds(words, text.split()))


def finds(words: Query, tokens: Sequence[str]) -> set[Find]:
    """Return the sets of positions that occurrences of `words` stand on, each ascending."""
    match words:
        case Phrase(row):
            starts = range(len(tokens) - len(row) + 1)
            return {
                tuple(range(start, start + len(row)))
                for start in starts
                if all(_fits(each, token) for each, token in zip(row, tokens[start:], strict=False))
            }
        case Or(parts):
            return {find for part in parts for find in finds(part, tokens)}
        case Near(left, right):
            pairs = itertools.product(finds(left, tokens), finds(right, tokens))
            return {tuple(sorted(one + other)) for one, other in pairs if _near(words, one, other)}
        case _:
            return {(place,) for place, token in enumerate(tokens) if _fits(words, token)}


def in_finds(words: Query, tokens: Sequence[str]) -> set[int]:
    """Return the positions that are in any find."""
    return {position for find in finds(words, tokens) for position in find}


def _near(near: Near, left: Find, right: Find) -> bool:
    if set(left) & set(right):
        return False
    if near.ordered:
        return max(left) < min(right) and min(right) - max(left) <= near.distance
    return any(abs(a - b) <= near.distance for a, b in itertools.product(left, right))


def _fits(word: object, token: str) -> bool:
    match word:
        case str():
            return token == word
        case Pattern(text):
            inner = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in text)
            return re.fullmatch(inner, token, re.DOTALL) is not None
        case Term(wanted):
            plain = not any(sign in wanted for sign in "#@$.'/")
            return token == wanted or (plain and token in (f"{wanted}'s", f"#{wanted}"))
        case Wildcard():
            return any(_fits(form, token) for form in word.forms)
        case Fuzzy():
            return any(_edits(form, token) <= 1 for form in word.forms)
        case Stemmed(wanted):
            return bool(_STEMMER.stemWord(token.removeprefix("#")) == _STEMMER.stemWord(wanted))
        case _:
            raise TypeError(word)


def _edits(one: str, other: str) -> int:
    """Return the optimal string alignment distance, by its recurrence."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, j in itertools.product(range(len(one) + 1), range(len(other) + 1)):
        if not (i and j):
            rows[i][j] = i + j
            continue
        same = one[i - 1] == other[j - 1]
        rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (not same))
        if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
            rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]
