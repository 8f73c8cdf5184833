"""Who may be destroyed: the decision of the gate, pure, with a reason for every no.

It is asked inside the transaction that sequences the gate's event, with everything as it is then.
An empty answer lets go; whatever is not known keeps.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from archiver.db.disposal import IN, Candidate, GateBatch
from archiver.model.privacy import PRIVACY, PrivacyDecision
from retention.decisions import Decision, State, decide
from retention.erasure import Bar, bars_to_erasure
from retention.facts import Facts, Hold
from retention.schedules import Schedule

APPROVED = frozenset({"approved", "executing"})
"""States of a batch in which its records may be destroyed."""

RECORD = "rec"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the batch holds a record to be: it must be just that when it is destroyed."""

    log_index: int
    id: str
    class_code: str
    rule: str
    schedule_version: int
    segment_id: str
    frame: int


def objection_to_batch(batch: GateBatch | None, stopped: str | None, behind: str = "") -> str:
    """Return why nothing of a batch may be destroyed now; "" where it may.

    `stopped` is the reason of the emergency stop, None while there is none. `behind` is why the
    schedules that records stand under are not those in force yet, "" when they are: a longer one
    may have come into force a moment ago.
    """
    if stopped is not None:
        return f"all disposal is stopped: {stopped}"
    if batch is None:
        return "there is no such batch"
    if batch.state not in APPROVED:
        return f"the batch is {batch.state}, and only an approved one is destroyed"
    if batch.action == "review":
        return "its schedule asks for a review and not for destruction"
    if batch.action == "transfer" and not batch.handed_over:
        return "its schedule asks for a transfer, and the receiver has not confirmed it"
    return _objection_to_approvals(batch) or behind


def _objection_to_approvals(batch: GateBatch) -> str:
    own = {batch.formed_by_id, batch.proposed_by_id}
    by_others = {person: count for person, count in batch.approvals if person and person not in own}
    needed = max(1, batch.approvals_needed)
    if len(by_others) < needed:
        found = f"it has {len(by_others)} of the {needed} approvals that it needs"
        if batch.lapsed:
            found += f"; {batch.lapsed} are of people who may not approve a disposal any more"
        if len(by_others) < len(batch.approvals):
            found += "; those of who formed or proposed it do not count"
        return found
    others = sorted({count for count in by_others.values() if count != batch.members})
    if others:
        return f"an approval is for {others[0]} records, and the batch has {batch.members}"
    return ""


def objection_to_record(
    claim: Claim,
    found: Candidate | None,
    *,
    batch: GateBatch,
    facts: Facts | None,
    schedule: Schedule | None,
    holds: tuple[Hold, ...],
    at: datetime,
    lock_until: datetime | None,
    state: str = IN,
    decided: Collection[PrivacyDecision] = (),
) -> str:
    """Return why a record may not be destroyed at `at`; "" where it may.

    `found` is its row beside its place in the batch, None where it has none of both. `state` is
    what it must be in the batch: `condemned`, where the gate let it go and is asked once more.
    `decided` are the decisions of privacy requests in force on it: a restriction keeps it from
    every batch, and without one to erase it a batch of the action `privacy` has no ground for it.
    """
    if found is None:
        return "no such record is a member of the batch"
    if other := _other_than_approved(claim, found, batch, state):
        return other
    if facts is None or schedule is None:
        return f"schedule version {found.schedule_version} of its class cannot be read"
    if PrivacyDecision.RESTRICT in decided:
        return "it is restricted at a person's request (GDPR art. 18(2)); lift that first"
    if batch.action == PRIVACY:
        bars = bars_to_erasure(facts, schedule, holds, at, lock_until=lock_until)
        return _not_erased_because(decided, bars)
    return _kept_because(decide(facts, schedule, holds, at, lock_until=lock_until))


def _other_than_approved(claim: Claim, found: Candidate, batch: GateBatch, state: str) -> str:
    if found.state != state:
        return f"it is {found.state} in the batch already"
    if found.entry_type != RECORD:
        return "it is an event of the archive's own, which this release does not destroy"
    changed = _changed(claim, found, batch)
    return f"it is not what was approved: {changed}" if changed else ""


def _changed(claim: Claim, found: Candidate, batch: GateBatch) -> str:
    if found.class_code != batch.class_code:
        return f"it was approved in class {batch.class_code} and is in class {found.class_code} now"
    if found.schedule_version != batch.schedule_version:
        return (
            f"it was approved under schedule version {batch.schedule_version}, and version "
            f"{found.schedule_version} applies now"
        )
    if (found.platform, found.account) != (batch.platform, batch.account):
        return "it is of another account than the batch"
    for name in Claim.__dataclass_fields__:
        if getattr(claim, name) != getattr(found, name):
            return f"its {name} has changed since the gate was asked"
    return ""


def _kept_because(decision: Decision) -> str:
    if decision.state is State.ELIGIBLE:
        return ""
    deciding = decision.reasons[0]
    if decision.state is State.LOCKED:
        deciding = decision.reasons[-1]
    return f"{decision.state}: {deciding.text}"


def _not_erased_because(decided: Collection[PrivacyDecision], bars: tuple[Bar, ...]) -> str:
    if PrivacyDecision.ERASE not in decided:
        return "no open privacy request has decided to erase it"
    return f"{bars[0].reason.text} ({bars[0].reason.citation})" if bars else ""
