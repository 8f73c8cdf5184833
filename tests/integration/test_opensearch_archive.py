"""An archive whose posts are searched by an OpenSearch cluster, from capture to a hold."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import pytest

from archiver.app import Services
from archiver.config import PREFIX, load_settings
from archiver.errors import SearchUnavailable
from archiver.model.actor import Actor, Role
from search.engines import opensearch
from search.patterns import Pattern
from search.positions import fits
from search.query import Fuzzy, Stemmed, Wildcard
from tests.contracts.compare import fill
from tests.contracts.query_trees import random_tree, smallest_difference
from tests.fakes.archive import AGENT, found, serving
from tests.fakes.small_archive import arrival

COUNSEL = Actor(name="counsel", roles=frozenset({Role.COUNSEL}), via="test")
WORDS = ("earnings", "#earnings", "mail", "zürich", "☕", "hiring", "ear", "東京")
QUERIES = (
    "earnings AND NOT mail",
    '"earnings call"',
    "stem:hire OR earn*",
    "earnings w/9 friday",
    "call pre/3 friday",
    "earnigns~1 OR 東京",
    "captured:2000-01-01..2999-12-31",
)
SEED = 20_260_302

pytestmark = pytest.mark.integration


async def test_an_archive_runs_on_a_cluster_and_counts_what_tantivy_counts(
    tmp_path: Path, opensearch_url: str
) -> None:
    here = {PREFIX + "HOME": str(tmp_path / "home")}
    settings = await found(load_settings({**here, PREFIX + "SEARCH_URL": opensearch_url}))
    texts = [f"{WORDS[n % 8]} call {WORDS[n % 5]} on Friday, {WORDS[n % 3]}" for n in range(40)]
    posts = [arrival(str(number), text) for number, text in enumerate(texts)]
    async with serving(settings) as services:
        await services.ingest.submit(posts, actor=AGENT)
        by_cluster = await _counts(services, len(texts))
        hold = await services.holds.place(
            name="Acme", reason="suit", query=QUERIES[0], actor=COUNSEL
        )
    async with serving(load_settings(here)) as services:
        by_tantivy = await _counts(services, len(texts))

    assert by_cluster == by_tantivy
    assert hold.records == by_cluster[QUERIES[0]]
    assert all(0 < count <= len(texts) for count in by_cluster.values())


async def _counts(services: Services, posts: int) -> dict[str, int]:
    """Return what each query counts once all posts are covered."""
    while True:
        with suppress(SearchUnavailable):  # the index is just being made
            answers = [await services.searching.count(query, actor=COUNSEL) for query in QUERIES]
            if all(answer.covered.records >= posts for answer in answers):
                return {query: answer.count for query, answer in zip(QUERIES, answers, strict=True)}
        await asyncio.sleep(0.1)


def test_random_trees_find_in_two_shards_what_the_matcher_defines(opensearch_url: str) -> None:
    """A taste of `test_random_queries.py`, where a cluster's thousands are long."""
    rng = random.Random(SEED)
    index = opensearch.open_writer(opensearch_url)
    posts = fill(index, rng)
    with index.snapshot() as snapshot:
        for _ in range(25):
            tree = random_tree(rng, posts, rng.randrange(4))
            assert smallest_difference(snapshot, posts, tree) == ""
        words = {token for post in posts for token in post.text.split()}
        for word in (Wildcard(Pattern("e*")), Fuzzy("fraud"), Stemmed("earning"), Pattern("?ou*")):
            expected = tuple(sorted(filter(fits(word), words)))
            assert snapshot.expansion(word, limit=100) == expected
    index.close()
