"""The words of an index, looked up for a word that stands for many: patterns, similar words, stems.

Where what is sought begins with given letters (`earn*`, stems) only words that begin so are looked
at; where it does not (`*tion`, similar words), only those with a piece in them that it must have.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from search.index import Expandable
from search.patterns import Pattern
from search.positions import fits
from search.query import Fuzzy, Stemmed, Wildcard
from search.stemming import stem


class Vocabulary:
    """Some words, as one text: some 12 bytes a word."""

    def __init__(self, words: Iterable[str]) -> None:
        self._text = "\n".join(("", *words, "")).encode()

    def fitting(self, word: Expandable) -> set[str]:
        """Return every token here that `word` finds."""
        starts = beginnings(word)
        tokens: Iterable[str]
        if starts and all(starts):
            tokens = chain.from_iterable(map(self.beginning, starts))
        else:
            tokens = self.holding(pieces(word))
        fit = fits(word)
        return {token for token in tokens if fit(token)}

    def beginning(self, start: str) -> Iterator[str]:
        """Yield each word that begins so."""
        sought = b"\n" + start.encode()
        at = self._text.find(sought)
        while at >= 0:
            end = self._text.find(b"\n", at + 1)
            if end < 0:  # `start` is empty, and this is the end
                return
            yield self._text[at + 1 : end].decode()
            at = self._text.find(sought, end)

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


def beginnings(word: Expandable) -> list[str]:
    """Return what each token that `word` finds begins with, one of them; empty: with anything."""
    match word:
        case Pattern(text):
            return [re.split(r"[*?]", text, maxsplit=1)[0]]
        case Wildcard():
            return [each for form in word.forms for each in beginnings(form)]
        case Stemmed(token):
            start = _unchanged(stem(token))
            return [start, f"#{start}"]
        case Fuzzy():
            return []


def pieces(word: Expandable) -> list[str]:
    """Return texts one of which stands in every token that `word` finds; empty: any may."""
    match word:
        case Pattern(text):
            return [max(re.split(r"[*?]", text), key=len)]
        case Wildcard():
            return [each for form in word.forms for each in pieces(form)]
        case Fuzzy():
            return [third for form in word.forms for third in _thirds(form)]
        case Stemmed():
            return [""]


def _unchanged(stem_of_all: str) -> str:
    """Return the beginning that every word of a stem shares.

    No rule of the stemmer changes more than the last two letters it leaves: dying becomes die,
    sensibility sensibl; all others take away, or change one (`search.stemming`).
    """
    return stem_of_all[: max(1, len(stem_of_all) - 2)]


def _thirds(token: str) -> tuple[str, str, str]:
    # One edit changes one character or two neighbours, so of three parts it leaves one alone.
    one, two = len(token) // 3, 2 * len(token) // 3
    return token[:one], token[one:two], token[two:]
