"""An index in memory that asks the matcher: slow, and right by definition.

It passes the same contract as the real engines, and stands in for them in tests of its callers.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from search.document import Document
from search.errors import IndexBusy, IndexUnavailable
from search.index import CHUNK, Hit
from search.matcher import matches
from search.query import Query


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
        self, query: Query, *, limit: int, newest_first: bool = True, after: Hit | None = None
    ) -> list[Hit]:
        if limit < 1:
            raise ValueError(f"a page has one hit or more, not {limit}")
        hits = [Hit(document.number, document.time) for document in self._found(query)]
        if not newest_first:
            return [hit for hit in hits if after is None or hit.number > after.number][:limit]
        hits.sort(key=_age, reverse=True)
        return [hit for hit in hits if after is None or _age(hit) < _age(after)][:limit]

    def numbers(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        return _chunks([document.number for document in self._found(query)], chunk)

    def all_numbers(self, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        return _chunks(sorted(self._documents), chunk)

    def _found(self, query: Query) -> list[Document]:
        return [
            document for _, document in sorted(self._documents.items()) if matches(query, document)
        ]


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


def _age(hit: Hit) -> tuple[int, int]:
    return hit.time, hit.number


def _chunks(numbers: list[int], chunk: int) -> Iterator[list[int]]:
    for start in range(0, len(numbers), chunk):
        yield numbers[start : start + chunk]
