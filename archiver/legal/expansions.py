"""Which words of the index the words of a query stood for: no expansion is ever silent."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from search.index import Expandable
from search.normal_form import normalise
from search.patterns import Pattern
from search.query import And, Fuzzy, Near, Not, Or, Phrase, Query, Stemmed, Wildcard

MOST_COUNTED = 1_000
"""Words of one expansion that are counted one by one; of more it is only said how many."""

MOST_TOLD = 50
"""Words of one expansion that are told with their counts, the most frequent ones."""

_MOST = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What one pattern, similar or stemmed word stood for.

    `tokens` is how many different words that were; `told` are the most frequent of them with the
    number of records each is in, empty where they were too many to be counted.
    """

    word: str
    tokens: int
    told: tuple[tuple[str, int], ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "word": self.word,
            "tokens": self.tokens,
            "told": [{"token": token, "records": records} for token, records in self.told],
        }


class Vocabulary(Protocol):
    """What a snapshot of the index, or the part of it that somebody may see, says of its words."""

    def count(self, query: Query) -> int:
        """See `search.index.Snapshot`."""
        ...

    def expansion(self, word: Expandable, *, limit: int) -> tuple[str, ...]:
        """See `search.index.Snapshot`."""
        ...


def expansions_of(snapshot: Vocabulary, query: Query) -> tuple[Expansion, ...]:
    """Return every expansion in a query, in reading order, each once. Raises QueryTooBroad."""
    return tuple(_expansion(snapshot, word) for word in dict.fromkeys(_expandable(query)))


def to_json(expansions: tuple[Expansion, ...]) -> str:
    """Return expansions as they are kept."""
    return json.dumps([each.to_dict() for each in expansions], ensure_ascii=False)


def from_json(text: str) -> tuple[Expansion, ...]:
    """Return what `to_json` wrote."""
    return tuple(
        Expansion(
            word=each["word"],
            tokens=each["tokens"],
            told=tuple((told["token"], told["records"]) for told in each["told"]),
        )
        for each in json.loads(text)
    )


def _expansion(snapshot: Vocabulary, word: Expandable) -> Expansion:
    tokens = snapshot.expansion(word, limit=_MOST)
    told: list[tuple[str, int]] = []
    if len(tokens) <= MOST_COUNTED:
        counts = [(token, snapshot.count(Phrase((token,)))) for token in tokens]
        told = sorted((each for each in counts if each[1]), key=lambda each: (-each[1], each[0]))
    text = word.text if isinstance(word, Pattern) else normalise(word)
    return Expansion(word=text, tokens=len(tokens), told=tuple(told[:MOST_TOLD]))


def _expandable(query: Query) -> Iterator[Expandable]:
    match query:
        case Wildcard() | Fuzzy() | Stemmed():
            yield query
        case Phrase(tokens):
            yield from (token for token in tokens if isinstance(token, Pattern))
        case And(parts) | Or(parts):
            for part in parts:
                yield from _expandable(part)
        case Near(left, right):
            yield from _expandable(left)
            yield from _expandable(right)
        case Not(part):
            yield from _expandable(part)
        case _:
            pass
