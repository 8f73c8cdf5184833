"""Trying a store: single requests that a sound store refuses, and its answers as they came.

An `ObjectStore` keeps its own promises before it asks the store; a trial asks all the same. Only
the lock probe (`archiver.assurance.worm_probe`) may use one. `s3_trial` and `filesystem_trial` are
the implementations, `opening.open_trial` the way to get one.
"""

from dataclasses import dataclass, field
from typing import Protocol

from archiver.model.lock import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """What a principal signs its requests with."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a store answered: whether it says it did as told, in its own words (`403 AccessDenied`).

    `version_id` is that of a stored object, None where none was stored or the store keeps none.
    """

    accepted: bool
    said: str
    version_id: str | None = None


class LockTrial(Protocol):
    """One principal's requests to a store, each sent once.

    Every method raises StorageUnavailable where the store did not answer or was busy, and
    ConfigurationError where it could not judge the request (unknown credentials, no such bucket):
    neither says anything about locks.
    """

    def put(
        self,
        key: str,
        body: bytes,
        *,
        lock: Lock,
        create: bool = True,
        legal_hold: bool = False,
        sha256: bytes | None = None,
    ) -> Answer:
        """Store `body`; with `create` only if the key is free. `sha256` None is the right one."""

    def delete(self, key: str, *, version_id: str, bypass: bool = False) -> Answer:
        """Delete one version; with `bypass` claim the right to override governance locks."""

    def retain(self, key: str, *, version_id: str, lock: Lock | None) -> Answer:
        """Set the lock of one version to exactly this, claiming `bypass`; None removes it."""

    def hold(self, key: str, *, version_id: str, on: bool) -> Answer:
        """Set or lift the legal hold of one version."""

    def destroy(self, key: str) -> Answer | None:
        """Remove an object behind the store's back; None where this process cannot reach it."""

    def close(self) -> None:
        """Release connections."""
