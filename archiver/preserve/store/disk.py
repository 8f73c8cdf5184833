"""Durable files under one folder: the only place of the filesystem store that syncs.

On Linux a new file survives a power cut once the file *and* the folder that names it were synced.
A failed sync is final: the kernel marks the lost pages clean, so a second fsync would report
success for data that is gone (Rebello et al., "Can Applications Recover from fsync Failures?",
USENIX ATC 2020). `Disk` therefore never tries again and refuses every later write.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from itertools import count
from pathlib import Path

from archiver.errors import StorageUnavailable

INCOMING = ".incoming"
"""Folder of unfinished files. Object names never begin with a dot, so no object is in it."""

_READ_ONLY = 0o444
_KNOWN_FOLDERS = 10_000


class Disk:
    """Writes durable files below `root`, which holds one filesystem.

    Unfinished files are made in one folder and linked to their name when they are whole: what a
    crash leaves is found in one place. `fsync` is passed in so that tests can make it fail.
    """

    def __init__(self, root: Path, *, fsync: Callable[[int], None] = os.fsync) -> None:
        self._root = root
        self._fsync = fsync
        # Containers that share a disk share process numbers too, and one would remove what the
        # other is about to link.
        self._instance = os.urandom(4).hex()
        self._names = count()
        self._durable_folders = {self._root}
        self._failure: str | None = None

    def refuse_after_failure(self) -> None:
        """Raise StorageUnavailable if a sync has failed since this process opened the store."""
        if self._failure is not None:
            raise StorageUnavailable(
                f"the store at {self._root} takes no writes since {self._failure}; check the disk, "
                f"then restart: recovery adopts what is whole"
            )

    @contextmanager
    def unfinished(self, content: bytes, *, claimed: bool = False) -> Iterator[Path]:
        """Yield the path of a new, synced, read-only file; the path is gone after the block.

        Link it to its name within the block. A `claimed` file is held with flock(2) meanwhile.
        """
        descriptor, path = self._create()
        try:
            if claimed:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            _write_all(descriptor, content)
            self._sync(descriptor, path)
            yield path
        finally:
            # Unlock by hand: a forked child may hold a copy of the descriptor.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)
            path.unlink(missing_ok=True)

    def make_folder(self, folder: Path) -> None:
        """Create `folder`, and make its name durable, before the first write of this process to it.

        A folder that is there already may still be unsynced, made by a process that died.
        """
        if folder in self._durable_folders:
            return
        self.make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        self.sync_folder(folder.parent)
        if len(self._durable_folders) >= _KNOWN_FOLDERS:
            self._durable_folders = {self._root}
        self._durable_folders.add(folder)

    def sync_folder(self, folder: Path) -> None:
        """Make the names in `folder` durable."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._sync(descriptor, folder)
        finally:
            os.close(descriptor)

    def sweep(self, *, older_than: float) -> None:
        """Remove unfinished files last changed before `older_than` (seconds since 1970)."""
        for path in (self._root / INCOMING).iterdir():
            with suppress(FileNotFoundError):  # its writer finished, or another process swept
                if path.stat().st_mtime < older_than:
                    path.unlink()

    def _create(self) -> tuple[int, Path]:
        while True:
            name = f"{os.getpid()}-{self._instance}-{next(self._names)}"
            path = self._root / INCOMING / name
            with suppress(FileExistsError):  # left by an earlier process with this number
                return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _READ_ONLY), path

    def _sync(self, descriptor: int, path: Path) -> None:
        try:
            self._fsync(descriptor)
        except OSError as error:
            self._failure = f"fsync of {path} failed ({error.strerror})"
            raise StorageUnavailable(
                f"{self._failure}; whether the object is on the disk is not known. The store takes "
                f"no more writes: check the disk, then restart; recovery adopts what is whole",
                ambiguous=True,
            ) from error


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Yield a descriptor of the file at `path` that nobody else holds or has replaced.

    Waits for whoever holds it; the kernel releases the hold of a process that died.

    Raises:
        FileNotFoundError: there is none, or it went while waiting.
    """
    while True:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                yield descriptor
                return
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)


def link(path: Path, name: Path) -> bool:
    """Give the file at `path` another name, never replacing; False if the name is taken."""
    try:
        name.hardlink_to(path)
    except FileExistsError:
        return False
    return True


def content(descriptor: int) -> bytes:
    """Return the whole content of an open file."""
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def read_whole(name: str) -> bytes:
    """Return the whole content of a file."""
    with FileIO(name) as file:
        return file.readall()


def read_range(name: str, offset: int, length: int) -> bytes:
    """Return `length` bytes from `offset`, fewer only at the file's end."""
    descriptor = os.open(name, os.O_RDONLY)
    try:
        return os.pread(descriptor, length, offset)
    finally:
        os.close(descriptor)


def walk(root: Path, prefix: str, *, after: str, ignoring: str) -> Iterator[str]:
    """Yield paths of files below `root`, relative to it, that begin with `prefix`.

    In ascending byte order, those greater than `after`. Names that begin with a dot or end in
    `ignoring` are left out. The names of one folder at a time are in memory.
    """
    yield from _walk(root, prefix[: prefix.rfind("/") + 1], prefix, after, ignoring)


def _walk(root: Path, folder: str, prefix: str, after: str, ignoring: str) -> Iterator[str]:
    for name in _names(root / folder, ignoring):
        path = folder + name
        if not name.endswith("/"):
            if path.startswith(prefix) and path > after:
                yield path
        elif path.startswith(prefix) and (path > after or after.startswith(path)):
            yield from _walk(root, path, prefix, after, ignoring)


def _names(folder: Path, ignoring: str) -> list[str]:
    """Names of files and folders (these with a slash at the end) in the order of full paths.

    A folder sorts as if its slash belonged to its name: `a-b`, `a/…`, `a0`.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name
                for entry in entries
                if not entry.name.startswith(".") and not entry.name.endswith(ignoring)
            )
    except (FileNotFoundError, NotADirectoryError):
        return []


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:  # write(2) may take less than it was given
        rest = rest[os.write(descriptor, rest) :]
