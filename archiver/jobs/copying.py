"""Copying one object to the second store: checked before, under the lock it has, checked after."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from archiver.errors import IntegrityError, NotFound
from archiver.model.lock import Lock, longest
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.second_copy import SecondCopy


def trusting(_body: bytes) -> None:
    """The check of an object that nothing says more about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An object to copy: `check` raises IntegrityError for bytes that must not be copied.

    `lock` is what it must have at least; the lock it has in the first store is kept besides.
    """

    key: str
    check: Callable[[bytes], None] = trusting
    lock: Lock | None = None
    held: bool = False


class Copied(StrEnum):
    """What became of an item."""

    DONE = "it is in the second store, under its lock"
    DAMAGED = "the first store has lost or altered it"
    DIFFERENT = "the second store has other bytes"


def copy(store: SecondCopy, item: Item) -> Copied:
    """Copy an object, or find that its copy is there already. Blocks; may be done again.

    What the first store does not give as promised is noted as its damage and never copied.

    Raises:
        OperatorError: one of the stores did not answer.
    """
    try:
        body = store.primary.get(item.key)
        item.check(body)
        lock = longest(store.primary.head(item.key).lock, item.lock)
    except (NotFound, IntegrityError) as error:
        store.note_damage(item.key, error)
        return Copied.DAMAGED
    second = store.second()
    try:
        second.put(item.key, body, lock=lock, legal_hold=item.held)
    except IntegrityError:
        return Copied.DIFFERENT
    return Copied.DONE if _arrived(second, item.key, body) else Copied.DIFFERENT


def _arrived(second: ObjectStore, key: str, body: bytes) -> bool:
    """Whether the copy has these bytes.

    S3 has compared them with the SHA-256 sent along, and tells which it keeps; the promise of a
    file system is this program's own, so that what it gives back is read.
    """
    if second.enforces_locks:
        kept = second.head(key).sha256
        if kept is not None:
            return kept == sha256(body).digest()
    return second.get(key) == body
