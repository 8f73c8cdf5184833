"""The life of a version: submitted with its simulation, approved by a second person, in force.

A draft is submitted with what it would do to the whole archive, and cannot be changed from then on.
Somebody who wrote none of it approves it: that event is the act. What it brings in counts from the
moment asked for, at the earliest `KNOWN_WITHIN` after the approval, so that every process knows it
by then. The version before is superseded by that alone; it stays, since records are pinned to it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from archiver.access.approvals import APPROVED_WITH, Act
from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import file_plan as plan_rows
from archiver.db import plan_drafts as rows
from archiver.db.plan_drafts import RULES, DraftRow
from archiver.db.transaction import Database, Transaction
from archiver.disposal.draft_views import Definition, DraftView, definition_of, digest_of
from archiver.disposal.drafts import Drafts, newest_version, reason_of
from archiver.errors import Conflict, Denied, InvalidInput
from archiver.model.actor import Actor
from archiver.model.requester import requester_of
from archiver.preserve.event_record import (
    PlanAddition,
    PlannedRules,
    PlannedSchedule,
    legible,
    plan_part,
)
from archiver.preserve.plan_effects import DRAFT
from archiver.preserve.plan_versions import KNOWN_WITHIN, Refresh
from retention.rules import RuleSet
from retention.schedules import Action as Disposition
from retention.schedules import Schedule, TriggerKind
from retention.templates import AUDIT_CLASS

AUDITED_DISPOSED = "audited_records_disposed"
"""The event that ends the keeping of the archive's own events: its records are gone."""


class Simulate(Protocol):
    """Says what a version would do to the whole archive, as a JSON document."""

    async def __call__(self, definition: Definition, *, as_of: datetime) -> Mapping[str, Any]:
        """Return the counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What approving a draft would do at this moment: a fresh simulation, and from when."""

    view: DraftView
    in_force_from: datetime
    simulation: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            **self.view.to_dict(),
            "in_force_from": rfc3339(self.in_force_from),
            "simulation": dict(self.simulation),
        }


class ScheduleLife:
    """The use cases that bring a draft into force, or do not."""

    def __init__(
        self,
        *,
        drafts: Drafts,
        database: Database,
        trail: Trail,
        clock: Clock,
        simulate: Simulate,
        refresh: Refresh,
        two_person: bool,
    ) -> None:
        self._drafts = drafts
        self._database = database
        self._trail = trail
        self._clock = clock
        self._simulate = simulate
        self._refresh = refresh
        self._two_person = two_person

    @property
    def two_person(self) -> bool:
        """Whether somebody else than the authors decides on a draft."""
        return self._two_person

    async def submit(
        self,
        draft_id: str,
        *,
        in_force_from: datetime | None = None,
        seen: str = "",
        revision: int | None = None,
        actor: Actor,
    ) -> DraftView:
        """Send a draft for approval, with a simulation of it that is made now.

        Args:
            draft_id: which.
            in_force_from: from when it is to count; at its approval, unless told.
            seen: the digest of the body that the actor has seen simulated, where they have.
            revision: the revision that they have seen, where they have.
            actor: who asks.

        Raises:
            Denied: the actor may not edit the file plan, or is a token where people must be two.
            NotFound: no such draft.
            InvalidInput: its body is no version yet; the moment is past.
            Conflict: it is no draft any more, was changed since, or cannot come into force: there
                is a newer version, or a class it names is closed or has no schedule.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        self._require_person(actor)
        row = await self._drafts.row(draft_id, "draft", revision=revision)
        definition, now = definition_of(row), self._clock()
        if seen and seen != digest_of(definition):
            raise Conflict(f"draft {draft_id} is not what was simulated; simulate it again")
        if in_force_from is not None and in_force_from < now:
            raise InvalidInput(
                f"expected a moment from {rfc3339(now)} on, found {rfc3339(in_force_from)}",
                pointer="in_force_from",
            )
        await self._require_sound(row, definition, self._counts_from(in_force_from))
        who = legible(requester_of(actor))
        others = [each for each in json.loads(row.authors) if each != who]
        submitted = replace(
            self._drafts.next(row),
            state="submitted",
            in_force_from=None if in_force_from is None else to_millis(in_force_from),
            simulation=json.dumps(await self._simulated(definition, now)),
            authors=json.dumps([*others, who], ensure_ascii=False),
        )
        return await self._drafts.state(Action.DRAFT_SUBMITTED, submitted, actor)

    async def preview(self, draft_id: str, *, actor: Actor) -> Approval:
        """Return what approving a submitted draft would do now; nothing is changed.

        Raises:
            Denied, NotFound, Conflict: as `approve`.
        """
        row, definition = await self._approvable(draft_id, None, actor)
        now = self._clock()
        return Approval(
            view=await self._drafts.show(draft_id, actor=actor),
            in_force_from=self._counts_from(_asked(row)),
            simulation=await self._simulated(definition, now),
        )

    async def approve(
        self, draft_id: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> DraftView:
        """Bring a submitted draft into force from its moment on, or from now on if that is past.

        Raises:
            Denied: the actor may not approve, wrote some of it, or is no person. That is an event.
            NotFound: no such draft.
            InvalidInput: no reason.
            Conflict: it is not submitted, was changed, or cannot come into force any more.
        """
        said = reason_of(reason)
        row, definition = await self._approvable(draft_id, revision, actor)
        since = self._counts_from(_asked(row))
        approved = replace(
            self._drafts.next(row),
            state="approved",
            in_force_from=to_millis(since),
            decided_by=legible(actor.name),
        )
        view = await self._drafts.state(
            Action.RULES_APPROVED if row.subject == RULES else Action.SCHEDULE_APPROVED,
            approved,
            actor,
            parts=(plan_part(_addition(definition, to_millis(since))),),
            why=said,
            since=rfc3339(since),
        )
        await self._refresh()
        return view

    async def refuse(
        self, draft_id: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> DraftView:
        """Refuse a submitted draft; it never comes into force.

        Raises:
            Denied, NotFound, InvalidInput: as `approve`.
            Conflict: it is not submitted, or `revision` is not its newest.
        """
        said = reason_of(reason)
        row = await self._submitted(draft_id, revision, Action.DRAFT_REFUSED, actor)
        refused = replace(self._drafts.next(row), state="refused", decided_by=legible(actor.name))
        return await self._drafts.state(Action.DRAFT_REFUSED, refused, actor, why=said)

    async def _approvable(
        self, draft_id: str, revision: int | None, actor: Actor
    ) -> tuple[DraftRow, Definition]:
        row = await self._submitted(draft_id, revision, Action.SCHEDULE_APPROVED, actor)
        definition = definition_of(row)
        simulated = json.loads(row.simulation).get("digest")
        if simulated != digest_of(definition):
            raise Conflict(f"draft {draft_id} was submitted with the simulation of another body")
        await self._require_sound(row, definition, self._counts_from(_asked(row)))
        return row, definition

    async def _submitted(
        self, draft_id: str, revision: int | None, action: Action, actor: Actor
    ) -> DraftRow:
        async with self._database.reading() as tx:
            row = await rows.get(tx, draft_id)
        try:
            self._require_second(row, actor)
        except Denied:
            await self._trail.record(
                action, actor=actor, object_type=DRAFT, object_id=draft_id, result="refused"
            )
            raise
        return await self._drafts.row(draft_id, "submitted", revision=revision)

    def _require_second(self, row: DraftRow, actor: Actor) -> None:
        if not self._two_person:
            require(actor, Permission.EDIT_FILE_PLAN)
            return
        require(actor, APPROVED_WITH[Act.CHANGE_SCHEDULE])
        if not actor.person_id:
            raise Denied("a second person is a person who signs in; a token cannot be one")
        if legible(requester_of(actor)) in json.loads(row.authors):
            raise Denied("who wrote a draft does not decide on it; ask somebody else")

    def _require_person(self, actor: Actor) -> None:
        if self._two_person and not actor.person_id and actor.via != "cli":
            raise Denied("a draft is submitted by a person, not by a token")

    def _counts_from(self, asked: datetime | None) -> datetime:
        earliest = self._clock() + KNOWN_WITHIN
        return earliest if asked is None else max(asked, earliest)

    async def _simulated(self, definition: Definition, now: datetime) -> dict[str, Any]:
        found = await self._simulate(definition, as_of=now)
        return {**found, "digest": digest_of(definition), "as_of": rfc3339(now)}

    async def _require_sound(self, row: DraftRow, definition: Definition, since: datetime) -> None:
        async with self._database.reading() as tx:
            newest = await newest_version(tx, row.subject, row.class_code)
            if newest != row.based_on:
                raise Conflict(
                    f"draft {row.id} was made from version {row.based_on}, and there is a version "
                    f"{newest} by now; make a new draft from that"
                )
            if isinstance(definition, RuleSet):
                problems = await _rule_problems(tx, definition, to_millis(since))
            else:
                problems = _schedule_problems(definition)
        if problems:
            raise Conflict(f"draft {row.id} cannot come into force: {'; '.join(problems)}")


async def _rule_problems(tx: Transaction, rules: RuleSet, since: int) -> Sequence[str]:
    """Return what would keep posts from being filed: capture must find a schedule for each."""
    classes = await plan_rows.class_rows(tx)
    schedules = await plan_rows.schedules_in_force(tx, since)
    problems = []
    for code in sorted(rules.class_codes):
        found = classes.get(code)
        if code == AUDIT_CLASS:
            problems.append(f"class {code} is for the archive's own events")
        elif found is None:
            problems.append(f"there is no class {code}")
        elif found.closed_at is not None:
            problems.append(f"class {code} is closed for new records")
        elif code not in schedules:
            problems.append(
                f"class {code} has no schedule in force at {rfc3339(from_millis(since))}"
            )
    return problems


def _schedule_problems(schedule: Schedule) -> Sequence[str]:
    """Return what the audit trail's class must not lose: 17 CFR 240.17a-4(f)(3)(iii)(B)."""
    lasting = schedule.action is Disposition.PERMANENT or any(
        term.trigger.kind is TriggerKind.EVENT and term.trigger.event == AUDITED_DISPOSED
        for term in schedule.terms
    )
    if schedule.class_code != AUDIT_CLASS or lasting:
        return ()
    return (
        (
            f"class {AUDIT_CLASS} is kept as long as the longest audited record: expected a term "
            f"that counts from event:{AUDITED_DISPOSED}, or the action permanent"
        ),
    )


def _addition(definition: Definition, since: int) -> PlanAddition:
    body = definition.to_dict()
    if isinstance(definition, RuleSet):
        return PlanAddition(rules=(PlannedRules(definition.version, body, since),))
    version = PlannedSchedule(definition.class_code, definition.version, body, since)
    return PlanAddition(schedules=(version,))


def _asked(row: DraftRow) -> datetime | None:
    return None if row.in_force_from is None else from_millis(row.in_force_from)
