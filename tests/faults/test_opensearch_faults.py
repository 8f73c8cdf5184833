"""A cluster loses nodes, disk space or its index: answers are whole, or clear errors.

The nodes are real ones, each a process of its own.
"""

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from search.document import Document, document
from search.engines import opensearch
from search.engines.opensearch import OpenSearchIndex
from search.errors import (
    IndexBusy,
    IndexDamaged,
    IndexOutdated,
    IndexUnavailable,
    QueryTooBroad,
    SearchError,
)
from search.grammar import parse
from search.patterns import Pattern
from search.query import And, Numbers, Wildcard, some
from tests.fakes.opensearch_server import OpenSearchMissingError, OpenSearchNodes

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSearchNodes]:
    """Three nodes; a test that kills one starts it again."""
    try:
        with OpenSearchNodes(tmp_path_factory.mktemp("nodes"), nodes=3, heap="384m") as nodes:
            yield nodes
    except OpenSearchMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def url(cluster: OpenSearchNodes, request: pytest.FixtureRequest) -> str:
    """The URL of an index of two shards, each on two of the nodes."""
    name = f"index-{abs(hash(request.node.name))}"
    return cluster.url(name, shards=2, replicas=1, lease_s=2)


def _posts(start: int, end: int) -> list[Document]:
    return [document(number=n, text=f"found {n % 7}", captured_at=n) for n in range(start, end)]


def _ask(cluster: OpenSearchNodes, method: str, path: str, body: object = None) -> None:
    for host in cluster.hosts:
        request = urllib.request.Request(
            f"http://{host}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with suppress(OSError), urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()
            return
    raise AssertionError(f"no node did {method} {path}")


def _wait_for(cluster: OpenSearchNodes, status: str) -> None:
    path = f"/_cluster/health?wait_for_status={status}&wait_for_no_relocating_shards&timeout=120s"
    _ask(cluster, "GET", path)


def _name(index: OpenSearchIndex) -> str:
    return index._lease.state.index  # what stands behind the alias


def _until_it_works(work: Callable[[], OpenSearchIndex]) -> OpenSearchIndex:
    """Open the index again and again, as the follower does, until the cluster has gathered."""
    for _ in range(100):
        try:
            return work()
        except IndexUnavailable:
            threading.Event().wait(0.5)
    return work()


@pytest.mark.parametrize("killed", [0, 1, 2])
def test_a_node_killed_while_it_indexes_costs_no_commit_and_counts_no_half_one(
    cluster: OpenSearchNodes, url: str, killed: int
) -> None:
    index = opensearch.open_writer(url)
    _wait_for(cluster, "green")
    committed, batch = 0, 200
    dying = threading.Timer(0.7, cluster.kill, [killed])
    dying.start()
    try:
        while committed < 40 * batch:
            try:
                index.add(_posts(committed, committed + batch))
                index.commit(committed + batch)
                committed += batch
            except IndexUnavailable:
                index = _until_it_works(lambda: opensearch.open_writer(url))
                assert index.watermark in {committed, committed + batch}
                committed = index.watermark
            with suppress(IndexUnavailable), index.snapshot() as snapshot:
                assert snapshot.watermark == committed
                assert snapshot.count(parse("found")) == committed == snapshot.known()
    finally:
        dying.join()
        cluster.start(killed)
    _wait_for(cluster, "green")
    with closing(index), index.snapshot() as snapshot:
        assert snapshot.count(parse("found")) == committed
        assert [n for chunk in snapshot.all_numbers() for n in chunk] == list(range(committed))


def test_a_node_killed_while_one_searches_gives_the_whole_answer_or_an_error(
    cluster: OpenSearchNodes, url: str
) -> None:
    index = opensearch.open_writer(url)
    index.add(_posts(0, 2_000))
    index.commit(2_000)
    _wait_for(cluster, "green")
    dying = threading.Timer(0.5, cluster.kill, [1])
    dying.start()
    answers, errors = 0, 0
    try:
        for _ in range(150):
            try:
                with index.snapshot() as snapshot:
                    assert snapshot.count(parse("found")) == 2_000
                    numbers = [n for chunk in snapshot.numbers(parse("found")) for n in chunk]
                    assert numbers == list(range(2_000))
                    answers += 1
            except IndexUnavailable:
                errors += 1
        with index.snapshot() as snapshot:  # the copies on the other nodes serve
            assert snapshot.count(parse("found")) == 2_000
    finally:
        dying.join()
        cluster.start(1)
    assert answers > errors
    with suppress(SearchError):
        index.close()


def test_an_index_whose_shards_are_not_there_is_unavailable_and_never_smaller(
    cluster: OpenSearchNodes,
) -> None:
    url = cluster.url("lost-shards", shards=6, replicas=0, lease_s=2)
    index = opensearch.open_writer(url)
    index.add(_posts(0, 600))
    index.commit(600)
    cluster.kill(2)
    try:
        for _ in range(10):
            with pytest.raises(IndexUnavailable), index.snapshot() as snapshot:
                assert snapshot.count(parse("found")) == 600
    finally:
        cluster.start(2)
    _wait_for(cluster, "green")
    with closing(index), index.snapshot() as snapshot:
        assert snapshot.count(parse("found")) == 600


def test_a_lost_document_is_damage_and_not_a_smaller_answer(
    cluster: OpenSearchNodes, url: str
) -> None:
    with closing(opensearch.open_writer(url)) as index:
        index.add(_posts(0, 50))
        index.commit(50)
        _ask(cluster, "DELETE", f"/{_name(index)}/_doc/7-2?refresh=true")
        with pytest.raises(IndexDamaged, match="Expected 50 documents"), index.snapshot():
            pass
    with pytest.raises(IndexDamaged, match="Expected 50 documents"):
        opensearch.open_reader(url)
    with closing(opensearch.open_writer(url, anew=True)) as index:
        assert index.watermark == 0


def test_an_index_without_room_says_what_to_do_and_goes_on_when_there_is_some(
    cluster: OpenSearchNodes, url: str
) -> None:
    index = opensearch.open_writer(url)
    index.add(_posts(0, 50))
    index.commit(50)
    block = "index.blocks.read_only_allow_delete"  # what a node sets at the flood stage
    _ask(cluster, "PUT", f"/{_name(index)}/_settings", {block: True})
    with pytest.raises(IndexUnavailable, match="read-only: the disk of a node is nearly full"):
        index.add(_posts(50, 60))
    with pytest.raises(IndexUnavailable):
        index.commit(60)
    with closing(opensearch.open_reader(url)) as reader, reader.snapshot() as snapshot:
        assert snapshot.count(parse("found")) == 50
    _ask(cluster, "PUT", f"/{url.partition('?')[0].rpartition('/')[2]}/_settings", {block: None})
    with closing(_until_it_works(lambda: opensearch.open_writer(url))) as index:
        index.add(_posts(50, 60))
        index.commit(60)
        with index.snapshot() as snapshot:
            assert snapshot.count(parse("found")) == 60


def test_an_index_deleted_underneath_is_noticed_and_built_anew(
    cluster: OpenSearchNodes, url: str
) -> None:
    index = opensearch.open_writer(url)
    index.add(_posts(0, 50))
    index.commit(50)
    reader = opensearch.open_reader(url)
    _ask(cluster, "DELETE", f"/{_name(index)}")
    with pytest.raises(IndexDamaged, match="is gone"), reader.snapshot():
        pass
    with pytest.raises(SearchError):
        index.add(_posts(50, 60))
    with closing(opensearch.open_writer(url, anew=True)) as again:
        assert again.watermark == 0
        with reader.snapshot() as snapshot:
            assert snapshot.known() == 0
    reader.close()


def test_a_writer_that_was_given_up_can_change_nothing_any_more(
    url: str,
) -> None:
    stalled = opensearch.open_writer(url)
    stalled.add(_posts(0, 50))
    stalled.commit(50)
    with pytest.raises(IndexBusy):
        opensearch.open_writer(url)
    stalled._lease.abandon()  # as of a process that stands still
    stalled.add(_posts(50, 60))
    with closing(opensearch.open_writer(url)) as successor:
        assert successor.watermark == 50
        stalled.add(_posts(60, 70))  # arrives late, and never counts
        successor.add(_posts(50, 55))
        successor.commit(55)
        with pytest.raises(IndexUnavailable, match="Another process writes"):
            stalled.commit(70)
        with successor.snapshot() as snapshot:
            assert (snapshot.watermark, snapshot.count(parse("found"))) == (55, 55)
        successor.add(_posts(55, 60))
        successor.commit(60)
        with successor.snapshot() as snapshot:
            assert [n for chunk in snapshot.all_numbers() for n in chunk] == list(range(60))


def test_what_a_dead_writer_left_half_done_is_as_if_it_had_never_been(
    url: str,
) -> None:
    dead = opensearch.open_writer(url)
    dead.add(_posts(0, 50))
    dead.commit(50)
    dead.add(_posts(40, 90))
    dead._lease.abandon()  # killed: nothing is closed
    with closing(opensearch.open_writer(url)) as index, index.snapshot() as snapshot:
        assert (snapshot.watermark, snapshot.known()) == (50, 50)
        assert snapshot.count(parse("found")) == 50


def test_another_layout_is_outdated_and_two_indexes_behind_a_name_are_damage(
    cluster: OpenSearchNodes, url: str
) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    with closing(opensearch.open_writer(url)) as index:
        old = {"since": 2**63 - 1, "state": {"json": json.dumps({"layout": "older"})}}
        _ask(cluster, "PUT", f"/{_name(index)}/_doc/state", old)
    with pytest.raises(IndexOutdated, match="found older"):
        opensearch.open_reader(url)
    opensearch.open_writer(url, anew=True).close()
    _ask(cluster, "PUT", "/stranger", {"aliases": {name: {}}})
    with pytest.raises(IndexDamaged, match="Expected one index"):
        opensearch.open_reader(url)


def test_a_query_beyond_the_clusters_limits_is_refused_and_a_broad_one_is_not(
    url: str,
) -> None:
    with closing(opensearch.open_writer(url)) as index:
        index.add(_posts(0, 200))
        index.commit(200)
        with index.snapshot() as snapshot:
            words = some(parse(f"word{number}") for number in range(50_000))
            assert words is not None
            assert snapshot.count(words) == 0
            many = Numbers(frozenset(range(0, 300_000, 3)))
            assert snapshot.count(many) == len(range(0, 200, 3))
            patterns = And(tuple(Wildcard(Pattern(f"fo{n}*")) for n in range(2_000)))
            with pytest.raises(QueryTooBroad, match="max_clause_count"):
                snapshot.count(patterns)


class _NoCluster(BaseHTTPRequestHandler):
    """A server that is not OpenSearch."""

    def do_GET(self) -> None:
        body = self.server.answer  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.mark.parametrize(
    "answer",
    [b"{}", b"[]", b"<html>", b'{"version": {"number": "8.1.0"}}', b'{"version": {"number": "x"}}'],
)
def test_what_is_no_opensearch_is_told_as_such(answer: bytes) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _NoCluster)
    server.answer = answer  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(IndexUnavailable, match="Expected"):
            opensearch.open_reader(f"opensearch+http://127.0.0.1:{server.server_port}/a")
    finally:
        server.shutdown()
        server.server_close()
