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
from archiver.preserve.object_keys import epoch_object
from archiver.preserve.store import ObjectStore


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

    def __init__(self, keyring: Keyring, store: ObjectStore, randomness: Randomness) -> None:
        self._keyring = keyring
        self._store = store
        self._randomness = randomness
        self._opened: dict[tuple[str, str], bytes] = {}
        self._locks: dict[str, Lock | None] = {}

    def for_writing(self, class_code: str, period: str, lock: Lock | None) -> bytes:
        """Return the epoch key of a lane, making it durable first where it is new.

        Two servers may race to make it: the store keeps the first, and both use that one. A longer
        lock extends the epoch's own.
        """
        try:
            key = self.for_reading(class_code, period)
        except NotFound:
            return self._make(class_code, period, lock)
        self._keep_locked(epoch_object(self._archive, class_code, period), lock)
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
        key = self._unwrap(name, self._store.get(name), class_code, period)
        self._opened[class_code, period] = key
        return key

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
