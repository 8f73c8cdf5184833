"""Opening, writing and rebuilding the directory of a tantivy index."""

import fcntl
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import tantivy

from search.document import Document
from search.engines.tantivy.checksums import check_files, committed_files
from search.engines.tantivy.compiler import STATE_ONLY, any_number
from search.engines.tantivy.kept import Kept
from search.engines.tantivy.schema import SCHEMA, SPACES, laid_out, state_document
from search.engines.tantivy.snapshot import TantivySnapshot, failures_as_damage
from search.errors import IndexBusy, IndexDamaged, IndexMissing, IndexUnavailable
from search.index import Beside

HEAP = 32_000_000
"""Bytes tantivy buffers before it writes a segment. The importer has 256 MB in all."""

_WRITER_LOCK = ".tantivy-writer.lock"
_OURS = re.compile(r"(?:\.managed|meta)\.json|[0-9a-f]{32}\..+|\.tmp\w{6}")
"""The files of an index, without its locks. Only these are ever removed.

`.tmp…` is what tantivy renames to `meta.json`: all there is after a kill in the middle of creation.
"""

_OF_A_SEGMENT = re.compile(r"[0-9a-f]{32}\..+")

_WHITESPACE = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


def open_writer(path: Path, *, anew: bool = False) -> "TantivyIndex":
    """Open the index in the directory `path` for writing; create it if there is none.

    `anew` removes an index that is there first: the answer to `RebuildNeeded`.

    Raises:
        IndexBusy: another process writes it.
        IndexUnavailable: the directory cannot be written, or holds files that are not an index.
        IndexDamaged: its files are missing, cut short or inconsistent.
        IndexOutdated: written by another analyzer version, layout or tantivy.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if anew:
            _clear(path)
        fresh = not tantivy.Index.exists(str(path))
        if fresh:
            _check_empty(path)
        else:
            check_files(path)
    except OSError as error:
        raise IndexUnavailable(f"The index directory {path} cannot be used: {error}.") from error
    with failures_as_damage(path):
        index = tantivy.Index(SCHEMA, str(path)) if fresh else tantivy.Index.open(str(path))
        # Before the lock is taken: a caller who rebuilds while handling the error finds it free.
        _state(path, index)
    try:
        writer = index.writer(HEAP, 1)
        _remove_uncommitted(path)
    except (ValueError, OSError) as error:
        busy = "LockBusy" in str(error)  # and not "IoError", as on a full disk
        raise (IndexBusy if busy else IndexUnavailable)(
            f"The index {path} cannot be written; only one process may write it: {error}"
        ) from error
    return TantivyIndex(path, index, writer)


def open_reader(path: Path) -> "TantivyReader":
    """Open the index in the directory `path` for reading.

    Raises:
        IndexMissing: there is none yet.
        IndexDamaged: its files are missing, cut short or inconsistent.
        IndexOutdated: written by another analyzer version, layout or tantivy.
    """
    if not (path.is_dir() and tantivy.Index.exists(str(path))):
        raise IndexMissing(f"There is no index in {path}; the writing process creates it.")
    check_files(path)
    with failures_as_damage(path):
        index = tantivy.Index.open(str(path))
    reader = TantivyReader(path, index)
    with reader.snapshot():
        return reader


class TantivyReader:
    """`search.index.Reader` over a directory."""

    def __init__(self, path: Path, index: tantivy.Index) -> None:
        index.register_tokenizer(SPACES, _WHITESPACE)
        # Without this a thread would watch the directory; `snapshot` asks when it matters.
        with failures_as_damage(path):
            index.config_reader("manual")
        self._path = path
        self._index: tantivy.Index | None = index
        self._kept = Kept("")

    @contextmanager
    def snapshot(self) -> Iterator[TantivySnapshot]:
        """See `Reader`."""
        if self._index is None:
            raise IndexUnavailable(f"The index {self._path} has been closed.")
        snapshot = _state(self._path, self._index, self._keep)
        if snapshot is None:
            raise IndexUnavailable(f"The index {self._path} is just being created.")
        yield snapshot

    def _keep(self, stamp: str) -> Kept:
        """Return what was kept of one state of the index; it replaces that of another."""
        kept = self._kept
        if kept.stamp != stamp:
            kept = self._kept = Kept(stamp)
        return kept

    def check(self) -> None:
        """See `Reader`."""
        if self._index is None:
            raise IndexUnavailable(f"The index {self._path} has been closed.")
        check_files(self._path)

    def close(self) -> None:
        """See `Reader`."""
        self._index = None


class TantivyIndex(TantivyReader):
    """`search.index.Index` over a directory; holds its writer lock until closed."""

    def __init__(self, path: Path, index: tantivy.Index, writer: tantivy.IndexWriter) -> None:
        super().__init__(path, index)
        self._writer: tantivy.IndexWriter | None = writer
        self._highest = -1
        self._watermark = 0
        snapshot = _state(path, index)
        if snapshot is None:
            self.commit(0)
        else:
            self._watermark = snapshot.watermark
            self._highest = snapshot.highest()

    @property
    def watermark(self) -> int:
        """See `Index`."""
        return self._watermark

    def add(self, documents: Sequence[Document]) -> None:
        """See `Index`."""
        newest = {document.number: document for document in documents}
        self.delete([number for number in newest if number <= self._highest])
        self._highest = max([self._highest, *newest])
        with self._writing() as writer:
            for document in newest.values():
                writer.add_document(laid_out(document))

    def delete(self, numbers: Sequence[int]) -> None:
        """See `Index`."""
        with self._writing() as writer:
            if numbers:
                writer.delete_documents_by_query(any_number(numbers))

    def beside(self, numbers: Sequence[int]) -> Beside:
        """See `Index`."""
        with self.snapshot() as snapshot:
            return snapshot.beside(numbers)

    def purge(self) -> bool:
        """See `Index`: words go by `beside`, or not at all."""
        return False

    def commit(self, watermark: int) -> None:
        """See `Index`."""
        with self._writing() as writer:
            writer.delete_documents_by_query(STATE_ONLY)
            writer.add_document(state_document(watermark))
            writer.commit()
        self._watermark = watermark

    def reset(self) -> None:
        """See `Index`."""
        with self._writing() as writer:
            # Documents waiting in its threads are not part of "all" to tantivy.
            writer.rollback()
            writer.delete_all_documents()
        self._highest = -1
        self.commit(0)

    def close(self) -> None:
        """Wait for running merges, then let go of the writer lock. What is uncommitted is lost."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(ValueError):  # its threads died of an error that was told already
                writer.wait_merging_threads()
        super().close()

    @contextmanager
    def _writing(self) -> Iterator[tantivy.IndexWriter]:
        if self._writer is None:
            raise IndexUnavailable(f"The index {self._path} has been closed.")
        try:
            yield self._writer
        except (ValueError, RuntimeError, OSError) as error:
            raise IndexUnavailable(
                f"The index {self._path} could not be written; it holds what was committed at "
                f"{self.watermark}. Open it again: {error}"
            ) from error


def _state(
    path: Path, index: tantivy.Index, keep: Callable[[str], Kept] = Kept
) -> TantivySnapshot | None:
    """Return the newest committed state; None if its creator has not committed yet."""
    with failures_as_damage(path):
        index.reload()
        searcher = index.searcher()
        return TantivySnapshot(path, searcher, keep) if searcher.num_docs else None


def _clear(path: Path) -> None:
    """Remove the files of an index, unless a process is writing it."""
    with (path / _WRITER_LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise IndexBusy(f"The index {path} is being written; not rebuilt.") from error
        for entry in path.iterdir():
            if _OURS.fullmatch(entry.name):
                entry.unlink()


def _remove_uncommitted(path: Path) -> None:
    """Remove what a commit that failed left behind; the caller has the writer lock.

    A list of deletions is named after the number of the operation, and a new writer counts on from
    the last commit. It comes to the same name again, and tantivy would refuse it for ever.
    """
    committed = committed_files(path)
    for entry in path.iterdir():
        if _OF_A_SEGMENT.fullmatch(entry.name) and entry.name not in committed:
            entry.unlink(missing_ok=True)


def _check_empty(path: Path) -> None:
    """Refuse to create an index among the files of another, or among files that are not ours."""
    names = [entry.name for entry in path.iterdir() if not entry.name.startswith(".tantivy-")]
    if any(_OURS.fullmatch(name) for name in names):
        raise IndexDamaged(f"Expected meta.json in the index {path}, found other files of one.")
    if names:
        raise IndexUnavailable(
            f"Expected an empty directory or an index in {path}, found {min(names)}; "
            "give the index a directory of its own."
        )
