"""Seeing to it that no file of a cluster keeps the words of what was removed.

Lucene keeps removed documents in its files until those are merged, and OpenSearch makes merges keep
them as long as another copy of the shard might ask for them: its retention leases say so, and move
on every 30 seconds. So a forced merge alone leaves them in the new files too, and one that only
expunges deletes passes over files that have few. Here the leases are waited for, which a flush
writes down, all is merged, and each copy is asked what its files have. The translog goes with the
flushes.
"""

import time
from collections.abc import Callable

from search.engines.opensearch.cluster import Cluster

_PATIENCE_S = 120.0
"""Four times what leases take to move on. A copy that is away keeps them for 12 hours."""

_LOOKS_S = 1.0


def purged(cluster: Cluster, index: str) -> bool:
    """Merge until no file holds anything that was removed before; False: that is not certain.

    Nobody else writes the index but its lease. Everything removed was refreshed before.

    Raises:
        IndexUnavailable: the cluster does not answer.
    """
    end = time.monotonic() + _PATIENCE_S
    goals = {place: copy.newest for place, copy in cluster.copies(index).items()}

    def is_given_up() -> bool:
        cluster.flush(index)
        copies = cluster.copies(index)
        return copies.keys() == goals.keys() and all(
            copy.kept_from > goals[place] for place, copy in copies.items()
        )

    if not goals or not _comes(is_given_up, end):
        return False
    newest = {place: max(files, default=-1) for place, files in cluster.files(index).items()}
    cluster.merge(index)
    end = time.monotonic() + _PATIENCE_S

    def is_merged() -> bool:
        cluster.refresh(index)  # what was visible before keeps its files,
        cluster.flush(index)  # and so does what was written down before
        files = cluster.files(index)
        return files.keys() == goals.keys() and not any(
            removed and number <= newest.get(place, number)
            for place, copy in files.items()
            for number, removed in copy.items()
        )

    # Whoever still looks at a point in time keeps the files that were merged.
    return _comes(is_merged, end) and _comes(lambda: not cluster.is_asked(index), end)


def _comes(is_so: Callable[[], bool], end: float) -> bool:
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOKS_S)
    return True
