"""Slowing down who guesses: a bucket of tries per client address, a lock per person.

Both are pure but for the memory of the buckets; times are given.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from archiver.errors import TooMany

TRIES = 20
REFILLED_IN = timedelta(minutes=1)
_ADDRESSES = 10_000

LOCKS_AT = 10
_FIRST_LOCK = timedelta(minutes=15)
_LONGEST_LOCK = timedelta(days=1)


def lock_for(failures: int) -> timedelta | None:
    """Return how long so many wrong passwords in a row lock a person's password, None for not yet.

    Ten lock for 15 minutes; each one after that, once the lock is over, for twice as long, up to a
    day. Only the password is locked: a passkey or the identity provider still lets its owner in, so
    nobody can shut somebody else out.
    """
    if failures < LOCKS_AT:
        return None
    doublings = min(failures - LOCKS_AT, 10)
    return min(_FIRST_LOCK * (1 << doublings), _LONGEST_LOCK)


@dataclass(slots=True)
class _Bucket:
    tries: float
    at: datetime


class Throttle:
    """Twenty tries a minute for each address, in this process."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, address: str, now: datetime) -> None:
        """Use up one try of an address.

        Raises:
            TooMany: it has none left; `retry_after_s` says when it has one again.
        """
        bucket = self._buckets.pop(address, None) or _Bucket(float(TRIES), now)
        since = max(now - bucket.at, timedelta())
        bucket.tries = min(float(TRIES), bucket.tries + since / REFILLED_IN * TRIES)
        bucket.at = now
        self._buckets[address] = bucket
        while len(self._buckets) > _ADDRESSES:
            self._buckets.popitem(last=False)
        if bucket.tries < 1:
            wait = (1 - bucket.tries) / TRIES * REFILLED_IN.total_seconds()
            raise TooMany(
                f"expected at most {TRIES} tries a minute from one address, found more; wait "
                "a moment and try again",
                retry_after_s=max(1, ceil(wait)),
            )
        bucket.tries -= 1


class Tally:
    """How often something happened since it was last told, which is once a minute at most."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def add(self, key: str, now: datetime) -> int:
        """Count one more; return how many are to be told now, 0 while it is too early."""
        told_at, waiting = self._told.pop(key, (None, 0))
        early = told_at is not None and timedelta() <= now - told_at < REFILLED_IN
        self._told[key] = (told_at, waiting + 1) if early and told_at is not None else (now, 0)
        while len(self._told) > _ADDRESSES:
            self._told.popitem(last=False)
        return 0 if early else waiting + 1
