"""An object store that fails as real ones do: in pairs, *not stored* and *stored nevertheless*."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from archiver.errors import StorageUnavailable
from archiver.model.lock import Lock
from archiver.preserve.store import ObjectStore, StoredObject

T = TypeVar("T")


class Fault(StrEnum):
    """What a failing call leaves behind."""

    NOT_DONE = "failed and not done"
    DONE = "failed but done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a method that changes the store; `number` counts them from 1."""

    number: int
    operation: str
    key: str


Plan = Callable[[Call], Fault | None]


def no_faults(_call: Call) -> None:
    """The plan of a healthy store."""


def fail_call(number: int, fault: Fault) -> Plan:
    """Fail the `number`-th change; for sweeps over 1, 2, 3 … until a run meets no fault."""
    return lambda call: fault if call.number == number else None


def fail_from(number: int, fault: Fault) -> Plan:
    """Fail the `number`-th change and all that follow: the store has gone down."""
    return lambda call: fault if call.number >= number else None


@dataclass
class FaultyStore:
    """An `ObjectStore` around `inner`; `plan` decides which changes fail, and how.

    `calls` records every change asked for. `before` and `after` run in the calling thread around
    each change: a test may block there, look, crash the process or advance its clock. While
    `deaf`, reads fail as well.
    """

    inner: ObjectStore
    plan: Plan = no_faults
    before: Callable[[Call], None] = no_faults
    after: Callable[[Call], None] = no_faults
    deaf: bool = False
    calls: list[Call] = field(default_factory=list)
    _counting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def url(self) -> str:
        return self.inner.url

    @property
    def enforces_locks(self) -> bool:
        return self.inner.enforces_locks

    def put(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        return self._change(
            "put", key, lambda: self.inner.put(key, body, lock=lock, legal_hold=legal_hold)
        )

    def replace(self, key: str, body: bytes, *, lock: Lock | None = None) -> StoredObject:
        return self._change("replace", key, lambda: self.inner.replace(key, body, lock=lock))

    def restore(
        self, key: str, body: bytes, *, lock: Lock | None = None, legal_hold: bool = False
    ) -> StoredObject:
        return self._change(
            "restore", key, lambda: self.inner.restore(key, body, lock=lock, legal_hold=legal_hold)
        )

    def get(self, key: str, *, version_id: str | None = None) -> bytes:
        self._hear("get", key)
        return self.inner.get(key, version_id=version_id)

    def get_range(
        self, key: str, offset: int, length: int, *, version_id: str | None = None
    ) -> bytes:
        self._hear("get_range", key)
        return self.inner.get_range(key, offset, length, version_id=version_id)

    def head(self, key: str, *, version_id: str | None = None) -> StoredObject:
        self._hear("head", key)
        return self.inner.head(key, version_id=version_id)

    def list_versions(self, prefix: str) -> Iterator[StoredObject]:
        self._hear("list_versions", prefix)
        return self.inner.list_versions(prefix)

    def list_keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        self._hear("list_keys", prefix)
        return self.inner.list_keys(prefix, after=after)

    def set_legal_hold(self, key: str, *, version_id: str, on: bool) -> None:
        self._change(
            "set_legal_hold",
            key,
            lambda: self.inner.set_legal_hold(key, version_id=version_id, on=on),
        )

    def extend_lock(self, key: str, *, version_id: str, lock: Lock) -> None:
        self._change(
            "extend_lock",
            key,
            lambda: self.inner.extend_lock(key, version_id=version_id, lock=lock),
        )

    def delete(self, key: str, *, version_id: str) -> None:
        self._change("delete", key, lambda: self.inner.delete(key, version_id=version_id))

    def probe(self) -> None:
        self._hear("probe", "")
        self.inner.probe()

    def close(self) -> None:
        self.inner.close()

    def _change(self, operation: str, key: str, act: Callable[[], T]) -> T:
        with self._counting:  # calls come from several threads
            call = Call(number=len(self.calls) + 1, operation=operation, key=key)
            self.calls.append(call)
        self.before(call)
        fault = self.plan(call)
        if fault is Fault.NOT_DONE:
            raise StorageUnavailable(f"injected: {operation} of {key} {fault}")
        outcome = act()
        if fault is Fault.DONE:
            raise StorageUnavailable(f"injected: {operation} of {key} {fault}", ambiguous=True)
        self.after(call)
        return outcome

    def _hear(self, operation: str, key: str) -> None:
        if self.deaf:
            raise StorageUnavailable(f"injected: {operation} of {key} without an answer")
