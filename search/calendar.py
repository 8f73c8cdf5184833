"""Days, weeks, months and longer as buckets of a histogram, in a time zone.

Buckets begin and end at midnights of the zone, so a day may have 23 or 25 hours. Times that no
calendar knows (before the year 1, after 9999) are in no bucket.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from search.dates import milliseconds

MOST_BUCKETS = 62
"""Of the interval that is chosen: two months of days, fourteen months of weeks, five years of
months."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS_OF_A_QUARTER = 3
_LONG = {"decade": 10, "century": 100}


class Interval(StrEnum):
    """How long a bucket is. Weeks begin on Monday (ISO 8601)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    DECADE = "decade"
    CENTURY = "century"


_DAY_MS = 86_400_000
SHORTEST = {
    Interval.DAY: _DAY_MS,
    Interval.WEEK: 7 * _DAY_MS,
    Interval.MONTH: 28 * _DAY_MS,
    Interval.QUARTER: 90 * _DAY_MS,
    Interval.YEAR: 365 * _DAY_MS,
    Interval.DECADE: 3652 * _DAY_MS,
    Interval.CENTURY: 36524 * _DAY_MS,
}
"""About how many milliseconds a bucket has at least: to bound how many there can be."""


class Bucket(NamedTuple):
    """The days from `first` to `last`, both included; `start` and `end` in Unix milliseconds."""

    first: date
    last: date
    start: int
    end: int
    label: str


def interval_for(first: int, last: int, zone: tzinfo) -> Interval:
    """Return the shortest interval that gives a span of times no more than `MOST_BUCKETS`."""
    begin, finish = day_of(first, zone), day_of(last, zone)
    for interval in Interval:
        if len(_first_days(begin, finish, interval, most=MOST_BUCKETS + 1)) <= MOST_BUCKETS:
            return interval
    return Interval.CENTURY


def buckets(first: int, last: int, interval: Interval, zone: tzinfo) -> list[Bucket]:
    """Return every bucket from the one with the time `first` to the one with `last`, in order."""
    finish = day_of(last, zone)
    starts = _first_days(day_of(first, zone), finish, interval)
    found: list[Bucket] = []
    for start in starts:
        following = _next(start, interval)
        ends = date.max if following is None else following - timedelta(days=1)
        end = _end_of_time(zone) if following is None else _midnight(following, zone)
        found.append(Bucket(start, ends, _midnight(start, zone), end, _label(start, interval)))
    return found


def edges(found: Sequence[Bucket]) -> list[int]:
    """Return where buckets begin, and where the last one ends."""
    return [bucket.start for bucket in found] + [bucket.end for bucket in found[-1:]]


def _first_days(begin: date, finish: date, interval: Interval, *, most: int = 0) -> list[date]:
    days: list[date] = []
    day: date | None = _floor(begin, interval)
    while day is not None and day <= finish and (not most or len(days) < most):
        days.append(day)
        day = _next(day, interval)
    return days


def _floor(day: date, interval: Interval) -> date:
    match interval:
        case Interval.DAY:
            return day
        case Interval.WEEK:
            return day - timedelta(days=min(day.weekday(), day.toordinal() - 1))
        case Interval.MONTH:
            return day.replace(day=1)
        case Interval.QUARTER:
            return day.replace(month=day.month - (day.month - 1) % _MONTHS_OF_A_QUARTER, day=1)
        case Interval.YEAR:
            return date(day.year, 1, 1)
        case _:
            return date(max(day.year - day.year % _LONG[interval], 1), 1, 1)


def _next(day: date, interval: Interval) -> date | None:
    """Return the first day after the bucket that begins on `day`; None after the last year."""
    try:
        match interval:
            case Interval.DAY:
                return day + timedelta(days=1)
            case Interval.WEEK:
                return day + timedelta(days=7)
            case Interval.MONTH | Interval.QUARTER:
                months = day.month - 1 + (1 if interval is Interval.MONTH else _MONTHS_OF_A_QUARTER)
                return date(day.year + months // 12, months % 12 + 1, 1)
            case Interval.YEAR:
                return date(day.year + 1, 1, 1)
            case _:
                length = _LONG[interval]
                return date(day.year - day.year % length + length, 1, 1)
    except (OverflowError, ValueError):
        return None


def _label(day: date, interval: Interval) -> str:
    match interval:
        case Interval.DAY | Interval.WEEK:
            return day.isoformat()
        case Interval.MONTH:
            return f"{day.year:04}-{day.month:02}"
        case Interval.QUARTER:
            return f"{day.year:04} Q{(day.month + 2) // _MONTHS_OF_A_QUARTER}"
        case Interval.YEAR:
            return f"{day.year:04}"
        case _:
            start = day.year - day.year % _LONG[interval]
            return f"{start:04}–{start + _LONG[interval] - 1:04}"  # noqa: RUF001 - a span of years


def day_of(unix_ms: int, zone: tzinfo) -> date:
    """Return the day in `zone`; of a time that no calendar knows, the nearest there is."""
    try:
        return (_EPOCH + timedelta(milliseconds=unix_ms)).astimezone(zone).date()
    except OverflowError:
        return date.min if unix_ms < 0 else date.max


def _midnight(day: date, zone: tzinfo) -> int:
    return milliseconds(datetime.combine(day, time.min, tzinfo=zone))


def _end_of_time(zone: tzinfo) -> int:
    return milliseconds(datetime.combine(date.max, time.max, tzinfo=zone)) + 1
