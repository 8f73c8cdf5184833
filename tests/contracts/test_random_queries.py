"""Random query trees: every engine returns exactly the set that the matcher defines.

One seed is fixed, so that a failure stays; one is fresh, so that the search goes on. Both are
printed. A tree that ever fails is shrunk, printed, and added to `REGRESSIONS` in its normal form.
Thousands of trees more: `make test-faults`, or `python -m tests.contracts.compare tantivy`.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from search.document import Document
from search.grammar import parse
from search.index import Facet, Index, Summary
from search.matcher import matches, time_of, values
from search.query import COUNTED, DateName, FieldName, Numbers, Or, Places, every
from tests.contracts.compare import compare, fill
from tests.contracts.engines import ENGINES
from tests.contracts.query_trees import random_tree, smallest_difference

TREES = 100
FIXED_SEED = 20_260_301
REGRESSIONS: list[str] = []


@pytest.fixture(params=["fixed", "fresh"])
def rng(request: pytest.FixtureRequest) -> random.Random:
    fresh = int(os.environ.get("MUNIMENT_SEARCH_SEED", random.SystemRandom().randrange(2**32)))
    seed = FIXED_SEED if request.param == "fixed" else fresh
    print(f"MUNIMENT_SEARCH_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(
    params=[
        *sorted(ENGINES.keys() - {"memory", "opensearch"}),
        pytest.param("opensearch", marks=pytest.mark.faults),  # every question is a request
    ]
)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    if request.param == "opensearch":
        request.getfixturevalue("opensearch_url")  # skips where there is none
    opened = ENGINES[request.param](tmp_path / "index")
    yield opened
    opened.close()


def test_no_tree_gives_another_set_than_the_matcher(index: Index, rng: random.Random) -> None:
    posts = fill(index, rng)
    trees = [parse(text) for text in REGRESSIONS]
    trees += [random_tree(rng, posts, rng.randrange(4)) for _ in range(TREES)]
    proper = 0
    with index.snapshot() as snapshot:
        assert snapshot.known() == len(posts)
        for tree in trees:
            assert smallest_difference(snapshot, posts, tree) == ""
            proper += 0 < snapshot.count(tree) < len(posts)
    assert proper > TREES / 2, "most trees must find some posts and not all, or this proves little"


@pytest.mark.faults
def test_none_of_two_thousand_deeper_trees_gives_another_set(
    index: Index, rng: random.Random
) -> None:
    totals = compare(index, 2_000, rng.randrange(2**32), depth=5)
    print(totals)
    assert totals["differences"] == []


def test_no_tree_gives_other_facets_or_bars_than_its_hits(index: Index, rng: random.Random) -> None:
    posts = fill(index, rng)
    with index.snapshot() as snapshot:
        for _ in range(TREES // 3):
            tree = random_tree(rng, posts, rng.randrange(4))
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
    posts = fill(index, rng)
    places = sorted({post.place for post in posts})
    with index.snapshot() as snapshot:
        for _ in range(TREES // 3):
            members = frozenset(rng.sample([post.number for post in posts], rng.randrange(80)))
            mine = frozenset(rng.sample(places, rng.randrange(4)))
            reach = Or((Places(mine), Numbers(members)))
            tree = random_tree(rng, posts, rng.randrange(4))
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
