"""The generations of an index in a cluster: see `search.generations`.

    muniment-01k…            an alias: of the generation that answers
    muniment-01k…-000001     that generation
    muniment-01k…-000002     the next one, while it is built
    muniment-01k…-building   whose lease is held by whoever builds one

Names hold the id of the archive, so that two archives given one URL are never taken for each
other's. The alias is moved in one step of the cluster, so a crash at any moment leaves the old
index or the new one.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from search.engines.opensearch.cluster import Cluster
from search.engines.opensearch.failures import Conflict
from search.engines.opensearch.lease import Lease, taken
from search.engines.opensearch.place import place_of, with_name
from search.engines.opensearch.schema import creation
from search.engines.opensearch.state import STATE, State
from search.errors import IndexBusy, IndexUnavailable, RebuildNeeded, SearchError

_PATIENCE_S = 10.0
"""How long whoever is just being answered from a generation keeps it from being removed."""

_LOOKS_S = 0.1

_VERSION_EVERY_S = 60.0


class ClusterGenerations:
    """`search.generations.Generations` of the archive `archive_id` in the cluster of `url`."""

    def __init__(self, url: str, archive_id: str) -> None:
        self._url = with_name(url, f"{place_of(url).name}-{archive_id.lower()}")
        self._cluster: Cluster | None = None
        self._known: str | None = None
        self._building: Lease | None = None
        self._asked_version = time.monotonic()

    def current(self) -> str | None:
        """See `Generations`. While the cluster is silent it is the one that answered last.

        Raises:
            IndexUnavailable: the cluster has never answered yet.
        """
        try:
            cluster = self._reached()
            self._known = self._answering(cluster)
        except IndexUnavailable:
            if self._known is None:
                raise
        return self._known

    @contextmanager
    def building(self) -> Iterator[str]:
        """See `Generations`."""
        cluster = self._reached()
        with self._alone(cluster) as lease:
            # A name is never used twice, or what a dead writer still sends would come to life.
            yield self._at(next_index(cluster, least=lease.state.pending - 1))

    def switch(self, url: str) -> None:
        """See `Generations`."""
        cluster, building = self._reached(), self._building
        if building is None:
            raise IndexUnavailable(f"Nobody builds the index {cluster.place}; nothing is switched.")
        try:
            building.write(building.state)  # whoever was given up meanwhile switches nothing
            cluster.switch(place_of(url).index, cluster.indices())
        except RebuildNeeded as error:
            raise IndexUnavailable(str(error)) from error
        self._known = url

    def sweep(self) -> int:
        """See `Generations`. One that somebody writes is left for the next time."""
        try:
            cluster = self._reached()
            if not self._old(cluster):
                return 0
            with self._alone(cluster):
                return sum(_removed(cluster, index) for index in self._old(cluster))
        except (IndexUnavailable, RebuildNeeded):  # one is being built, or it is done later
            return 0

    def size(self) -> int:
        """See `Generations`; of all copies in the cluster."""
        try:
            cluster = self._reached()
            return cluster.size(cluster.place.name)
        except SearchError:
            return 0

    def room(self) -> int | None:
        """See `Generations`: the nodes watch their disks themselves."""
        return None

    def _answering(self, cluster: Cluster) -> str | None:
        """Return the one generation behind the name; where something else stands there, none."""
        found = cluster.indices()
        return self._at(found[0]) if len(found) == 1 and _number(cluster, found[0]) else None

    def _old(self, cluster: Cluster) -> list[str]:
        """Return the generations that do not answer, if one does."""
        if self._answering(cluster) is None:  # which of them is whole nobody can say
            return []
        standing = cluster.indices()
        return [index for index in generations_of(cluster) if index not in standing]

    def _at(self, index: str) -> str:
        name = place_of(self._url).name
        return with_name(self._url, name, index.removeprefix(f"{name}-"))

    def _reached(self) -> Cluster:
        """Return the cluster; connecting is put off until somebody asks."""
        if self._cluster is None:
            self._cluster = Cluster(place_of(self._url))
        elif time.monotonic() > self._asked_version + _VERSION_EVERY_S:
            self._cluster.look()
            self._asked_version = time.monotonic()
        return self._cluster

    @contextmanager
    def _alone(self, cluster: Cluster) -> Iterator[Lease]:
        lock = f"{cluster.place.name}-building"
        try:
            lease = self._building = _begun_and_taken(cluster, lock)
        except IndexBusy as error:
            raise IndexBusy(f"An index is being built at {cluster.place} already.") from error
        try:
            yield lease
        finally:
            self._building = None
            with suppress(SearchError):  # it ends by itself
                lease.end()


def begun(cluster: Cluster, index: str) -> bool:
    """Create an empty index; return whether there was none of that name."""
    body = creation(cluster.place.shards, cluster.place.replicas)
    is_new = cluster.create(index, {**body, "aliases": {target(index): {}}})
    if is_new:
        with suppress(Conflict):
            cluster.write(target(index), STATE, State(index=index).stored(), None)
    return is_new


def target(index: str) -> str:
    """Return the alias that `index` is written through: it is gone when the index is."""
    return f"{index}-write"


def generations_of(cluster: Cluster) -> list[str]:
    """Return the indexes that are generations of the cluster's name, oldest first."""
    return [index for index in cluster.numbered() if _number(cluster, index)]


def next_index(cluster: Cluster, *, least: int = 1) -> str:
    """Return the name of a generation that is later than all that are there; `least` or more."""
    numbers = (_number(cluster, index) for index in generations_of(cluster))
    return f"{cluster.place.name}-{max(least, max(numbers, default=0) + 1):06}"


def _begun_and_taken(cluster: Cluster, lock: str) -> Lease:
    begun(cluster, lock)
    try:
        return taken(cluster, lock, target(lock))
    except RebuildNeeded:  # of another version, or whoever began it died before it was whole
        cluster.drop(lock)
        begun(cluster, lock)
    try:
        return taken(cluster, lock, target(lock))
    except RebuildNeeded as error:  # somebody does the same just now
        raise IndexBusy(str(error)) from error


def _number(cluster: Cluster, index: str) -> int:
    """Return the number of a generation, from 1 on; 0: it is none of this name."""
    found = re.fullmatch(re.escape(cluster.place.name) + r"-([0-9]{6})", index)
    return int(found[1]) if found else 0


def _removed(cluster: Cluster, index: str) -> bool:
    """Remove an index unless somebody writes it; whoever is asking it has some time to end."""
    lease = None
    try:
        with suppress(RebuildNeeded):  # then it cannot say who writes it
            lease = taken(cluster, index, target(index))
    except IndexUnavailable:
        return False
    try:
        end = time.monotonic() + _PATIENCE_S
        while cluster.is_asked(index) and time.monotonic() < end:
            time.sleep(_LOOKS_S)
    finally:
        if lease is not None:
            lease.abandon()  # also where that failed, or nobody could remove it any more
    cluster.drop(index)
    return True
