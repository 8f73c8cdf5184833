"""How long a schedule keeps very many records: the same answers as `retain_until`, for numbers.

The end of a term depends on the *local day* of the moment that triggers it, and on nothing else. So
it is a step function of that moment, and a table of its steps, looked up by bisection, answers for
millions of records in seconds; an event that was stated as a calendar day needs none. Moments are
whole milliseconds since 1970 UTC here, as stores of records keep them. Tables are made for a few
weeks at a time, when a moment in them is asked for.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from retention.facts import FURTHEST_AHEAD
from retention.periods import PERMANENT, Cutoff, Period, end_after, start_of_day, time_zone
from retention.schedules import Action, Schedule, Term, TriggerKind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_DAY = timedelta(days=1)
_FURTHEST_AHEAD_MS = FURTHEST_AHEAD // _MS
_BLOCK_BITS = 32  # 2^32 ms are 49.7 days
_BEFORE_ALL = -(1 << 63)


class Happened(NamedTuple):
    """When a named event last happened: the latest moment and the latest day that were stated.

    Of which of them a term is counted depends on its zone; one of them is not None.
    """

    moment: int | None = None
    day: date | None = None

    def or_later(self, other: "Happened") -> "Happened":
        """Return the latest of what two statements of one event say."""
        return Happened(
            max((each for each in (self.moment, other.moment) if each is not None), default=None),
            max((each for each in (self.day, other.day) if each is not None), default=None),
        )


NOTHING: Mapping[str, Happened] = {}
"""What `Ends.until` takes for a record of which no event was stated."""


class Ends:
    """The ends that one schedule gives.

    `permanent` tells that it gives none; `needs_superseded` and `awaited` what it asks of records
    beside the moments of posting and capture.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.permanent = schedule.action is Action.PERMANENT
        by_kind: dict[TriggerKind, list[_Steps]] = {kind: [] for kind in TriggerKind}
        self._events: list[tuple[str, _Steps]] = []
        for term in schedule.terms:
            if term.period is PERMANENT or self.permanent:
                continue
            steps = _Steps.of(term, schedule.zone)
            by_kind[term.trigger.kind].append(steps)
            if term.trigger.kind is TriggerKind.EVENT:
                self._events.append((term.trigger.event, steps))
        self._posted = by_kind[TriggerKind.POSTED]
        self._captured = by_kind[TriggerKind.CAPTURED]
        self._superseded = by_kind[TriggerKind.SUPERSEDED]
        self.needs_superseded = bool(self._superseded)
        self.awaited = frozenset(name for name, _ in self._events)

    def until(
        self,
        posted: int | None,
        captured: int,
        superseded: int | None = None,
        events: Mapping[str, Happened] = NOTHING,
    ) -> int | None:
        """Return the exclusive end of a record, or None while there is none.

        `events` tells when each named event last happened. None means permanent where the schedule
        is, and else that an event is awaited.
        """
        if self.permanent:
            return None
        latest = _latest(self._captured, captured, _BEFORE_ALL)
        if self._posted:
            if posted is None or not 0 < posted <= captured + _FURTHEST_AHEAD_MS:
                posted = captured  # the platform's word is not plausible
            latest = _latest(self._posted, posted, latest)
        if self._superseded or self._events:
            return self._awaited_until(superseded, events, latest)
        return latest

    def _awaited_until(
        self, superseded: int | None, events: Mapping[str, Happened], latest: int
    ) -> int | None:
        if self._superseded:
            if superseded is None:
                return None
            latest = _latest(self._superseded, superseded, latest)
        for name, steps in self._events:
            happened = events.get(name)
            if happened is None:
                return None
            if happened.moment is not None:
                latest = max(latest, steps.end(happened.moment))
            if happened.day is not None:
                latest = max(latest, steps.end_of(happened.day))
        return latest


def _latest(terms: "Sequence[_Steps]", moment: int, latest: int) -> int:
    """Return the latest of the ends of terms that one moment triggers, and of `latest`."""
    for steps in terms:
        latest = max(latest, steps.end(moment))
    return latest


class _Block(NamedTuple):
    """The steps of some weeks: from `starts[n]` on, the end is `ends[n]`."""

    starts: list[int]
    ends: list[int]


class _Steps:
    """The end of one term, for any moment."""

    def __init__(self, cutoff: Cutoff, period: Period, zone: tzinfo) -> None:
        self._cutoff = cutoff
        self._period = period
        self._zone = zone
        self._blocks: dict[int, _Block] = {}
        # Records that stand together were mostly posted on the same day: the last step is tried
        # first.
        self._from = self._to = 0
        self._end = 0

    @classmethod
    def of(cls, term: Term, zone: str) -> "_Steps":
        """Return the steps of a term of a schedule that counts in `zone`."""
        if not isinstance(term.period, Period):
            raise TypeError(f"expected a term with an end, found {term.id} permanent")
        return cls(term.cutoff, term.period, time_zone(term.zone or zone))

    def end(self, moment: int) -> int:
        """Return the exclusive end of a period that `moment` triggers."""
        if self._from <= moment < self._to:
            return self._end
        number = moment >> _BLOCK_BITS
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = self._block(number)
        place = bisect_right(block.starts, moment)
        self._from, self._to = block.starts[place - 1], block.starts[place]
        self._end = block.ends[place - 1]
        return self._end

    def end_of(self, day: date) -> int:
        """Return the exclusive end of a period that was stated to begin with a calendar day."""
        end = end_after(day, cutoff=self._cutoff, period=self._period)
        return _millis(start_of_day(end, self._zone))

    def _block(self, number: int) -> _Block:
        first, last = number << _BLOCK_BITS, (number + 1) << _BLOCK_BITS
        starts, ends = [], []
        day = _local_day(first, self._zone) - 2 * _DAY
        until = _local_day(last, self._zone) + _DAY
        while day <= until:
            for start, local in _stretches(day, self._zone):
                starts.append(start)
                ends.append(self.end_of(local))
            day += _DAY
        return _Block(starts, ends)


def _stretches(day: date, zone: tzinfo) -> Iterator[tuple[int, date]]:
    """Yield from which moment on it is which local day, beginning with `day`.

    Where clocks go back across midnight (St. John's until 2011, at 00:01), a day begins twice, and
    in between it is the day before again.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    first, second = _millis(midnight), _millis(midnight.replace(fold=1))
    yield first, day
    if first < second:  # after a gap it is the other way round: that day begins once (PEP 495)
        yield _change(first, second, zone), day - _DAY
        yield second, day


def _change(before: int, after: int, zone: tzinfo) -> int:
    """Return when the clock was set, after `before` and not after `after`."""
    offset = _offset(before, zone)
    while after - before > 1:
        between = (before + after) // 2
        if _offset(between, zone) == offset:
            before = between
        else:
            after = between
    return after


def _offset(moment: int, zone: tzinfo) -> timedelta | None:
    return (_EPOCH + moment * _MS).astimezone(zone).utcoffset()


def _local_day(moment: int, zone: tzinfo) -> date:
    return (_EPOCH + moment * _MS).astimezone(zone).date()


def _millis(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // _MS
