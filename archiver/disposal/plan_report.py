"""The orphan and conflict report: what in the file plan leads nowhere, waits, or is unconfirmed.

Nothing here stops anything. Each finding says in one sentence what it means, and lists what it is
about; where that is records, `records` gives them page after page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archiver.access.rules import Permission, reach, require
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import file_plan as plan_rows
from archiver.db import plan_report as rows
from archiver.db.file_plan import ClassRow
from archiver.db.plan_report import Filed
from archiver.db.transaction import Database
from archiver.errors import InvalidInput
from archiver.model.actor import Actor
from retention.class_tree import tree_problems
from retention.rules import Rule, RuleSet
from retention.schedules import Mark, Schedule, TriggerKind
from retention.templates import AUDIT_CLASS

MOST_LISTED = 200
Item = Mapping[str, str | int]

_MEANS = {
    "classes-not-in-tree": "classes whose class above is missing, or which stand in a circle",
    "classes-without-schedule": "classes without a schedule in force: nothing can be filed in them",
    "rules-without-schedule": "class rules that name a class without a schedule in force",
    "rules-into-closed-classes": "class rules that name a class which is closed for new records",
    "rules-that-never-match": "class rules that no record can reach",
    "rules-for-nobody": "accounts and units that class rules name and nobody has",
    "records-in-closed-classes": "posts in classes that are closed for new records",
    "records-without-schedule": "posts whose schedule version is missing: nothing says how long",
    "terms-awaiting-events": "terms that await an event which nobody has stated of anything",
    "terms-to-be-confirmed": "terms whose citation counsel has to confirm",
}

_NEXT = {
    "classes-not-in-tree": "Give the class another class above it.",
    "classes-without-schedule": "Begin the first version of its schedule, or close the class.",
    "rules-without-schedule": "Begin the first version of the class's schedule.",
    "rules-into-closed-classes": "Reopen the class, or change the rules.",
    "rules-that-never-match": "Move the rule up, or remove it.",
    "rules-for-nobody": "Register the account, or change the rule.",
    "records-in-closed-classes": "Nothing, if that is meant: they are kept. Or reclassify them.",
    "records-without-schedule": "Restore the file plan from a copy; such posts never go.",
    "terms-awaiting-events": "State the event where it happened.",
    "terms-to-be-confirmed": "Ask counsel, then take the mark off in a new version.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of finding with all that it is about. `records` counts the posts, where it is."""

    kind: str
    items: tuple[Item, ...]

    @property
    def means(self) -> str:
        """What it means, in words."""
        return _MEANS[self.kind]

    @property
    def next_step(self) -> str:
        """What to do about it, in a sentence."""
        return _NEXT[self.kind]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "kind": self.kind,
            "means": self.means,
            "count": len(self.items),
            "items": [dict(item) for item in self.items],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport:
    """Every finding, those without items too: what was looked for and not found."""

    findings: tuple[Finding, ...]
    rules_version: int

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "rules_version": self.rules_version,
            "count": sum(len(finding.items) for finding in self.findings),
            "findings": [finding.to_dict() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the report is made of."""

    classes: Mapping[str, ClassRow]
    schedules: Mapping[str, Schedule]
    rules: RuleSet
    filed: Sequence[Filed]
    handles: frozenset[str]
    units: frozenset[str]
    events: frozenset[str]


class PlanReporting:
    """The use cases of the report."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def report(self, *, actor: Actor) -> PlanReport:
        """Return what is amiss in the file plan in force.

        Raises:
            Denied: the actor may not read the file plan of the whole archive: it counts all of it.
        """
        require(actor, Permission.READ_FILE_PLAN)
        now = to_millis(self._clock())
        async with self._database.reading() as tx:
            handles, units = await rows.accounts_and_units(tx)
            bodies = await plan_rows.schedules_in_force(tx, now)
            plan = _Plan(
                classes=await plan_rows.class_rows(tx),
                schedules={code: Schedule.from_dict(body) for code, body in bodies.items()},
                rules=RuleSet.from_dict(await plan_rows.rules_in_force(tx, now)),
                filed=await rows.filed(tx),
                handles=handles,
                units=units,
                events=await rows.events_stated(tx),
            )
        items: dict[str, list[Item]] = {kind: [] for kind in _MEANS}
        for kind, item in (*_of_classes(plan), *_of_rules(plan), *_of_records(plan)):
            items[kind].append(item)
        return PlanReport(
            findings=tuple(Finding(kind=kind, items=tuple(found)) for kind, found in items.items()),
            rules_version=plan.rules.version,
        )

    async def records(
        self,
        class_code: str,
        *,
        schedule_version: int = 0,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> tuple[Item, ...]:
        """Return posts of a class that one version of its schedule keeps (0: any), in log order.

        Raises:
            Denied: the actor may not read the file plan, or not search the whole archive.
            InvalidInput: a limit not from 1 to 200.
        """
        reach(actor, Permission.READ_FILE_PLAN)
        require(actor, Permission.SEARCH)
        if not 1 <= limit <= MOST_LISTED:
            raise InvalidInput(
                f"expected a limit from 1 to {MOST_LISTED}, found {limit}", pointer="limit"
            )
        async with self._database.reading() as tx:
            found = await rows.records_of(
                tx, class_code, schedule_version, after=after, limit=limit
            )
        return tuple(
            {
                "id": each.id,
                "log_index": each.log_index,
                "platform": each.platform,
                "account": each.account,
                "captured_at": rfc3339(from_millis(each.captured_at)),
                "class_code": each.class_code,
                "schedule_version": each.schedule_version,
            }
            for each in found
        )


def _of_classes(plan: _Plan) -> Iterator[tuple[str, Item]]:
    parents = {code: row.file_class.parent for code, row in plan.classes.items()}
    for problem in tree_problems(parents):
        yield "classes-not-in-tree", {"problem": problem}
    for code, row in plan.classes.items():
        if code not in plan.schedules and row.closed_at is None:
            title = row.file_class.title
            yield "classes-without-schedule", {"class_code": code, "title": title}
    for code, schedule in sorted(plan.schedules.items()):
        for term in schedule.terms:
            about: Item = {"class_code": code, "version": schedule.version, "term": term.id}
            if term.mark is Mark.TO_BE_CONFIRMED:
                yield "terms-to-be-confirmed", {**about, "citation": term.cited}
            event = term.trigger.event
            if term.trigger.kind is TriggerKind.EVENT and event not in plan.events:
                yield (
                    "terms-awaiting-events",
                    {**about, "event": event, "records": _records(plan, code)},
                )


def _of_rules(plan: _Plan) -> Iterator[tuple[str, Item]]:
    rules = plan.rules
    named = [*((rule.id, rule.class_code) for rule in rules.rules), ("", rules.default_class)]
    for rule_id, code in named:
        about: Item = {"rule": rule_id or "default class", "class_code": code}
        if code not in plan.schedules:
            yield "rules-without-schedule", about
        row = plan.classes.get(code)
        if row is not None and row.closed_at is not None:
            yield "rules-into-closed-classes", about
    for place, rule in enumerate(rules.rules):
        why = _never(rule, rules.rules[:place])
        if why:
            found: Item = {"rule": rule.id, "class_code": rule.class_code, "why": why}
            yield "rules-that-never-match", found
        for item in _nobodys(rule, plan):
            yield "rules-for-nobody", item


def _nobodys(rule: Rule, plan: _Plan) -> Iterator[Item]:
    for value in rule.accounts:
        if value not in plan.handles:
            yield {"rule": rule.id, "what": "account", "value": value}
    for value in rule.units:
        if value not in plan.units:
            yield {"rule": rule.id, "what": "unit", "value": value}


def _of_records(plan: _Plan) -> Iterator[tuple[str, Item]]:
    for each in plan.filed:
        about: Item = {
            "class_code": each.class_code,
            "version": each.schedule_version,
            "records": each.records,
        }
        row = plan.classes.get(each.class_code)
        if row is not None and row.closed_at is not None:
            yield "records-in-closed-classes", about
        if not each.is_there:
            yield "records-without-schedule", about


def _never(rule: Rule, before: Sequence[Rule]) -> str:
    """Return why no record can reach a rule; empty where one can."""
    for earlier in before:
        if earlier.hides(rule):
            return f"rule {earlier.id} before it takes every record that it would take"
    if rule.directions:
        return "it asks for a direction, and captured posts state none"
    return ""


def _records(plan: _Plan, class_code: str) -> int:
    if class_code == AUDIT_CLASS:
        return 0  # posts are counted, and the archive's own events are none
    return sum(each.records for each in plan.filed if each.class_code == class_code)
