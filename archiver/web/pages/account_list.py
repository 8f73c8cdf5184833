"""What the accounts pages make of an address and of numbers: filters, links, bars by month."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from aiohttp import web

from archiver.web.reading import text_of

NO_UNIT = "-"
"""The value of the filter by unit that stands for the accounts of no unit."""

MOST_BARS = 48
"""More months than these are drawn as years."""

# What ends a quoted text, and what a field of the query language refuses.
_QUOTES = frozenset('"“”„‟*?')
_MOST_FILLED = 12 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter:
    """What the list is narrowed to and ordered by, as the address says it."""

    text: str = ""
    platform: str = ""
    unit: str = ""
    state: str = ""
    sort: str = "account"

    @classmethod
    def of(cls, request: web.Request) -> Self:
        """Return the filter in the request's address. Raises InvalidInput."""
        return cls(
            text=text_of(request, "q", default=""),
            platform=text_of(request, "platform", default=""),
            unit=text_of(request, "unit", default=""),
            state=text_of(request, "state", default=""),
            sort=text_of(request, "sort", default="account"),
        )

    @property
    def asked_unit(self) -> str | None:
        """The unit as the use case takes it: None is any, empty is none."""
        return None if not self.unit else "" if self.unit == NO_UNIT else self.unit

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return bool(self.text or self.platform or self.unit or self.state)

    @property
    def chips(self) -> tuple[tuple[str, str], ...]:
        """The filters in force, each with the address without it."""
        unit = "No unit" if self.unit == NO_UNIT else f"Unit {self.unit}"
        named = (
            (self.text, f"“{self.text}”", replace(self, text="")),
            (self.platform, f"Platform {self.platform}", replace(self, platform="")),
            (self.unit, unit, replace(self, unit="")),
            (self.state, self.state.capitalize(), replace(self, state="")),
        )
        return tuple((label, rest.href()) for value, label, rest in named if value)

    def href(self, cursor: str = "") -> str:
        """Return the address of this list, at a page of it."""
        named = {
            "q": self.text,
            "platform": self.platform,
            "unit": self.unit,
            "state": self.state,
            "sort": "" if self.sort == "account" else self.sort,
            "cursor": cursor,
        }
        query = urlencode({name: value for name, value in named.items() if value})
        return f"/accounts?{query}" if query else "/accounts"

    def sorted_by(self, key: str, *, greatest_first: bool = False) -> str:
        """Return the address of this list ordered by a column; the other way, where it is."""
        first, other = (f"-{key}", key) if greatest_first else (key, f"-{key}")
        return replace(self, sort=other if self.sort == first else first).href()


def records_href(platform: str, handle: str, first: str = "", last: str = "") -> str:
    """Return where the records of an account are searched, posted from one day to another.

    Nothing where the query language cannot write the handle.
    """
    if _QUOTES & set(handle):
        return ""
    query = f'account:"{handle}" AND platform:{platform}'
    if first:
        query += f" AND posted:{first}..{last}"
    return "/search?" + urlencode({"q": query})


def bars(months: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return months (`YYYY-MM`) with their records as bars, empty ones filled in; or as years."""
    if not months:
        return []
    counts = dict(months)
    numbers = [_number(month) for month in counts]
    span = range(min(numbers), max(numbers) + 1)
    if len(span) <= MOST_BARS:
        return [(_month(number), counts.get(_month(number), 0)) for number in span]
    years: dict[str, int] = {}
    if len(span) <= _MOST_FILLED:  # a post dated in the year 1 must not draw two thousand bars
        years = {f"{number // 12:04}": 0 for number in span}
    for month, records in months:
        years[month[:4]] = years.get(month[:4], 0) + records
    return list(years.items())


def bar_days(label: str) -> tuple[str, str]:
    """Return the first and last day of a bar's month or year, as the query language takes them."""
    year, _, month = label.partition("-")
    if not month:
        return f"{year}-01-01", f"{year}-12-31"
    return f"{label}-01", f"{label}-{monthrange(int(year), int(month))[1]}"


def _number(month: str) -> int:
    year, _, place = month.partition("-")
    return int(year) * 12 + int(place) - 1


def _month(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"
