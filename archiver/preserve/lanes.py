"""Lanes: which records share a segment, and how long its objects are locked.

Records are packed by class, expiry month and lock mode, so that nearly every segment dies whole:
mixed retention in one segment would force over-retention. A record's date is rounded *up* to the
end of its month, which retention rules allow and the policy states.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from archiver.model.lock import Lock, LockMode

OPEN_PERIOD = "9999-12"
"""The period of records with no end date yet: permanent, or waiting for an event."""

SHORTEST_LOCK = timedelta(days=1)
ROLLING_LOCK = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Lane:
    """One stream of segments. `period` is the expiry month, `YYYY-MM`, in UTC."""

    class_code: str
    period: str
    lock_mode: LockMode


def period_of(until: datetime | None, captured_at: datetime) -> str:
    """Return the expiry month of a record kept until `until` (exclusive), None for no end date.

    A period already over at capture gets the month of capture: the record is still kept, under the
    shortest lock, and shows as eligible.
    """
    if until is None:
        return OPEN_PERIOD
    last = max(until.astimezone(UTC) - timedelta(microseconds=1), captured_at.astimezone(UTC))
    return f"{last.year:04d}-{last.month:02d}"


def lock_for(lane: Lane, now: datetime, limit: timedelta) -> Lock | None:
    """Return the lock of a segment written `now` into `lane`, None where the class asks for none.

    The lock ends with the expiry month. It is never shorter than a day, because stores refuse
    moments that have passed, and never longer than `limit`, because a compliance lock that is wrong
    cannot be undone: longer periods are locked to the limit and extended as time goes by, like the
    rolling lock of lanes without an end date.
    """
    if lane.lock_mode is LockMode.NONE:
        return None
    end = _rolling_end(now) if lane.period == OPEN_PERIOD else end_of_month(lane.period)
    until = max(min(end, now + limit), now + SHORTEST_LOCK)
    return Lock(mode=lane.lock_mode, until=until.replace(microsecond=0))


def _rolling_end(now: datetime) -> datetime:
    # Whole days, so that the objects of a lane are extended at most once a day.
    return (now + ROLLING_LOCK).replace(hour=0, minute=0, second=0, microsecond=0)


def end_of_month(period: str) -> datetime:
    """Return the first moment after a `YYYY-MM` month in UTC."""
    year, month = int(period[:4]), int(period[5:])
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
