"""An index in memory that asks the matcher: slow, and right by definition.

It passes the same contract as the real engines, and stands in for them in tests of its callers.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from search.document import Document
from search.errors import IndexBusy, IndexUnavailable, QueryTooBroad
from search.index import CHUNK, MOST_ACCOUNTS, Beside, Expandable, Facet, Hit, Order, Summary
from search.matcher import prepared, time_of, values
from search.positions import fits
from search.query import DateName, FieldName, Query


@dataclass
class MemoryDirectory:
    """What is durable: survives closing, and a writer that is dropped without committing."""

    documents: MappingProxyType[int, Document] = field(default_factory=lambda: MappingProxyType({}))
    watermark: int | None = None
    writing: bool = False


class MemorySnapshot:
    """`search.index.Snapshot` over a mapping that never changes."""

    def __init__(self, documents: MappingProxyType[int, Document], watermark: int) -> None:
        self._documents = documents
        self._watermark = watermark

    @property
    def watermark(self) -> int:
        return self._watermark

    def known(self) -> int:
        return len(self._documents)

    def count(self, query: Query) -> int:
        return len(self._found(query))

    def page(
        self,
        query: Query,
        *,
        limit: int,
        order: Order = Order.NEWEST,
        after: Hit | None = None,
    ) -> list[Hit]:
        if limit < 1:
            raise ValueError(f"a page has one hit or more, not {limit}")
        hits = [Hit(document.number, document.time) for document in self._found(query)]
        hits.sort(key=_PLACE[order])
        place = _PLACE[order]
        return [hit for hit in hits if after is None or place(hit) > place(after)][:limit]

    def facets(
        self, query: Query, fields: Collection[FieldName], *, limit: int
    ) -> dict[FieldName, Facet]:
        if limit < 1:
            raise ValueError(f"a facet has one value or more, not {limit}")
        found = self._found(query)
        return {name: _facet(found, name, limit) for name in fields}

    def summary(
        self, query: Query, fields: Collection[FieldName], *, limit: int, clock: DateName
    ) -> Summary:
        found, times = self._found(query), self._times(query, clock)
        places = {document.place for document in found}
        return Summary(
            total=len(found),
            accounts=len(places) if len(places) <= MOST_ACCOUNTS else None,
            span=(min(times), max(times)) if times else None,
            facets=self.facets(query, fields, limit=limit),
        )

    def histogram(self, query: Query, clock: DateName, edges: Sequence[int]) -> list[int]:
        times = self._times(query, clock)
        return [sum(start <= time < end for time in times) for start, end in pairwise(edges)]

    def numbers(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        return _chunks([document.number for document in self._found(query)], chunk)

    def expansion(self, word: Expandable, *, limit: int) -> tuple[str, ...]:
        fit = fits(word)
        texts = (document.text for document in self._documents.values())
        found = sorted({token for text in texts for token in text.split() if fit(token)})
        if len(found) > limit:
            raise QueryTooBroad(f"{len(found)} tokens, more than {limit}")
        return tuple(found)

    def all_numbers(self, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        return _chunks(sorted(self._documents), chunk)

    def between(self, start: int, end: int) -> list[int]:
        return sorted(number for number in self._documents if start <= number < end)

    def _times(self, query: Query, clock: DateName) -> list[int]:
        times = (time_of(document, clock) for document in self._found(query))
        return [time for time in times if time is not None]

    def _found(self, query: Query) -> list[Document]:
        finds = prepared(query)
        return [document for _, document in sorted(self._documents.items()) if finds(document)]


class MemoryReader:
    """`search.index.Reader`."""

    def __init__(self, directory: MemoryDirectory) -> None:
        if directory.watermark is None:
            raise IndexUnavailable("There is no index yet.")
        self._directory = directory
        self._open = True

    @contextmanager
    def snapshot(self) -> Iterator[MemorySnapshot]:
        if not self._open:
            raise IndexUnavailable("The index has been closed.")
        yield MemorySnapshot(self._directory.documents, self._directory.watermark or 0)

    def check(self) -> None:
        """Memory has no checksums."""

    def close(self) -> None:
        self._open = False


class MemoryIndex(MemoryReader):
    """`search.index.Index`."""

    def __init__(self, directory: MemoryDirectory) -> None:
        if directory.writing:
            raise IndexBusy("The index is already being written.")
        directory.writing = True
        directory.watermark = directory.watermark or 0
        super().__init__(directory)
        self._pending = dict(directory.documents)

    @property
    def watermark(self) -> int:
        return self._directory.watermark or 0

    def add(self, documents: Sequence[Document]) -> None:
        self._check()
        self._pending.update({document.number: document for document in documents})

    def delete(self, numbers: Sequence[int]) -> None:
        self._check()
        for number in numbers:
            self._pending.pop(number, None)

    def beside(self, numbers: Sequence[int]) -> Beside:
        """Nothing: what is deleted is nowhere."""
        return Beside(len(self._directory.documents.keys() & set(numbers)), ())

    def purge(self) -> bool:
        """See `Index`: words go by `beside`, or not at all."""
        return False

    def commit(self, watermark: int) -> None:
        self._check()
        self._directory.documents = MappingProxyType(dict(self._pending))
        self._directory.watermark = watermark

    def reset(self) -> None:
        self._pending = {}
        self.commit(0)

    def close(self) -> None:
        if self._open:
            self._directory.writing = False
        super().close()

    def _check(self) -> None:
        if not self._open:
            raise IndexUnavailable("The index has been closed.")


_PLACE: dict[Order, Callable[[Hit], tuple[int, ...]]] = {
    Order.NEWEST: lambda hit: (-hit.time, -hit.number),
    Order.OLDEST: lambda hit: (hit.time, hit.number),
    Order.LOG: lambda hit: (hit.number,),
}


def _facet(found: list[Document], name: FieldName, limit: int) -> Facet:
    counted = Counter(value for document in found for value in values(document, name))
    ordered = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    return Facet(tuple(ordered[:limit]), sum(count for _, count in ordered[limit:]))


def _chunks(numbers: list[int], chunk: int) -> Iterator[list[int]]:
    for start in range(0, len(numbers), chunk):
        yield numbers[start : start + chunk]
