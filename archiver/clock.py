"""The one place that reads the time. Everything else takes a `Clock` or a value.

Times are aware and UTC. Pure code takes `now` or `as_of` as a value and never a `Clock`.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def system_stopwatch() -> float:
    """Return seconds since the machine started, its sleep included: setting the time moves it not.

    Where the system has no such clock (it is Linux's), sleep is left out.
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def to_millis(moment: datetime) -> int:
    """Return milliseconds since 1970-01-01T00:00Z of an aware moment, rounded down."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def from_millis(millis: int) -> datetime:
    """Return the aware UTC moment of `millis` milliseconds since 1970-01-01T00:00Z."""
    return datetime.fromtimestamp(millis / 1000, UTC).replace(microsecond=millis % 1000 * 1000)


@lru_cache(maxsize=4096)  # the records of a batch share their moments
def rfc3339(moment: datetime) -> str:
    """Return `2026-11-21T22:01:26.123Z` (RFC 3339, UTC, milliseconds)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
