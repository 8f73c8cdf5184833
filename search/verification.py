"""What an engine cannot express exactly is verified here: the same for every engine.

Words that must be read in the text (ordered or nested proximity, patterns inside phrases) become
the `Numbers` of the documents that the matcher's own rules find among candidates, and stems the
words they stand for. What is left of the query an engine then answers exactly.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from search.index import CHUNK, Expandable
from search.limits import Allowance
from search.positions import finds
from search.query import (
    And,
    Near,
    Not,
    Numbers,
    Or,
    Phrase,
    Query,
    Stemmed,
    Words,
    every,
    is_words,
    some,
)


class Source(Protocol):
    """Where candidates and words are read: a snapshot of an engine."""

    def texts(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[tuple[int, str]]]:
        """Yield numbers and token strings of what `query`, which is exact, finds; ascending."""
        ...

    def expansion(self, word: Expandable, *, limit: int) -> tuple[str, ...]:
        """See `search.index.Snapshot`."""
        ...


@dataclass(frozen=True, slots=True)
class Settling:
    """Puts what an engine expresses exactly in the place of what it cannot.

    `exact` tells whether the engine expresses a whole tree exactly. It must do so for terms, single
    patterns, similar words, phrases without patterns, and everything that is no `Words`.
    """

    source: Source
    exact: Callable[[Query], bool]
    allowance: Allowance = field(default_factory=Allowance)

    def settled(self, query: Query, within: Sequence[Query] = ()) -> Query:
        """Return a query that finds the same documents, at least `within` what they all find.

        Raises:
            QueryTooBroad: it costs more than the allowance has left.
        """
        if self.exact(query):
            return query
        match query:
            case And(parts):
                given = [part for part in parts if self.exact(part)]
                rest = [part for part in parts if not self.exact(part)]
                return every((*given, *(self.settled(part, (*within, *given)) for part in rest)))
            case Or(parts) if not is_words(query):
                return some(self.settled(part, within) for part in parts) or query
            case Not(part):
                return Not(self.settled(part))
            case Stemmed():
                return self._forms(query)
            case Near() | Phrase() | Or():
                return self._verified(query, within)
            case _:
                raise ValueError(f"expected a query that can be settled, found {query}")

    def _verified(self, words: Words, within: Sequence[Query]) -> Numbers:
        found: set[int] = set()
        for chunk in self.source.texts(every((self._superset(words), *within))):
            self.allowance.spend(len(chunk))
            found.update(number for number, text in chunk if any(finds(words, text.split())))
        return Numbers(frozenset(found))

    def _superset(self, words: Words) -> Query:
        """Return an exact query that finds every document `words` does, and mostly few others."""
        match words:
            case Near(left, right):
                return every((self._superset(left), self._superset(right)))
            case Phrase(tokens):
                return every(Phrase((token,)) for token in tokens)
            case Or(parts):
                return some(self._superset(part) for part in parts if is_words(part)) or words
            case Stemmed():
                return self._forms(words)
            case _:
                return words

    def _forms(self, word: Stemmed) -> Query:
        found = self.source.expansion(word, limit=self.allowance.limits.expansion)
        return some(Phrase((token,)) for token in found) or Numbers(frozenset())
