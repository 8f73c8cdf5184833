"""Object stores: one protocol, two implementations, one contract suite over both.

Calls block. Asynchronous callers go through `archiver.preserve.store.threads`; worker processes
call directly. boto3 lives in `s3.py` only.

`opening` turns a URL into a store. `filesystem` stands on `disk` (durable files), `sidecar`
(locks) and `damaged` (what was replaced). `s3` stands on `s3_putting` (what follows from an
answer), `s3_answers` (who must act on an error), `s3_listing`, `s3_bucket` and `s3_address`.
`names` and `promises` hold what both share.
`second_copy` reads from another store what the first does not give as it was promised.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from archiver.model.lock import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One version of an object as the store describes it.

    `sha256` is the checksum the store keeps (32 bytes) or None where the store cannot tell without
    reading. `lock` is None where there is none *or* where the store would not say; verification
    treats the two alike, as missing.
    """

    key: str
    version_id: str
    size: int
    sha256: bytes | None = None
    lock: Lock | None = None
    legal_hold: bool = False
    modified_at: datetime | None = None
    is_latest: bool = True
    is_delete_marker: bool = False


class ObjectStore(Protocol):
    """Keeps immutable objects by key.

    Guarantees, checked by `tests/contracts/test_store_contract.py` on every implementation:

    * When `put` returns, the object is durable: it survives a power cut, and so does its name.
    * `put` never replaces. The same bytes at the same key: success, the first version is returned
      (its lock extended to the asked one if that is longer, its hold set if one was asked for).
      Other bytes: `IntegrityError`.
    * Only `restore` puts other bytes at an immutable key, and what it replaces stays readable.
    * A put that timed out is resolved by reading back: it either returns or raises
      `StorageUnavailable`, `ambiguous` only if reading back failed as well.
    * A locked or held version cannot be deleted: `Conflict`.
    * Locks are only ever extended: to the later end and the stricter mode. Ends are rounded up to
      whole seconds. A lock that has ended before it is asked for is none.
    * Keys are as `archiver.preserve.store.names` says; other names are `InvalidInput`.
    """

    @property
    def url(self) -> str:
        """The store's canonical URL, without secrets."""

    @property
    def enforces_locks(self) -> bool:
        """Whether the store itself refuses deletion (S3 Object Lock). False: audit-trail only."""

    def put(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        """Store `body` at `key` for good, and return its version.

        Raises:
            IntegrityError: other bytes are already there.
            StorageUnavailable: not stored, or not known to be (`ambiguous`).
        """

    def replace(self, key: str, body: bytes, *, lock: Lock | None = None) -> StoredObject:
        """Store a new version at the one kind of key that changes (`log/…/checkpoint`).

        A store that keeps one version per key (filesystem) overwrites, and ignores `lock`.
        Otherwise as `put`.
        """

    def restore(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        """Put the true bytes of an immutable object in the place of lost or altered ones.

        The one way in which a stored object is ever replaced: the caller has checked `body` against
        the log. Afterwards the newest version of `key` is `body`, read back. What it replaced stays
        as an older version, being evidence. The promises of what was there, where they can still be
        read, are kept besides those asked for. Where the newest version is `body` already, nothing
        is added but promises: it may be done again. Not for the one kind of key that changes.

        Raises:
            IntegrityError: what was written reads back with other bytes.
            StorageUnavailable: not restored, or not known to be (`ambiguous`).
        """

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        """Return the whole object.

        Raises:
            NotFound: no such object or version.
            StorageUnavailable: the store did not answer.
        """

    def get_range(
        self, key: str, offset: int, length: int, *, version_id: str | None = None
    ) -> bytes:
        """Return `length` bytes from `offset`, fewer only at the object's end."""

    def head(self, key: str, *, version_id: str | None = None) -> StoredObject:
        """Describe one object, its lock and hold included. Raises NotFound."""

    def list_versions(self, prefix: str) -> Iterator[StoredObject]:
        """Yield every version and delete marker under `prefix`, by key; lock fields may be None."""

    def list_keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """Yield current keys under `prefix` in ascending byte order, those greater than `after`."""

    def set_legal_hold(self, key: str, *, version_id: str, on: bool) -> None:
        """Set or lift the legal hold of one version. Idempotent."""

    def extend_lock(self, key: str, *, version_id: str, lock: Lock) -> None:
        """Make the lock last until `lock.until`; a no-op where it already lasts longer."""

    def delete(self, key: str, *, version_id: str) -> None:
        """Delete one version for good. Idempotent. Raises Conflict while locked or held."""

    def probe(self) -> None:
        """Check that the store answers and may be written to. Raises OperatorError with advice."""

    def close(self) -> None:
        """Release connections."""
