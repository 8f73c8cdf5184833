"""Objects as read-only files: the store of the embedded installation.

**Not WORM.** It refuses early deletion, but whoever may write to the disk can get round it. It
serves the audit-trail alternative of SEC rule 17a-4(f)(2)(i)(A), together with the log, which
shows every deletion. For WORM use S3 with Object Lock (17a-4(f)(2)(i)(B)).

Layout: object `seg/a/b.seg` is the file `<root>/seg/a/b.seg`; beside it `b.seg.lock` says what was
promised (`sidecar`). The root must be one local filesystem: flock(2) and link(2) are needed.

How two names become one atomic act: a writer links the sidecar first, held with flock, then the
object, then syncs the folder. An object in sight thus always has its lock. A sidecar whose object
is missing and that nobody holds is what a crash between the two left; the next writer of that key
removes it. Nothing else ever replaces either name, save a sidecar by one that promises more, and
`restore`, which puts true bytes over altered ones and keeps those in a folder of their own.
"""

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import merge
from itertools import groupby
from pathlib import Path
from stat import S_ISDIR

from archiver.clock import Clock
from archiver.errors import (
    ConfigurationError,
    Conflict,
    IntegrityError,
    InvalidInput,
    NotFound,
    StorageUnavailable,
)
from archiver.model.lock import Lock
from archiver.preserve.store import StoredObject
from archiver.preserve.store.damaged import DamagedVersions
from archiver.preserve.store.disk import (
    INCOMING,
    Disk,
    content,
    held,
    link,
    read_range,
    read_whole,
    walk,
)
from archiver.preserve.store.names import LOCK_SUFFIX, check_key, check_prefix
from archiver.preserve.store.promises import (
    binding,
    changed_on_the_way,
    check_range,
    other_bytes,
    refuse_if_kept,
)
from archiver.preserve.store.sidecar import Sidecar, decode, describing, version_of

_VERSIONS_KEPT = 16_384
_UNFINISHED_FOR = timedelta(hours=1)  # no put lasts that long: its process is dead


class FilesystemStore:
    """An `ObjectStore` in a folder: audit-trail alternative, not WORM.

    * A version id is derived from the object's SHA-256; a key has one version, and what `restore`
      replaced (`damaged`).
    * `replace` overwrites: earlier versions and locks are not kept for such a key.
    * After a failed fsync this instance refuses every write (see `disk`); reads go on.
    """

    def __init__(
        self, root: Path, *, clock: Clock, fsync: Callable[[int], None] = os.fsync
    ) -> None:
        """Open the store at `root`.

        Raises:
            ConfigurationError: there is no store; an unmounted disk looks like this.
        """
        self._root = root.absolute()
        self._clock = clock
        self._disk = Disk(self._root, fsync=fsync)
        self._damaged = DamagedVersions(self._root, self._disk)
        if not (self._root / INCOMING).is_dir():
            raise ConfigurationError(
                f"there is no object store at {self._root}: is the disk mounted and the store URL "
                f"right? `muniment init` creates a new one"
            )
        with _explained("open", self.url):
            self._disk.sweep(older_than=(clock() - _UNFINISHED_FOR).timestamp())

    @staticmethod
    def create(root: Path) -> None:
        """Make `root` an empty store, durably; no harm where it is one already."""
        root = root.absolute()
        with _explained("create", str(root)):
            existing = next(folder for folder in (root, *root.parents) if folder.is_dir())
            Disk(existing).make_folder(root / INCOMING)

    @property
    def url(self) -> str:
        """`file:` and the absolute path."""
        return f"file:{self._root}"

    @property
    def enforces_locks(self) -> bool:
        """False: a promise of this program, not of the medium."""
        return False

    def put(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        """Store `body` at `key` for good. See `ObjectStore.put`."""
        path = self._path(key)
        self._disk.refuse_after_failure()
        promised = describing(body, lock=binding(lock, self._clock()), legal_hold=legal_hold)
        with (
            _explained("store", key),
            self._disk.unfinished(body) as whole,
            self._disk.unfinished(promised.encode(), claimed=True) as claim,
        ):
            folder = path.parent
            self._disk.make_folder(folder)
            while not link(claim, _sidecar_of(path)):
                present = self._present(key, promised, body)
                if present is not None:
                    return self._described(key, present)
            try:
                named = link(whole, path) or path.read_bytes() == body
            except OSError:
                _sidecar_of(path).unlink()
                raise
            if not named:
                _sidecar_of(path).unlink()
                raise other_bytes(key)
            self._disk.sync_folder(folder)
        return self._described(key, promised)

    def replace(self, key: str, body: bytes, *, lock: Lock | None = None) -> StoredObject:  # noqa: ARG002 - one version is kept, so there is nothing to lock
        """Overwrite the one kind of key that changes; `lock` is ignored, since it could not hold.

        Raises:
            Conflict: an immutable object is at `key`.
        """
        path = self._path(key)
        self._disk.refuse_after_failure()
        if _sidecar_of(path).exists():
            raise Conflict(f"object {key} is immutable; it cannot be replaced")
        with _explained("replace", key), self._disk.unfinished(body) as whole:
            folder = path.parent
            self._disk.make_folder(folder)
            whole.rename(path)
            self._disk.sync_folder(folder)
        return self.head(key)

    def restore(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        """Put the true bytes over lost or altered ones. See `ObjectStore.restore`."""
        path = self._path(key)
        self._disk.refuse_after_failure()
        promised = describing(body, lock=binding(lock, self._clock()), legal_hold=legal_hold)
        with _explained("restore", key), self._disk.unfinished(body) as whole:
            if path.is_dir():
                raise IsADirectoryError
            self._disk.make_folder(path.parent)
            kept = None
            while kept is None:
                with self._disk.unfinished(promised.encode()) as line:
                    link(line, _sidecar_of(path))
                with suppress(FileNotFoundError), held(_sidecar_of(path)) as descriptor:
                    kept = self._put_back(path, whole, body, promised, content(descriptor))
            if _bytes_at(path) != body:
                raise changed_on_the_way(key)
        return self._described(key, kept)

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        """Return the whole object. See `ObjectStore.get`."""
        with _explained("read", key), _found(key):
            return read_whole(self._file_of(key, version_id))

    def get_range(
        self, key: str, offset: int, length: int, *, version_id: str | None = None
    ) -> bytes:
        """Return part of the object. See `ObjectStore.get_range`."""
        check_range(key, offset, length)
        with _explained("read", key), _found(key):
            return read_range(self._file_of(key, version_id), offset, length)

    def head(self, key: str, *, version_id: str | None = None) -> StoredObject:
        """Describe one object; `sha256` is what was promised, `size` what is there."""
        name = self._name(key)
        with _explained("read", key), _found(key):
            status = os.stat(name)  # noqa: PTH116 - see `_name`
            if S_ISDIR(status.st_mode):
                raise IsADirectoryError
            sidecar = _sidecar(name, key) or _unpromised(read_whole(name))
        if version_id not in (None, sidecar.version_id):
            return self._older(key, version_id)
        return StoredObject(
            key=key,
            version_id=sidecar.version_id,
            size=status.st_size,
            sha256=sidecar.sha256,
            lock=sidecar.lock,
            legal_hold=sidecar.legal_hold,
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
        )

    def list_versions(self, prefix: str) -> Iterator[StoredObject]:
        """Yield every object under `prefix`, by key, with its lock, and what it replaced."""
        older: dict[str, list[StoredObject]] = {}
        for one in self._damaged.list(prefix):
            older.setdefault(one.key, []).append(one)
        for key, _ in groupby(merge(self.list_keys(prefix), sorted(older))):
            with suppress(NotFound):  # deleted since it was listed
                yield self.head(key)
            yield from older.get(key, ())

    def list_keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Yield keys in ascending byte order; one folder's names at a time are in memory."""
        check_prefix(prefix)
        with _explained("list", prefix):
            yield from walk(self._root, prefix, after=after, ignoring=LOCK_SUFFIX)

    def set_legal_hold(self, key: str, *, version_id: str, on: bool) -> None:
        """Set or lift the hold of one version. See `ObjectStore.set_legal_hold`."""
        self._promise(key, version_id, lambda present: replace(present, legal_hold=on))

    def extend_lock(self, key: str, *, version_id: str, lock: Lock) -> None:
        """Make the lock last until `lock.until` at least. See `ObjectStore.extend_lock`."""
        asked = binding(lock, self._clock())
        self._promise(
            key, version_id, lambda present: present.keeping(lock=asked, legal_hold=False)
        )

    def delete(self, key: str, *, version_id: str) -> None:
        """Delete one version for good. See `ObjectStore.delete`."""
        path = self._path(key)
        self._disk.refuse_after_failure()
        with _explained("delete", key):
            try:
                with held(_sidecar_of(path)) as descriptor:
                    present = decode(content(descriptor), key=key)
                    if present.version_id != version_id:
                        self._delete_older(key, version_id, present)
                        return
                    refuse_if_kept(self._described(key, present), self._clock())
                    path.unlink(
                        missing_ok=True
                    )  # first: a lock without its object is nothing, as after a crash
                    _sidecar_of(path).unlink()
                    self._disk.sync_folder(path.parent)
            except FileNotFoundError:
                self._delete_unpromised(path, version_id)
                self._damaged.delete(key, version_id)

    def probe(self) -> None:
        """Write, sync and remove a file. Raises StorageUnavailable with advice."""
        self._disk.refuse_after_failure()
        with _explained("probe", self.url), self._disk.unfinished(b"probe"):
            self._disk.sync_folder(self._root)

    def close(self) -> None:
        """Nothing is kept open."""

    def _path(self, key: str) -> Path:
        check_key(key)
        return self._root / key

    def _name(self, key: str) -> str:
        # Text for what verification does a few times for every object: a Path takes ten times as
        # long to make as the system call that it is made for.
        check_key(key)
        return f"{self._root}/{key}"

    def _file_of(self, key: str, version_id: str | None) -> str:
        """Return the file that holds a version of `key`. Raises NotFound."""
        name = self._name(key)
        # The rest of what `head` tells is not asked here.
        if version_id is None or _version_at(name, key) == version_id:
            return name
        if self.head(key, version_id=version_id).is_latest:
            return name
        return str(self._damaged.path(key, version_id))

    def _older(self, key: str, version_id: str) -> StoredObject:
        found = self._damaged.find(key, version_id)
        if found is None:
            raise NotFound(f"object {key} has no version {version_id}")
        return found

    def _delete_older(self, key: str, version_id: str, newest: Sidecar) -> None:
        """Delete bytes that were replaced: kept as long as the object that replaced them."""
        if self._damaged.find(key, version_id) is not None:
            refuse_if_kept(self._described(key, newest), self._clock())
            self._damaged.delete(key, version_id)

    def _put_back(
        self, path: Path, whole: Path, body: bytes, promised: Sidecar, line: bytes
    ) -> Sidecar:
        """Give `whole` the object's name under a sidecar the caller holds; keep what was there."""
        present = _legible(line, path.name)
        kept = promised
        if present is not None:
            kept = promised.keeping(lock=present.lock, legal_hold=present.legal_hold)
        if kept == present:
            self._take_name(path, whole, body)
            return kept
        with self._disk.unfinished(kept.encode(), claimed=True) as new:
            new.rename(_sidecar_of(path))  # first: an object in sight always has its lock
            self._disk.sync_folder(path.parent)
            self._take_name(path, whole, body)
        return kept

    def _take_name(self, path: Path, whole: Path, body: bytes) -> None:
        found = _bytes_at(path)
        if found != body:
            if path.exists():
                self._damaged.keep(path, path.relative_to(self._root).as_posix(), found)
            whole.rename(path)
        self._disk.sync_folder(path.parent)

    def _described(self, key: str, sidecar: Sidecar) -> StoredObject:
        return StoredObject(
            key=key,
            version_id=sidecar.version_id,
            size=sidecar.size,
            sha256=sidecar.sha256,
            lock=sidecar.lock,
            legal_hold=sidecar.legal_hold,
        )

    def _present(self, key: str, promised: Sidecar, body: bytes) -> Sidecar | None:
        """Settle with the writer who had `key` first; None if it left nothing and the key is free.

        The folder is synced here too: the other writer may have died just before it did.
        """
        path = self._path(key)
        try:
            with held(_sidecar_of(path)) as descriptor:
                if not path.exists():
                    _sidecar_of(path).unlink()
                    return None
                present = decode(content(descriptor), key=key)
                if path.read_bytes() != body:
                    raise other_bytes(key)
                kept = present.keeping(lock=promised.lock, legal_hold=promised.legal_hold)
                self._rewrite(path, present, kept)
                return kept
        except FileNotFoundError:
            return None

    def _promise(self, key: str, version_id: str, change: Callable[[Sidecar], Sidecar]) -> None:
        path = self._path(key)
        self._disk.refuse_after_failure()
        with _explained("lock", key), _found(key), held(_sidecar_of(path)) as descriptor:
            present = decode(content(descriptor), key=key)
            if present.version_id != version_id or not path.exists():
                raise NotFound(f"object {key} has no version {version_id}")
            self._rewrite(path, present, change(present))

    def _rewrite(self, path: Path, present: Sidecar, kept: Sidecar) -> None:
        """Replace the sidecar that the caller holds; holds the new one until it is durable."""
        folder = path.parent
        if kept == present:
            self._disk.sync_folder(folder)
            return
        with self._disk.unfinished(kept.encode(), claimed=True) as line:
            line.rename(_sidecar_of(path))
            self._disk.sync_folder(folder)

    def _delete_unpromised(self, path: Path, version_id: str) -> None:
        """Delete an object that has no sidecar: one that `replace` made, or half deleted."""
        try:
            if version_of(hashlib.sha256(path.read_bytes()).digest()) != version_id:
                return
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        self._disk.sync_folder(path.parent)


def _unpromised(body: bytes) -> Sidecar:
    return describing(body, lock=None, legal_hold=False)


def _legible(line: bytes, key: str) -> Sidecar | None:
    try:
        return decode(line, key=key)
    except IntegrityError:  # it was altered too
        return None


def _bytes_at(path: Path) -> bytes | None:
    """Return the bytes of a file, None where the disk does not give them."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _sidecar(name: str, key: str) -> Sidecar | None:
    try:
        line = read_whole(name + LOCK_SUFFIX)
    except FileNotFoundError:
        return None
    return decode(line, key=key)


def _version_at(name: str, key: str) -> str | None:
    """Return the version a sidecar promises, None where there is no sidecar.

    Every read asks this. A sidecar is replaced and never written to, so that what one said is
    remembered as long as the same file stands there: to ask that is one system call instead of six.
    """
    try:
        status = os.stat(name + LOCK_SUFFIX)  # noqa: PTH116 - see `_name`
    except FileNotFoundError:
        return None
    return _version_in(name, key, (status.st_ino, status.st_ctime_ns, status.st_size))


@lru_cache(maxsize=_VERSIONS_KEPT)
def _version_in(name: str, key: str, _file: tuple[int, int, int]) -> str | None:
    sidecar = _sidecar(name, key)
    return None if sidecar is None else sidecar.version_id


def _sidecar_of(path: Path) -> Path:
    return path.with_name(path.name + LOCK_SUFFIX)


@contextmanager
def _found(key: str) -> Iterator[None]:
    """A missing file is a missing object."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise NotFound(f"there is no object {key}") from error


@contextmanager
def _explained(verb: str, what: str) -> Iterator[None]:
    """Turn an OSError into the family of who must act."""
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise InvalidInput(f"cannot {verb} {what}: an object cannot be a folder too") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageUnavailable(
                f"cannot {verb} {what}: the disk is full. Free space or enlarge it; no restart is "
                f"needed"
            ) from error
        raise StorageUnavailable(
            f"cannot {verb} {what}: {error.strerror} (errno {error.errno}); check that the disk is "
            f"mounted and that its permissions allow it"
        ) from error
