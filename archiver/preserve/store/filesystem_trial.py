"""Trying the filesystem store: what the program refuses, and what the disk's owner can do.

There are no raw requests behind this store. It refuses by its own code, so the attempts go through
its own methods, and the last one goes round them: that is why it is not WORM.
"""

from pathlib import Path

from archiver.errors import Conflict, IntegrityError, StorageUnavailable
from archiver.model.lock import Lock, longest
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.names import LOCK_SUFFIX
from archiver.preserve.store.trials import Answer

_LOCKED = Answer(accepted=False, said="refused: locked or held")
_TAKEN = Answer(accepted=False, said="refused: the name is taken")
_DONE = "done"


class FilesystemTrial:
    """A `LockTrial` on the store in the folder `root`."""

    def __init__(self, store: ObjectStore, root: Path) -> None:
        self._store = store
        self._root = root

    def put(
        self,
        key: str,
        body: bytes,
        *,
        lock: Lock,
        create: bool = True,  # noqa: ARG002 - a name is never taken over here
        legal_hold: bool = False,
        sha256: bytes | None = None,
    ) -> Answer:
        """See `LockTrial.put`. Takes no checksum of a caller's: it derives its own."""
        if sha256 is not None:
            return Answer(accepted=False, said="no such request: the store derives checksums")
        try:
            stored = self._store.put(key, body, lock=lock, legal_hold=legal_hold)
        except IntegrityError:
            return _TAKEN
        return Answer(accepted=True, said=_DONE, version_id=stored.version_id)

    def delete(self, key: str, *, version_id: str, bypass: bool = False) -> Answer:  # noqa: ARG002 - nobody has a right to bypass here
        """See `LockTrial.delete`."""
        try:
            self._store.delete(key, version_id=version_id)
        except Conflict:
            return _LOCKED
        return Answer(accepted=True, said=_DONE)

    def retain(self, key: str, *, version_id: str, lock: Lock | None) -> Answer:
        """See `LockTrial.retain`. The store only knows how to extend."""
        present = self._store.head(key, version_id=version_id).lock
        if lock is None or longest(present, lock) == present:
            return Answer(accepted=False, said="no such request: locks are only extended")
        self._store.extend_lock(key, version_id=version_id, lock=lock)
        return Answer(accepted=True, said=_DONE)

    def hold(self, key: str, *, version_id: str, on: bool) -> Answer:
        """See `LockTrial.hold`."""
        self._store.set_legal_hold(key, version_id=version_id, on=on)
        return Answer(accepted=True, said=_DONE)

    def destroy(self, key: str) -> Answer | None:
        """Unlink the object and its lock file, as whoever owns the disk can."""
        path = self._root / key
        try:
            path.unlink(missing_ok=True)
            path.with_name(path.name + LOCK_SUFFIX).unlink(missing_ok=True)
        except PermissionError:
            return Answer(accepted=False, said="refused by the file system")
        except OSError as error:
            raise StorageUnavailable(
                f"cannot try to remove {path}: {error.strerror}; check the disk"
            ) from error
        return Answer(accepted=True, said="unlinked")

    def close(self) -> None:
        """Release nothing: the store is the caller's."""
        self._store.close()
