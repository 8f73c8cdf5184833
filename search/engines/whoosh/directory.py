"""Opening, writing and rebuilding the directory of a Whoosh index.

```
catalogue.json       what the index is made of; replacing it commits
<name>.segment       one file for each segment, never changed
.whoosh-writer.lock  locked by the process that writes
```

Everything that an answer rests on was compared with its digest when it was read, and is then kept
in memory: what happens to a file afterwards changes no answer of this process.
"""

import fcntl
import os
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from search.document import Document
from search.engines.whoosh.catalogue import NAME, Catalogue, Entry, decoded, digest
from search.engines.whoosh.merging import to_merge
from search.engines.whoosh.segment import Built, Segment, build
from search.engines.whoosh.snapshot import Part, WhooshSnapshot
from search.errors import IndexBusy, IndexDamaged, IndexUnavailable
from search.index import Beside

_LOCK = ".whoosh-writer.lock"
_OURS = re.compile(r"catalogue\.json(\.new)?|[0-9a-z]{16}\.segment")
"""The files of an index, without its lock. Only these are ever removed."""

_T = TypeVar("_T")


def open_writer(path: Path, *, anew: bool = False) -> "WhooshIndex":
    """Open the index in the directory `path` for writing; create it if there is none.

    `anew` removes an index that is there first: the answer to `RebuildNeeded`.

    Raises:
        IndexBusy: another process writes it.
        IndexUnavailable: the directory cannot be written, or holds files that are not an index.
        IndexDamaged: its files are missing, cut short or changed.
        IndexOutdated: written by another analyzer version, layout or Whoosh.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        _check_ours(path)
        lock = _locked(path)
    except OSError as error:
        raise IndexUnavailable(f"The index directory {path} cannot be used: {error}.") from error
    try:
        if anew:
            _remove(path, keep=())
        if not (path / NAME).exists():
            _check_empty(path)
            _replace(path, Catalogue())
        return WhooshIndex(path, lock)
    except OSError as error:
        lock.close()
        raise IndexUnavailable(f"The index {path} cannot be written: {error}.") from error
    except BaseException:
        lock.close()  # whoever rebuilds while handling the error finds it free
        raise


def open_reader(path: Path) -> "WhooshReader":
    """Open the index in the directory `path` for reading.

    Raises:
        IndexUnavailable: there is none yet.
        IndexDamaged, IndexOutdated: as `open_writer`.
    """
    reader = WhooshReader(path)
    with reader.snapshot():
        return reader


class _State(NamedTuple, Generic[_T]):
    """One commit: its catalogue as stored and as read, and a part for each segment."""

    content: bytes
    catalogue: Catalogue
    parts: tuple[_T, ...]


class WhooshReader:
    """`search.index.Reader` over a directory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_closed = False
        self._newest: _State[Part] | None = None

    @contextmanager
    def snapshot(self) -> Iterator[WhooshSnapshot]:
        """See `Reader`."""
        state = self._state()
        yield WhooshSnapshot(state.catalogue.watermark, state.parts)

    def close(self) -> None:
        """See `Reader`."""
        self._is_closed = True
        self._newest = None

    def check(self) -> None:
        """See `Reader`. Answers do not need it: they rest on what was compared when it was read."""
        self._check_open()
        _of_a_commit(self._path, lambda entry: _content(self._path, entry))

    def _state(self) -> _State[Part]:
        """Return the newest commit. Segments that were there before are not read again."""
        self._check_open()
        state = self._newest
        if state is None or state.content != _catalogue(self._path):
            known = {part.segment.name: part.segment for part in state.parts} if state else {}
            state = _of_a_commit(self._path, lambda entry: _part(self._path, entry, known))
            self._newest = state
        return state

    def _check_open(self) -> None:
        if self._is_closed:
            raise IndexUnavailable(f"The index {self._path} has been closed.")


class WhooshIndex(WhooshReader):
    """`search.index.Index` over a directory; holds its writer lock until closed.

    What is added and deleted waits in memory, and `commit` writes it: nothing of it touches the
    disk before.
    """

    def __init__(self, path: Path, lock: TextIOWrapper) -> None:
        super().__init__(path)
        self._lock = lock
        self._added: dict[int, Document] = {}
        self._deleted: set[int] = set()
        self._watermark = self._state().catalogue.watermark

    @property
    def watermark(self) -> int:
        """See `Index`."""
        return self._watermark

    def add(self, documents: Sequence[Document]) -> None:
        """See `Index`."""
        self._check_open()
        self._added.update((document.number, document) for document in documents)

    def delete(self, numbers: Sequence[int]) -> None:
        """See `Index`."""
        self._check_open()
        self._deleted.update(numbers)
        for number in numbers:
            self._added.pop(number, None)

    def beside(self, numbers: Sequence[int]) -> Beside:
        """See `Index`: a segment with nothing alive in it is named by no catalogue."""
        self._check_open()
        gone, found = set(numbers), 0
        beside = array("q")
        for entry, part in self._segments():
            dead = set(entry.deleted)
            alive = [each for at, each in enumerate(part.segment.numbers) if at not in dead]
            hit = gone.intersection(alive)
            found += len(hit)
            if hit:
                beside.extend(each for each in alive if each not in hit)
        return Beside(found, beside)

    def purge(self) -> bool:
        """See `Index`: words go by `beside`, or not at all."""
        return False

    def commit(self, watermark: int) -> None:
        """See `Index`."""
        self._check_open()
        gone = self._deleted | self._added.keys()
        kept: list[Entry] = []
        merged = []
        entries = [
            (part.segment, _without(entry, part.segment, gone)) for entry, part in self._segments()
        ]
        chosen = to_merge([entry for _, entry in entries], len(self._added))
        for segment, entry in entries:
            if entry.name in chosen:
                merged.append(segment.without(entry.deleted))
            elif entry.live:
                kept.append(entry)
        with self._writing():
            if merged or self._added:
                kept.append(_written(self._path, build(self._added.values(), merged)))
            self._put(Catalogue(watermark=watermark, segments=tuple(kept)))

    def reset(self) -> None:
        """See `Index`."""
        self._check_open()
        with self._writing():
            self._put(Catalogue())

    def close(self) -> None:
        """Let go of the writer lock. What is uncommitted is lost."""
        self._lock.close()
        super().close()

    def _segments(self) -> Iterator[tuple[Entry, Part]]:
        state = self._state()
        return zip(state.catalogue.segments, state.parts, strict=True)

    def _put(self, catalogue: Catalogue) -> None:
        """Commit."""
        _replace(self._path, catalogue)
        self._watermark = catalogue.watermark
        self._added.clear()
        self._deleted.clear()
        _remove(self._path, keep={NAME, *(entry.file for entry in catalogue.segments)})

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise IndexUnavailable(
                f"The index {self._path} could not be written; it holds what was committed at "
                f"{self.watermark}. Open it again: {error}"
            ) from error


def _without(entry: Entry, segment: Segment, gone: set[int]) -> Entry:
    """Return `entry` with those documents deleted that have one of the numbers `gone`."""
    if not gone:
        return entry
    deleted = {at for at, number in enumerate(segment.numbers) if number in gone}
    together = tuple(sorted(deleted.union(entry.deleted)))
    return Entry(name=entry.name, size=entry.size, digest=entry.digest, deleted=together)


def _of_a_commit(path: Path, take: Callable[[Entry], _T]) -> _State[_T]:
    """Return the newest commit with what `take` makes of each segment; it may miss a file.

    A commit removes the files that only the one before named, so after a miss the catalogue is
    read again: what the same one names a second time and is not there is lost.
    """
    missed = b""
    while True:
        content = _catalogue(path)
        catalogue = decoded(content, path)
        try:
            return _State(content, catalogue, tuple(map(take, catalogue.segments)))
        except FileNotFoundError as error:
            if content == missed:
                raise IndexDamaged(
                    f"Expected a file of the index {path}, found none: {error}."
                ) from error
            missed = content


def _part(path: Path, entry: Entry, known: dict[str, Segment]) -> Part:
    segment = known.get(entry.name)
    if segment is None:
        segment = Segment(Built(entry.name, entry.size, _content(path, entry)))
    return Part(segment, segment.all ^ segment.marked_at(entry.deleted))


def _content(path: Path, entry: Entry) -> bytes:
    """Return the content of a segment's file as it was written. FileNotFoundError passes."""
    file = path / entry.file
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IndexDamaged(f"{file} cannot be read: {error}.") from error
    if digest(content) != entry.digest:
        raise IndexDamaged(f"Expected {file} as it was written, found it cut short or changed.")
    return content


def _catalogue(path: Path) -> bytes:
    """Return the content of the catalogue's file."""
    try:
        return (path / NAME).read_bytes()
    except FileNotFoundError as error:
        if path.is_dir():
            _check_empty(path)
        raise IndexUnavailable(
            f"There is no index in {path}; the writing process creates it."
        ) from error
    except OSError as error:
        raise IndexUnavailable(f"The index {path} cannot be read: {error}.") from error


def _written(path: Path, built: Built) -> Entry:
    """Write a segment durably; it is of the index once a catalogue names it."""
    entry = Entry(name=built.name, size=built.size, digest=digest(built.content))
    _write(path / entry.file, built.content)
    return entry


def _replace(path: Path, catalogue: Catalogue) -> None:
    """Make `catalogue` the newest commit; on return it would survive a loss of power."""
    new = path / f"{NAME}.new"
    _write(new, catalogue.encoded())
    _sync(path)  # segments are there before anything names them
    new.replace(path / NAME)
    _sync(path)


def _write(file: Path, content: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _sync(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _remove(path: Path, *, keep: Iterable[str]) -> None:
    """Remove the files of an index but those to `keep`, the catalogue first."""
    names = sorted(entry.name for entry in path.iterdir() if _OURS.fullmatch(entry.name))
    for name in sorted(set(names).difference(keep), key=lambda name: name != NAME):
        (path / name).unlink()


def _locked(path: Path) -> TextIOWrapper:
    lock = (path / _LOCK).open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise IndexBusy(
            f"The index {path} is written by another process; only one may write it."
        ) from error
    return lock


def _check_ours(path: Path) -> None:
    """Refuse to create an index among files that are not ours."""
    names = {entry.name for entry in path.iterdir()} - {_LOCK}
    if foreign := [name for name in names if not _OURS.fullmatch(name)]:
        raise IndexUnavailable(
            f"Expected an empty directory or an index in {path}, found {min(foreign)}; "
            "give the index a directory of its own."
        )


def _check_empty(path: Path) -> None:
    """Refuse to take a directory with files of an index for one that has none yet."""
    if any(_OURS.fullmatch(entry.name) and entry.name != f"{NAME}.new" for entry in path.iterdir()):
        raise IndexDamaged(f"Expected {NAME} in the index {path}, found other files of one.")
