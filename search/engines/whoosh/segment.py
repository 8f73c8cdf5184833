"""Segments: some documents of an index each, built and read by Whoosh in memory.

A segment never changes. It is the bytes of one file, which whoever reads the file has compared with
its digest; Whoosh sees no disk, so none of its files is ever half written or read half.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from threading import Lock
from typing import Any, NamedTuple

from whoosh.codec.whoosh3 import W3Codec, W3Segment
from whoosh.filedb.compound import CompoundStorage
from whoosh.filedb.filestore import RamStorage
from whoosh.filedb.structfile import BufferFile
from whoosh.reading import SegmentReader, TermNotFound

from search.document import Document
from search.engines.whoosh.schema import SCHEMA, TEXT, laid_out
from search.query import DateName
from search.vocabulary import Vocabulary

Key = tuple[str, str]
"""A field and a value of it."""

_INDEX = "MAIN"
_KIND = ".seg"

_MANY = 500
"""Look-ups from which it is worth knowing first which would find nothing."""


class Built(NamedTuple):
    """A segment as it is written: its name, how many documents it holds, and its bytes."""

    name: str
    size: int
    content: bytes


class Segment:
    """One segment. Documents are told apart by their position in it, from 0 to `size - 1`.

    **Marks** say which of them are found: a number whose bytes, the lowest first, are 1 for each
    that is and 0 for the others. So AND, OR and counting are single steps for any amount of them.
    """

    def __init__(self, built: Built) -> None:
        self.name, self.size, content = built
        self._files = _unpacked(content)
        self._reader = self.without(())
        self._reading = Lock()  # Whoosh's files have one place they are read at
        self.all = int.from_bytes(b"\x01" * self.size, "little")

    def marked(self, keys: Iterable[Key]) -> int:
        """Return the marks of the documents that have any of `keys`."""
        wanted = tuple(keys)
        if len(wanted) > _MANY:
            words = self._words
            wanted = tuple(key for key in wanted if key[0] != TEXT or key[1] in words)
        return self.marked_at(chain.from_iterable(self.positions(*key) for key in wanted))

    def marked_at(self, positions: Iterable[int]) -> int:
        """Return the marks of the documents at `positions`."""
        row = bytearray(self.size)
        for position in positions:
            row[position] = 1
        return int.from_bytes(row, "little")

    def row(self, marks: int) -> bytes:
        """Return marks as bytes, one for each document."""
        return marks.to_bytes(self.size, "little")

    def positions(self, field: str, value: str) -> Sequence[int]:
        """Return the positions of the documents that have `value`, ascending."""
        found: list[int] = []
        with self._reading:
            try:
                postings = self._reader.postings(field, value)
            except TermNotFound:
                return found
            while postings.is_active():
                postings.id()  # reads a block of up to 128
                # One by one, as its interface has it, takes ten times as long.
                found += postings._ids  # noqa: SLF001
                postings._next_block()  # noqa: SLF001
        return found

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens of all texts."""
        return Vocabulary(self._lexicon(TEXT))

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self._lexicon(TEXT))

    def values(self, field: str) -> dict[str, Sequence[int]]:
        """Return every value of a keyword's field with the positions that have it."""
        found = self._values.get(field)
        if found is None:
            found = {
                value: array("I", self.positions(field, value)) for value in self._lexicon(field)
            }
            self._values[field] = found
        return found

    @cached_property
    def _values(self) -> dict[str, dict[str, Sequence[int]]]:
        return {}

    @cached_property
    def numbers(self) -> Sequence[int]:
        """The number of each document."""
        return array("Q", self._column("number"))

    @cached_property
    def times(self) -> Sequence[int]:
        """The time each document is ordered by."""
        return array("q", self._column("time"))

    def clock(self, name: DateName) -> Sequence[int]:
        """Return when each document was posted or captured; `schema.NEVER` where nobody said."""
        return self._posted if name is DateName.POSTED else self._captured

    @cached_property
    def _posted(self) -> Sequence[int]:
        return array("q", self._column("posted"))

    @cached_property
    def _captured(self) -> Sequence[int]:
        return array("q", self._column("captured"))

    @cached_property
    def by_number(self) -> Sequence[int]:
        """The positions in the order of their numbers."""
        return array("I", sorted(range(self.size), key=self.numbers.__getitem__))

    @cached_property
    def by_time(self) -> Sequence[int]:
        """The positions in the order of their times, those of one time by number."""
        return array("I", sorted(self.by_number, key=self.times.__getitem__))

    @cached_property
    def texts(self) -> Sequence[bytes]:
        """The token string of each document, in UTF-8 and read where it is asked for."""
        column: Sequence[bytes] = self._reader.column_reader(TEXT, translate=False)
        return column

    def _column(self, field: str) -> Iterator[int]:
        with self._reading:
            yield from self._reader.column_reader(field)

    def _lexicon(self, field: str) -> list[str]:
        with self._reading:
            try:
                return [value.decode() for value in self._reader.lexicon(field)]
            except TermNotFound:
                return []

    def without(self, deleted: Iterable[int]) -> SegmentReader:
        """Return a reader of this segment's documents but those at the positions `deleted`."""
        segment = W3Segment(
            W3Codec(), _INDEX, doccount=self.size, segid=self.name, deleted=set(deleted)
        )
        return SegmentReader(self._files, SCHEMA, segment)


class _Files(RamStorage):  # type: ignore[misc]  # it is not typed here
    """Whoosh's files in memory. Its own class copies a file for each reader of it."""

    def open_file(self, name: str, **_: Any) -> BufferFile:
        """Return a file open for reading."""
        return BufferFile(self.files[name], name=name)


def _unpacked(content: bytes) -> _Files:
    """Return the files that Whoosh put into the one of a segment."""
    files = _Files()
    packed = CompoundStorage(BufferFile(content))
    for name in packed.list():
        start, length = packed.range(name)
        files.files[name] = content[start : start + length]
    return files


def build(documents: Iterable[Document], merged: Iterable[SegmentReader] = ()) -> Built:
    """Return a segment of what is in `merged`, and of `documents`; there is at least one."""
    storage = RamStorage()
    writer = storage.create_index(SCHEMA, _INDEX).writer()
    for reader in merged:
        writer.add_reader(reader)
    for document in documents:
        writer.add_document(**laid_out(document))
    size = writer.doc_count()
    writer.commit(merge=False)
    (file,) = (name for name in storage.files if name.endswith(_KIND))
    name = file.removeprefix(_INDEX + "_").removesuffix(_KIND)
    return Built(name, size, storage.files[file])
