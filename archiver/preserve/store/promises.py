"""What every store promises alike: which locks count, who is refused, and in which words."""

from datetime import datetime

from archiver.clock import rfc3339
from archiver.errors import Conflict, IntegrityError, InvalidInput
from archiver.model.lock import Lock
from archiver.preserve.store import StoredObject


def binding(lock: Lock | None, now: datetime) -> Lock | None:
    """Return the lock to keep, in whole seconds; one that has ended already promises nothing."""
    return lock.in_whole_seconds() if lock and lock.binds(now) else None


def refuse_if_kept(stored: StoredObject, now: datetime) -> None:
    """Raise Conflict while a hold or a lock forbids deleting `stored`."""
    if stored.legal_hold:
        raise Conflict(
            f"object {stored.key} is under legal hold; release the hold before deleting it"
        )
    if stored.lock and stored.lock.binds(now):
        raise Conflict(
            f"object {stored.key} is locked ({stored.lock.mode}) until {rfc3339(stored.lock.until)}"
        )


def check_range(key: str, offset: int, length: int) -> None:
    """Raise InvalidInput for a negative offset or length."""
    if offset < 0 or length < 0:
        raise InvalidInput(f"not a range: {length} bytes from {offset} of object {key}")


def other_bytes(key: str) -> IntegrityError:
    """Return the error for a key that is taken by different bytes."""
    return IntegrityError(
        f"object {key} is already stored with other bytes; nothing was replaced. Two writers used "
        f"one name, or the stored object was altered: verify it",
        object_key=key,
    )


def changed_on_the_way(key: str) -> IntegrityError:
    """Return the error for an object that was restored and reads back with other bytes."""
    return IntegrityError(
        f"object {key} was restored and reads back with other bytes; check the store's disks and "
        f"memory, then repair it again",
        object_key=key,
    )
