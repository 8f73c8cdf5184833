"""One writer at a time, wherever its process runs.

Who writes an index is in its state document. It is written again and again while its writer lives;
one who wants to write watches it: a change means that somebody is alive, none for the length of a
lease that nobody is. No clocks are compared. Every write names the version it replaces, so a writer
that was given up, and comes back, can change nothing any more.
"""

import os
import secrets
import socket
import threading
import time
from dataclasses import replace

from search.engines.opensearch.cluster import Cluster
from search.engines.opensearch.failures import Conflict
from search.engines.opensearch.state import STATE, Seen, State, seen
from search.errors import IndexBusy, IndexDamaged, IndexUnavailable, SearchError

_RENEWALS = 5
"""Times that a writer tells it is alive during one lease."""

_WATCHING_S = 0.1


class Lease:
    """The state document of an index while this process may write it."""

    def __init__(self, cluster: Cluster, target: str, held: Seen) -> None:
        self._cluster = cluster
        self._target = target
        self._held = held
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True, name="search index lease")
        self._thread.start()

    @property
    def state(self) -> State:
        """The state as this writer last wrote it."""
        return self._held.state

    def write(self, state: State) -> None:
        """Write the state document, if nobody else has since.

        Raises:
            IndexUnavailable: another process took the index over, or the cluster refused.
        """
        with self._writing:
            self._write(state)

    def abandon(self) -> None:
        """Tell no more that this process is alive; others may write once the lease has run out."""
        self._ended.set()
        self._thread.join()

    def end(self) -> None:
        """Let others write at once. A second call does nothing."""
        self.abandon()
        if self.state.holder:
            self.write(replace(self.state, holder=""))

    def _write(self, state: State) -> None:
        try:
            version = self._cluster.write(self._target, STATE, state.stored(), self._held.version)
        except Conflict as error:
            self._ended.set()
            raise IndexUnavailable(
                f"Another process writes the index {self._cluster.place} since; nothing of this "
                "one's last batch counts. Open it again."
            ) from error
        self._held = Seen(state, version)

    def _renew(self) -> None:
        while not self._ended.wait(self._cluster.place.lease_s / _RENEWALS):
            with self._writing:
                if self._ended.is_set():
                    return
                try:
                    self._write(self.state)
                except SearchError:  # the next write of the writer itself tells
                    continue


def taken(cluster: Cluster, index: str, target: str) -> Lease:
    """Return the lease of `index`, whose state document is written under the alias `target`.

    Raises:
        IndexBusy: another process writes it.
        IndexDamaged: it has no state document, though it was created with one.
        IndexUnavailable: the cluster does not answer.
    """
    free = _free(cluster, index)
    state = free.state
    mine = replace(state, holder=_name(), void=state.voided(), pending=state.pending + 1)
    try:
        version = cluster.write(target, STATE, mine.stored(), free.version)
    except Conflict as error:
        raise _busy(cluster, state.holder) from error
    return Lease(cluster, target, Seen(mine, version))


def _name() -> str:
    """Return a name for a writer that no other one has, in any process."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def _free(cluster: Cluster, index: str) -> Seen:
    """Return the state once its holder has been silent for a lease."""
    first = now = _present(cluster, index)
    end = time.monotonic() + cluster.place.lease_s
    while now.state.holder and time.monotonic() < end:
        time.sleep(_WATCHING_S)
        now = _present(cluster, index)
        if now.version != first.version and now.state.holder:
            raise _busy(cluster, now.state.holder)
    return now


def _present(cluster: Cluster, index: str) -> Seen:
    found = seen(cluster, index)
    if found is None:
        raise IndexDamaged(f"Expected a state document in the index {cluster.place}, found none.")
    return found


def _busy(cluster: Cluster, holder: str) -> IndexBusy:
    return IndexBusy(
        f"The index {cluster.place} cannot be written; only one process may write it, and "
        f"{holder or 'another'} does."
    )
