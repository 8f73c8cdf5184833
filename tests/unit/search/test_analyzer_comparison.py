"""Two versions of the analyzer compared: which tokens, in how many posts, which queries."""

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from search import analyzer
from search.analyzer_comparison import QueryChange, Reading, TokenChange, compare, read_twice
from search.document import Document, document
from search.grammar import parse

DATA = Path(os.environ.get("MUNIMENT_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
DAY = DATA / "x" / "congresstweets" / "2020-10-01.json.gz"


def post(number: int, text: str) -> tuple[Document, str]:
    return document(number=number, text=text, captured_at=number, platform="x"), text


def without_hashes(text: str) -> Sequence[str]:
    """Stand for an older analyzer, that took hashtags for words."""
    return [token.removeprefix("#") for token in analyzer.tokens(text)]


POSTS = [
    post(1, "the #earnings call"),
    post(2, "earnings"),
    post(3, "#Earnings and #fraud"),
    post(4, "fraud, see www.x.org"),
    post(5, ""),
]


def test_tokens_that_change_are_told_with_how_many_posts_and_examples() -> None:
    found = compare(read_twice(POSTS, without_hashes, analyzer.tokens), most_examples=1)

    assert (found.posts, found.changed, found.more_tokens) == (5, 2, 0)
    assert found.tokens == (
        TokenChange("#earnings", 0, 2, (1,)),
        TokenChange("earnings", 2, 0, (1,)),
        TokenChange("#fraud", 0, 1, (3,)),
        TokenChange("fraud", 1, 0, (3,)),
    )


def test_queries_that_find_other_posts_are_told_and_no_others() -> None:
    queries = {
        text: parse(text)
        for text in ("earnings", '"earnings"', "#fraud", "platform:x", "has:link", "NOT earnings")
    }
    found = compare(read_twice(POSTS, without_hashes, analyzer.tokens), queries)

    assert found.queries == (
        QueryChange('"earnings"', before=3, after=1, left=2, came=0, examples=(1, 3)),
        QueryChange("#fraud", before=0, after=1, left=0, came=1, examples=(3,)),
    )


def test_the_most_frequent_changes_come_first_and_the_rest_is_counted() -> None:
    found = compare(read_twice(POSTS, lambda _: [], analyzer.tokens), most_tokens=2)

    assert [change.token for change in found.tokens] == ["#earnings", "#fraud"]
    assert found.more_tokens == 7
    assert found.changed == 4


def test_an_order_that_changes_is_a_change_though_no_token_does() -> None:
    turned = [Reading(document(number=1, text="b a", captured_at=0), POSTS[0][0].reading("a b"))]
    found = compare(turned, {"phrase": parse('"a b"')})

    assert (found.changed, found.tokens) == (1, ())
    assert [(change.name, change.came) for change in found.queries] == [("phrase", 1)]


def test_links_are_looked_for_among_the_tokens_of_each_version() -> None:
    found = compare(read_twice(POSTS, str.split, analyzer.tokens), {"links": parse("has:link")})
    assert found.queries == ()
    found = compare(read_twice(POSTS, lambda _: [], analyzer.tokens), {"links": parse("has:link")})
    assert [(each.before, each.after, each.came) for each in found.queries] == [(0, 1, 1)]


@pytest.mark.skipif(not DAY.is_file(), reason="real data is not here: set MUNIMENT_TEST_DATA")
def test_real_posts_without_accents_folded_differ_where_they_have_accents() -> None:
    tweets = json.loads(gzip.decompress(DAY.read_bytes()))[:1_500]
    posts = [post(number, tweet["text"]) for number, tweet in enumerate(tweets)]

    def unfolded(text: str) -> Sequence[str]:
        return [text[start:end].casefold() for _, start, end in analyzer.spans(text)]

    found = compare(read_twice(posts, unfolded, analyzer.tokens), {"cafe": parse("telefono")})
    assert found.posts == len(posts)
    assert 0 < found.changed < len(posts)
    assert all(change.lost or change.gained for change in found.tokens)
    same = compare(read_twice(posts, analyzer.tokens, analyzer.tokens))
    assert (same.changed, same.tokens, same.queries) == (0, (), ())
