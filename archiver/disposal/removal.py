"""Removing objects from the archive's stores. Nothing else in the archive deletes a stored object.

Both stores are one here: an object is gone when no version of it is left in either. Locks and legal
holds are never forced. What was removed is looked for afterwards, because a delete whose answer was
lost may or may not have happened.
"""

from collections.abc import Callable, Iterator

from archiver.clock import Clock, rfc3339
from archiver.errors import Conflict, IntegrityError, NotFound
from archiver.model.lock import Lock
from archiver.preserve.object_keys import first_keys_of, generation_of
from archiver.preserve.store import ObjectStore, StoredObject


class Removal:
    """Removes objects by version from the first store and its second copy. Calls block."""

    def __init__(
        self, store: ObjectStore, second: Callable[[], ObjectStore] | None, *, clock: Clock
    ) -> None:
        self.store = store
        self._second = second
        self._clock = clock

    def obstacle(self, key: str, *, may_be_held: bool = False) -> str:
        """Return what forbids to remove an object now, "" if nothing does.

        `may_be_held`: a legal hold is no obstacle, since what it is for is kept elsewhere.

        Raises:
            StorageUnavailable: a store did not answer, which forbids nothing and permits nothing.
        """
        for store in self._stores():
            for version in _versions(store, key):
                if version.is_delete_marker:
                    continue
                found = _described(store, version)
                if found.lock is not None and found.lock.until > self._clock():
                    return f"the store keeps {key} locked until {rfc3339(found.lock.until)}"
                if found.legal_hold and not may_be_held:
                    return f"the store keeps {key} under a legal hold"
        return ""

    def remove(self, key: str) -> bool:
        """Remove every version of an object; False if it was not there.

        Raises:
            Conflict: a version is locked or held.
            IntegrityError: a store says that it deleted, and has it still.
            StorageUnavailable: a store did not answer: do it again.
        """
        # First of all stores: what one of them refuses must not be gone from the other already.
        if obstacle := self.obstacle(key):
            raise Conflict(obstacle)
        removed = False
        for store in self._stores():
            for version in list(_versions(store, key)):
                store.delete(key, version_id=version.version_id)
                removed = True
            if next(_versions(store, key), None) is not None:
                raise IntegrityError(
                    f"{key}: the store answered that it deleted the object, and still has it; its "
                    "records are not destroyed. Run `muniment doctor worm`",
                    object_key=key,
                )
        return removed

    def let_go(self, key: str) -> None:
        """Lift the legal hold of an object whose held content is kept elsewhere by now."""
        for store in self._stores():
            for version in list(_versions(store, key)):
                if not version.is_delete_marker and _described(store, version).legal_hold:
                    store.set_legal_hold(key, version_id=version.version_id, on=False)

    def put(self, key: str, body: bytes, *, lock: Lock | None, legal_hold: bool) -> StoredObject:
        """Put an object that takes the place of one to be removed, into both stores."""
        stored = [
            store.put(key, body, lock=lock, legal_hold=legal_hold) for store in self._stores()
        ]
        return stored[-1]

    def generations(self, keys_key: str) -> list[str]:
        """Return every generation of a `.keys` object in either store, ascending."""
        first = first_keys_of(keys_key)
        found = {
            key: number
            for store in self._stores()
            for key in store.list_keys(first)
            if (number := generation_of(key)) is not None and first_keys_of(key) == first
        }
        return sorted(found, key=lambda key: found[key])

    def _stores(self) -> Iterator[ObjectStore]:
        # The copy first: whoever reads in between must not take the first store's for damaged.
        if self._second is not None:
            yield self._second()
        yield self.store


def _versions(store: ObjectStore, key: str) -> Iterator[StoredObject]:
    return (version for version in store.list_versions(key) if version.key == key)


def _described(store: ObjectStore, version: StoredObject) -> StoredObject:
    """Return a version with its lock and hold, which listings may leave out."""
    try:
        return store.head(version.key, version_id=version.version_id)
    except NotFound:  # removed since it was listed
        return version
