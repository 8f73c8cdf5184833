"""Random query trees: every engine returns exactly the set that the matcher defines.

One seed is fixed, so that a failure stays; one is fresh, so that the search goes on. Both are
printed. A tree that ever fails is added to `REGRESSIONS` in its normal form.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from search.document import Document, document
from search.engines import tantivy, whoosh
from search.grammar import parse
from search.index import Facet, Hit, Index, Order, Summary
from search.matcher import matches, time_of, values
from search.query import (
    COUNTED,
    And,
    DateName,
    DateRange,
    Everything,
    Field,
    FieldName,
    LogRange,
    Not,
    Numbers,
    Or,
    Phrase,
    Places,
    Query,
    Term,
    every,
    place,
)

POSTS = 600
TREES = 250
FIXED_SEED = 20_260_301

WORDS = [
    *("a", "b", "c", "fraud", "earnings", "quarterly", "Boeing's", "don't", "U.S.", "3.5"),
    *("COVID-19", "naïve", "Straße", "#earnings", "#fraud", "#東京", "@RepJacobs", "$TSLA"),
    *("@a.bsky.social", "jo@example.com", "https://t.co/a", "https://t.co/b", "www.x.org"),
    *("🎉", "👍🏽", "👍", "👩‍👩‍👧", "🇺🇸", "東京", "大阪", "がんばれ", "삼성은", "สวัสดี"),
    *("हिन्दी", "العربية", "Ёлка", "10:30", "1,000"),
]
REGRESSIONS: list[str] = []


def _posts(rng: random.Random) -> list[Document]:
    return [_post(rng, number * rng.choice([1, 2, 3])) for number in range(0, POSTS * 7, 7)]


def _post(rng: random.Random, number: int) -> Document:
    # A few words are common, most are rare; half of the times are shared.
    weights = [1 / (rank + 1) for rank in range(len(WORDS))]
    return document(
        number=number,
        text=" ".join(rng.choices(WORDS, weights, k=rng.randrange(12))),
        platform=rng.choice(["x", "Mastodon", "bluesky", ""]),
        account=rng.choice(["Acme Corp", "acme", "État"]),
        author_handle=rng.choice(["@RepJacobs", "repjacobs", "jo", ""]),
        kind=rng.choice(["post", "reply"]),
        change=rng.choice(["created", "edited", "deleted"]),
        lang=rng.choice(["en", "ja", ""]),
        class_code=rng.choice(["GEN-01", "GEN-02"]),
        tags=rng.sample(["q3", "#Q4", "two words"], k=rng.randrange(3)),
        has_media=rng.random() < 0.3,
        posted_at=rng.choice([None, 0, 500, rng.randrange(-1_000, 1_000)]),
        captured_at=rng.randrange(1_000),
    )


def _tree(rng: random.Random, posts: list[Document], depth: int) -> Query:
    if depth == 0 or rng.random() < 0.2:
        return _leaf(rng, rng.choice(posts))
    match rng.randrange(3):
        case 0:
            return Not(_tree(rng, posts, depth - 1))
        case 1:
            return And(tuple(_tree(rng, posts, depth - 1) for _ in range(rng.choice([2, 2, 3]))))
        case _:
            return Or(tuple(_tree(rng, posts, depth - 1) for _ in range(rng.choice([2, 2, 3]))))


def _leaf(rng: random.Random, post: Document) -> Query:
    """Return a leaf that finds `post` more often than not, so that hits exist."""
    tokens = post.text.split() or ["absent"]
    start = rng.randrange(len(tokens))
    match rng.randrange(7):
        case 6:
            ours: list[Query] = [
                Everything(),
                Places(frozenset({post.place, place("x", "acme")})),
                Places(frozenset()),
                Numbers(frozenset(range(post.number % 5, 8 * POSTS, 5))),
                Numbers(frozenset(range(post.number % 7, 21 * POSTS, 2))),
                LogRange(post.number // 2, post.number + 1),
            ]
            return rng.choice(ours)
        case 0 | 1:
            return Term(tokens[start].removeprefix("#").removesuffix("'s"))
        case 2:
            phrase = tokens[start : start + rng.randrange(1, 5)]
            if rng.random() < 0.2:
                rng.shuffle(phrase)
            return Phrase(tuple(phrase))
        case 3 | 4:
            return rng.choice(
                [
                    Field(FieldName.PLATFORM, post.platform or "x"),
                    Field(FieldName.ACCOUNT, post.account),
                    Field(FieldName.FROM, post.author or "jo"),
                    Field(FieldName.KIND, post.kind),
                    Field(FieldName.CHANGE, post.change),
                    Field(FieldName.LANG, post.lang or "en"),
                    Field(FieldName.CLASS, post.class_code),
                    Field(FieldName.TAG, post.tags[0] if post.tags else "q3"),
                    Field(FieldName.HAS, "media"),
                ]
            )
        case _:
            name = rng.choice(list(DateName))
            low, high = sorted(rng.choices([post.time, 0, 499, 500, 501, -999], k=2))
            return rng.choice(
                [
                    DateRange(name, low, None),
                    DateRange(name, None, high),
                    DateRange(name, low, high),
                ]
            )


@pytest.fixture(params=["fixed", "fresh"])
def rng(request: pytest.FixtureRequest) -> random.Random:
    fresh = int(os.environ.get("MUNIMENT_SEARCH_SEED", random.SystemRandom().randrange(2**32)))
    seed = FIXED_SEED if request.param == "fixed" else fresh
    print(f"MUNIMENT_SEARCH_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(params=["tantivy", "whoosh"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    openers = {"tantivy": tantivy.open_writer, "whoosh": whoosh.open_writer}
    opened: Index = openers[request.param](tmp_path)
    yield opened
    opened.close()


def _fill(index: Index, rng: random.Random) -> list[Document]:
    """Index in several commits with replays and deletions, and return what must be there."""
    posts = {post.number: post for post in _posts(rng)}
    listed = list(posts.values())
    for start in range(0, len(listed), 150):
        index.add(listed[start : start + 150])
        index.add(listed[start : start + 20])
        index.commit(start + 150)
    replaced = {number: _post(rng, number) for number in rng.sample(sorted(posts), 40)}
    posts |= replaced
    index.add(list(replaced.values()))
    gone = rng.sample(sorted(posts), 40)
    index.delete(gone)
    index.commit(len(listed))
    return [post for number, post in sorted(posts.items()) if number not in gone]


def test_no_tree_gives_another_set_than_the_matcher(index: Index, rng: random.Random) -> None:
    posts = _fill(index, rng)
    trees = [parse(text) for text in REGRESSIONS]
    trees += [_tree(rng, posts, rng.randrange(4)) for _ in range(TREES)]
    proper = 0
    with index.snapshot() as snapshot:
        assert snapshot.known() == len(posts)
        for tree in trees:
            expected = [post for post in posts if matches(tree, post)]
            numbers = [post.number for post in expected]
            found = [n for chunk in snapshot.numbers(tree, chunk=100) for n in chunk]
            assert found == numbers, tree
            assert snapshot.count(tree) == len(numbers), tree
            oldest = sorted((Hit(p.number, p.time) for p in expected), key=lambda h: (h[1], h[0]))
            assert snapshot.page(tree, limit=20) == oldest[::-1][:20], tree
            assert snapshot.page(tree, limit=20, order=Order.OLDEST) == oldest[:20], tree
            proper += 0 < len(numbers) < len(posts)
    assert proper > TREES / 2, "most trees must find some posts and not all, or this proves little"


def test_no_tree_gives_other_facets_or_bars_than_its_hits(index: Index, rng: random.Random) -> None:
    posts = _fill(index, rng)
    with index.snapshot() as snapshot:
        for _ in range(TREES // 3):
            tree = _tree(rng, posts, rng.randrange(4))
            expected = [post for post in posts if matches(tree, post)]
            limit = rng.randrange(1, 4)
            told = snapshot.facets(tree, COUNTED, limit=limit)
            assert told == {name: _facet(expected, name, limit) for name in COUNTED}, tree
            accounts = len({post.place for post in expected})
            for clock in DateName:
                times = [t for post in expected if (t := time_of(post, clock)) is not None]
                edges = sorted(rng.sample(range(-1_000, 1_001), rng.randrange(2, 9)))
                bars = [sum(a <= t < b for t in times) for a, b in pairwise(edges)]
                assert snapshot.histogram(tree, clock, edges) == bars, tree
                span = (min(times), max(times)) if times else None
                summary = snapshot.summary(tree, COUNTED, limit=limit, clock=clock)
                assert summary == Summary(len(expected), accounts, span, told), tree


def _facet(posts: list[Document], name: FieldName, limit: int) -> Facet:
    counted = Counter(value for post in posts for value in values(post, name))
    ordered = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    return Facet(tuple(ordered[:limit]), sum(count for _, count in ordered[limit:]))


def test_what_a_part_of_the_archive_shows_is_what_the_whole_shows_of_it(
    index: Index, rng: random.Random
) -> None:
    """Search within a reach equals the whole search filtered: nothing tells of what is outside."""
    posts = _fill(index, rng)
    places = sorted({post.place for post in posts})
    with index.snapshot() as snapshot:
        for _ in range(TREES // 3):
            members = frozenset(rng.sample([post.number for post in posts], rng.randrange(80)))
            mine = frozenset(rng.sample(places, rng.randrange(4)))
            reach = Or((Places(mine), Numbers(members)))
            tree = _tree(rng, posts, rng.randrange(4))
            inside = every((tree, reach))
            expected = [
                post
                for post in posts
                if matches(tree, post) and (post.place in mine or post.number in members)
            ]
            found = [n for chunk in snapshot.numbers(inside) for n in chunk]
            assert found == [post.number for post in expected], inside
            assert snapshot.count(inside) == len(expected), inside
            told = snapshot.facets(inside, COUNTED, limit=2)
            assert told == {name: _facet(expected, name, 2) for name in COUNTED}, inside
            times = [post.captured_at for post in expected]
            bars = [sum(a <= t < a + 100 for t in times) for a in range(0, 1_000, 100)]
            edges = list(range(0, 1_001, 100))
            assert snapshot.histogram(inside, DateName.CAPTURED, edges) == bars, inside
