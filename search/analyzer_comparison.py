"""What a new version of the analyzer changes: which tokens, in how many posts, and which queries.

An index of another version is built anew. Before it takes the place of the old one, people are told
what the change does to what they find: a saved search or a hold that would find other posts is
named, with how many come and go (`archiver.jobs.analyzer_change`, decision 0038).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import NamedTuple

from search.document import Document
from search.matcher import prepared
from search.query import Query

Tokens = Callable[[str], Sequence[str]]
"""An analyzer: the tokens of a text in order, as `search.analyzer.tokens` gives them."""


class Reading(NamedTuple):
    """One post as the two versions read it: the same document but for its tokens."""

    before: Document
    after: Document


class TokenChange(NamedTuple):
    """A token that stands in posts of one version and not of the other.

    `lost` posts had it and have it no longer, `gained` ones have it now; `examples` are the numbers
    of the first few of either.
    """

    token: str
    lost: int
    gained: int
    examples: tuple[int, ...]


class QueryChange(NamedTuple):
    """A query that finds other posts: how many before and after, how many left and came."""

    name: str
    before: int
    after: int
    left: int
    came: int
    examples: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between two versions over the posts compared.

    `changed` posts have other tokens or another order. `tokens` are those that most posts lost or
    gained, most first, and `more_tokens` how many more differ; `queries` are those that find other
    posts, in the order they were given.
    """

    posts: int
    changed: int
    tokens: tuple[TokenChange, ...]
    more_tokens: int
    queries: tuple[QueryChange, ...]


def read_twice(
    posts: Iterable[tuple[Document, str]], before: Tokens, after: Tokens
) -> Iterator[Reading]:
    """Yield posts, each a document and its text, as two analyzers read them.

    The rules of older versions are kept: `search.analyzer.OLDER`.
    """
    for document, text in posts:
        yield Reading(
            document.reading(" ".join(before(text))), document.reading(" ".join(after(text)))
        )


def compare(
    readings: Iterable[Reading],
    queries: Mapping[str, Query] | None = None,
    *,
    most_tokens: int = 100,
    most_examples: int = 5,
) -> Comparison:
    """Return what differs between the two versions, from one pass over the posts.

    `queries` are by a name that people know them by; a query's words are those of its tree, so it
    is told what the change of the posts does to it. Memory grows with the number of different
    tokens that changed, not with posts.
    """
    comparing = Comparing(queries or {}, most_examples=most_examples)
    comparing.look_at(readings)
    return comparing.told(most_tokens=most_tokens)


class Comparing:
    """A comparison that is given its posts as they come."""

    def __init__(self, queries: Mapping[str, Query], *, most_examples: int = 5) -> None:
        self._asked = [_Asked(name, prepared(query)) for name, query in queries.items()]
        self._seen = _Seen(most_examples)
        self._most_examples = most_examples

    def look_at(self, readings: Iterable[Reading]) -> None:
        """Compare more posts."""
        for reading in readings:
            self._seen.look_at(reading)
            for one in self._asked:
                one.look_at(reading, self._most_examples)

    def told(self, *, most_tokens: int = 100) -> Comparison:
        """Return what differs among the posts so far, as `compare` does."""
        return self._seen.told(self._asked, most_tokens)


class _Asked:
    def __init__(self, name: str, finds: Callable[[Document], bool]) -> None:
        self._name = name
        self._finds = finds
        self._counts: Counter[tuple[bool, bool]] = Counter()
        self._examples: list[int] = []

    def look_at(self, reading: Reading, most_examples: int) -> None:
        after = self._finds(reading.after)
        same = reading.before.text == reading.after.text
        found = after if same else self._finds(reading.before), after
        self._counts[found] += 1
        if found[0] != found[1] and len(self._examples) < most_examples:
            self._examples.append(reading.after.number)

    def told(self) -> QueryChange:
        both, left, came = (self._counts[each] for each in _OUTCOMES)
        examples = tuple(self._examples)
        return QueryChange(self._name, both + left, both + came, left, came, examples)


_OUTCOMES = ((True, True), (True, False), (False, True))


class _Seen:
    def __init__(self, most_examples: int) -> None:
        self._most_examples = most_examples
        self._posts = self._changed = 0
        self._lost: Counter[str] = Counter()
        self._gained: Counter[str] = Counter()
        self._examples: dict[str, list[int]] = {}

    def look_at(self, reading: Reading) -> None:
        self._posts += 1
        if reading.before.text == reading.after.text:
            return
        self._changed += 1
        before, after = set(reading.before.text.split()), set(reading.after.text.split())
        self._lost.update(before - after)
        self._gained.update(after - before)
        for token in before ^ after:
            examples = self._examples.setdefault(token, [])
            if len(examples) < self._most_examples:
                examples.append(reading.after.number)

    def told(self, asked: Iterable[_Asked], most_tokens: int) -> Comparison:
        touched = self._lost + self._gained
        most = nsmallest(most_tokens, touched.items(), key=lambda each: (-each[1], each[0]))
        changes = (one.told() for one in asked)
        return Comparison(
            posts=self._posts,
            changed=self._changed,
            tokens=tuple(self._token(token) for token, _ in most),
            more_tokens=len(touched) - len(most),
            queries=tuple(change for change in changes if change.left or change.came),
        )

    def _token(self, token: str) -> TokenChange:
        examples = tuple(self._examples[token])
        return TokenChange(token, self._lost[token], self._gained[token], examples)
