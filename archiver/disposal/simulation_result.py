"""What a simulation finds: how each record stands before and after, counted and summed up."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from archiver.clock import from_millis, rfc3339

K = TypeVar("K")

AWAITING = 1 << 62
PERMANENT = AWAITING + 1
"""Stand for the end of a record that has none: both later than any end, and permanent the later."""

AWAITING_YEAR = "awaiting"
PERMANENT_YEAR = "permanent"


class Category(StrEnum):
    """What a change means for a record. One record may be in several.

    `LONGER` and `SHORTER` compare the ends, where permanent is longer than an awaited event and
    that longer than any date. `NEWLY_DUE` and `NO_LONGER_DUE` are about what may be proposed for
    disposal now. `HELD` ones would be due, but for a hold; `LOCKED` ones were due or would end
    sooner, but their object lock lasts longer and is never shortened. `AWAITING` ones have no end
    before an event is stated. `MOVED` ones change their class, by new class rules.
    """

    LONGER = "kept-longer"
    SHORTER = "kept-shorter"
    NEWLY_DUE = "newly-due"
    NO_LONGER_DUE = "no-longer-due"
    HELD = "excluded-by-hold"
    LOCKED = "pinned-by-lock"
    AWAITING = "awaiting-event"
    MOVED = "moved"


_BITS = {category: 1 << place for place, category in enumerate(Category)}


@dataclass(slots=True)
class Count:
    """So many records, of so many stored bytes."""

    records: int = 0
    bytes: int = 0

    def add(self, records: int, size: int) -> None:
        """Count more."""
        self.records += records
        self.bytes += size

    def to_dict(self) -> dict[str, int]:
        """Return it for JSON."""
        return {"records": self.records, "bytes": self.bytes}


_LONGER, _SHORTER, _NEWLY_DUE, _NO_LONGER_DUE, _HELD, _LOCKED, _AWAITING, _MOVED = _BITS.values()


def flags_of(before: int, after: int, *, lock_until: int, held: bool, now: int) -> int:
    """Return the categories of a record as bits; see `categories_of`.

    `before` and `after` are its ends, `lock_until` that of its object lock (0: none), `now` the
    moment that is simulated; all in milliseconds since 1970 UTC.
    """
    flags = 0
    if after > before:
        flags = _LONGER
    elif after < before:
        flags = _SHORTER
    was_due, is_due = before <= now, after <= now
    if held:
        flags |= _HELD if is_due else 0
    else:
        if was_due != is_due and lock_until <= now:
            flags |= _NEWLY_DUE if is_due else _NO_LONGER_DUE
        if (is_due or after < before) and after < AWAITING and lock_until > max(after, now):
            flags |= _LOCKED
    if after == AWAITING:
        flags |= _AWAITING
    return flags


MOVED = _MOVED
"""The bit of a record that changes its class."""


def categories_of(flags: int) -> frozenset[Category]:
    """Return the categories that `flags_of` tells."""
    return frozenset(category for category, bit in _BITS.items() if flags & bit)


@dataclass(frozen=True, slots=True)
class Place:
    """One cell of the table: the year of the end after the change, account and class.

    `year` is that of the last kept moment in UTC, or `awaiting`, or `permanent`.
    """

    year: str
    platform: str
    account: str
    class_code: str


@dataclass(slots=True)
class Line:
    """What was counted in one place: ends that lie there before and after, and the categories."""

    before: Count = field(default_factory=Count)
    after: Count = field(default_factory=Count)
    found: dict[Category, Count] = field(default_factory=dict)

    def add(self, other: "Line") -> None:
        """Count what another line counted."""
        self.before.add(other.before.records, other.before.bytes)
        self.after.add(other.after.records, other.after.bytes)
        for category, count in other.found.items():
            self.found.setdefault(category, Count()).add(count.records, count.bytes)

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON: every category by name, zero where none was found."""
        return {
            "ends_before": self.before.to_dict(),
            "ends_after": self.after.to_dict(),
            **{each.value: self.found.get(each, Count()).to_dict() for each in Category},
        }


Group = tuple[str, str, str, str, str, str, int]
"""Platform, account, class and year before, class and year after, bits of the categories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One number of a simulation: a category, within a year, an account, a class where given."""

    category: Category
    year: str = ""
    platform: str = ""
    account: str = ""
    class_code: str = ""

    def covers(self, group: Group) -> bool:
        """Return whether the number counts the records of a group."""
        platform, account, _, _, class_after, year_after, flags = group
        return (
            self.category in categories_of(flags)
            and self.year in ("", year_after)
            and self.platform in ("", platform)
            and self.account in ("", account)
            and self.class_code in ("", class_after)
        )


@dataclass(frozen=True, slots=True)
class Alike:
    """Records of one group: their log indexes, ascending, and their stored bytes in all."""

    indexes: Sequence[int]
    bytes: int


class Tally:
    """Counts records while they are walked through; equal ones share one number.

    Which they are is kept too, in eight bytes each: the list behind a number is opened from that.
    """

    def __init__(self) -> None:
        self._indexes: defaultdict[Group, array[int]] = defaultdict(lambda: array("Q"))
        self._bytes: defaultdict[Group, int] = defaultdict(int)

    def add(self, group: Group, log_index: int, size: int) -> None:
        """Count one record of `size` bytes; they come in log order."""
        self._indexes[group].append(log_index)
        self._bytes[group] += size

    def groups(self) -> dict[Group, Alike]:
        """Return what was counted, by group."""
        return {group: Alike(found, self._bytes[group]) for group, found in self._indexes.items()}


def lines_of(groups: Mapping[Group, Alike]) -> dict[Place, Line]:
    """Return groups summed up by place."""
    found: defaultdict[Place, Line] = defaultdict(Line)
    for group, alike in groups.items():
        platform, account, class_before, year_before, class_after, year_after, flags = group
        records = len(alike.indexes)
        was = found[Place(year_before, platform, account, class_before)]
        was.before.add(records, alike.bytes)
        line = found[Place(year_after, platform, account, class_after)]
        line.after.add(records, alike.bytes)
        for category in categories_of(flags):
            line.found.setdefault(category, Count()).add(records, alike.bytes)
    return dict(found)


def year_of(end: int) -> str:
    """Return the year of an end's last kept moment in UTC, `awaiting` or `permanent`."""
    if end >= AWAITING:
        return AWAITING_YEAR if end == AWAITING else PERMANENT_YEAR
    return str(from_millis(end - 1).year)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationResult:
    """What a change would mean for every record it concerns.

    `subject` is `schedule` or `rules`, `digest` the SHA-256 (hex) of what was simulated
    (`archiver.disposal.draft_views.digest_of`). `log_size`: it is about the log below it.
    `groups` are what `lines` sum up.
    """

    subject: str
    class_code: str
    version: int
    digest: str
    as_of: datetime
    log_size: int
    lines: Mapping[Place, Line]
    groups: Mapping[Group, Alike] = field(default_factory=dict)

    @property
    def total(self) -> Line:
        """Everything that was counted."""
        return _summed(self.lines.values())

    def by_year(self) -> dict[str, Line]:
        """Return the lines by year, ascending; `awaiting` and `permanent` last."""
        return _by((place.year, line) for place, line in self.lines.items())

    def by_class(self) -> dict[str, Line]:
        """Return the lines by class."""
        return _by((place.class_code, line) for place, line in self.lines.items())

    def by_account(self) -> dict[tuple[str, str], Line]:
        """Return the lines by platform and account."""
        return _by(((place.platform, place.account), line) for place, line in self.lines.items())

    def summary(self) -> dict[str, Any]:
        """Return what a draft keeps of it: totals, years and classes, for JSON."""
        return {
            "subject": self.subject,
            "class_code": self.class_code,
            "version": self.version,
            "digest": self.digest,
            "as_of": rfc3339(self.as_of),
            "log_size": self.log_size,
            "total": self.total.to_dict(),
            "years": [{"year": key, **line.to_dict()} for key, line in self.by_year().items()],
            "classes": [
                {"class_code": key, **line.to_dict()} for key, line in self.by_class().items()
            ],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all of it for JSON, each account with its years and classes too."""
        ordered = sorted(
            self.lines.items(),
            key=lambda item: (item[0].platform, item[0].account, item[0].class_code, item[0].year),
        )
        return {
            **self.summary(),
            "lines": [
                {
                    "year": place.year,
                    "platform": place.platform,
                    "account": place.account,
                    "class_code": place.class_code,
                    **line.to_dict(),
                }
                for place, line in ordered
            ],
        }


def _by(pairs: Iterable[tuple[K, Line]]) -> dict[K, Line]:
    found: dict[K, Line] = {}
    for key, line in pairs:
        found.setdefault(key, Line()).add(line)
    return dict(sorted(found.items(), key=lambda item: str(item[0])))


def _summed(lines: Iterable[Line]) -> Line:
    total = Line()
    for line in lines:
        total.add(line)
    return total
