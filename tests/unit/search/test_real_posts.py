# ruff: noqa: RUF001 - curly apostrophes and dashes are in the posts
"""Counts over real posts, compared with counts made without the engine's code."""

import gzip
import json
import os
import re
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from search.document import document
from search.engines import tantivy
from search.grammar import parse

DATA = Path(os.environ.get("MUNIMENT_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
DAYS = [DATA / "x" / "congresstweets" / f"2020-10-0{day}.json.gz" for day in (1, 2, 3)]

Tweet = dict[str, str]


def _words(tweet: Tweet) -> str:
    """Return the text without web addresses, handles and tags, with plain apostrophes."""
    text = re.sub(r"https?://\S+", " ", tweet["text"].replace("’", "'"))
    return re.sub(r"[@#$]\w+", " ", text).lower()


def _word(word: str) -> Callable[[Tweet], bool]:
    possessive = re.compile(rf"(?<!\w)(?<!\w'){word}('s)?(?!\w|'\w)")
    tag = re.compile(rf"(?<![\w&])#{word}\b", re.IGNORECASE)
    return lambda tweet: bool(possessive.search(_words(tweet)) or tag.search(tweet["text"]))


def _text(pattern: str) -> Callable[[Tweet], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda tweet: bool(compiled.search(tweet["text"]))


def _posted(tweet: Tweet) -> datetime:
    return datetime.fromisoformat(tweet["time"])


def _noon() -> datetime:
    return datetime.fromisoformat("2020-10-02T12:00:00-04:00")


COUNTS: list[tuple[str, Callable[[Tweet], bool]]] = [
    ("relief", _word("relief")),
    ("president", _word("president")),
    ("vote", _word("vote")),
    ("#SOTU OR #COVID19", _text(r"(?<![\w&])#(sotu|covid19)(?!\w)")),
    ("@realDonaldTrump", _text(r"(?<![a-z0-9_@])@realdonaldtrump(?![a-z0-9_]|\.[a-z0-9_])")),
    ('"health care"', lambda tweet: bool(re.search(r"\bhealth[\s\-–—]+care\b", _words(tweet)))),
    ("from:RepJacobs", lambda tweet: tweet["screen_name"].lower() == "repjacobs"),
    (
        "relief AND NOT (heroes OR senate)",
        lambda tweet: (
            _word("relief")(tweet) and not (_word("heroes")(tweet) or _word("senate")(tweet))
        ),
    ),
    (
        "(families OR workers) AND relief",
        lambda tweet: (
            (_word("families")(tweet) or _word("workers")(tweet)) and _word("relief")(tweet)
        ),
    ),
    (
        "vote AND after:2020-10-02T12:00:00-04:00",
        lambda tweet: _word("vote")(tweet) and _posted(tweet) >= _noon(),
    ),
    ("NOT relief", lambda tweet: not _word("relief")(tweet)),
]


@pytest.mark.skipif(
    not all(day.exists() for day in DAYS), reason="the real posts (MUNIMENT_TEST_DATA) are absent"
)
def test_counts_over_real_posts_equal_counts_made_by_hand(tmp_path: Path) -> None:
    tweets: list[Tweet] = [t for day in DAYS for t in json.loads(gzip.decompress(day.read_bytes()))]
    with closing(tantivy.open_writer(tmp_path)) as index:
        index.add(
            [
                document(
                    number=number,
                    text=tweet["text"],
                    platform="x",
                    author_handle=tweet["screen_name"],
                    posted_at=int(_posted(tweet).timestamp() * 1000),
                    captured_at=0,
                )
                for number, tweet in enumerate(tweets)
            ]
        )
        index.commit(len(tweets))
        with index.snapshot() as snapshot:
            assert snapshot.known() == len(tweets) > 9_000
            for query, by_hand in COUNTS:
                expected = [number for number, tweet in enumerate(tweets) if by_hand(tweet)]
                found = [n for chunk in snapshot.numbers(parse(query)) for n in chunk]
                odd = set(found) ^ set(expected)
                assert not odd, (query, [tweets[number]["text"] for number in sorted(odd)[:3]])
                assert 0 < len(expected) < len(tweets), f"{query} proves nothing here"
