"""A simulation as it is shown: every number with its words, by year, account and class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archiver.disposal.simulation_result import (
    AWAITING_YEAR,
    PERMANENT_YEAR,
    Category,
    SimulationResult,
)

MOST_ACCOUNTS = 100
"""Accounts that are shown, those with the most records."""

CATEGORIES: Mapping[Category, tuple[str, str]] = {
    Category.LONGER: ("Kept longer", "their end is later than under the schedules in force"),
    Category.SHORTER: ("Kept shorter", "their end is earlier than under the schedules in force"),
    Category.NEWLY_DUE: ("Newly due", "they could be proposed for disposal at once"),
    Category.NO_LONGER_DUE: ("No longer due", "they could be proposed now, and could not then"),
    Category.HELD: ("Excluded by hold", "they would be due, but for a hold"),
    Category.LOCKED: ("Pinned by lock", "their object lock lasts longer than their new end"),
    Category.AWAITING: ("Awaiting an event", "no end is known before the event is stated"),
    Category.MOVED: ("Moved to another class", "the rules put them elsewhere than they are"),
}
"""What each category is called, and what it means."""

YEARS = {AWAITING_YEAR: "Awaiting an event", PERMANENT_YEAR: "Permanent"}
"""What stands where a year would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a simulation."""

    category: Category
    records: int
    bytes: int

    @property
    def name(self) -> str:
        """What it is called."""
        return CATEGORIES[self.category][0]

    @property
    def means(self) -> str:
        """What it means."""
        return CATEGORIES[self.category][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The numbers of one year, account or class. `narrows` is what of a `Selection` says which."""

    label: str
    narrows: Mapping[str, str]
    before: int
    after: int
    figures: tuple[Figure, ...]

    def records(self, category: Category) -> int:
        """Return how many records of a category there are."""
        return next(each.records for each in self.figures if each.category is category)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationView:
    """A simulation for a page. `rows` are by `year`, by `account` and by `class`.

    `accounts` counts those that have rows, and the rest. `is_listed`: each number opens its list.
    """

    digest: str
    as_of: str
    log_size: int
    records: int
    bytes: int
    figures: tuple[Figure, ...]
    rows: Mapping[str, tuple[Row, ...]]
    accounts: int
    is_listed: bool

    def figure(self, category: Category) -> Figure:
        """Return the whole number of a category."""
        return next(each for each in self.figures if each.category is category)


def view_of_result(result: SimulationResult) -> SimulationView:
    """Return a kept simulation as it is shown, with its accounts."""
    accounts = [
        _row(f"{account} on {platform}", {"platform": platform, "account": account}, line.to_dict())
        for (platform, account), line in result.by_account().items()
    ]
    accounts.sort(key=lambda row: -max(row.before, row.after))
    return _view(result.summary(), accounts, is_listed=bool(result.groups))


def view_of_summary(summary: Mapping[str, Any]) -> SimulationView:
    """Return the summary that a submitted draft keeps as it is shown: it has no accounts."""
    return _view(summary, (), is_listed=False)


def _view(
    summary: Mapping[str, Any], accounts: Sequence[Row], *, is_listed: bool
) -> SimulationView:
    years = [
        _row(YEARS.get(line["year"], line["year"]), {"year": line["year"]}, line)
        for line in summary["years"]
    ]
    classes = [
        _row(line["class_code"], {"class": line["class_code"]}, line) for line in summary["classes"]
    ]
    total = summary["total"]
    return SimulationView(
        digest=summary["digest"],
        as_of=summary["as_of"],
        log_size=summary["log_size"],
        records=total["ends_after"]["records"],
        bytes=total["ends_after"]["bytes"],
        figures=_figures(total),
        rows={
            "year": tuple(years),
            "account": tuple(accounts[:MOST_ACCOUNTS]),
            "class": tuple(classes),
        },
        accounts=len(accounts),
        is_listed=is_listed,
    )


def _row(label: str, narrows: Mapping[str, str], line: Mapping[str, Any]) -> Row:
    return Row(
        label=label,
        narrows=narrows,
        before=line["ends_before"]["records"],
        after=line["ends_after"]["records"],
        figures=_figures(line),
    )


def _figures(line: Mapping[str, Any]) -> tuple[Figure, ...]:
    return tuple(Figure(category=each, **line[each.value]) for each in Category)


def effects_of(view: SimulationView) -> tuple[str, ...]:
    """Return in sentences what bringing the change into force would mean for the archive."""
    number = {each.category: each.records for each in view.figures}
    said = [f"{_records(view.records)} would be kept by it."]
    if number[Category.MOVED]:
        said.append(
            f"{_records(number[Category.MOVED])} would be filed otherwise, had these rules filed "
            "them. What is in the archive keeps its class; new posts follow the rules."
        )
    if number[Category.LONGER] or number[Category.SHORTER]:
        said.append(
            f"{number[Category.LONGER]:,} would be kept longer than now, "
            f"{number[Category.SHORTER]:,} shorter."
        )
    else:
        said.append("No end would move.")
    if number[Category.NEWLY_DUE]:
        said.append(
            f"{_records(number[Category.NEWLY_DUE])} would be due at once. Nothing is disposed of "
            "by that: it takes a batch, a review and two people."
        )
    if number[Category.NO_LONGER_DUE]:
        said.append(f"{_records(number[Category.NO_LONGER_DUE])} would no longer be due.")
    if number[Category.HELD]:
        said.append(f"{_records(number[Category.HELD])} stay, held, though they would be due.")
    if number[Category.LOCKED]:
        said.append(
            f"{_records(number[Category.LOCKED])} stay until their object lock ends: a lock is "
            "extended where the schedule is longer, and never shortened."
        )
    return tuple(said)


def _records(number: int) -> str:
    return f"{number:,} record{'' if number == 1 else 's'}"
