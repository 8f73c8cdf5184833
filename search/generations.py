"""The generations of an index: one answers, the next is built beside it, and a name is switched.

An engine that keeps its index in a folder has, in the folder of its URL, one folder for each
archive, and in that:

    current          the name of the generation that answers
    000001/          that generation
    000002/          the next one, while it is built
    building.lock    held by whoever builds one

`current` is replaced by a rename, so a crash at any moment leaves the old index or the new one, and
each of them whole. The folder is named after the archive, so that two archives given one URL, or an
index put back from another archive, are never taken for each other's.

Of an engine on a server they are indexes there, and `current` is an alias of one of them
(`search.engines.opensearch.generations`).
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from search.errors import IndexBusy, IndexMissing, IndexUnavailable

_FOLDERS = ("tantivy", "whoosh")
_NAME = re.compile(r"\d{6}")
_DIGITS = 6


class Generations(Protocol):
    """Where the indexes of one archive stand."""

    def current(self) -> str | None:
        """Return the URL of the generation that answers; None where there is none yet.

        Raises:
            IndexUnavailable: nobody knows, for the server does not answer.
        """
        ...

    def building(self) -> AbstractContextManager[str]:
        """Begin a generation, alone, and give its URL.

        Raises:
            IndexBusy: one is being built already.
            IndexUnavailable: its folder cannot be written, or its server does not answer.
        """
        ...

    def switch(self, url: str) -> None:
        """Let the generation at `url` answer from now on. Raises IndexUnavailable."""
        ...

    def sweep(self) -> int:
        """Remove generations that neither answer nor are being built; return how many."""
        ...

    def size(self) -> int:
        """Return the bytes on disk of the generation that answers; 0 where nobody can say."""
        ...

    def room(self) -> int | None:
        """Return the bytes free on its disk; None where the index is not on this machine."""
        ...


def generations(url: str, archive_id: str) -> Generations:
    """Return where the indexes of an archive stand under a search URL.

    Raises:
        IndexUnavailable: `url` names none.
    """
    engine, _, place = url.partition(":")
    if engine in _FOLDERS and place:
        return FolderGenerations(engine, Path(place) / archive_id)
    # Its library is imported only where a URL names it (`search.engines.opening`).
    from search.engines.opensearch import ClusterGenerations  # noqa: PLC0415

    return ClusterGenerations(url, archive_id)


class FolderGenerations:
    """Of an engine whose index is a folder."""

    def __init__(self, engine: str, root: Path) -> None:
        self._engine = engine
        self._root = root
        self._pointer = root / "current"

    def current(self) -> str | None:
        """See `Generations`."""
        name = self._named()
        return None if name is None else self._url(name)

    def folder(self) -> Path:
        """Return the folder of the generation that answers, which is never any other folder.

        Raises:
            IndexMissing: there is none.
        """
        name = self._named()
        if name is None:
            raise IndexMissing(f"No generation of the index in {self._root} answers.")
        return self._root / name

    def _named(self) -> str | None:
        try:
            name = self._pointer.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        # Damaged, it names nothing: the index is built anew, as if there had never been one.
        return name if _NAME.fullmatch(name) else None

    @contextmanager
    def building(self) -> Iterator[str]:
        """See `Generations`."""
        with self._alone():
            taken = [int(each.name) for each in self._root.iterdir() if _NAME.fullmatch(each.name)]
            yield self._url(f"{max(taken, default=0) + 1:0{_DIGITS}}")

    def switch(self, url: str) -> None:
        """See `Generations`."""
        draft = self._root / "current.new"
        try:
            with draft.open("w", encoding="ascii") as file:
                file.write(f"{Path(url.partition(':')[2]).name}\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._pointer)
            _sync(self._root)
        except OSError as error:
            raise _unusable(self._root, error) from error

    def sweep(self) -> int:
        """See `Generations`."""
        try:
            with self._alone():
                keep = self._named()
                if keep is None:  # which of them is whole nobody can say
                    return 0
                old = [
                    each
                    for each in self._root.iterdir()
                    if _NAME.fullmatch(each.name) and each.name != keep
                ]
                for each in old:
                    shutil.rmtree(each)
        except IndexUnavailable:  # one is being built, or it cannot be done now: done later
            return 0
        except OSError:
            return 0
        return len(old)

    def size(self) -> int:
        """See `Generations`."""
        try:
            return sum(each.stat().st_size for each in self.folder().rglob("*") if each.is_file())
        except (IndexMissing, OSError):  # a merge has just removed one of them
            return 0

    def room(self) -> int | None:
        """See `Generations`."""
        existing = next(each for each in (self._root, *self._root.parents) if each.exists())
        try:
            return shutil.disk_usage(existing).free
        except OSError as error:
            raise _unusable(self._root, error) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            lock = (self._root / "building.lock").open("a")
        except OSError as error:
            raise _unusable(self._root, error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise IndexBusy(f"An index is being built in {self._root} already.") from error
            yield

    def _url(self, name: str) -> str:
        return f"{self._engine}:{self._root / name}"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(root: Path, error: OSError) -> IndexUnavailable:
    return IndexUnavailable(f"The folder of the index {root} cannot be used: {error}.")
