"""Everything that waits for a second person: what, who asked, since when, and who can decide it.

Decided it is elsewhere, on the page of its own that shows all of its consequences. What is listed
here is found by a handful of statements, however much waits.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from archiver.access.approvals import APPROVED_WITH, Act
from archiver.access.rules import PERMISSIONS, Permission, allowed, require
from archiver.access.tokens import Trail
from archiver.audit.actions import Action
from archiver.clock import from_millis, rfc3339
from archiver.db import approvals as approval_rows
from archiver.db import batches as batch_rows
from archiver.db import plan_drafts as draft_rows
from archiver.db import waiting as rows
from archiver.db.approvals import ApprovalRow as RequestRow
from archiver.db.batches import ApprovalRow as BatchApprovalRow
from archiver.db.batches import BatchRow, Wanted
from archiver.db.plan_drafts import DraftRow
from archiver.db.transaction import Database, Transaction
from archiver.db.waiting import Decides, WaitingHold
from archiver.model.actor import Actor
from archiver.model.batch import MemberState
from archiver.model.privacy import PRIVACY
from archiver.model.requester import requester_of

MOST = 200
"""Batches that are listed; more are in the disposition queue."""


class Subject(StrEnum):
    """What a decision is about."""

    HOLD = "hold"
    DRAFT = "draft"
    BATCH = "batch"
    PRIVACY = "privacy"
    """The batch through which a privacy request has records erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One decision that waits. `consequence` is what it would do, in one line.

    `barred` says why the actor does not decide it and who can; it is empty where they may.
    """

    subject: Subject
    id: str
    title: str
    consequence: str
    asked_by: str
    asked_at: datetime
    reason: str
    barred: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "subject": self.subject.value,
            "id": self.id,
            "title": self.title,
            "consequence": self.consequence,
            "asked_by": self.asked_by,
            "asked_at": rfc3339(self.asked_at),
            "reason": self.reason,
            "barred": self.barred,
        }


class Waiting:
    """The use cases on what waits."""

    def __init__(self, *, database: Database, trail: Trail, plan_by_two: bool) -> None:
        """`plan_by_two`: who wrote a draft of the file plan does not approve it."""
        self._database = database
        self._trail = trail
        self._plan_by_two = plan_by_two

    @property
    def _plan_needs(self) -> Permission:
        by_two = self._plan_by_two
        return APPROVED_WITH[Act.CHANGE_SCHEDULE] if by_two else Permission.EDIT_FILE_PLAN

    async def list(self, *, actor: Actor) -> tuple[Wait, ...]:
        """Return what waits and the actor may know of, oldest first.

        Raises:
            Denied: the actor may not read the file plan of the whole archive.
        """
        require(actor, Permission.READ_FILE_PLAN)
        async with self._database.reading() as tx:
            found = [
                *await _releases(tx, actor),
                *await self._drafts(tx, actor),
                *await _batches(tx, actor),
            ]
        await self._trail.record(
            Action.APPROVALS_VIEWED,
            actor=actor,
            object_type="approval",
            details={"listed": len(found)},
        )
        return tuple(sorted(found, key=lambda each: each.asked_at))

    async def count(self, *, actor: Actor) -> int:
        """Return how many decisions wait for this actor: a bare figure, which makes no event."""
        who = Decides(
            person_id=actor.person_id,
            author_id=actor.person_id if self._plan_by_two else "",
            releases=allowed(actor, APPROVED_WITH[Act.RELEASE_HOLD]),
            plan=allowed(actor, self._plan_needs),
            disposal=allowed(actor, APPROVED_WITH[Act.DISPOSE]),
        )
        if not actor.person_id or not (who.releases or who.plan or who.disposal):
            return 0
        async with self._database.reading() as tx:
            return await rows.count(tx, who, Act.RELEASE_HOLD)

    async def _drafts(self, tx: Transaction, actor: Actor) -> tuple[Wait, ...]:
        found = await draft_rows.list_all(tx, states=(rows.SUBMITTED,))
        by_two = self._plan_by_two
        return tuple(
            _draft(
                row, _barred(self._plan_needs, json.loads(row.authors) if by_two else (), (), actor)
            )
            for row in found
        )


async def _releases(tx: Transaction, actor: Actor) -> list[Wait]:
    if not allowed(actor, Permission.READ_HOLDS):
        return []
    asked = [row for row in await approval_rows.list_pending(tx) if row.act == Act.RELEASE_HOLD]
    holds = await rows.holds(tx, [row.object_id for row in asked])
    return [_release(row, holds[row.object_id], actor) for row in asked if row.object_id in holds]


def _release(row: RequestRow, hold: WaitingHold, actor: Actor) -> Wait:
    matter = f" of the matter {hold.matter}" if hold.matter else ""
    return Wait(
        subject=Subject.HOLD,
        id=hold.id,
        title=f"Release the hold {hold.name}{matter}",
        consequence=f"{_records(hold.records)} in no other hold follow their schedules again",
        asked_by=row.requested_by,
        asked_at=from_millis(row.requested_at),
        reason=row.reason,
        barred=_barred(APPROVED_WITH[Act.RELEASE_HOLD], (row.requester_id,), (), actor),
    )


def _draft(row: DraftRow, barred: str) -> Wait:
    version = row.based_on + 1
    named = f"schedule of class {row.class_code}" if row.class_code else "class rules"
    return Wait(
        subject=Subject.DRAFT,
        id=row.id,
        title=f"Version {version} of the {named}",
        consequence=_simulated(row.simulation),
        asked_by=row.made_by,
        asked_at=from_millis(row.stated_at),
        reason=row.reason,
        barred=barred,
    )


def _simulated(simulation: str) -> str:
    """Return in one line what the simulation said that the draft was submitted with."""
    total = json.loads(simulation or "{}").get("total", {})
    told = [
        f"{total.get(key, {}).get('records', 0):,} {words}"
        for key, words in (
            ("kept-longer", "kept longer"),
            ("kept-shorter", "kept shorter"),
            ("newly-due", "newly due"),
        )
    ]
    return f"By the simulation it was submitted with: {', '.join(told)}"


async def _batches(tx: Transaction, actor: Actor) -> list[Wait]:
    wanted = Wanted(states=(rows.REVIEWED,))
    found = await batch_rows.page(tx, wanted, before="", limit=MOST)
    ids = [row.id for row in found]
    counts, approvals = await batch_rows.counts(tx, ids), await batch_rows.approvals(tx, ids)
    named = await _requests(tx, [row.id for row in found if row.action == PRIVACY], actor)
    return [
        _batch(
            row,
            counts[row.id].get(MemberState.IN, 0),
            [each for each in approvals if each.batch_id == row.id],
            named.get(row.id, "a privacy request"),
            actor,
        )
        for row in found
    ]


async def _requests(tx: Transaction, batch_ids: Sequence[str], actor: Actor) -> dict[str, str]:
    """Return the names of the privacy requests behind these batches, for whom they are."""
    if not batch_ids or not allowed(actor, Permission.READ_PRIVACY):
        return {}
    named: dict[str, list[str]] = {}
    for each in await rows.erasures(tx, batch_ids):
        named.setdefault(each.batch_id, []).append(each.reference or each.request_id)
    return {batch_id: f"privacy request {', '.join(names)}" for batch_id, names in named.items()}


def _batch(
    row: BatchRow, records: int, approvals: Sequence[BatchApprovalRow], named: str, actor: Actor
) -> Wait:
    for_privacy = row.action == PRIVACY
    whose = f"class {row.class_code} of {row.account} on {row.platform}"
    if for_privacy:
        subject, title = Subject.PRIVACY, f"Erasure for {named}: {whose}"
    else:
        subject, title = Subject.BATCH, f"Disposal of {whose}, ended {row.period}"
    done = "handed over, then deleted" if row.action == "transfer" else "destroyed for good"
    early = " before their schedule ends" if for_privacy else ""
    given = f"{len(approvals)} of {row.approvals_needed} approvals given"
    return Wait(
        subject=subject,
        id=row.id,
        title=title,
        consequence=f"{_records(records)} are {done}{early}; {given}",
        asked_by=row.proposed_by,
        asked_at=from_millis(row.stated_at),
        reason=row.proposal,
        barred=_barred(
            APPROVED_WITH[Act.DISPOSE],
            (row.proposed_by_id, row.formed_by_id),
            [each.approver_id for each in approvals],
            actor,
        ),
    )


def _barred(needed: Permission, asked: Sequence[str], approved: Sequence[str], actor: Actor) -> str:
    """Return why the actor does not decide, and who can; the use case that decides asks anew."""
    who = " or ".join(
        sorted(role.replace("-", " ") for role, held in PERMISSIONS.items() if needed in held)
    )
    me = requester_of(actor)
    if not allowed(actor, needed):
        return f"Somebody with the role {who} decides"
    if not actor.person_id:
        return f"Somebody with the role {who} decides, who signs in"
    if me in asked:
        return f"You took part in it: somebody else with the role {who} decides"
    return f"You approved it: somebody else with the role {who} does too" if me in approved else ""


def _records(number: int) -> str:
    return f"{number:,} record" if number == 1 else f"{number:,} records"
