"""The tokens that a word which stands for many finds, looked up in the words of an index.

tantivy lists words by their beginning. Where that is given (`earn*`, stems) only those are read;
where it is not (`*tion`, similar words) all of them are, once for each state of the index: at
420,000 words 0.7 s the first time and a few ms after that.
"""

import re
from collections.abc import Callable, Iterable, Iterator

import tantivy

from search.errors import QueryTooBroad
from search.index import Expandable
from search.patterns import Pattern
from search.positions import fits
from search.query import Fuzzy, Stemmed, Wildcard
from search.stemming import stem


def expansion(
    searcher: tantivy.Searcher, word: Expandable, limit: int, whole: "Callable[[], Vocabulary]"
) -> tuple[str, ...]:
    """Return every token that `word` finds, ascending; see `search.index.Snapshot.expansion`.

    Raises:
        QueryTooBroad: there are more than `limit`.
    """
    beginnings = _beginnings(word)
    if beginnings and all(beginnings):
        tokens: Iterable[str] = {
            token
            for beginning in beginnings
            for token, _ in searcher.terms_with_prefix("text", beginning)
        }
    else:
        tokens = whole().holding(_pieces(word))
    fit = fits(word)
    found = sorted(token for token in tokens if fit(token))
    if len(found) > limit:
        raise QueryTooBroad(
            f"One word of the query stands for {len(found):,} different words, more than "
            f"{limit:,}. Give more of its letters."
        )
    return tuple(found)


class Vocabulary:
    """All words of one state of an index, as one text: some 12 bytes a word."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        words = searcher.terms_with_prefix("text", "")
        self._text = "\n".join(("", *(word for word, _ in words), "")).encode()

    def holding(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield each word that has one of `pieces` in it, or every word where one is empty."""
        sought = [piece.encode() for piece in pieces]
        if not all(sought):
            yield from self._text.decode().split()
            return
        places = {self._start(at) for piece in sought for at in self._found(piece)}
        for place in places:
            yield self._text[place : self._text.index(b"\n", place)].decode()

    def _start(self, place: int) -> int:
        return self._text.rindex(b"\n", 0, place) + 1

    def _found(self, piece: bytes) -> Iterator[int]:
        at = self._text.find(piece)
        while at >= 0:
            yield at
            # On with the next word: one is enough of this.
            at = self._text.find(piece, self._text.index(b"\n", at))


def _beginnings(word: Expandable) -> list[str]:
    """Return what each token that `word` finds begins with, one of them; empty: with anything."""
    match word:
        case Pattern(text):
            return [re.split(r"[*?]", text, maxsplit=1)[0]]
        case Wildcard():
            return [each for form in word.forms for each in _beginnings(form)]
        case Stemmed(token):
            start = _unchanged(stem(token))
            return [start, f"#{start}"]
        case Fuzzy():
            return []


def _unchanged(stem_of_all: str) -> str:
    """Return the beginning that every word of a stem shares.

    No rule of the stemmer changes more than the last two letters it leaves: dying becomes die,
    sensibility sensibl; all others take away, or change one (`search.stemming`).
    """
    return stem_of_all[: max(1, len(stem_of_all) - 2)]


def _pieces(word: Expandable) -> list[str]:
    """Return texts one of which stands in every token that `word` finds; empty: any may."""
    match word:
        case Pattern(text):
            return [max(re.split(r"[*?]", text), key=len)]
        case Wildcard():
            return [each for form in word.forms for each in _pieces(form)]
        case Fuzzy():
            return [third for form in word.forms for third in _thirds(form)]
        case Stemmed():
            return [""]


def _thirds(token: str) -> tuple[str, str, str]:
    # One edit changes one character or two neighbours, so of three parts it leaves one alone.
    one, two = len(token) // 3, 2 * len(token) // 3
    return token[:one], token[one:two], token[two:]
