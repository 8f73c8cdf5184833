"""Two stores that read as one: what the first has lost, altered or does not answer, the second has.

Everything is written to the first store, by everybody; `archiver.jobs.replication` copies it to the
second. Only reading content falls over. What describes an object (version, lock, hold, listings)
is always the first store's: that is what can be locked, held and deleted.

Version ids belong to one store. The second is asked for the newest bytes of a key, and whoever
reads compares them with the log: see `read_checked`.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from archiver.clock import Clock
from archiver.errors import IntegrityError, NotFound, OperatorError, StorageUnavailable
from archiver.model.lock import Lock
from archiver.preserve.store import ObjectStore, StoredObject

FIRST_RESTS = timedelta(seconds=5)
SECOND_RESTS = timedelta(seconds=30)
"""So long a store that did not answer is not waited for again."""

_MOST_NAMED = 10_000

T = TypeVar("T")


class Reads(Protocol):
    """The part of an `ObjectStore` that content is read by."""

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        """See `ObjectStore.get`."""

    def get_range(
        self, key: str, offset: int, length: int, *, version_id: str | None = None
    ) -> bytes:
        """See `ObjectStore.get_range`."""


def read_checked(store: ObjectStore, key: str, read: Callable[[Reads], T]) -> T:
    """Return what `read` makes of an object, from the second copy if the first is not as promised.

    `read` raises IntegrityError unless the bytes it is given are those that were promised.

    Raises:
        IntegrityError, NotFound, StorageUnavailable: of the first store, where the second cannot
            help either or there is none.
    """
    return store.read(key, read) if isinstance(store, SecondCopy) else read(store)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """An object that was read from the second copy, and what was wrong with the first."""

    key: str
    what: str


class SecondCopy:
    """An `ObjectStore` that is `primary`, but for content that only the second store gives."""

    def __init__(
        self, primary: ObjectStore, open_second: Callable[[], ObjectStore], *, clock: Clock
    ) -> None:
        """Stand before `primary`; the second store is opened when it is first needed.

        A second store that cannot be opened is one that does not answer: it stops nothing.
        """
        self.primary = primary
        self.fallen_over = 0
        self._open_second = open_second
        self._opened: ObjectStore | None = None
        self._first_rests = _Rest(clock, FIRST_RESTS)
        self._second_rests = _Rest(clock, SECOND_RESTS)
        self._damage: dict[str, Damage] = {}
        self._told: set[str] = set()
        self._guard = threading.Lock()

    @property
    def url(self) -> str:
        """The first store's URL."""
        return self.primary.url

    @property
    def enforces_locks(self) -> bool:
        """Whether the first store enforces locks."""
        return self.primary.enforces_locks

    @property
    def damaged(self) -> int:
        """How many objects were read from the second copy because the first was not as promised."""
        return len(self._damage)

    def second(self) -> ObjectStore:
        """Return the second store.

        Raises:
            OperatorError: it cannot be opened now.
        """
        with self._guard:
            if self._opened is None:
                self._opened = self._open_second()
            return self._opened

    def read(self, key: str, read: Callable[[Reads], T]) -> T:
        """See `read_checked`."""
        if self._first_rests.active:
            try:
                return self._from_second(read)
            except (NotFound, OperatorError, IntegrityError):
                pass  # not copied yet, or away as well: wait for the first one after all
        try:
            return read(self.primary)
        except StorageUnavailable as error:
            self._first_rests.begin()
            return self._instead(error, read)
        except (NotFound, IntegrityError) as error:
            found = self._instead(error, read)
            self.note_damage(key, error)
            return found

    def note_damage(self, key: str, error: NotFound | IntegrityError) -> None:
        """Remember that the first store's object is lost or altered, for an operator to be told."""
        with self._guard:
            if len(self._damage) < _MOST_NAMED:
                self._damage.setdefault(key, Damage(key=key, what=str(error)))

    def new_damage(self) -> list[Damage]:
        """Return the damage that nobody was `told` of."""
        with self._guard:
            return [found for key, found in self._damage.items() if key not in self._told]

    def told(self, key: str) -> None:
        """Note that the damage of an object is in the audit trail."""
        with self._guard:
            self._told.add(key)

    def repaired(self, key: str) -> None:
        """Forget the damage of an object that is as promised again."""
        with self._guard:
            self._damage.pop(key, None)
            self._told.discard(key)

    def put(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        """Put into the first store."""
        return self.primary.put(key, body, lock=lock, legal_hold=legal_hold)

    def replace(self, key: str, body: bytes, *, lock: Lock | None = None) -> StoredObject:
        """Replace in the first store."""
        return self.primary.replace(key, body, lock=lock)

    def restore(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        """Restore in the first store."""
        return self.primary.restore(key, body, lock=lock, legal_hold=legal_hold)

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        """Return the whole object, from whichever store gives it."""
        return self.read(key, lambda store: store.get(key, version_id=version_id))

    def get_range(
        self, key: str, offset: int, length: int, *, version_id: str | None = None
    ) -> bytes:
        """Return part of the object, from whichever store gives it."""
        return self.read(
            key, lambda store: store.get_range(key, offset, length, version_id=version_id)
        )

    def head(self, key: str, *, version_id: str | None = None) -> StoredObject:
        """Describe the first store's object."""
        return self.primary.head(key, version_id=version_id)

    def list_versions(self, prefix: str) -> Iterator[StoredObject]:
        """List the first store's versions."""
        return self.primary.list_versions(prefix)

    def list_keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """List the first store's keys."""
        return self.primary.list_keys(prefix, after=after)

    def set_legal_hold(self, key: str, *, version_id: str, on: bool) -> None:
        """Set or lift a hold in the first store."""
        self.primary.set_legal_hold(key, version_id=version_id, on=on)

    def extend_lock(self, key: str, *, version_id: str, lock: Lock) -> None:
        """Extend a lock in the first store."""
        self.primary.extend_lock(key, version_id=version_id, lock=lock)

    def delete(self, key: str, *, version_id: str) -> None:
        """Delete from the first store."""
        self.primary.delete(key, version_id=version_id)

    def probe(self) -> None:
        """Check the first store."""
        self.primary.probe()

    def close(self) -> None:
        """Release the second store's connections; the first is closed by who opened it."""
        if self._opened is not None:
            self._opened.close()

    def _instead(
        self, error: NotFound | StorageUnavailable | IntegrityError, read: Callable[[Reads], T]
    ) -> T:
        try:
            return self._from_second(read)
        except (NotFound, OperatorError, IntegrityError) as no_better:
            raise error from no_better

    def _from_second(self, read: Callable[[Reads], T]) -> T:
        if self._second_rests.active:
            raise StorageUnavailable("the second copy did not answer a moment ago")
        try:
            found = read(_Newest(self.second()))
        except OperatorError:
            self._second_rests.begin()
            raise
        with self._guard:
            self.fallen_over += 1
        return found


class _Newest:
    """The second store for reading: version ids are the first one's, and mean nothing here."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def get(self, key: str, *, version_id: str | None = None) -> bytes:  # noqa: ARG002
        return self._store.get(key)

    def get_range(
        self,
        key: str,
        offset: int,
        length: int,
        *,
        version_id: str | None = None,  # noqa: ARG002
    ) -> bytes:
        return self._store.get_range(key, offset, length)


class _Rest:
    """A while in which a store that did not answer is left alone."""

    def __init__(self, clock: Clock, length: timedelta) -> None:
        self._clock = clock
        self._length = length
        self._until: datetime | None = None

    def begin(self) -> None:
        self._until = self._clock() + self._length

    @property
    def active(self) -> bool:
        return self._until is not None and self._clock() < self._until
