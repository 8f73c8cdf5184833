"""Putting an object so that afterwards it is known whether it is there.

`If-None-Match: *` makes a put create or fail. Since botocore retries by itself, the failure may be
caused by our own first attempt: the bytes decide. A put that was not answered is looked up before
it is tried once more, at the same key.
"""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from archiver.errors import ConfigurationError, IntegrityError, NotFound, StorageUnavailable
from archiver.model.lock import Lock, LockMode, longest
from archiver.preserve.store import StoredObject
from archiver.preserve.store.promises import changed_on_the_way, other_bytes
from archiver.preserve.store.s3_answers import Raced

_ATTEMPTS = 2
_RACE_PAUSES_S = (0.05, 0.2, 0.8, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One object as a caller wants it stored.

    `create`: only if its key is free; otherwise as a new version of a key that changes.
    """

    key: str
    body: bytes
    sha256: bytes
    lock: Lock | None
    legal_hold: bool
    create: bool

    @property
    def checksum(self) -> str:
        """The SHA-256 as S3 writes it."""
        return base64.b64encode(self.sha256).decode()


class Requests(Protocol):
    """Single requests to the store, without second thoughts."""

    def send(self, wanted: Wanted) -> tuple[str | None, str | None]:
        """Put once; return version id and checksum as the store reports them. Raises Raced."""

    def head(self, key: str, *, version_id: str | None = None) -> StoredObject:
        """See `ObjectStore.head`."""

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        """See `ObjectStore.get`."""

    def extend_lock(self, key: str, *, version_id: str, lock: Lock) -> None:
        """See `ObjectStore.extend_lock`."""

    def set_legal_hold(self, key: str, *, version_id: str, on: bool) -> None:
        """See `ObjectStore.set_legal_hold`."""


class Putting:
    """Puts through `requests` and checks what the store says about it.

    Each put is checked by the version and checksum that are returned; the lock by reading back the
    first put of each kind in this process. A HEAD for every put would double the requests; the WORM
    self-test and full verification look at all of them later.
    """

    def __init__(self, requests: Requests, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._requests = requests
        self._sleep = sleep
        self._proven: set[tuple[LockMode | None, bool]] = {(None, False)}

    def until_known(self, wanted: Wanted) -> StoredObject:
        """Put `wanted` and return what is stored.

        Raises:
            IntegrityError: other bytes are at the key, or the store did not do as told.
            StorageUnavailable: it is not stored; or (`ambiguous`) not even that could be learned.
        """
        unanswered: StorageUnavailable | None = None
        for _ in range(_ATTEMPTS):
            try:
                return self._once(wanted)
            except StorageUnavailable as error:
                unanswered = error
            found = self._looked_up(wanted)
            if found is not None:
                return found
        raise StorageUnavailable(
            f"object {wanted.key} is not stored, after {_ATTEMPTS} attempts; the last: {unanswered}"
        ) from unanswered

    def restored(self, wanted: Wanted) -> StoredObject:
        """Make `wanted` the newest version of its key, with the promises of the one it replaces.

        The bytes themselves are compared, before and after: a checksum is what was once told.

        Raises:
            IntegrityError, StorageUnavailable: see `ObjectStore.restore`.
        """
        try:
            present = self._requests.head(wanted.key)
        except NotFound:  # lost, or under a delete marker
            pass
        else:
            wanted = replace(
                wanted,
                lock=longest(present.lock, wanted.lock),
                legal_hold=wanted.legal_hold or present.legal_hold,
            )
            if self._still_gives(present, wanted.body):
                return self._keeping(wanted, present)
        stored = self.until_known(wanted)
        if self._requests.get(stored.key, version_id=stored.version_id) != wanted.body:
            raise changed_on_the_way(wanted.key)
        return stored

    def _still_gives(self, stored: StoredObject, body: bytes) -> bool:
        try:
            return self._requests.get(stored.key, version_id=stored.version_id) == body
        except (NotFound, StorageUnavailable):  # how servers answer whose disk lost the bytes
            return False

    def _once(self, wanted: Wanted) -> StoredObject:
        for pause_s in _RACE_PAUSES_S:
            try:
                version_id, checksum = self._requests.send(wanted)
            except Raced:
                found = self._looked_up(wanted)
                if found is not None:
                    return found
                self._sleep(pause_s)
            else:
                return self._confirmed(wanted, version_id, checksum)
        raise StorageUnavailable(f"object {wanted.key}: other writers kept the store busy")

    def _confirmed(
        self, wanted: Wanted, version_id: str | None, checksum: str | None
    ) -> StoredObject:
        if version_id in (None, "null"):
            raise ConfigurationError(
                f"the bucket keeps no versions, so object {wanted.key} is not locked; choose "
                f"another bucket and create it with `muniment init`"
            )
        if checksum not in (None, wanted.checksum):
            raise IntegrityError(
                f"object {wanted.key}: the store reports SHA-256 {checksum}, sent were bytes with "
                f"{wanted.checksum}",
                object_key=wanted.key,
            )
        stored = StoredObject(
            key=wanted.key,
            version_id=version_id,
            size=len(wanted.body),
            sha256=wanted.sha256,
            lock=wanted.lock,
            legal_hold=wanted.legal_hold,
        )
        self._prove(stored)
        return stored

    def _prove(self, stored: StoredObject) -> None:
        """Read back lock and hold of the first put of each kind."""
        kind = (stored.lock.mode if stored.lock else None, stored.legal_hold)
        if kind in self._proven:
            return
        seen = self._requests.head(stored.key, version_id=stored.version_id)
        if longest(seen.lock, stored.lock) != seen.lock or stored.legal_hold > seen.legal_hold:
            raise IntegrityError(
                f"object {stored.key} was stored without what was asked: {stored.lock}, legal hold "
                f"{stored.legal_hold}; found {seen.lock}, legal hold {seen.legal_hold}. The store "
                f"ignores locks, or the principal lacks s3:GetObjectRetention and "
                f"s3:GetObjectLegalHold",
                object_key=stored.key,
            )
        self._proven.add(kind)

    def _looked_up(self, wanted: Wanted) -> StoredObject | None:
        """Return what is stored at the key if it is what was wanted, promises included.

        None where nothing is there; for a key that changes, also where something else is.
        """
        try:
            present = self._requests.head(wanted.key)
            same = self._has_bytes(present, wanted)
        except NotFound:
            return None
        except StorageUnavailable as error:
            raise StorageUnavailable(
                f"whether object {wanted.key} is stored is not known: {error}", ambiguous=True
            ) from error
        if same:
            return self._keeping(wanted, present)
        if wanted.create:
            raise other_bytes(wanted.key)
        return None

    def _has_bytes(self, present: StoredObject, wanted: Wanted) -> bool:
        if present.sha256 is None:
            found = self._requests.get(present.key, version_id=present.version_id)
            return found == wanted.body
        return present.sha256 == wanted.sha256

    def _keeping(self, wanted: Wanted, present: StoredObject) -> StoredObject:
        """Add to the stored object the promises it lacks."""
        kept = longest(present.lock, wanted.lock)
        if kept is not None and kept != present.lock:
            self._requests.extend_lock(wanted.key, version_id=present.version_id, lock=kept)
        if wanted.legal_hold and not present.legal_hold:
            self._requests.set_legal_hold(wanted.key, version_id=present.version_id, on=True)
        return replace(present, lock=kept, legal_hold=wanted.legal_hold or present.legal_hold)
