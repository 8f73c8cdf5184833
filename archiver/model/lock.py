"""Locks on stored objects, in the words of S3 Object Lock."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class LockMode(StrEnum):
    """Who may delete early.

    `COMPLIANCE`: nobody can delete or shorten. `GOVERNANCE`: a permission can. `NONE`: no lock.
    """

    COMPLIANCE = "compliance"
    GOVERNANCE = "governance"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """An object may not be deleted or shortened before `until` (aware UTC, whole seconds)."""

    mode: LockMode
    until: datetime

    def binds(self, now: datetime) -> bool:
        """Whether it forbids deletion at the moment `now`."""
        return self.mode is not LockMode.NONE and now < self.until

    def in_whole_seconds(self) -> "Lock":
        """The lock with `until` rounded up to a whole second: stores keep no fractions."""
        if not self.until.microsecond:
            return self
        return replace(self, until=self.until.replace(microsecond=0) + timedelta(seconds=1))


def longest(present: Lock | None, asked: Lock | None) -> Lock | None:
    """Return the lock that keeps both promises: the stricter mode and the later end.

    None and `LockMode.NONE` promise nothing.
    """
    promises = [lock for lock in (present, asked) if lock and lock.mode is not LockMode.NONE]
    if not promises:
        return None
    compliance = any(lock.mode is LockMode.COMPLIANCE for lock in promises)
    return Lock(
        mode=LockMode.COMPLIANCE if compliance else LockMode.GOVERNANCE,
        until=max(lock.until for lock in promises),
    )
