"""An archive whose posts are searched by an OpenSearch cluster, from capture to a hold."""

import asyncio
import os
import random
import re
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from archiver.app import Services
from archiver.config import PREFIX, load_settings
from archiver.errors import SearchUnavailable
from archiver.model.actor import Actor, Role
from search.document import document
from search.engines import opensearch
from search.engines.opensearch import ClusterGenerations, purging
from search.engines.opensearch.generations import generations_of
from search.engines.opensearch.place import place_of
from search.errors import IndexBusy, IndexUnavailable
from search.patterns import Pattern
from search.positions import fits
from search.query import Everything, Fuzzy, Stemmed, Wildcard
from tests.contracts.compare import fill
from tests.contracts.query_trees import random_tree, smallest_difference
from tests.fakes.archive import AGENT, found, serving
from tests.fakes.opensearch_server import running
from tests.fakes.small_archive import arrival
from tests.fakes.tls_front import Authority, TlsFront

OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}), via="test")
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
LARGE = Pattern("*" + "a????????????" + "*")
"""Its automaton would be too large for Lucene."""

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


async def test_every_answer_is_whole_while_a_new_index_is_built_on_the_cluster(
    tmp_path: Path, opensearch_url: str
) -> None:
    home = {PREFIX + "HOME": str(tmp_path / "home"), PREFIX + "INDEX_INTERVAL_S": "0.05"}
    settings = await found(load_settings({**home, PREFIX + "SEARCH_URL": opensearch_url}))
    texts = [f"{WORDS[n % 8]} call {WORDS[n % 5]}" for n in range(40)]
    async with serving(settings) as services:
        await services.ingest.submit(
            [arrival(str(number), text) for number, text in enumerate(texts)], actor=AGENT
        )
        counts = await _counts(services, len(texts))
        places = services.index.generations
        assert isinstance(places, ClusterGenerations)
        before = places.current()
        building = asyncio.create_task(
            services.reindexing.run(actor=OPERATOR, progress=lambda _done, _total: None)
        )
        while not building.done() or not await _is_the_only_one(places):
            for query in ("earnings", "call"):
                answer = await services.searching.count(query, actor=COUNSEL)
                assert (answer.covered.records, answer.covered.is_exact) == (len(texts), True)
                assert re.fullmatch(r"OpenSearch [0-9]+(\.[0-9]+)+", answer.engine)
        rebuilt = await building
        after = places.current()
        assert await _counts(services, len(texts)) == counts

    assert before is not None
    assert after is not None
    assert (before.count("/000001"), after.count("/000002")) == (1, 1)
    assert (rebuilt.records, rebuilt.differed, rebuilt.size > 0) == (len(texts), 0, True)


async def _is_the_only_one(places: ClusterGenerations) -> bool:
    cluster = places._reached()
    return len(await asyncio.to_thread(generations_of, cluster)) == 1


@pytest.mark.faults  # leases of the cluster move on every 30 seconds
@pytest.mark.skipif("MUNIMENT_TEST_OPENSEARCH_URL" in os.environ, reason="its disks are elsewhere")
def test_no_file_of_a_node_keeps_the_words_of_what_was_removed(
    opensearch_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{WORDS[n % 8]} call" + " zzcanary" * (n in {40, 170}) for n in range(200)]
    documents = [document(number=n, text=text, captured_at=n) for n, text in enumerate(texts)]
    with closing(opensearch.open_writer(opensearch_url)) as index:
        for start in range(0, 200, 50):
            index.add(documents[start : start + 50])
            index.commit(start + 50)
        index.delete([40, 170])
        index.commit(200)
        assert _files_with(b"zzcanary"), "removing alone leaves them"
        with monkeypatch.context() as hasty:
            hasty.setattr(purging, "_PATIENCE_S", 0.0)
            assert not index.purge() or not _files_with(b"zzcanary")
        assert index.purge()
        assert _files_with(b"zzcanary") == []
        with index.snapshot() as snapshot:
            assert snapshot.count(Everything()) == 198


def _files_with(word: bytes) -> list[Path]:
    """The files of the node that tests share which have a word in them, translogs included."""
    found = []
    for path in (running()._folder / "node-0" / "data").rglob("*"):
        with suppress(FileNotFoundError):  # merged away meanwhile
            if path.is_file() and word in path.read_bytes():
                found.append(path)
    return found


def test_what_a_killed_rebuild_left_is_swept_and_only_one_builds_at_a_time(
    opensearch_url: str,
) -> None:
    mine, other = (ClusterGenerations(opensearch_url, "01KAM") for _ in range(2))
    stranger = ClusterGenerations(opensearch_url, "01KAN")
    assert mine.current() is None
    with mine.building() as url:
        _fill(url, 3)
        assert mine.current() is None
        mine.switch(url)
        with pytest.raises(IndexBusy, match="being built"), other.building():
            pass
        assert other.sweep() == 0
    assert (mine.current(), other.current(), stranger.current()) == (url, url, None)
    with suppress(ZeroDivisionError), mine.building() as left:
        half_built = opensearch.open_writer(left)
        raise ZeroDivisionError  # and nothing is closed, as if it had been killed
    assert other.sweep() == 0, "somebody may write it still"
    half_built._lease.abandon()
    assert (other.sweep(), generations_of(other._reached())) == (1, [place_of(url).index])

    with opensearch.open_reader(url).snapshot() as snapshot:
        with mine.building() as newer:
            assert newer > left > url, "no name is used twice"
            _fill(newer, 4)
            mine.switch(newer)
        assert snapshot.count(Everything()) == 3
        assert other.current() == newer
    reader = opensearch.open_reader(url)
    assert other.sweep() == 1
    with reader.snapshot() as snapshot:
        assert snapshot.count(Everything()) == 4, "it went over to the new one"
    with opensearch.open_reader(newer).snapshot() as snapshot:
        assert (snapshot.count(Everything()), other.size() > 0) == (4, True)


def test_a_builder_that_was_given_up_switches_nothing(opensearch_url: str) -> None:
    stalled, other = (ClusterGenerations(opensearch_url, "01KAM") for _ in range(2))
    with stalled.building() as url:
        _fill(url, 3)
        assert stalled._building is not None
        stalled._building.abandon()  # as of a process that stands still
        with other.building() as faster:
            _fill(faster, 4)
            other.switch(faster)
            with pytest.raises(IndexUnavailable, match="Another process"):
                stalled.switch(url)
    assert stalled.current() == faster
    with pytest.raises(IndexUnavailable, match="never emptied"):
        opensearch.open_writer(faster, anew=True)


def test_a_cluster_is_asked_through_tls_by_a_user_with_a_password(
    opensearch_url: str, tmp_path: Path
) -> None:
    authority, password = Authority(tmp_path), tmp_path / "password"
    node = urlsplit(opensearch_url)
    with TlsFront(node.netloc, authority.issued(), user="ann", password="geheim") as front:
        place = f"opensearch+https://ann@127.0.0.1:{front.port}{node.path}?{node.query}"
        url = f"{place}&password_file={password}&ca_file={authority.file}"
        password.write_text("wrong\n", encoding="utf-8")
        with pytest.raises(IndexUnavailable, match=r"refuses .* Look at user, password_f"):
            opensearch.open_writer(url)
        assert (front.passed, front.refused) == (0, 1)
        password.write_text("geheim\n", encoding="utf-8")
        places = ClusterGenerations(url, "01KAM")
        with places.building() as built:
            _fill(built, 3)
            places.switch(built)
        with opensearch.open_reader(places.current() or "").snapshot() as snapshot:
            assert snapshot.count(Everything()) == 3
        assert front.refused == 1


def _fill(url: str, count: int) -> None:
    with closing(opensearch.open_writer(url)) as index:
        index.add([document(number=n, text="found", captured_at=n) for n in range(count)])
        index.commit(count)


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
    trees = [random_tree(rng, posts, rng.randrange(4)) for _ in range(25)]
    with index.snapshot() as snapshot:
        for tree in (*trees, Wildcard(LARGE)):
            assert smallest_difference(snapshot, posts, tree) == ""
        words = {token for post in posts for token in post.text.split()}
        for word in (
            Wildcard(Pattern("e*")),
            Fuzzy("fraud"),
            Stemmed("earning"),
            Pattern("?ou*"),
            LARGE,
        ):
            expected = tuple(sorted(filter(fits(word), words)))
            assert snapshot.expansion(word, limit=100) == expected
    index.close()
