"""Epoch keys: one random key per class and expiry month, wrapped by the root key, in the store.

`keys/<archive>/<class>/<YYYY-MM>/epoch.json` carries the same lock as the segments it opens.
Destroying it, once its lock has ended, makes a whole month of a class unreadable at once.
"""

import base64

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archiver.errors import IntegrityError, NotFound
from archiver.ids import Randomness
from archiver.model.lock import Lock, longest
from archiver.preserve.keyring import Keyring, root_key_id
from archiver.preserve.object_keys import epoch_object, segment_prefix
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.second_copy import Reads, read_checked


class _Epoch(msgspec.Struct, frozen=True):
    v: int
    archive: str
    class_code: str
    period: str
    kek: str  # base64 of nonce(12) || AES-256-GCM(root key, epoch key)
    root: str  # `root_key_id` of the key it is wrapped under


class Epochs:
    """Makes and opens epoch keys; each is read from the store once and kept in memory.

    Calls block, so asynchronous callers use a thread.
    """

    def __init__(
        self,
        keyring: Keyring,
        store: ObjectStore,
        randomness: Randomness,
        *,
        reading: ObjectStore | None = None,
    ) -> None:
        """Keep keys in `store`; `reading` is where else they may be read from (a second copy)."""
        self._keyring = keyring
        self._store = store
        self._reading = reading or store
        self._randomness = randomness
        self._opened: dict[tuple[str, str], bytes] = {}
        self._locks: dict[str, Lock | None] = {}

    def at_hand(self, class_code: str, period: str, lock: Lock | None) -> bytes | None:
        """Return what `for_writing` does where it needs no store for that; never blocks."""
        name = epoch_object(self._archive, class_code, period)
        known = self._locks.get(name)
        if lock is not None and longest(known, lock) != known:
            return None
        return self._opened.get((class_code, period))

    def for_writing(self, class_code: str, period: str, lock: Lock | None) -> bytes:
        """Return the epoch key of a lane, making it durable first where it is new.

        Two servers may race to make it: the store keeps the first, and both use that one. A longer
        lock extends the epoch's own. A second copy is asked only when something was lost: whether
        it answers must be nothing to posts that come in.

        Raises:
            IntegrityError: the lane has segments but its key is lost, or does not open.
        """
        name = epoch_object(self._archive, class_code, period)
        try:
            key = self._first_stores(name, class_code, period)
            self._keep_locked(name, lock)
        except NotFound:
            if self._has_segments(class_code, period):
                return self._put_back(name, class_code, period, lock)
            return self._make(class_code, period, lock)
        return key

    def _first_stores(self, name: str, class_code: str, period: str) -> bytes:
        known = self._opened.get((class_code, period))
        if known is not None:
            return known
        try:
            key = self._unwrap(name, self._store.get(name), class_code, period)
        except IntegrityError:
            return self.for_reading(class_code, period)
        self._opened[class_code, period] = key
        return key

    def _has_segments(self, class_code: str, period: str) -> bool:
        prefix = f"{segment_prefix(self._archive)}{class_code}/{period}/"
        return next(self._store.list_keys(prefix), None) is not None

    def _put_back(self, name: str, class_code: str, period: str, lock: Lock | None) -> bytes:
        """Put the lost key of a lane again: under a new one its records could never be read."""

        def read(store: Reads) -> tuple[bytes, bytes]:
            data = store.get(name)
            return self._unwrap(name, data, class_code, period), data

        try:
            key, data = read_checked(self._reading, name, read)
        except NotFound as error:
            raise IntegrityError(
                f"{name}: the epoch key is missing although there are segments that need it, and "
                "no second copy has it; nothing was written. Restore the object from a backup",
                object_key=name,
            ) from error
        self._store.put(name, data, lock=lock)
        self._opened[class_code, period] = key
        return key

    def _make(self, class_code: str, period: str, lock: Lock | None) -> bytes:
        key, name = self._randomness(32), epoch_object(self._archive, class_code, period)
        nonce = self._randomness(12)
        root_key = self._keyring.root_keys[0]
        wrapped = AESGCM(root_key).encrypt(nonce, key, self._context(class_code, period))
        epoch = _Epoch(
            1, self._archive, class_code, period, _b64(nonce + wrapped), root_key_id(root_key)
        )
        try:
            self._store.put(name, msgspec.json.encode(epoch), lock=lock)
        except IntegrityError:  # other bytes are there: another server was first
            return self.for_writing(class_code, period, lock)
        self._opened[class_code, period] = key
        self._locks[name] = lock
        return key

    def _keep_locked(self, name: str, lock: Lock | None) -> None:
        # Keys are locked as long as the data: whoever could delete them could erase it early.
        kept = longest(self._locks.get(name), lock)
        if lock is None or kept == self._locks.get(name):
            return
        self._store.extend_lock(name, version_id=self._store.head(name).version_id, lock=lock)
        self._locks[name] = kept

    def for_reading(self, class_code: str, period: str) -> bytes:
        """Return the epoch key of a lane.

        Raises:
            NotFound: the lane has none; its records were destroyed, or it never existed.
            IntegrityError: it does not open under the root key.
        """
        known = self._opened.get((class_code, period))
        if known is not None:
            return known
        name = epoch_object(self._archive, class_code, period)
        key = read_checked(
            self._reading,
            name,
            lambda store: self._unwrap(name, store.get(name), class_code, period),
        )
        self._opened[class_code, period] = key
        return key

    def forget(self, class_code: str, period: str) -> None:
        """Forget the key of a lane, which was destroyed: nothing more is read or written by it."""
        self._opened.pop((class_code, period), None)
        self._locks.pop(epoch_object(self._archive, class_code, period), None)

    def check(self, class_code: str, period: str, data: bytes) -> None:
        """Check that `data` is an epoch key of this lane. Raises IntegrityError."""
        self._unwrap(epoch_object(self._archive, class_code, period), data, class_code, period)

    def _unwrap(self, name: str, data: bytes, class_code: str, period: str) -> bytes:
        try:
            epoch = msgspec.json.decode(data, type=_Epoch)
            blob = base64.b64decode(epoch.kek, validate=True)
            return AESGCM(self._root_key(name, epoch.root)).decrypt(
                blob[:12], blob[12:], self._context(class_code, period)
            )
        except (msgspec.MsgspecError, ValueError, InvalidTag) as error:
            raise IntegrityError(
                f"{name}: the epoch key does not open under the root key; the object was altered "
                "or the keyring is another archive's",
                object_key=name,
            ) from error

    def _root_key(self, name: str, key_id: str) -> bytes:
        for key in self._keyring.root_keys:
            if root_key_id(key) == key_id:
                return key
        raise IntegrityError(
            f"{name}: wrapped under root key {key_id}, which the keyring does not hold: it is an "
            "old copy or another archive's, or the object was altered; open the newest keyring",
            object_key=name,
        )

    def _context(self, class_code: str, period: str) -> bytes:
        return f"epoch/v1\0{self._archive}\0{class_code}\0{period}".encode("ascii")

    @property
    def _archive(self) -> str:
        return self._keyring.archive_id


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
