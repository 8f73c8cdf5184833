"""Posts and queries on which engines are compared: real posts, and what is drawn from them."""

import gzip
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from search.document import Document, document
from search.patterns import Pattern
from search.query import (
    And,
    DateName,
    DateRange,
    Everything,
    Field,
    FieldName,
    Fuzzy,
    Near,
    Phrase,
    Query,
    Term,
    Wildcard,
)
from tests.benchmarks.posts import PostSource

_DATA = Path(os.environ.get("MUNIMENT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
TWEETS = sorted((_DATA / "x" / "congresstweets").glob("2020-*.json.gz"))
"""The real posts, where there are any."""

FIRST_DAY = 1_577_836_800_000
"""2020-01-01 in UTC: nothing was posted before."""

_MADE = 110_000
_DAY = 86_400_000
_USUAL, _LONG = 1_000, 4
_WORDS, _SIX = 8, 6

Kinds = dict[str, list[Query]]
"""Different queries by their kind."""


def posts() -> Iterator[Document]:
    """Yield the real posts by day, or made ones; numbered from 0."""
    return _real() if TWEETS else _made()


def queries(documents: Sequence[Document], many: int) -> Kinds:
    """Return `many` different queries of each kind, drawn from what the documents say."""
    drawing = _Drawing(documents)
    draw = drawing.different
    return {
        "common term": list(map(Term, drawing.frequent[:many])),
        "rare term": draw(many, drawing.rare),
        "3-term AND": draw(many, lambda: And(drawing.together())),
        "phrase": draw(many, drawing.phrase),
        "w/5": draw(many, lambda: drawing.near(ordered=False)),
        "pre/5": draw(many, lambda: drawing.near(ordered=True)),
        "prefix": draw(many, lambda: Wildcard(Pattern(drawing.usual()[:4] + "*"))),
        "leading wildcard": draw(many, lambda: Wildcard(Pattern("*" + drawing.usual()[-4:]))),
        "fuzzy": draw(many, lambda: Fuzzy(drawing.usual())),
        "term, dates and platform, newest 50": draw(many, drawing.narrowed),
        "facets and months": [Everything(), *map(Term, drawing.frequent[: many - 1])],
        "all numbers of a tenth": list(map(Term, drawing.of_a_tenth(many))),
    }


class _Drawing:
    """Draws queries that find something in some documents; the same ones every time."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._random = random.Random(12)
        self._documents = documents
        self._words = Counter(
            word for each in documents for word in set(each.text.split()) if word.isalpha()
        )
        self._rows = [row for each in documents if len(row := each.text.split()) > _WORDS]
        self._rare = [word for word, count in self._words.items() if count <= _LONG < len(word)]
        least = len(documents) / _USUAL
        self._usual = [
            word for word, count in self._words.items() if count > least and len(word) > _LONG
        ]
        self.frequent = [word for word, _ in self._words.most_common(500)]

    def different(self, many: int, make: Callable[[], Query]) -> list[Query]:
        """Return `many` queries, no two of which are equal."""
        made: dict[Query, None] = {}
        while len(made) < many:
            made[make()] = None
        return list(made)

    def rare(self) -> Term:
        return Term(self._random.choice(self._rare))

    def usual(self) -> str:
        return self._random.choice(self._usual)

    def together(self) -> tuple[Term, Term, Term]:
        """Return three words of one post, within six places."""
        while True:
            row = self._random.choice(self._rows)
            at = self._random.randrange(len(row) - _SIX)
            first, second, third = row[at], row[at + 2], row[at + _SIX]
            if len({first, second, third} & self._words.keys()) == 3:
                return Term(first), Term(second), Term(third)

    def near(self, *, ordered: bool) -> Near:
        left, right, _ = self.together()
        return Near(left, right, 5, ordered=ordered)

    def phrase(self) -> Phrase:
        row = self._random.choice(self._rows)
        at = self._random.randrange(len(row) - 3)
        return Phrase(tuple(row[at : at + 3]))

    def narrowed(self) -> And:
        start = FIRST_DAY + self._random.randrange(300) * _DAY
        dates = DateRange(DateName.POSTED, start, start + 60 * _DAY)
        platform = Field(FieldName.PLATFORM, self._documents[0].platform)
        return And((Term(self._random.choice(self.frequent)), dates, platform))

    def of_a_tenth(self, many: int) -> list[str]:
        """Return the words whose posts are nearest to a tenth of all."""
        tenth = len(self._documents) / 10
        return sorted(self._words, key=lambda word: abs(self._words[word] - tenth))[:many]


def _real() -> Iterator[Document]:
    number = 0
    for file in TWEETS:
        for tweet in json.loads(gzip.decompress(file.read_bytes())):
            at = int(datetime.fromisoformat(tweet["time"]).timestamp() * 1000)
            yield document(
                number=number,
                text=tweet["text"],
                platform="x",
                account=tweet["screen_name"],
                author_handle=tweet["screen_name"],
                kind="post",
                change="created",
                posted_at=at,
                captured_at=at,
            )
            number += 1


def _made() -> Iterator[Document]:
    for number, content in enumerate(PostSource(1).posts(_MADE, days=300)):
        post = json.loads(content)
        at = int(datetime.fromisoformat(post["posted_at"]).timestamp() * 1000)
        yield document(
            number=number,
            text=post["text"],
            platform=post["platform"],
            account=post["account"],
            author_handle=post["author"]["handle"],
            tags=post["tags"],
            posted_at=at,
            captured_at=at,
        )
