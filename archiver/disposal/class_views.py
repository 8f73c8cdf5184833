"""What is shown of classes: one in the list, one with its schedules, and an example worked out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from archiver.clock import from_millis, rfc3339
from archiver.disposal.schedule_words import (
    ACTIONS,
    LOCKS,
    TermView,
    changes,
    kept_words,
    template_of,
    term_view,
)
from archiver.errors import InvalidInput
from retention.decisions import Decision, decide, retain_until
from retention.facts import EARLIEST, LATEST, Facts
from retention.periods import time_zone
from retention.rules import RuleSet
from retention.schedules import FileClass, Schedule, TriggerKind

_NOON = time(12)
_FIRST_DAY = EARLIEST.date() + timedelta(days=1)  # whose noon is after `EARLIEST` in every zone


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassView:
    """A class with the schedule in force. `version` is 0, and the words are empty, without one.

    `records` is None for whoever is limited to a part of the archive: it counts all of it.
    """

    code: str
    title: str
    authority: str
    jurisdiction: str
    note: str
    version: int
    kept: str
    action: str
    lock: str
    to_be_confirmed: bool
    template: str
    as_template: bool
    is_default: bool
    rules: int
    records: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """One version of a schedule in words. `state` is `in force`, `superseded` or `not yet`.

    `changes` are those against the version before, none for the first.
    """

    version: int
    state: str
    in_force_from: str
    terms: tuple[TermView, ...]
    action: str
    lock: str
    zone: str
    changes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """One class rule, in its place from 1 on. The default comes last, with an empty id."""

    place: int
    id: str
    class_code: str
    conditions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TermEnd:
    """When one term of an example ends; `end` is None while its event has not happened."""

    term: TermView
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What the rules say of a record posted and captured at noon of a day, were it there.

    `ends` are in the order of the schedule. `decision` is that of the present moment.
    """

    posted: date
    happened: date | None
    counted_from: datetime
    as_of: datetime
    ends: tuple[TermEnd, ...]
    decision: Decision

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        until = self.decision.until
        return {
            "posted": self.posted.isoformat(),
            "event": self.happened.isoformat() if self.happened else None,
            "state": str(self.decision.state),
            "until": rfc3339(until) if until else None,
            "reasons": [
                {"text": reason.text, "citation": reason.citation}
                for reason in self.decision.reasons
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPage:
    """One class with every version of its schedule, newest first, and the rules that name it.

    `awaits` are the events whose day an example can be given; `example` is None until one is asked.
    """

    view: ClassView
    schedules: tuple[ScheduleView, ...]
    rules_version: int
    rules: tuple[RuleLine, ...]
    awaits: tuple[str, ...]
    example: Example | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesPage:
    """The class rules in force, in the order in which they are asked."""

    version: int
    rules: tuple[RuleLine, ...]


def class_view(
    body: Mapping[str, Any],
    schedule: Schedule | None,
    rules: RuleSet,
    records: Mapping[str, int] | None,
) -> ClassView:
    """Return what a list shows of a class."""
    found = FileClass.from_dict(body)
    terms = () if schedule is None else tuple(term_view(term, schedule) for term in schedule.terms)
    template, same = ("", False) if schedule is None else template_of(schedule)
    return ClassView(
        code=found.code,
        title=found.title,
        authority=found.authority,
        jurisdiction=found.jurisdiction,
        note=found.note,
        version=schedule.version if schedule else 0,
        kept=kept_words(schedule) if schedule else "",
        action=ACTIONS[schedule.action] if schedule else "",
        lock=schedule.lock.value if schedule else "",
        to_be_confirmed=any(term.to_be_confirmed for term in terms),
        template=template,
        as_template=same,
        is_default=found.code == rules.default_class,
        rules=sum(rule.class_code == found.code for rule in rules.rules),
        records=None if records is None else records.get(found.code, 0),
    )


def schedule_views(bodies: Sequence[Mapping[str, Any]], now: int) -> tuple[ScheduleView, ...]:
    """Return the versions of a schedule, newest first as they are given, each with its changes."""
    versions = [(schedule_of(body), int(body["in_force_from"])) for body in bodies]
    views, found_in_force = [], False
    for place, (schedule, since) in enumerate(versions):
        state = "not yet" if since > now else "superseded" if found_in_force else "in force"
        found_in_force = found_in_force or state == "in force"
        before = versions[place + 1][0] if place + 1 < len(versions) else None
        views.append(
            ScheduleView(
                version=schedule.version,
                state=state,
                in_force_from=rfc3339(from_millis(since)),
                terms=tuple(term_view(term, schedule) for term in schedule.terms),
                action=ACTIONS[schedule.action],
                lock=LOCKS[schedule.lock],
                zone=schedule.zone,
                changes=() if before is None else changes(before, schedule),
            )
        )
    return tuple(views)


def schedule_of(body: Mapping[str, Any]) -> Schedule:
    """Return the schedule of a row's body, which has `in_force_from` beside it."""
    return Schedule.from_dict({name: body[name] for name in body if name != "in_force_from"})


def rule_lines(rules: RuleSet, class_code: str = "") -> tuple[RuleLine, ...]:
    """Return the class rules in order, the default last; only those of a class, where one is named.

    Places are those among all rules.
    """
    lines = [
        RuleLine(place=place, id=rule.id, class_code=rule.class_code, conditions=rule.described())
        for place, rule in enumerate(rules.rules, 1)
    ]
    default = RuleLine(
        place=len(lines) + 1,
        id="",
        class_code=rules.default_class,
        conditions="every record that no rule before names",
    )
    return tuple(
        line for line in (*lines, default) if not class_code or line.class_code == class_code
    )


def awaited(schedule: Schedule) -> tuple[str, ...]:
    """Return what terms of a schedule wait for that no post brings with it, in words."""
    names = [
        term.trigger.event.replace("_", " ") or "a newer version took its place"
        for term in schedule.terms
        if term.trigger.kind in (TriggerKind.EVENT, TriggerKind.SUPERSEDED)
    ]
    return tuple(dict.fromkeys(names))


def example_of(schedule: Schedule, posted: str, happened: str, as_of: datetime) -> Example:
    """Return what the rules would say of a record posted on a day; `happened` is its events' day.

    Both are ISO days in the schedule's time zone; `happened` may be empty.

    Raises:
        InvalidInput: no day, or not one between 1970 and 2199; `pointer` is `posted` or `happened`.
    """
    day = _day(posted, "posted")
    later = _day(happened, "happened") if happened.strip() else None
    if later is not None and later < day:
        raise InvalidInput(
            f"expected a day from {day} on, when it was posted, found {later}", pointer="happened"
        )
    moment = _noon(day, schedule.zone)
    after = None if later is None else _noon(later, schedule.zone)
    names = {term.trigger.event for term in schedule.terms if term.trigger.event}
    facts = Facts(
        platform="",
        account="",
        captured_at=moment,
        posted_at=moment,
        superseded_at=after,
        events=() if after is None else tuple((name, after) for name in sorted(names)),
    )
    return Example(
        posted=day,
        happened=later,
        counted_from=moment,
        as_of=as_of,
        ends=tuple(
            TermEnd(
                term=term_view(term, schedule),
                end=retain_until(facts, replace(schedule, terms=(term,))).at_least,
            )
            for term in schedule.terms
        ),
        decision=decide(facts, schedule, (), as_of),
    )


def _noon(day: date, zone: str) -> datetime:
    return datetime.combine(day, _NOON, time_zone(zone)).astimezone(UTC)


def _day(text: str, field: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(
            f"expected a day such as 2026-03-31, found {text.strip()[:40]!r}", pointer=field
        ) from error
    if not _FIRST_DAY <= day < LATEST.date():
        raise InvalidInput(
            f"expected a day from {_FIRST_DAY} to 2199-12-31, found {day}", pointer=field
        )
    return day
