"""Calendar periods, cutoffs and the day in a time zone: how the engine counts.

Retention law speaks of years and days, not of seconds. So a period is counted in calendar days of
a named time zone, and always ends at a local midnight:

- The *first day* is the local date of the moment that starts the count.
- The *last day* is the corresponding date (same day number) when the period has passed. Where it
  does not exist (29 February, 31 April) it is the first day of the next month. Rules on computing
  time commonly stop at the last day of the month instead (Regulation (EEC) 1182/71, art. 3(2)(c);
  to be confirmed by counsel), which would end before three full years have passed since 10:00 on
  29 February. One day more is lawful under every retention rule, one day less may not be.
- The record is kept through the whole of the last day. Ends are *exclusive*: the first moment of
  the next day, in UTC. A record may go at that moment, not before.
- A cutoff moves the start of the count to the end of a month, quarter or year, which is a midnight
  already; the period then ends at the corresponding midnight, with no further day.

Time zone rules of years to come can change; an end already turned into an object lock then stands
an hour off, and the gate decides again with the rules of its own day.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cache
from typing import Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from retention.errors import DefinitionError

_PERIOD = re.compile(r"P(?=[0-9])(?:([0-9]{1,4})Y)?(?:([0-9]{1,4})M)?(?:([0-9]{1,6})D)?", re.ASCII)
_FISCAL_YEAR = re.compile(r"fiscal-year:([0-9]{1,2})", re.ASCII)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", re.ASCII)

_MOST_MONTHS = 200 * 12
_MOST_DAYS = 200 * 366
_DECEMBER = 12
_SHORTEST_MONTH = 28
_ONE_DAY = timedelta(days=1)


class Permanent(StrEnum):
    """The one value that stands where a period would: there is no end."""

    PERMANENT = "permanent"


PERMANENT: Final = Permanent.PERMANENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A calendar period of years, months and days, written as in ISO 8601: `P3Y`, `P18M`, `P90D`.

    Years and months are added before days. `P0D` ends with the first day itself.

    Raises:
        DefinitionError: a number is negative, or the period is over 200 years (a length that is
            meant is written `permanent`).
    """

    years: int = 0
    months: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        if min(self.years, self.months, self.days) < 0:
            raise DefinitionError(f"expected a period of no negative numbers, found {self}")
        if self.years * 12 + self.months > _MOST_MONTHS or self.days > _MOST_DAYS:
            raise DefinitionError(
                f"expected a period of at most 200 years, found {self}; for longer write permanent"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the period that `text` writes.

        Raises:
            DefinitionError: `text` is not `PnYnMnD` with at least one part.
        """
        found = _PERIOD.fullmatch(text)
        if found is None:
            raise DefinitionError(
                f"expected a period such as P3Y, P18M, P90D or P0D, found {text!r}"
            )
        years, months, days = (int(number or 0) for number in found.groups())
        return cls(years=years, months=months, days=days)

    def __str__(self) -> str:
        """Return the ISO 8601 text; parts that are zero are left out."""
        parts = ((self.years, "Y"), (self.months, "M"), (self.days, "D"))
        return "P" + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0D")

    @property
    def in_words(self) -> str:
        """The period as it is read aloud: `3 years`, `1 year 6 months`, `0 days`."""
        parts = ((self.years, "year"), (self.months, "month"), (self.days, "day"))
        told = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in parts if number]
        return " ".join(told) or "0 days"

    def after(self, day: date) -> date:
        """Return the corresponding date this period after `day`, never one too early.

        A date that does not exist becomes the first of the next month (see the module).
        """
        year, month = divmod(day.year * 12 + day.month - 1 + self.years * 12 + self.months, 12)
        month += 1
        if day.day > _SHORTEST_MONTH and day.day > calendar.monthrange(year, month)[1]:
            landed = first_of_month(year * 12 + month)
        else:
            landed = date(year, month, day.day)
        return landed + timedelta(days=self.days) if self.days else landed


def first_of_month(count: int) -> date:
    """Return the first day of the month `count` months after January of year 0."""
    return date(count // 12, count % 12 + 1, 1)


def parse_length(text: str) -> Period | Permanent:
    """Return the period that `text` writes, or `PERMANENT`.

    Raises:
        DefinitionError: `text` is neither.
    """
    return PERMANENT if text == PERMANENT else Period.parse(text)


class CutoffKind(StrEnum):
    """The span whose end starts the count; with `NONE` the trigger's own day does."""

    NONE = "none"
    MONTH = "month"
    QUARTER = "quarter"
    CALENDAR_YEAR = "calendar-year"
    FISCAL_YEAR = "fiscal-year"


_SPAN_MONTHS = {
    CutoffKind.MONTH: 1,
    CutoffKind.QUARTER: 3,
    CutoffKind.CALENDAR_YEAR: 12,
    CutoffKind.FISCAL_YEAR: 12,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoff:
    """When the count starts after the trigger. Written `none`, `quarter`, `fiscal-year:10`.

    `first_month` (1 to 12) is the month a fiscal year starts in, and 1 for every other kind.

    Raises:
        DefinitionError: `first_month` is out of range, or given for another kind.
    """

    kind: CutoffKind = CutoffKind.NONE
    first_month: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.first_month <= _DECEMBER:
            raise DefinitionError(
                f"expected a fiscal year to start in a month from 1 to 12, found {self.first_month}"
            )
        if self.kind is not CutoffKind.FISCAL_YEAR and self.first_month != 1:
            raise DefinitionError(
                f"expected a first month only with {CutoffKind.FISCAL_YEAR}, found it with "
                f"{self.kind}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the cutoff that `text` writes.

        Raises:
            DefinitionError: unknown kind, or a fiscal year without the month it starts in.
        """
        fiscal = _FISCAL_YEAR.fullmatch(text)
        if fiscal is not None:
            return cls(kind=CutoffKind.FISCAL_YEAR, first_month=int(fiscal[1]))
        for kind in CutoffKind:
            if kind == text and kind is not CutoffKind.FISCAL_YEAR:
                return cls(kind=kind)
        raise DefinitionError(
            "expected a cutoff: none, month, quarter, calendar-year or fiscal-year:<month it "
            f"starts in>, found {text!r}"
        )

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        if self.kind is CutoffKind.FISCAL_YEAR:
            return f"{self.kind}:{self.first_month}"
        return str(self.kind)

    def first_day_after(self, day: date) -> date:
        """Return the first day after the span that holds `day`; `day` itself with `NONE`."""
        if self.kind is CutoffKind.NONE:
            return day
        span = _SPAN_MONTHS[self.kind]
        month = day.year * 12 + day.month - 1
        return first_of_month(month - (month - self.first_month + 1) % span + span)


NO_CUTOFF = Cutoff()


@cache
def time_zone(name: str) -> ZoneInfo:
    """Return the IANA time zone `name`, such as `America/New_York`.

    Raises:
        DefinitionError: no such time zone is known.
    """
    # ZoneInfo opens a file by the name; a name that is no plain path never reaches it.
    if not _ZONE.fullmatch(name):
        raise DefinitionError(f"expected an IANA time zone such as Europe/Paris, found {name!r}")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DefinitionError(
            f"expected an IANA time zone such as Europe/Paris, found {name!r}"
        ) from error


def start_of_day(day: date, zone: tzinfo) -> datetime:
    """Return the first moment of `day` in `zone`, in UTC.

    Where clocks skip midnight, `fold=0` counts the missing 00:00 with the old offset, which is the
    moment of the change; where midnight comes twice it is the first one (PEP 495).
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def end_day(moment: datetime, *, cutoff: Cutoff, period: Period, zone: tzinfo) -> date:
    """Return the local day at whose start a period that `moment` triggers has ended."""
    return end_after(moment.astimezone(zone).date(), cutoff=cutoff, period=period)


def end_after(day: date, *, cutoff: Cutoff, period: Period) -> date:
    """Return the day at whose start a period has ended that is triggered on the local `day`."""
    if cutoff.kind is CutoffKind.NONE:
        return period.after(day) + _ONE_DAY
    return period.after(cutoff.first_day_after(day))


def end_of_period(moment: datetime, *, cutoff: Cutoff, period: Period, zone: tzinfo) -> datetime:
    """Return the exclusive end, in UTC, of a period that the aware `moment` triggers."""
    return start_of_day(end_day(moment, cutoff=cutoff, period=period, zone=zone), zone)
