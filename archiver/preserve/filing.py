"""Filing: each record gets its class, its retention date and its lane when it is captured.

`FilePlan` knows the class rules and schedules of every time, and is handed to whoever seals
records, worker processes included; `plan_versions` reads it and keeps it up. The rule set and
schedule version are pinned on the record.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from archiver.clock import rfc3339, to_millis
from archiver.errors import ConfigurationError
from archiver.model.lock import LockMode
from archiver.model.post import Post
from archiver.preserve.lanes import Lane, period_of
from archiver.preserve.segments.manifest import Retention
from retention.decisions import retain_until
from retention.facts import Facts
from retention.rules import RuleSet
from retention.schedules import Schedule
from retention.templates import AUDIT_CLASS

_QUARTER_MS = 15 * 60 * 1000
_QUARTERS_SINCE = datetime(1973, 1, 1, tzinfo=UTC)
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Filed:
    """What filing decided: what the manifest says of it, and where the record is packed."""

    retention: Retention
    lane: Lane


@dataclass(frozen=True, slots=True)
class PlanInForce:
    """The class rules in force at some time, and the schedule in force of every class they name."""

    rules: RuleSet
    schedules: Mapping[str, Schedule]
    _filed: dict[tuple[str, str, int, int], Filed] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if AUDIT_CLASS in self.rules.class_codes:
            raise ConfigurationError(
                f"the class rules name {AUDIT_CLASS}, which is for the archive's own events; "
                "choose another class for posts"
            )

    def __reduce__(self) -> tuple[type["PlanInForce"], tuple[RuleSet, Mapping[str, Schedule]]]:
        """Go to worker processes without what is remembered."""
        return PlanInForce, (self.rules, self.schedules)

    def file_post(self, post: Post, captured_at: datetime, unit: str) -> Filed:
        """Return where a post captured at `captured_at` belongs."""
        facts = facts_of(post, captured_at, unit=unit)
        assignment = self.rules.assign(facts)
        rule = f"{assignment.rules_version}/{assignment.rule_id or 'default'}"
        # Periods are counted in whole days of some zone, and every zone's days begin on a quarter
        # of an hour (since 1972): posts of the same quarters are kept equally long. What is dated
        # after its capture is judged to the second, and not remembered.
        posted_at = post.posted_at or captured_at
        if not _QUARTERS_SINCE < posted_at <= captured_at:
            return self._decide(assignment.class_code, rule, facts)
        quarters = (to_millis(posted_at) // _QUARTER_MS, to_millis(captured_at) // _QUARTER_MS)
        key = (assignment.class_code, rule, *quarters)
        known = self._filed.get(key)
        if known is None:
            if len(self._filed) >= _REMEMBERED:
                self._filed.clear()
            known = self._filed[key] = self._decide(assignment.class_code, rule, facts)
        return known

    def file_event(self, captured_at: datetime) -> Filed:
        """Return where an event of the archive's own belongs."""
        return self._decide(
            AUDIT_CLASS, "", Facts(platform="", account="", captured_at=captured_at)
        )

    def _decide(self, class_code: str, rule: str, facts: Facts) -> Filed:
        schedule = self._schedule(class_code)
        keep = retain_until(facts, schedule)
        return Filed(
            Retention(
                class_code=schedule.class_code,
                rule=rule,
                schedule_version=schedule.version,
                until=rfc3339(keep.until) if keep.until else "",
            ),
            Lane(
                schedule.class_code,
                # While an event is awaited, the latest end already known is what can be locked to.
                period_of(keep.until or keep.at_least, facts.captured_at),
                LockMode(schedule.lock.value),
            ),
        )

    def _schedule(self, class_code: str) -> Schedule:
        found = self.schedules.get(class_code)
        if found is None:
            raise ConfigurationError(
                f"class {class_code} has no schedule in force; nothing can be filed in it. "
                "Publish one, or restore the file plan with `muniment init`"
            )
        return found


Span = tuple[int, PlanInForce]
"""A plan, and the moment in milliseconds from which it is in force until the next one is."""


class FilePlan:
    """The file plan over time: what is captured at a moment is filed by the plan of that moment.

    So a version that was approved ahead comes into force in every process that knows of it at the
    very millisecond, worker processes included. `set_spans` tells it of versions approved since.
    `units` is the unit of each account (platform, handle) that has one: rules may ask for it.
    `floor` is a moment in milliseconds that is past: a clock set back does not undo the plan.
    """

    __slots__ = ("_floor", "_spans", "units")

    def __init__(
        self,
        rules: RuleSet,
        schedules: Mapping[str, Schedule],
        *,
        units: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        """Make the plan that has always been in force."""
        self._spans: tuple[Span, ...] = ((0, PlanInForce(rules, schedules)),)
        self._floor = 0
        self.units = dict(units or {})

    @classmethod
    def over_time(
        cls, spans: Sequence[Span], *, floor: int, units: Mapping[tuple[str, str], str]
    ) -> "FilePlan":
        """Return the plan of these spans, which ascend; the first one holds before it as well."""
        plan = cls(spans[0][1].rules, spans[0][1].schedules, units=units)
        plan.set_spans(spans)
        plan._floor = floor
        return plan

    @property
    def rules(self) -> RuleSet:
        """The class rules of the newest span, which may be yet to come."""
        return self._spans[-1][1].rules

    @property
    def schedules(self) -> Mapping[str, Schedule]:
        """The schedules of the newest span, which may be yet to come."""
        return self._spans[-1][1].schedules

    def at(self, moment: datetime) -> PlanInForce:
        """Return the plan in force at a moment."""
        spans = self._spans
        if len(spans) == 1:
            return spans[0][1]
        millis = max(to_millis(moment), self._floor)
        place = bisect_right(spans, millis, key=_start) - 1
        return spans[max(place, 0)][1]

    def file_post(self, post: Post, captured_at: datetime) -> Filed:
        """Return where a post captured at `captured_at` belongs."""
        unit = self.units.get((post.platform, post.account), "")
        return self.at(captured_at).file_post(post, captured_at, unit)

    def file_event(self, captured_at: datetime) -> Filed:
        """Return where an event of the archive's own belongs."""
        return self.at(captured_at).file_event(captured_at)

    def set_spans(self, spans: Sequence[Span]) -> None:
        """File by these spans, which ascend, from now on."""
        self._spans = tuple(spans)  # at once: other threads file meanwhile

    def set_unit(self, platform: str, handle: str, unit: str) -> None:
        """File what comes from an account as of this unit, from now on."""
        self.units[platform, handle] = unit

    def set_units(self, units: Mapping[tuple[str, str], str]) -> None:
        """File by these units alone, from now on."""
        self.units.update(units)  # before the others go: other threads file meanwhile
        for place in self.units.keys() - units.keys():
            del self.units[place]


def _start(span: Span) -> int:
    return span[0]


def facts_of(post: Post, captured_at: datetime, *, unit: str = "") -> Facts:
    """Return what the retention engine may know of a post; `unit` is that of its account."""
    return Facts(
        platform=post.platform,
        account=post.account,
        captured_at=captured_at,
        posted_at=post.posted_at,
        unit=unit,
        kind=post.kind,
        tags=post.tags,
    )
