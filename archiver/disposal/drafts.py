"""Drafts of schedules and of class rules: made, edited, compared, withdrawn; nothing in force yet.

A draft starts as a copy of the version in force, from a shipped template, or empty, and may be
incomplete while it is written. `schedule_life` brings it into force.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from archiver.access.rules import Permission, reach, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import file_plan as plan_rows
from archiver.db import plan_drafts as rows
from archiver.db.file_plan import WholePlan
from archiver.db.plan_drafts import RULES, SCHEDULE, DraftRow
from archiver.db.transaction import Database, Transaction
from archiver.disposal.draft_views import DraftView, body_text, own_words, view_of
from archiver.errors import Conflict, InvalidInput, NotFound
from archiver.ids import Ulids
from archiver.model.actor import Actor
from archiver.model.post import Part
from archiver.model.requester import requester_of
from archiver.preserve.event_record import legible
from archiver.preserve.plan_effects import DRAFT, draft_part
from retention.errors import DefinitionError
from retention.periods import Period
from retention.rules import RuleSet
from retention.schedules import Schedule
from retention.templates import get_template

_REASON = range(1, 4001)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a draft starts: the version in force, unless `template` or `empty` says otherwise.

    `fiscal_year_starts` (a month) and `period` are given where the template asks for them.
    """

    template: str = ""
    empty: bool = False
    fiscal_year_starts: int | None = None
    period: str = ""


class Drafts:
    """The use cases on drafts. `zone` is the time zone that schedules count in unless they say."""

    def __init__(
        self, *, database: Database, trail: Trail, clock: Clock, ulids: Ulids, zone: str
    ) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock
        self._ulids = ulids
        self._zone = zone

    async def make(
        self, class_code: str, *, source: Source | None = None, reason: str, actor: Actor
    ) -> DraftView:
        """Begin a draft of a class's schedule; of the class rules, where no class is named.

        Raises:
            Denied: the actor may not edit the file plan.
            NotFound: no such class.
            InvalidInput: no reason; no such template, or it needs what is not given.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        subject = SCHEDULE if class_code else RULES
        async with self._database.reading() as tx:
            based_on = await newest_version(tx, subject, class_code)
            base = await _version(tx, subject, class_code, based_on)
        now = to_millis(self._clock())
        row = DraftRow(
            id=self._ulids.one(from_millis(now)),
            subject=subject,
            class_code=class_code,
            based_on=based_on,
            body=body_text(self._first_body(subject, base, source or Source())),
            reason=reason_of(reason),
            state="draft",
            in_force_from=None,
            simulation="",
            revision=1,
            made_by=legible(actor.name),
            made_at=now,
            authors=_with_author("[]", actor),
            decided_by="",
            stated_at=now,
        )
        return await self.state(Action.DRAFT_MADE, row, actor)

    async def edit(
        self,
        draft_id: str,
        *,
        body: object = None,
        reason: str | None = None,
        revision: int | None = None,
        actor: Actor,
    ) -> DraftView:
        """Put another body or reason into a draft; who does is one of its authors from then on.

        Raises:
            Denied: the actor may not edit the file plan.
            NotFound: no such draft.
            InvalidInput: the body is no table or too large; an empty reason.
            Conflict: it is no draft any more, or `revision` is not its newest.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        row = await self.row(draft_id, "draft", revision=revision)
        changed = replace(
            row,
            body=row.body if body is None else body_text(body),
            reason=row.reason if reason is None else reason_of(reason),
            authors=_with_author(row.authors, actor),
        )
        return await self.state(Action.DRAFT_EDITED, self.next(changed), actor)

    async def withdraw(
        self, draft_id: str, *, reason: str = "", revision: int | None = None, actor: Actor
    ) -> DraftView:
        """Give a draft up, submitted or not; it stays to be read.

        Raises:
            Denied: the actor may not edit the file plan.
            NotFound: no such draft.
            Conflict: it was decided already, or `revision` is not its newest.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        row = await self.row(draft_id, *rows.OPEN, revision=revision)
        given_up = replace(self.next(row), state="withdrawn", decided_by=legible(actor.name))
        return await self.state(
            Action.DRAFT_WITHDRAWN, given_up, actor, why=legible(reason.strip())
        )

    async def show(self, draft_id: str, *, actor: Actor) -> DraftView:
        """Return a draft with what it would change, in words. Raises Denied, NotFound."""
        reach(actor, Permission.READ_FILE_PLAN)  # the file plan is one for all units and matters
        async with self._database.reading() as tx:
            return await _shown(tx, await rows.get(tx, draft_id), actor)

    async def list(
        self, *, class_code: str = "", open_only: bool = False, actor: Actor
    ) -> tuple[DraftView, ...]:
        """Return drafts, newest first; of a class, or only those not decided. Raises Denied."""
        reach(actor, Permission.READ_FILE_PLAN)
        states = rows.OPEN if open_only else ()
        async with self._database.reading() as tx:
            found = await rows.list_all(tx, class_code=class_code, states=states)
            plan = await plan_rows.whole(tx)  # once, however many drafts there are
        return tuple(view_of(row, _base(row, plan), requester_of(actor)) for row in found)

    async def row(self, draft_id: str, *states: str, revision: int | None) -> DraftRow:
        """Return a draft that is in one of these states, at this revision where one is named.

        Raises:
            NotFound: no such draft.
            Conflict: it is in another state, or at another revision.
        """
        async with self._database.reading() as tx:
            row = await rows.get(tx, draft_id)
        if row.state not in states:
            raise Conflict(
                f"draft {draft_id} is {row.state}; only one that is {' or '.join(states)} can be "
                "changed so. Make a new draft"
            )
        if revision is not None and revision != row.revision:
            raise _changed(row)
        return row

    def next(self, row: DraftRow) -> DraftRow:
        """Return the draft as its next revision, stated now."""
        return replace(row, revision=row.revision + 1, stated_at=to_millis(self._clock()))

    async def state(
        self,
        action: Action,
        row: DraftRow,
        actor: Actor,
        *,
        parts: tuple[Part, ...] = (),
        why: str = "",
        **details: str | int,
    ) -> DraftView:
        """Make a revision of a draft so, by its event, and return what stands then.

        Raises:
            Conflict: somebody else changed it, or brought in its version, a moment before.
        """
        await self._trail.record(
            action,
            actor=actor,
            object_type=DRAFT,
            object_id=row.id,
            details={
                "of": _of(row),
                "version": row.based_on + 1,
                "reason": why or row.reason,
                "revision": row.revision,
                **details,
            },
            parts=(draft_part(row), *parts),
            at=from_millis(row.stated_at),
        )
        async with self._database.reading() as tx:
            stands = await rows.get(tx, row.id)
            if stands != row:
                raise _changed(stands)
            return await _shown(tx, stands, actor)

    def _first_body(self, subject: str, base: Schedule | RuleSet | None, source: Source) -> object:
        if source.template:
            if subject != SCHEDULE:
                raise InvalidInput("templates are of schedules, not of rules", pointer="template")
            return _from_template(source, self._zone)
        if base is not None and not source.empty:
            return own_words(base)
        if subject == SCHEDULE:
            return {"zone": self._zone, "action": "review", "lock": "governance", "terms": []}
        return {"default_class": "", "rules": []}


async def newest_version(tx: Transaction, subject: str, class_code: str) -> int:
    """Return the newest version, in force or yet to come; 0 where there is none.

    Raises:
        NotFound: no such class.
    """
    if subject == RULES:
        return await plan_rows.newest_rules(tx)
    await plan_rows.get_class(tx, class_code)
    found = await plan_rows.list_schedules(tx, class_code)
    return max((int(body["version"]) for body in found), default=0)


def reason_of(text: str) -> str:
    """Return a reason without spaces around it.

    Raises:
        InvalidInput: there is none, or more than 4,000 characters.
    """
    said = legible(text.strip())
    if len(said) not in _REASON:
        raise InvalidInput(
            f"expected a reason of 1 to {_REASON.stop - 1} characters, found {len(said)}",
            pointer="reason",
        )
    return said


async def _version(
    tx: Transaction, subject: str, class_code: str, version: int
) -> Schedule | RuleSet | None:
    if version == 0:
        return None
    if subject == SCHEDULE:
        return Schedule.from_dict(await plan_rows.get_schedule(tx, class_code, version))
    return RuleSet.from_dict(await plan_rows.get_rules(tx, version))


def _base(row: DraftRow, plan: WholePlan) -> Schedule | RuleSet | None:
    """Return the version a draft was made from; None: there is none, or it was lost."""
    if row.subject == RULES:
        rules = (body for version, body, _ in plan.rules if version == row.based_on)
        found = next(rules, None)
        return None if found is None else RuleSet.from_dict(found)
    named = (row.class_code, row.based_on)
    schedules = (body for *key, body, _ in plan.schedules if tuple(key) == named)
    found = next(schedules, None)
    return None if found is None else Schedule.from_dict(found)


async def _shown(tx: Transaction, row: DraftRow, actor: Actor) -> DraftView:
    try:
        base = await _version(tx, row.subject, row.class_code, row.based_on)
    except NotFound:  # a plan that was restored in part; `class report` tells of it
        base = None
    return view_of(row, base, requester_of(actor))


def _from_template(source: Source, zone: str) -> Mapping[str, Any]:
    try:
        schedule = get_template(source.template).schedule(
            version=1,
            zone=zone,
            fiscal_year_starts=source.fiscal_year_starts,
            period=Period.parse(source.period) if source.period else None,
        )
    except DefinitionError as error:
        raise InvalidInput(str(error), pointer="template") from error
    return own_words(schedule)


def _with_author(authors: str, actor: Actor) -> str:
    """Return the authors with who writes now, who comes last."""
    who = legible(requester_of(actor))
    others = [each for each in json.loads(authors) if each != who]
    return json.dumps([*others, who], ensure_ascii=False)


def _of(row: DraftRow) -> str:
    return f"the schedule of class {row.class_code}" if row.class_code else "the class rules"


def _changed(row: DraftRow) -> Conflict:
    return Conflict(
        f"draft {row.id} is {row.state}, at revision {row.revision}: somebody changed it, or its "
        f"version {row.based_on + 1} came in by another draft; look at it again"
    )
