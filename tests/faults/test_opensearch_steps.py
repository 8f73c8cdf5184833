"""A commit of a cluster, each of whose requests fails in turn, is followed by the very same one.

A request is lost before it arrives, or its answer is; and whoever sent it goes on, or was killed.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from opensearchpy import ConnectionTimeout, Transport

from search.engines.opensearch.place import place_of, with_name
from search.errors import IndexUnavailable
from tests.faults.commit_trial import NEW, build, change, judged, opened

pytestmark = pytest.mark.faults


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


@pytest.mark.parametrize("is_first", [False, True], ids=["later", "first"])
@pytest.mark.parametrize("kills", [False, True], ids=["goes on", "killed"])
@pytest.mark.parametrize("arrives", [False, True], ids=["request lost", "answer lost"])
def test_a_commit_whose_request_failed_is_made_again(
    opensearch_url: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    arrives: bool,
    kills: bool,
    is_first: bool,
) -> None:
    wire = _Wire(arrives=arrives, kills=kills)
    monkeypatch.setattr(
        Transport,
        "perform_request",
        lambda *args, **kwargs: wire.perform(*args, **kwargs),  # noqa: PLW0108 - it has to bind
    )
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
