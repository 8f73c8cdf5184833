"""Reading an index, perhaps while another process writes it."""

from collections.abc import Iterator
from contextlib import contextmanager

from search.engines.opensearch.cluster import Cluster
from search.engines.opensearch.snapshot import OpenSearchSnapshot
from search.engines.opensearch.state import State, seen
from search.errors import IndexDamaged, IndexUnavailable

_TRIES = 20
"""Times that a commit which removes something may get in between; one hardly ever does."""


class OpenSearchReader:
    """`search.index.Reader` over a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @contextmanager
    def snapshot(self) -> Iterator[OpenSearchSnapshot]:
        """See `Reader`."""
        point, state = self._view()
        try:
            snapshot = OpenSearchSnapshot(self._cluster, point, state)
            stored = snapshot.stored()
            if stored != state.documents:
                raise IndexDamaged(
                    f"Expected {state.documents:,} documents in the index {self._cluster.place}, "
                    f"found {stored:,}: a part of it was lost or altered."
                )
            yield snapshot
        finally:
            self._cluster.release(point)

    def check(self) -> None:
        """See `Reader`. The nodes check their files; here, that no document is missing."""
        with self.snapshot():
            pass

    def close(self) -> None:
        """See `Reader`."""
        self._cluster.close()

    def _view(self) -> tuple[str, State]:
        """Return a point in time at which everything of a state was visible and nothing was swept.

        Shards are looked at one after the other. All of them show the documents of a state that was
        written before the first was looked at; and if no commit replaced or removed anything until
        after the last, all of it was there.
        """
        before = self._state()
        for _ in range(_TRIES):
            point = self._cluster.point_in_time()
            try:
                after = self._state()
            except BaseException:
                self._cluster.release(point)
                raise
            if before.is_shown_by(after):
                return point, before
            self._cluster.release(point)
            before = after
        raise IndexUnavailable(
            f"The index {self._cluster.place} changes too fast to be looked at. Ask again."
        )

    def _state(self) -> State:
        found = seen(self._cluster, self._cluster.place.index)
        if found is None:
            raise IndexDamaged(
                f"Expected a state document in the index {self._cluster.place}, found none."
            )
        return found.state
