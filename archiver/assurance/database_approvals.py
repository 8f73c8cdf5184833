"""Requests for a second person, against the events that asked and decided.

An approval that somebody put into the database would let one person do what belongs to two. One
that is missing or waits again is no problem: then nobody was given leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from archiver.assurance.database_check import REBUILD
from archiver.assurance.report import Findings
from archiver.audit.actions import Action
from archiver.db.approvals import PENDING, ApprovalRow
from archiver.preserve.event_record import EventBody, legible
from archiver.preserve.plan_effects import ACT as CHANGE_SCHEDULE

_STATES = {
    Action.APPROVAL_GRANTED: "approved",
    Action.APPROVAL_REFUSED: "refused",
    Action.APPROVAL_WITHDRAWN: "withdrawn",
}


@dataclass(slots=True)
class _Stated:
    """What events say of one request: what was asked for, and each decision with who made it."""

    asked: EventBody | None = None
    decided: set[tuple[str, str]] = field(default_factory=set)


class ApprovalCheck:
    """Takes in events as they are opened, in any order; compares when all are known.

    `known` are the requests of when the run began, when `below` entries were sequenced. Those of
    drafts say nothing that counts beside their drafts.
    """

    def __init__(self, *, known: Sequence[ApprovalRow], below: int, findings: Findings) -> None:
        self._known = [each for each in known if each.act != CHANGE_SCHEDULE]
        self._below = below
        self._findings = findings
        self._stated = {each.id: _Stated() for each in self._known}

    def take(self, log_index: int, body: EventBody) -> None:
        """Take in one event about a request."""
        stated = self._stated.get(body.object_id)
        if stated is None or log_index >= self._below or body.result != "ok":
            return
        if body.action == Action.APPROVAL_REQUESTED:
            stated.asked = body
        elif body.action in _STATES:
            stated.decided.add((_STATES[Action(body.action)], body.actor))

    def finish(self, *, but_first: str) -> None:
        """Compare each request; `but_first` is what has to be done before what a problem says."""
        for row in self._known:
            if what := _wrong(row, self._stated[row.id]):
                self._findings.problem(
                    f"request {row.id} for a second person: {what}; {but_first}do not do what it "
                    f"asks for, look in the audit trail whether it was done, {REBUILD}",
                    object_key="database:approval",
                )


def _wrong(row: ApprovalRow, stated: _Stated) -> str:
    """Return in words how a request is not as events make it, or nothing."""
    if stated.asked is None:
        return f"expected none, as no event asked for it, found one that is {row.state}"
    said = stated.asked.details
    found = {
        "act": row.act,
        "about": f"{row.object_type} {row.object_id}",
        "reason": row.reason,
        "requested_by": row.requested_by,
        "requester": row.requester_id,
    }
    # Events of older versions do not say by which id the requester is known.
    wrong = [name for name in found if name in said and legible(found[name]) != said[name]]
    if wrong:
        return f"its {', '.join(wrong)} in the database is not what its event states"
    if row.state != PENDING and (row.state, legible(row.decided_by or "")) not in stated.decided:
        return f"expected the event of who decided it so, found none, and that it is {row.state}"
    return ""
