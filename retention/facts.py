"""What is known about a record, as plain values. The engine asks nobody else.

Moments are aware. Those we or a person state (captured, superseded, events) are checked here; the
posting time is what a platform says and may be nonsense, so `counted_from` weighs it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from retention.errors import FactsError

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

FURTHEST_AHEAD = timedelta(days=366)
"""How long after its capture a post may say it is posted: scheduled posts are captured early.

Beyond this the platform's word is not believed. Believed, a post dated 2999 would be locked in
compliance mode for a thousand years, and no one can undo such a lock.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the engine may know of one record.

    `direction` is `in` or `out` as seen from the business; `unit` is the part of the organisation
    that owns the account. `superseded_at` is when a later version took this one's place. `events`
    are pairs of name and moment, `days` of name and calendar day, for what was stated as a day: it
    is that day in whatever zone a term counts. Where a name comes twice (an account closed,
    reopened and closed again) the latest counts.

    Raises:
        FactsError: a moment is naive, or (the posting time apart) it or a day is not between 1970
            and 2200.
    """

    platform: str
    account: str
    captured_at: datetime
    posted_at: datetime | None = None
    superseded_at: datetime | None = None
    unit: str = ""
    kind: str = "post"
    direction: str = ""
    tags: tuple[str, ...] = ()
    events: tuple[tuple[str, datetime], ...] = ()
    days: tuple[tuple[str, date], ...] = ()

    def __post_init__(self) -> None:
        _check("captured_at", self.captured_at)
        if self.posted_at is not None and self.posted_at.tzinfo is None:
            raise FactsError(f"expected an aware posted_at, found the naive {self.posted_at}")
        if self.superseded_at is not None:
            _check("superseded_at", self.superseded_at)
        for name, moment in self.events:
            _check(f"event {name}", moment)
        for name, day in self.days:
            if not EARLIEST.date() <= day < LATEST.date():
                raise FactsError(f"expected event {name} between 1970 and 2200, found {day}")

    def find_event(self, name: str) -> datetime | None:
        """Return the latest moment stated of the event `name`, or None where none was."""
        return max((moment for each, moment in self.events if each == name), default=None)

    def find_day(self, name: str) -> date | None:
        """Return the latest calendar day stated of the event `name`, or None where none was."""
        return max((day for each, day in self.days if each == name), default=None)

    def posted_is_plausible(self) -> bool:
        """Tell whether the posting time is known, after 1970 and not far after the capture."""
        posted = self.posted_at
        return posted is not None and EARLIEST < posted <= self.captured_at + FURTHEST_AHEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A legal hold in force on the record. The caller passes those in force and no others.

    `id` and `matter` name it for the reader; `placed_at` is aware.
    """

    id: str
    matter: str
    placed_at: datetime
    name: str = ""

    def __post_init__(self) -> None:
        _check(f"placed_at of hold {self.id}", self.placed_at)


def _check(what: str, moment: datetime) -> None:
    if moment.tzinfo is None:
        raise FactsError(f"expected an aware {what}, found the naive {moment}")
    if not EARLIEST <= moment < LATEST:
        raise FactsError(f"expected {what} between 1970 and 2200, found {moment}")
