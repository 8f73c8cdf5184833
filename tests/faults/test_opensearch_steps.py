"""A commit of a cluster, and a new index beside the old one, each of whose requests fails in turn.

A request is lost before it arrives, or its answer is; and whoever sent it goes on, or was killed.
What was harmed is followed by the very same, and what is asked in between is the old or the new.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from opensearchpy import ConnectionTimeout, Transport

from search.engines.opening import open_reader, open_writer
from search.engines.opensearch import ClusterGenerations, generations
from search.engines.opensearch.place import place_of, with_name
from search.errors import IndexUnavailable
from tests.faults.commit_trial import NEW, OLD, Held, build, change, held_by, judged, opened

pytestmark = pytest.mark.faults

ARCHIVE = "01KAM0000000000000000000AA"


class _Wire:
    """What is between this process and the cluster; the `harmed`-th request of a trial fails."""

    def __init__(self, *, arrives: bool, kills: bool) -> None:
        self._arrives = arrives
        self._kills = kills
        self._send = Transport.perform_request
        self._main = threading.current_thread()
        self.harmed = 0
        self.sent = 0

    def perform(self, transport: Transport, *args: Any, **kwargs: Any) -> Any:
        """Send a request, or fail."""
        if not self.harmed:
            return self._send(transport, *args, **kwargs)
        # Signs of being alive come when they come: they are not counted, or no number would hold.
        self.sent += threading.current_thread() is self._main
        if self.sent == self.harmed or (self._kills and self.sent > self.harmed):
            if self.sent == self.harmed and self._arrives:
                self._send(transport, *args, **kwargs)
            raise ConnectionTimeout("TIMEOUT", "harmed", TimeoutError())
        return self._send(transport, *args, **kwargs)

    @contextmanager
    def harming(self, number: int) -> Iterator[None]:
        """Let the `number`-th request fail."""
        self.harmed, self.sent = number, 0
        try:
            yield
        finally:
            self.harmed = 0


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch, *, arrives: bool, kills: bool) -> _Wire:
    """What lies between this process and the cluster from now on."""
    between = _Wire(arrives=arrives, kills=kills)
    monkeypatch.setattr(
        Transport,
        "perform_request",
        lambda *args, **kwargs: between.perform(*args, **kwargs),  # noqa: PLW0108 - it has to bind
    )
    return between


@pytest.mark.parametrize("is_first", [False, True], ids=["later", "first"])
@pytest.mark.parametrize("kills", [False, True], ids=["goes on", "killed"])
@pytest.mark.parametrize("arrives", [False, True], ids=["request lost", "answer lost"])
def test_a_commit_whose_request_failed_is_made_again(
    opensearch_url: str, wire: _Wire, *, is_first: bool
) -> None:
    name = place_of(opensearch_url).name
    number, sent, acknowledged = 0, 0, False
    while sent >= number:
        number += 1
        url = with_name(opensearch_url, f"{name}-{number}").replace("lease_s=3", "lease_s=1")
        if not is_first:
            build(url)
        acknowledged = False
        with wire.harming(number):
            try:
                with closing(opened(url, is_first=is_first)) as index:
                    change(index)
                    acknowledged = True
            except IndexUnavailable:
                pass
            sent = wire.sent
        assert judged(url, NEW if acknowledged else None, is_first=is_first) == "", number
    print(f"{number - 1} requests harmed")
    assert acknowledged
    assert number > 10, "a commit is more requests than that"


@pytest.mark.parametrize(
    ("arrives", "kills"),
    [(False, True), (True, True), (False, False)],
    ids=["request lost, killed", "answer lost, killed", "request lost, goes on"],
)
def test_a_new_index_harmed_at_any_step_leaves_the_old_or_the_new_and_is_built_again(
    opensearch_url: str, wire: _Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "_PATIENCE_S", 0.1)  # nobody is just being answered
    name = place_of(opensearch_url).name
    number, sent = 0, 0
    in_between: set[Held] = set()
    while sent >= number:
        number += 1
        url = with_name(opensearch_url, f"{name}-new-{number}").replace("lease_s=3", "lease_s=1")
        _build_beside(url, is_new=False)
        is_switched = False
        with wire.harming(number):
            try:
                _build_beside(url)
                is_switched = True
            except IndexUnavailable:
                pass
            sent = wire.sent
        held = _answers(url)
        in_between.add(held)
        assert held == NEW if is_switched else held in {OLD, NEW}, number
        _build_beside(url)
        assert _answers(url) == NEW, number
        _swept(url)
    print(f"{number - 1} requests harmed")
    assert in_between == {OLD, NEW}
    assert number > 20, "a new index is more requests than that"


def _build_beside(url: str, *, is_new: bool = True) -> None:
    """Build an index as another process would, and let it answer instead of the one before."""
    cluster = ClusterGenerations(url, ARCHIVE)
    with cluster.building() as beside:
        if is_new:
            with closing(open_writer(beside)) as index:
                change(index)
        else:
            build(beside)
        cluster.switch(beside)
    cluster.sweep()


def _answers(url: str) -> Held:
    """Return what the index that answers holds, as another process finds it."""
    current = ClusterGenerations(url, ARCHIVE).current()
    assert current is not None
    with closing(open_reader(current)) as reader:
        return held_by(reader)


def _swept(url: str) -> None:
    """Sweep until the one that answers is the only one left; a dead writer is waited for."""
    cluster = ClusterGenerations(url, ARCHIVE)
    pause = threading.Event()
    while len(generations.generations_of(cluster._reached())) > 1:
        cluster.sweep()
        pause.wait(0.2)
