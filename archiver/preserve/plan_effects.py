"""What events of the file plan change: classes, drafts, and what comes into force.

Each event about a class or a draft states the whole of it with its revision; of two that state the
same revision the one sequenced first counts, here and in every rebuilt database. A schedule or set
of rules is approved by the event that brings it in: draft, version and the request for a second
person change in one transaction, so no crash leaves one of them behind.
"""

from dataclasses import dataclass

import msgspec

from archiver.db import approvals as approval_rows
from archiver.db import file_plan as file_plan_rows
from archiver.db import plan_drafts as draft_rows
from archiver.db.approvals import PENDING, ApprovalRow
from archiver.db.file_plan import ClassRow
from archiver.db.plan_drafts import DraftRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.post import Part, PartRole
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import (
    PLAN_PART,
    EventBody,
    PlanAddition,
    detail_of,
    moment_of,
    parse_plan,
)
from retention.errors import RetentionError
from retention.schedules import FileClass

DRAFT = "draft"
"""The object type of events about drafts."""

CLASS_STATED = ("class:added", "class:changed", "class:closed", "class:reopened")
DRAFT_PART = "draft.json"
"""The part of a draft's event that states it whole; JSON of `DraftRow`."""

ACT = "change-schedule"  # `archiver.access.approvals.Act`
_SUBMITTED, _APPROVED = "submitted", "approved"
_CLASS_TEXTS = ("title", "authority", "jurisdiction", "note", "mandate", "parent")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanExtended(SelfStated):
    """Classes, schedule versions or rule versions came into the file plan."""

    addition: PlanAddition

    def apply(self, connection: Connection) -> bool:
        """Insert what is not there yet."""
        # Reversed: of two that an addition states for one number, the first counts.
        file_plan_rows.ensure_classes(
            connection, {each.code: each.body for each in reversed(self.addition.classes)}
        )
        file_plan_rows.ensure_schedules(
            connection,
            {
                (each.class_code, each.version): (each.body, each.in_force_from)
                for each in reversed(self.addition.schedules)
            },
        )
        for rules in self.addition.rules:
            file_plan_rows.ensure_rules(connection, rules.version, rules.body, rules.in_force_from)
        return False

    def is_taken(self, connection: Connection) -> bool:
        """Return whether another version of one of these numbers is there."""
        return any(
            file_plan_rows.has_schedule(connection, each.class_code, each.version)
            for each in self.addition.schedules
        ) or any(file_plan_rows.has_rules(connection, each.version) for each in self.addition.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassStated(SelfStated):
    """What stands of a class from its event on."""

    row: ClassRow

    def apply(self, connection: Connection) -> bool:
        """Make the row say so, where nothing as new stands and the classes stay a tree."""
        file_plan_rows.state_class(connection, self.row)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftStated(SelfStated):
    """What stands of a draft from its event on; `brings` is what its approval put into the plan."""

    row: DraftRow
    brings: PlanExtended | None = None

    def apply(self, connection: Connection) -> bool:
        """Change the draft, the request for a second person, and the plan; all or nothing."""
        row = self.row
        if not draft_rows.is_new(connection, row):
            return False
        if self.brings is not None:
            if self.brings.is_taken(connection):  # another draft was approved first
                return False
            self.brings.apply(connection)
        draft_rows.put(connection, row)
        if row.state == _SUBMITTED:
            approval_rows.ensure(connection, _request(row))
        elif row.decided_by:
            approval_rows.settle(
                connection, row.id, state=row.state, by=row.decided_by, at=row.stated_at
            )
        return False


def _request(row: DraftRow) -> ApprovalRow:
    authors = msgspec.json.decode(row.authors, type=list[str])
    return ApprovalRow(
        id=row.id,
        act=ACT,
        object_type=DRAFT,
        object_id=row.id,
        reason=row.reason,
        state=PENDING,
        requested_by=row.made_by,
        requester_id=authors[-1],  # who submitted it wrote last
        requested_at=row.stated_at,
    )


def plan_extended(_body: EventBody, part: PartOf) -> PlanExtended | None:
    """Return what an event brings into the file plan, None where it brings nothing.

    Raises:
        IntegrityError: its part does not parse.
    """
    plan = part(PLAN_PART)
    return None if plan is None else PlanExtended(addition=parse_plan(plan))


def class_effect(body: EventBody, _part: PartOf) -> ClassStated | None:
    """Return what an event about a class changes; None for an attempt that was refused.

    Raises:
        ValueError: it does not state the class whole.
    """
    if body.result != "ok":
        return None
    texts = {name: detail_of(body, name, str) for name in _CLASS_TEXTS}
    try:
        found = FileClass(code=body.object_id, **texts)
    except RetentionError as error:
        raise ValueError(str(error)) from error
    return ClassStated(
        row=ClassRow(
            code=found.code,
            body=found.to_dict(),
            revision=detail_of(body, "revision", int),
            closed_at=detail_of(body, "closed_at", int) or None,
        )
    )


def class_details(row: ClassRow) -> dict[str, str | int | bool]:
    """Return the details that `class_effect` reads."""
    return {
        **{name: row.body[name] for name in _CLASS_TEXTS},
        "revision": row.revision,
        "closed_at": row.closed_at or 0,
    }


def draft_effect(body: EventBody, part: PartOf) -> DraftStated | None:
    """Return what an event about a draft changes; None for an attempt that was refused.

    Raises:
        ValueError, InvalidInput, IntegrityError: it does not state the draft whole.
    """
    if body.result != "ok":
        return None
    content = part(DRAFT_PART)
    if content is None:
        raise ValueError("it does not state the draft")
    row = parse_draft(content)
    ulid_bytes(row.id)
    if (row.id, row.stated_at) != (body.object_id, moment_of(body)):
        raise ValueError(f"its part is of draft {row.id}, stated at {row.stated_at}")
    brings = plan_extended(body, part)
    if (brings is not None) != (row.state == _APPROVED):
        raise ValueError(f"a draft that is {row.state} and what it brings do not fit")
    return DraftStated(row=row, brings=brings)


def draft_part(row: DraftRow) -> Part:
    """Return the part that states a draft."""
    return Part(
        name=DRAFT_PART,
        role=PartRole.DERIVED,
        media_type="application/json",
        content=msgspec.json.encode(row),
    )


def parse_draft(content: bytes) -> DraftRow:
    """Parse the part that states a draft. Raises ValueError."""
    try:
        row = msgspec.json.decode(content, type=DraftRow)
        authors = msgspec.json.decode(row.authors, type=list[str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"the draft does not parse: {error}") from error
    if not authors:
        raise ValueError("the draft names nobody who wrote it")
    return row
