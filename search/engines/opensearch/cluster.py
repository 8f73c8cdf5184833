"""The requests to a cluster, and what every failure of one means."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from opensearchpy import OpenSearch
from opensearchpy.exceptions import (
    ConflictError,
    ConnectionError,  # noqa: A004 - the library's own name
    NotFoundError,
    OpenSearchException,
    SSLError,
    TransportError,
)

from search.engines.opensearch.failures import Conflict, failure, unreachable, untrusted
from search.engines.opensearch.place import Place
from search.errors import IndexUnavailable, SearchError

_TIMEOUT_S = 120
"""Seconds that any request may take; then the cluster is called unreachable."""

_MERGE_S = 3600
"""Seconds that merging all files of an index may take."""

_SEARCH_S = 60
"""Seconds after which the cluster itself stops a search, so that none outlives who asked."""

_KEEP = "10m"
"""How long a point in time is kept after the last question to it."""

_NO_PARTS = {"allow_partial_search_results": "false", "cancel_after_time_interval": f"{_SEARCH_S}s"}
_NO_NEW_INDEX = {"require_alias": "true"}
_SWEPT = 20_000
_OLDEST = (2, 9)

_versions: dict[tuple[str, ...], str] = {}
"""What each cluster last said of its version; it is asked whenever one is opened, and after."""

# What fails is raised, with its cause; the library would log it besides, as a warning.
logging.getLogger("opensearch").setLevel(logging.CRITICAL)


ShardCopy = tuple[str, str]
"""The number of a shard, and the node that has a copy of it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The newest operation of a copy, and the first that merges keep since its last flush."""

    newest: int
    kept_from: int


class Cluster:
    """A cluster and the name of one index in it. Safe to be used by several threads.

    Every method raises `IndexUnavailable` where the cluster does not answer or refuses,
    `IndexDamaged` where the index is gone, and `QueryTooBroad` where a query is the reason.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._closed = False
        with self._failures():
            self._client = OpenSearch(
                hosts=list(place.hosts),
                http_auth=(place.user, place.password()) if place.user else None,
                ca_certs=place.authority(),
                timeout=_TIMEOUT_S,
                max_retries=len(place.hosts),  # another node, where one refuses the connection
                http_compress=True,
                pool_maxsize=16,
            )
        try:
            self.look()
        except BaseException:
            self.close()
            raise

    def look(self) -> None:
        """Look which server it is, and remember its version (`version_of`).

        Raises:
            IndexUnavailable: it is no OpenSearch, or too old.
        """
        with self._failures():
            told = self._client.info()["version"]
            number = str(told["number"])
            version = tuple(int(part) for part in number.split(".")[:2])
        if told.get("distribution") != "opensearch" or version < _OLDEST:
            raise IndexUnavailable(
                f"Expected OpenSearch {'.'.join(map(str, _OLDEST))} or newer as {self.place}, "
                f"found {told.get('distribution', 'another server')} {number}."
            )
        _versions[self.place.hosts] = number

    def close(self) -> None:
        """Let go of the connections. A second call does nothing."""
        self._closed = True
        self._client.close()

    def indices(self) -> list[str]:
        """Return the indexes that stand behind the name."""
        with self._failures():
            try:
                return sorted(self._client.indices.get_alias(name=self.place.name))
            except NotFoundError:
                return []

    def numbered(self) -> list[str]:
        """Return the indexes whose names begin with the name, whether they answer or not."""
        with self._failures():
            found = self._client.indices.get_settings(
                index=f"{self.place.name}-*", params={"allow_no_indices": "true"}
            )
            return sorted(found)

    def create(self, index: str, body: Mapping[str, Any]) -> bool:
        """Create an index; return whether it was not there."""
        with self._failures():
            try:
                self._client.indices.create(index=index, body=body)
            except TransportError as error:
                if error.error == "resource_already_exists_exception":
                    return False
                raise
        return True

    def switch(self, index: str, replaced: list[str]) -> None:
        """Let the name stand for `index` instead of `replaced`, at one moment for everybody."""
        name = self.place.name
        removed = [{"remove": {"index": each, "alias": name}} for each in replaced]
        with self._failures():
            self._client.indices.update_aliases(
                body={"actions": [*removed, {"add": {"index": index, "alias": name}}]}
            )

    def drop(self, index: str) -> None:
        """Remove an index; one that is not there is fine."""
        with self._failures(), suppress(NotFoundError):
            self._client.indices.delete(index=index)

    def size(self, index: str) -> int:
        """Return the bytes on disk of an index, all its copies together."""
        with self._failures():
            told = self._client.indices.stats(index=index, metric="store")
            return int(told["_all"]["total"]["store"]["size_in_bytes"])

    def copies(self, index: str) -> dict[ShardCopy, Kept]:
        """Return every copy of every shard; nothing where one is away."""
        params = {"level": "shards"}
        with self._failures():
            told = self._client.indices.stats(index=index, metric="docs", params=params)
            if told["_shards"]["successful"] < told["_shards"]["total"]:
                return {}
            return {
                (shard, copy["routing"]["node"]): _copy(copy)
                for each in told["indices"].values()
                for shard, copies in each["shards"].items()
                for copy in copies
            }

    def files(self, index: str) -> dict[ShardCopy, dict[int, int]]:
        """Return of every copy how many removed documents each file has; files are numbered."""
        with self._failures():
            told = self._client.indices.segments(index=index)
            return {
                (shard, copy["routing"]["node"]): {
                    int(file["generation"]): int(file["deleted_docs"])
                    for file in copy["segments"].values()
                }
                for each in told["indices"].values()
                for shard, copies in each["shards"].items()
                for copy in copies
            }

    def flush(self, index: str) -> None:
        """Write all copies down as they are, so that they know anew what they need not keep."""
        with self._failures():
            self._whole(self._client.indices.flush(index=index, params={"force": "true"}))

    def merge(self, index: str) -> None:
        """Make one file of all files of each copy, and forget what was written before."""
        with self._failures():
            self._whole(
                self._client.indices.forcemerge(
                    index=index, max_num_segments=1, request_timeout=_MERGE_S
                )
            )

    def is_asked(self, index: str) -> bool:
        """Return whether somebody is looking at an index just now."""
        with self._failures():
            told = self._client.indices.stats(index=index, metric="search")
            return bool(told["_all"]["total"]["search"]["open_contexts"])

    def document(self, index: str, identity: str) -> dict[str, Any] | None:
        """Return a document as it is stored now, whether visible yet or not; None: not there."""
        with self._failures():
            try:
                return dict(self._client.get(index=index, id=identity))
            except NotFoundError as error:
                if error.error == "index_not_found_exception":
                    raise
                return None

    def write(
        self, index: str, identity: str, body: Mapping[str, Any], version: tuple[int, int] | None
    ) -> tuple[int, int]:
        """Write a document that is at `version`, or is not there (None), and return its version.

        Raises:
            Conflict: it is at another version.
        """
        condition: dict[str, Any] = {"op_type": "create"}
        if version is not None:
            condition = {"if_seq_no": version[0], "if_primary_term": version[1]}
        with self._failures():
            try:
                done = self._client.index(
                    index=index, id=identity, body=body, params={**condition, **_NO_NEW_INDEX}
                )
            except ConflictError as error:
                raise Conflict from error
            return done["_seq_no"], done["_primary_term"]

    def bulk(self, index: str, body: bytes) -> None:
        """Do the actions of a bulk request, all of them or fail; removals may find nothing."""
        with self._failures():
            done = self._client.bulk(index=index, body=body, params=_NO_NEW_INDEX)
            results = [result for item in done["items"] for result in item.values()]
        for result in results:
            if "error" in result:
                raise failure(self.place, result["status"], result["error"])

    def refresh(self, index: str) -> None:
        """Make everything that was written visible in every copy of every shard."""
        with self._failures():
            self._whole(self._client.indices.refresh(index=index))

    def sweep(self, index: str, query: Mapping[str, Any]) -> None:
        """Remove what `query` finds, for good, and make that visible."""
        params = {"refresh": "true", "conflicts": "proceed", "max_docs": str(_SWEPT)}
        found = True
        while found:
            with self._failures():
                done = self._client.delete_by_query(
                    index=index, body={"query": query}, params=params
                )
                found = bool(done["total"])
                failed = done["timed_out"] or done["failures"] or done["version_conflicts"]
            if failed:
                raise IndexUnavailable(
                    f"The index {self.place} could not remove what is outdated. Open it again."
                )

    def point_in_time(self) -> str:
        """Return a point in time over all shards of the index; give it back with `release`."""
        params = {"keep_alive": _KEEP, "allow_partial_pit_creation": "false"}
        with self._failures():
            made = self._client.create_pit(index=self.place.index, params=params)
            return str(self._whole(made)["pit_id"])

    def release(self, point: str) -> None:
        """Give a point in time back; the cluster would forget it after some minutes anyway."""
        with suppress(SearchError), self._failures():
            self._client.delete_pit(body={"pit_id": [point]})

    def search(self, point: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the whole answer to a question at a point in time, never part of it."""
        asked = {"pit": {"id": point, "keep_alive": _KEEP}, "track_total_hits": True, **body}
        with self._failures():
            return self._whole(self._client.search(body=asked, params=_NO_PARTS))

    def count(self, index: str, query: Mapping[str, Any]) -> int:
        """Return how many documents `query` finds in what is visible now."""
        body = {"query": query, "size": 0, "track_total_hits": True}
        with self._failures():
            told = self._whole(self._client.search(index=index, body=body, params=_NO_PARTS))
            return int(told["hits"]["total"]["value"])

    def _whole(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return `answer` if every shard took part in it."""
        failed = answer["_shards"]["failed"]
        if failed or answer.get("timed_out") or answer.get("terminated_early"):
            raise IndexUnavailable(
                f"{failed} of {answer['_shards']['total']} shards of the index {self.place} did "
                "not answer; a part of an answer is none. Look at the cluster's health, ask again."
            )
        return answer

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Raise what a failure of the library means, in the errors of the search engine."""
        if self._closed:
            raise IndexUnavailable(f"The index {self.place} has been closed.")
        try:
            yield
        except SSLError as error:
            raise untrusted(self.place, str(error)) from error
        except ConnectionError as error:
            raise unreachable(self.place, str(error)) from error
        except TransportError as error:
            raise failure(self.place, int(error.status_code), error.info) from error
        except (OpenSearchException, LookupError, TypeError, ValueError, OSError) as error:
            raise IndexUnavailable(
                f"Expected the answer of an OpenSearch cluster from the index {self.place}, found "
                f"none: {type(error).__name__}: {error}."
            ) from error


def _copy(told: Mapping[str, Any]) -> Kept:
    newest = int(told["seq_no"]["max_seq_no"])
    written = told["commit"]["user_data"]  # of the flush before; a new copy has had none
    return Kept(newest, int(written.get("min_retained_seq_no", 0)))


def version_of(place: Place) -> str:
    """Return the version that the cluster at `place` last said it has; "" where it never did."""
    return _versions.get(place.hosts, "")
