"""Which words of the index the words of a query stood for: no expansion is ever silent."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.legal.reach import Part
from search.errors import QueryTooBroad
from search.index import Expandable, Snapshot
from search.normal_form import normalise
from search.patterns import Pattern
from search.query import And, Fuzzy, Near, Not, Or, Phrase, Query, Stemmed, Wildcard, every

MOST_COUNTED = 1_000
"""Words of one expansion that are counted one by one; of more it is only said how many."""

MOST_TOLD = 50
"""Words of one expansion that are told with their counts, the most frequent ones."""

_MOST = 50_000
_MOST_WITHIN = 2_000  # of a part of the archive: each is looked up there, one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What one pattern, similar or stemmed word stood for.

    `tokens` is how many different words that were, None where they were too many to be looked up;
    `told` are the most frequent of them with the number of records each is in, empty where they
    were too many to be counted.
    """

    word: str
    tokens: int | None
    told: tuple[tuple[str, int], ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "word": self.word,
            "tokens": self.tokens,
            "told": [{"token": token, "records": records} for token, records in self.told],
        }


def expansions_of(snapshot: Snapshot, query: Query, part: Part) -> tuple[Expansion, ...]:
    """Return every expansion in a query, in reading order, each once.

    Told and counted are the words of the part of the archive that whoever reads this may see.
    """
    words = dict.fromkeys(_expandable(query))
    return tuple(_expansion(snapshot, word, part) for word in words)


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


def _expansion(snapshot: Snapshot, word: Expandable, part: Part) -> Expansion:
    text = word.text if isinstance(word, Pattern) else normalise(word)
    try:
        tokens = snapshot.expansion(word, limit=_MOST if part.is_whole else _MOST_WITHIN)
    except QueryTooBroad:
        return Expansion(word=text, tokens=None, told=())
    if part.is_whole and len(tokens) > MOST_COUNTED:
        return Expansion(word=text, tokens=len(tokens), told=())
    counts = ((token, snapshot.count(every((Phrase((token,)), part.tree)))) for token in tokens)
    # A word that stands only where they may not look is not there.
    found = sorted((each for each in counts if each[1]), key=lambda each: (-each[1], each[0]))
    told = found[:MOST_TOLD] if len(found) <= MOST_COUNTED else ()
    return Expansion(word=text, tokens=len(found), told=tuple(told))


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
