"""Opening, writing and rebuilding an index in a cluster.

The name in a URL is an alias. Behind it stands one index, `name-000001`; built anew it is
`name-000002`, and the alias is switched in one step. A URL may name a generation as well, which is
then written whether it answers or not (`generations`). An index is written through an alias of its
own, `name-000001-write`, so what a dead writer still sends never reaches another, nor makes one.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from search.document import Document
from search.engines.opensearch.cluster import Cluster, version_of
from search.engines.opensearch.compiler import any_of
from search.engines.opensearch.generations import begun, next_index, target
from search.engines.opensearch.lease import Lease, taken
from search.engines.opensearch.place import place_of
from search.engines.opensearch.purging import purged
from search.engines.opensearch.reader import OpenSearchReader
from search.engines.opensearch.schema import identity, laid_out
from search.engines.opensearch.state import State
from search.errors import IndexBusy, IndexDamaged, IndexUnavailable, RebuildNeeded, SearchError

_BULK = 4_000_000
"""Bytes of one bulk request, about; OpenSearch advises 5 to 15 MB at most."""


def open_writer(url: str, *, anew: bool = False) -> "OpenSearchIndex":
    """Open the index at `url` for writing; create it if there is none.

    `anew` puts an empty one in the place of what is there: the answer to `RebuildNeeded`. Of a URL
    that names a generation the answer is the next generation, and `anew` is refused.

    Raises:
        IndexBusy: another process writes it.
        IndexUnavailable: the cluster does not answer or refuses, or `url` names none.
        IndexDamaged: the index is not one of ours, or a part of it is lost.
        IndexOutdated: written by another analyzer version or layout.
    """
    cluster = Cluster(place_of(url))
    try:
        index = _named(cluster, anew=anew)
        return OpenSearchIndex(cluster, index, taken(cluster, index, target(index)))
    except BaseException:
        cluster.close()
        raise


def open_reader(url: str) -> OpenSearchReader:
    """Open the index at `url` for reading: whichever generation of its name answers.

    A reader goes over to the next generation by itself, in the step that moves the name. So no
    question meets one that was just removed.

    Raises:
        IndexUnavailable: there is none yet, or the cluster does not answer.
        IndexDamaged: it is not one of ours, or a part of it is lost.
        IndexOutdated: written by another analyzer version or layout.
    """
    cluster = Cluster(replace(place_of(url), generation=""))
    try:
        return _read(cluster)
    except BaseException:
        cluster.close()
        raise


def engine_name(url: str) -> str:
    """Return "OpenSearch" and the version that the cluster of `url` last told, if it ever did.

    Raises:
        IndexUnavailable: `url` is not the URL of an index.
    """
    return f"OpenSearch {version_of(place_of(url))}".strip()


class OpenSearchIndex(OpenSearchReader):
    """`search.index.Index` over a cluster; holds the lease of an index until closed."""

    def __init__(self, cluster: Cluster, index: str, lease: Lease) -> None:
        super().__init__(cluster)
        self._target = target(index)
        self._lease = lease
        self._usable = True
        self._added: set[int] = set()
        self._superseded: set[int] = set()
        with self._writing():
            self._cluster.refresh(index)  # what a writer before left half done is seen, and swept
            self._sweep()
            with self.snapshot() as snapshot:
                self._highest = snapshot.highest()

    @property
    def watermark(self) -> int:
        """See `Index`."""
        return self._lease.state.watermark

    def add(self, documents: Sequence[Document]) -> None:
        """See `Index`."""
        newest = {document.number: document for document in documents}
        since = self._lease.state.pending
        with self._writing():
            self._supersede(newest)
            self._send(
                _action("index", number, since) + _line(laid_out(document, since))
                for number, document in newest.items()
            )
            self._added |= newest.keys()

    def delete(self, numbers: Sequence[int]) -> None:
        """See `Index`."""
        since = self._lease.state.pending
        with self._writing():
            self._supersede(numbers)
            recent = self._added.intersection(numbers)
            self._send(_action("delete", number, since) for number in recent)
            self._added -= recent

    def beside(self, numbers: Sequence[int]) -> None:
        """See `Index`: a cluster merges when it likes; `purge` sees to the words."""

    def purge(self) -> bool:
        """See `Index`. It takes until the leases of the cluster have moved on, some 30 seconds."""
        with self._writing():
            return purged(self._cluster, self._target)

    def commit(self, watermark: int) -> None:
        """See `Index`."""
        with self._writing():
            before = self._lease.state
            gone = tuple(sorted(self._superseded))
            documents = before.documents + len(self._added)
            if self._added or gone:
                self._cluster.refresh(self._target)
            if gone:
                outdated = before.visible(any_of("number", gone))
                documents -= self._cluster.count(self._target, outdated)
            after = replace(before, watermark=watermark, documents=documents, superseded=gone)
            self._end(after, removes=bool(gone))
            self._highest = max([self._highest, *self._added])
            self._added, self._superseded = set(), set()

    def reset(self) -> None:
        """See `Index`."""
        with self._writing():
            before = self._lease.state
            self._cluster.refresh(self._target)
            # What was sent for this commit does not count from the next one's floor on either.
            floor = before.pending + 1
            after = replace(before, watermark=0, documents=0, floor=floor, pending=floor)
            self._end(after, removes=True)
            self._highest = -1
            self._added, self._superseded = set(), set()

    def close(self) -> None:
        """Let others write; what is uncommitted is lost."""
        self._usable = False
        with suppress(SearchError):  # the lease ends by itself
            self._lease.end()
        super().close()

    def _end(self, state: State, *, removes: bool) -> None:
        """Make `state` the last commit, by one atomic write; then remove what it outdated."""
        commit = state.pending
        state = replace(state, commit=commit, pending=commit + 1)
        self._lease.write(replace(state, removal=commit) if removes else state)
        if removes:
            self._sweep()

    def _sweep(self) -> None:
        state = self._lease.state
        self._cluster.sweep(self._target, state.dead())
        if state.superseded:
            self._lease.write(replace(state, superseded=()))

    def _supersede(self, numbers: Iterable[int]) -> None:
        """Note what is committed under these numbers; log indexes only grow, so mostly none."""
        self._superseded.update(number for number in numbers if number <= self._highest)

    def _send(self, actions: Iterable[bytes]) -> None:
        body = bytearray()
        for action in actions:
            body += action
            if len(body) >= _BULK:
                self._cluster.bulk(self._target, bytes(body))
                body.clear()
        if body:
            self._cluster.bulk(self._target, bytes(body))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """After a failure nothing may be committed: it is not known what of it arrived."""
        if not self._usable:
            raise IndexUnavailable(
                f"The index {self._cluster.place} has been closed, or writing it failed: it holds "
                f"what was committed at {self.watermark}. Open it again."
            )
        try:
            yield
        except BaseException:
            self.close()
            raise


def _named(cluster: Cluster, *, anew: bool) -> str:
    """Return the index that a URL names, made if there is none, or made anew."""
    place = cluster.place
    if not place.generation:
        return _made(cluster) if anew else _standing(cluster) or _made(cluster)
    if anew:
        raise IndexUnavailable(f"The generation {place} is never emptied; build the next one.")
    begun(cluster, place.index)
    return place.index


def _read(cluster: Cluster) -> OpenSearchReader:
    if _standing(cluster) is None:
        raise IndexUnavailable(
            f"There is no index {cluster.place}; the writing process creates it."
        )
    reader = OpenSearchReader(cluster)
    with reader.snapshot():
        return reader


def _standing(cluster: Cluster) -> str | None:
    """Return the index that the name stands for; None: there is none yet."""
    found = cluster.indices()
    if len(found) > 1:
        raise IndexDamaged(
            f"Expected one index behind the name {cluster.place}, found {', '.join(found)}."
        )
    return found[0] if found else None


def _made(cluster: Cluster) -> str:
    """Create an empty index, let the name stand for it, and remove what stood there before."""
    standing = cluster.indices()
    leases = []
    for each in standing:
        with suppress(RebuildNeeded):  # then it cannot say who writes it
            leases.append(taken(cluster, each, target(each)))
    index = next_index(cluster)
    if not begun(cluster, index):
        raise IndexBusy(f"Another process just creates the index {cluster.place}.")
    cluster.switch(index, standing)
    for lease in leases:
        lease.abandon()
    for each in standing:
        cluster.drop(each)
    return index


def _action(kind: str, number: int, since: int) -> bytes:
    return _line({kind: {"_id": identity(number, since)}})


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
