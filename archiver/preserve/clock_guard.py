"""No lock is set, and no entry written, by a clock that cannot be trusted.

A lock ends at a moment computed from the archive's clock. In compliance mode neither a lock that is
too short nor one that is too long can ever be put right, so the clock is doubted first:

| compared with | doubted when |
|---|---|
| the newest entry of the log | it is behind it by more than `behind` |
| the same, at the start, when nothing else is known | it is ahead of it by more than `ahead` |
| a stopwatch that nobody can set, ever after | it stepped by more than `step` |
| the store's own clock, where it has one | they differ by more than `skew` |

`ClockGuard.now` is a `Clock`: whoever computes locks or entries takes it instead of the clock
itself, and gets `Stopping` while it is in doubt. It costs no I/O. The doubt ends when the clock is
right again, when the store's clock says the same, or when the operator confirms (decision 0017).
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from archiver.clock import Clock, from_millis, rfc3339
from archiver.db import archive as archive_rows
from archiver.db import ledger as ledger_rows
from archiver.db.transaction import Database
from archiver.errors import OperatorError, Stopping
from archiver.preserve.store import ObjectStore

Stopwatch = Callable[[], float]
"""Seconds since some moment, never set by anybody."""

_NEWEST_ENTRIES = 64  # adopted segments may stand last and be older than what stands before them
_time_in = re.compile(rb',"ts":([0-9]{1,15})\}\Z').search  # whether entries are sound is for verify


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLimits:
    """How far the clock may differ before it is doubted."""

    behind: timedelta = timedelta(seconds=120)
    ahead: timedelta = timedelta(days=31)
    step: timedelta = timedelta(minutes=10)
    skew: timedelta = timedelta(seconds=120)


@runtime_checkable
class KeepsTime(Protocol):
    """A store with a clock of its own, by which its locks end."""

    def server_time(self) -> datetime:
        """Return the store's time. Raises StorageUnavailable."""


class ClockGuard:
    """Judges one archive's clock; pure but for the two instruments it is given.

    `newest` is the time of the newest entry of the log. `confirmed` is a moment that an operator
    vouches for: a clock near it is believed although the log says otherwise.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        stopwatch: Stopwatch,
        newest: datetime,
        confirmed: datetime | None = None,
        limits: ClockLimits | None = None,
    ) -> None:
        self._clock = clock
        self._stopwatch = stopwatch
        self._limits = limits or ClockLimits()
        self._lowest = min(newest, confirmed or newest)
        self._highest = max(newest, confirmed or newest)
        self._agreed: tuple[datetime, float] | None = None
        self._skew = ""

    @property
    def newest(self) -> datetime:
        """The newest time known: of the log, and of what was told since."""
        return max(self._lowest, self._highest)

    def now(self) -> datetime:
        """Return the time, which is at or after every time returned before, but for `behind`.

        Raises:
            Stopping: the clock is in doubt; the message says why and what to do.
        """
        now, elapsed = self._clock(), self._stopwatch()
        doubt = self._doubt(now, elapsed)
        if doubt:
            raise Stopping(
                f"the clock says {rfc3339(now)}, {doubt}. Nothing is stored by it, because locks "
                "would end too early or too late and could not be corrected"
            )
        self._agreed = now, elapsed
        self._lowest = max(self._lowest, now)
        return now

    def compare(self, theirs: datetime) -> None:
        """Take note of the store's time. One that agrees also settles a doubt about a step."""
        now, elapsed = self._clock(), self._stopwatch()
        self._skew = ""
        if abs(now - theirs) > self._limits.skew:
            self._skew = f"the store's says {rfc3339(theirs)}; set right the one that is wrong"
        elif now >= self._lowest - self._limits.behind:
            self._agreed = now, elapsed

    def _doubt(self, now: datetime, elapsed: float) -> str:
        if self._skew:
            return self._skew
        if now < self._lowest - self._limits.behind:
            return f"but the newest time of the log is {rfc3339(self._lowest)}{_advice(now)}"
        if self._agreed is None:
            if now > self._highest + self._limits.ahead:
                newest = rfc3339(self._highest)
                return f"but the newest time of the log is only {newest}{_advice(now)}"
            return ""
        then, at = self._agreed
        expected = then + timedelta(seconds=elapsed - at)
        if abs(now - expected) > self._limits.step:
            return f"but should say {rfc3339(expected)}: it was set while running{_advice(now)}"
        return ""


def _advice(now: datetime) -> str:
    return (
        "; set it right, no restart is needed. Where it is right, restart once with "
        f"MUNIMENT_CLOCK_CONFIRMED={rfc3339(now)}"
    )


async def open_guard(
    clock: Clock,
    stopwatch: Stopwatch,
    database: Database,
    store: ObjectStore,
    *,
    confirmed: datetime | None,
) -> ClockGuard:
    """Return a guard that knows the log's newest time and the store's clock.

    A doubt is no error yet: reading goes on, and whoever writes is told.

    Raises:
        DatabaseUnavailable: no answer.
    """
    newest = await _newest_time(database)
    guard = ClockGuard(clock=clock, stopwatch=stopwatch, newest=newest, confirmed=confirmed)
    with suppress(OperatorError):
        await asyncio.to_thread(compare_with_store, guard, store)
    return guard


def compare_with_store(guard: ClockGuard, store: ObjectStore) -> None:
    """Let the guard look at the store's clock, if it has one, and then at its own.

    Raises:
        Stopping: the clock is in doubt.
        StorageUnavailable: the store did not answer.
    """
    if isinstance(store, KeepsTime):
        guard.compare(store.server_time())
    guard.now()


async def _newest_time(database: Database) -> datetime:
    """Return the time of the newest entry; of an empty log, when the archive was founded."""
    async with database.reading() as tx:
        founded = (await archive_rows.get(tx)).created_at
        end = (await ledger_rows.state(tx)).next_index
        entries = await ledger_rows.entries(tx, max(0, end - _NEWEST_ENTRIES), end)
    times = [int(found[1]) for found in map(_time_in, entries) if found]
    return from_millis(max([founded, *times]))
