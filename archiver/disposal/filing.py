"""Why a record is kept and until when; the classes of the file plan and their schedules.

`why` asks the retention engine with the schedule version pinned on the record, as the gate of
destruction will, and puts first which class the record is in and which rule put it there.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archiver.access.destroyed_records import DISPOSED, DestroyedRecord, RecordDestroyed
from archiver.access.record_access import RecordAccess, may_see_hold
from archiver.access.rules import Permission, reach
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import accounts as account_rows
from archiver.db import file_plan as file_plan_rows
from archiver.db import holds as hold_rows
from archiver.db import segments as segment_rows
from archiver.db.facts import facts_of
from archiver.db.holds import HoldRow
from archiver.db.records import RecordRow
from archiver.db.refiled_classes import RECLASSIFIED
from archiver.db.segments import SegmentRow
from archiver.db.transaction import Database, Transaction
from archiver.disposal.class_views import (
    ClassPage,
    ClassView,
    Example,
    RulesPage,
    awaited,
    class_view,
    example_of,
    rule_lines,
    schedule_of,
    schedule_views,
)
from archiver.errors import InvalidInput
from archiver.model.actor import Actor
from archiver.model.lock import LockMode
from retention.decisions import Decision, decide
from retention.facts import Facts, Hold
from retention.reasons import Reason
from retention.rules import RuleSet
from retention.schedules import Schedule

_EVENT = "aud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The state of one record, until when it is kept (None while no such moment is known), why."""

    id: str
    state: str
    until: datetime | None
    reasons: tuple[Reason, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON of DESIGN section 11."""
        return {
            "id": self.id,
            "state": self.state,
            "until": rfc3339(self.until) if self.until else None,
            "reasons": [
                {"text": reason.text, "citation": reason.citation} for reason in self.reasons
            ],
        }


class Filing:
    """The use cases on the file plan."""

    def __init__(self, *, database: Database, trail: Trail, clock: Clock) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock
        self._access = RecordAccess(database=database, trail=trail)

    async def why(self, record_id: str, *, actor: Actor) -> Explanation:
        """Return the state of a record now, and every reason for it, in words.

        Raises:
            Denied: the actor may not read the file plan.
            NotFound: no such record within the actor's reach, or its pinned schedule version is
                missing.
        """
        try:
            row = await self._access.find(record_id, Permission.READ_FILE_PLAN, actor=actor)
        except RecordDestroyed as gone:
            return await self._gone(gone.record, actor)
        async with self._database.reading() as tx:
            explanation = await self.explain(tx, row, actor)
        await self._trail.record(
            Action.RECORD_EXPLAINED,
            actor=actor,
            object_type="record",
            object_id=record_id,
            details={"state": explanation.state},
        )
        return explanation

    async def _gone(self, record: DestroyedRecord, actor: Actor) -> Explanation:
        row = record.remains
        await self._trail.record(
            Action.RECORD_EXPLAINED,
            actor=actor,
            object_type="record",
            object_id=row.id,
            details={"state": DISPOSED},
        )
        reason = Reason(
            text=record.sentence,
            citation=f"class {row.class_code}, schedule version {row.schedule_version}",
        )
        return Explanation(id=row.id, state=DISPOSED, until=None, reasons=(reason,))

    async def explain(self, tx: Transaction, row: RecordRow, actor: Actor) -> Explanation:
        """Return the explanation of a record that the actor was found to have access to.

        It makes no event: it is part of what its caller shows, and of its caller's event. A hold
        that the actor may not see is a reason without a name.
        """
        facts = (await facts_of(tx, [row.log_index]))[row.log_index]
        filed = await _filed_because(tx, row, facts)
        body = await file_plan_rows.get_schedule(tx, row.class_code, row.schedule_version)
        holds = await hold_rows.active_on(tx, row.log_index)
        segment = await segment_rows.get(tx, row.segment_id)
        decision = decide(
            facts,
            Schedule.from_dict(body),
            tuple(_hold(hold, visible=may_see_hold(actor, hold.matter)) for hold in holds),
            self._clock(),
            lock_until=_lock_until(segment),
        )
        return _explained(row.id, decision, filed)

    async def classes(self, *, actor: Actor) -> list[dict[str, Any]]:
        """Return every class by code, with the schedule in force now (None: none yet).

        Raises:
            Denied: the actor may not read the file plan.
        """
        reach(actor, Permission.READ_FILE_PLAN)  # the file plan is one for all units and matters
        async with self._database.reading() as tx:
            classes = await file_plan_rows.list_classes(tx)
            schedules = await file_plan_rows.schedules_in_force(tx, to_millis(self._clock()))
        return [{**body, "schedule": schedules.get(body["code"])} for body in classes]

    async def schedules(self, class_code: str, *, actor: Actor) -> list[dict[str, Any]]:
        """Return every version of a class's schedule, newest first, each with `in_force_from`.

        Raises:
            Denied: the actor may not read the file plan.
            NotFound: no such class.
        """
        reach(actor, Permission.READ_FILE_PLAN)
        async with self._database.reading() as tx:
            await file_plan_rows.get_class(tx, class_code)
            found = await file_plan_rows.list_schedules(tx, class_code)
        return [{**body, "in_force_from": _shown(body["in_force_from"])} for body in found]

    async def plan(self, *, actor: Actor) -> tuple[ClassView, ...]:
        """Return every class by code, in words, with how many records it covers.

        Raises:
            Denied: the actor may not read the file plan.
        """
        counted = reach(actor, Permission.READ_FILE_PLAN).everything
        at = to_millis(self._clock())
        async with self._database.reading() as tx:
            classes = await file_plan_rows.list_classes(tx)
            bodies = await file_plan_rows.schedules_in_force(tx, at)
            rules = RuleSet.from_dict(await file_plan_rows.rules_in_force(tx, at))
            records = await account_rows.records_of_classes(tx) if counted else None
        schedules = {code: Schedule.from_dict(body) for code, body in bodies.items()}
        return tuple(
            class_view(body, schedules.get(body["code"]), rules, records) for body in classes
        )

    async def show_class(
        self, code: str, *, posted: str = "", happened: str = "", actor: Actor
    ) -> ClassPage:
        """Return a class with its schedules and rules; with `posted`, an example worked out.

        `posted` and `happened` are ISO days as `archiver.disposal.class_views.example_of` takes.

        Raises:
            Denied: the actor may not read the file plan.
            NotFound: no such class.
            InvalidInput: a day is none, or no schedule is in force to work an example with.
        """
        counted = reach(actor, Permission.READ_FILE_PLAN).everything
        now = self._clock()
        at = to_millis(now)
        async with self._database.reading() as tx:
            body = await file_plan_rows.get_class(tx, code)
            versions = await file_plan_rows.list_schedules(tx, code)
            rules = RuleSet.from_dict(await file_plan_rows.rules_in_force(tx, at))
            records = await account_rows.records_of_classes(tx) if counted else None
        past = [each for each in versions if each["in_force_from"] <= at]
        schedule = schedule_of(past[0]) if past else None
        if posted.strip() and schedule is None:
            raise InvalidInput(f"class {code} has no schedule in force yet", pointer="posted")
        return ClassPage(
            view=class_view(body, schedule, rules, records),
            schedules=schedule_views(versions, at),
            rules_version=rules.version,
            rules=rule_lines(rules, code),
            awaits=() if schedule is None else awaited(schedule),
            example=(
                example_of(schedule, posted, happened, now) if schedule and posted.strip() else None
            ),
        )

    async def work_example(
        self, code: str, *, posted: str, happened: str = "", actor: Actor
    ) -> Example:
        """Return what would become of a record of a class that is posted on a day.

        Raises:
            Denied, NotFound, InvalidInput: as `show_class`; a day must be given.
        """
        page = await self.show_class(code, posted=posted, happened=happened, actor=actor)
        if page.example is None:
            raise InvalidInput("expected a day such as 2026-03-31, found none", pointer="posted")
        return page.example

    async def class_rules(self, *, actor: Actor) -> RulesPage:
        """Return the class rules in force, in order.

        Raises:
            Denied: the actor may not read the file plan.
        """
        reach(actor, Permission.READ_FILE_PLAN)
        async with self._database.reading() as tx:
            body = await file_plan_rows.rules_in_force(tx, to_millis(self._clock()))
        rules = RuleSet.from_dict(body)
        return RulesPage(version=rules.version, rules=rule_lines(rules))


async def _filed_because(tx: Transaction, row: RecordRow, facts: Facts) -> Reason:
    """Return which class the record is in and why, from the rules version pinned on it."""
    citation = f"class {row.class_code}, schedule version {row.schedule_version}"
    applies = f"Schedule version {row.schedule_version} of the class applies."
    if row.entry_type == _EVENT:
        text = f"An event of the archive's own: it is in class {row.class_code}. {applies}"
        return Reason(text=text, citation=citation)
    if row.rule == RECLASSIFIED:
        text = f"It was put into class {row.class_code} by hand. {applies}"
        return Reason(text=text, citation=citation)
    version, _, rule_id = row.rule.partition("/")
    rules = RuleSet.from_dict(await file_plan_rows.get_rules(tx, int(version)))
    assignment = rules.assign(facts)
    named = (assignment.class_code, assignment.rule_id or "default")
    reason = assignment.reason
    if named != (row.class_code, rule_id):  # decided by facts not kept here
        reason = (
            f"Rule {rule_id} of class rules version {version} named class {row.class_code} when "
            "the record was filed."
        )
    return Reason(text=f"{reason} {applies}", citation=citation)


def _hold(row: HoldRow, *, visible: bool) -> Hold:
    placed_at = from_millis(row.placed_at)
    if not visible:
        return Hold(id="that you may not see", matter="that you may not see", placed_at=placed_at)
    return Hold(id=row.id, matter=row.matter or "not named", placed_at=placed_at, name=row.name)


def _lock_until(segment: SegmentRow) -> datetime | None:
    if segment.lock_mode == LockMode.NONE or not segment.lock_until:
        return None
    return from_millis(segment.lock_until)


def _explained(record_id: str, decision: Decision, filed: Reason) -> Explanation:
    return Explanation(
        id=record_id,
        state=str(decision.state),
        until=decision.until,
        reasons=(filed, *decision.reasons),
    )


def _shown(millis: int) -> str:
    return rfc3339(from_millis(millis))
