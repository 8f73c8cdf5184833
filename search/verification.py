"""What an engine cannot express exactly is verified here: the same for every engine.

Words that must be read in the text (ordered or nested proximity, patterns inside phrases) become
the `Numbers` of the documents that the matcher's own rules find among candidates, and words that
stand for many become the words they stand for. What is left of the query an engine answers exactly.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from search.errors import QueryTooBroad
from search.index import CHUNK, Expandable
from search.limits import Allowance
from search.patterns import Pattern
from search.positions import stands_in
from search.proximity import has_near
from search.query import (
    And,
    Fuzzy,
    Near,
    Not,
    Numbers,
    Or,
    Phrase,
    Query,
    Stemmed,
    Wildcard,
    Words,
    every,
    is_words,
    some,
)

_AT_A_TIME = 500
"""Texts read between two looks at the clock."""


_NOTHING = Numbers(frozenset())


class Source(Protocol):
    """Where candidates and words are read: a snapshot of an engine."""

    def count(self, query: Query) -> int:
        """See `search.index.Snapshot`."""
        ...

    def texts(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[tuple[int, str]]]:
        """Yield numbers and token strings of what `query`, which is exact, finds; ascending."""
        ...

    def expansion(self, word: Expandable, *, limit: int) -> tuple[str, ...]:
        """See `search.index.Snapshot`."""
        ...


@dataclass(frozen=True, slots=True)
class Settling:
    """Puts what an engine expresses exactly in the place of what it cannot.

    `exact` tells whether the engine expresses a whole tree exactly. It must do so for terms,
    phrases without patterns, and everything that is no `Words`. `spells`: texts are far away, so
    words that stand for many are looked up first, and put near each other as the words they are.
    """

    source: Source
    exact: Callable[[Query], bool]
    allowance: Allowance = field(default_factory=Allowance)
    spells: bool = False

    def settled(  # noqa: PLR0911 - one case per node
        self, query: Query, within: Sequence[Query] = ()
    ) -> Query:
        """Return a query that finds the same documents, at least `within` what they all find.

        Raises:
            QueryTooBroad: it costs more than the allowance has left.
        """
        if self.exact(query):
            return query
        match query:
            case And(parts):
                return self._all(parts, within)
            case Or(parts):
                return some(self.settled(part, within) for part in parts) or query
            case Not(part):
                return Not(self.settled(part, within))
            case Near():
                return self._near(query, within)
            case Phrase(tokens) if len(tokens) > 1:
                return self._verified(query, within)
            case Stemmed() | Wildcard() | Fuzzy() | Phrase():
                return self._forms(query)
            case _:
                raise ValueError(f"expected a query that can be settled, found {query}")

    def _all(self, parts: Sequence[Query], within: Sequence[Query]) -> Query:
        """Settle the parts of an AND, each among what those before it have left."""
        done = [part for part in parts if self.exact(part)]
        for part in parts:
            if not self.exact(part):
                done.append(self.settled(part, (*within, *done)))
        return every(done)

    def _near(self, near: Near, within: Sequence[Query]) -> Query:
        if self.spells and not (has_near(near.left) or has_near(near.right)):
            with suppress(QueryTooBroad):  # they are many words: texts are read after all
                spelled = self._spelled(near)
                if self.exact(spelled):
                    return spelled
        return self._verified(near, within)

    def _verified(self, words: Words, within: Sequence[Query]) -> Numbers:
        stands = stands_in(words)
        candidates = every((self._superset(words), *within))
        self.allowance.spend(self.source.count(candidates))
        found: set[int] = set()
        for chunk in self.source.texts(candidates):
            for start in range(0, len(chunk), _AT_A_TIME):
                self.allowance.check()
                texts = chunk[start : start + _AT_A_TIME]
                found.update(number for number, text in texts if stands(text))
        return Numbers(frozenset(found))

    def _superset(self, words: Words) -> Query:  # noqa: PLR0911 - one case per node
        """Return an exact query that finds every document `words` does, and mostly few others."""
        if self.exact(words):
            return words
        match words:
            case Near(left, right, distance):
                unordered = Near(left, right, distance)
                if self.exact(unordered):
                    return unordered
                return every((self._superset(left), self._superset(right)))
            case Phrase(tokens) if len(tokens) > 1:
                return every(self._superset(Phrase((token,))) for token in tokens)
            case Or(parts):
                return some(self._superset(part) for part in parts if is_words(part)) or words
            case Stemmed() | Wildcard() | Fuzzy() | Phrase():
                return self._forms(words)
            case _:
                return words

    def _spelled(self, words: Query) -> Query:
        """Return `words` with the words that each single one stands for in its place."""
        match words:
            case Near(left, right, distance, ordered):
                one, other = self._spelled(left), self._spelled(right)
                if is_words(one) and is_words(other):
                    return Near(one, other, distance, ordered)
                return _NOTHING  # one side stands for nothing that is there
            case Or(parts):
                spelled = map(self._spelled, parts)
                return some(part for part in spelled if is_words(part)) or _NOTHING
            case Stemmed() | Wildcard() | Fuzzy() | Phrase((Pattern(),)):
                return self._forms(words)
            case _:
                return words

    def _forms(self, word: Stemmed | Wildcard | Fuzzy | Phrase) -> Query:
        """Return the OR of the words that one word stands for."""
        many = word.tokens[0] if isinstance(word, Phrase) else word
        if isinstance(many, str):
            return word
        found = self.source.expansion(many, limit=self.allowance.limits.expansion)
        return some(Phrase((token,)) for token in found) or _NOTHING
