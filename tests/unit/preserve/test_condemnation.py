"""The decision of the gate as a table: one reason for each way to be refused, word for word."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from archiver.access.rules import PERMISSIONS, Permission
from archiver.db.disposal import APPROVING, Candidate, GateBatch
from archiver.preserve.condemnation import Claim, objection_to_batch, objection_to_record
from retention.facts import Facts, Hold
from retention.periods import PERMANENT, Period
from retention.schedules import Action, LockMode, Schedule, Term, Trigger

CAPTURED = datetime(2019, 6, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
BATCH = GateBatch(
    id="B",
    state="approved",
    action="destroy",
    class_code="bank",
    schedule_version=2,
    platform="x",
    account="acme",
    approvals_needed=2,
    formed_by_id="system",
    proposed_by_id="rita",
    members=3,
    approvals=(("carla", 3), ("cyril", 3)),
    handed_over=False,
)
CLAIM = Claim(
    log_index=7,
    id="R",
    class_code="bank",
    rule="1/default",
    schedule_version=2,
    segment_id="S",
    frame=0,
)
FOUND = Candidate(
    log_index=7,
    state="in",
    id="R",
    entry_type="rec",
    class_code="bank",
    rule="1/default",
    schedule_version=2,
    platform="x",
    account="acme",
    captured_at=0,
    segment_id="S",
    frame=0,
    size=9,
    lock_mode="compliance",
    lock_until=0,
)
HOLD = Hold(id="H1", name="Q3", matter="24-1", placed_at=datetime(2024, 5, 6, 7, 8, tzinfo=UTC))
FACTS = Facts(platform="x", account="acme", captured_at=CAPTURED)


def schedule(trigger: str = "captured", years: int | None = 6) -> Schedule:
    return Schedule(
        class_code="bank",
        version=2,
        terms=(
            Term(
                id="t",
                citation="17 CFR 240.17a-4(b)(4)",
                trigger=Trigger.parse(trigger),
                period=PERMANENT if years is None else Period(years=years),
            ),
        ),
        action=Action.PERMANENT if years is None else Action.DESTROY,
        lock=LockMode.COMPLIANCE,
        zone="UTC",
    )


def test_what_was_approved_and_has_ended_may_go() -> None:
    assert objection_to_batch(BATCH, None) == ""
    assert judged() == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"state": "formed"}, "the batch is formed, and only an approved one is destroyed"),
        ({"state": "done"}, "the batch is done, and only an approved one is destroyed"),
        ({"state": "cancelled"}, "the batch is cancelled, and only an approved one is destroyed"),
        ({"action": "review"}, "its schedule asks for a review and not for destruction"),
        (
            {"action": "transfer"},
            "its schedule asks for a transfer, and the receiver has not confirmed it",
        ),
        ({"approvals": ()}, "it has 0 of the 2 approvals that it needs"),
        ({"approvals": (("carla", 3),)}, "it has 1 of the 2 approvals that it needs"),
        (
            {"approvals": (("carla", 3), ("rita", 3))},
            (
                "it has 1 of the 2 approvals that it needs; those of who formed or proposed it "
                "do not count"
            ),
        ),
        (
            {"approvals": (("carla", 3), ("system", 3))},
            (
                "it has 1 of the 2 approvals that it needs; those of who formed or proposed it "
                "do not count"
            ),
        ),
        (
            {"approvals": (("carla", 3),), "lapsed": 1},
            (
                "it has 1 of the 2 approvals that it needs; 1 are of people who may not approve "
                "a disposal any more"
            ),
        ),
        (
            {"approvals": (), "approvals_needed": 0},
            "it has 0 of the 1 approvals that it needs",
        ),
        (
            {"approvals": (("carla", 3), ("cyril", 4))},
            "an approval is for 4 records, and the batch has 3",
        ),
    ],
)
def test_a_batch_that_was_not_approved_as_it_is_stays(changed: dict[str, Any], why: str) -> None:
    assert objection_to_batch(BATCH._replace(**changed), None) == why


def test_those_whose_approvals_count_are_those_who_may_approve() -> None:
    may = {role for role, held in PERMISSIONS.items() if Permission.APPROVE_DISPOSAL in held}
    assert set(APPROVING) == may


def test_a_transfer_that_was_confirmed_may_go() -> None:
    assert objection_to_batch(BATCH._replace(action="transfer", handed_over=True), None) == ""


def test_nothing_goes_while_records_wait_for_the_schedules_in_force() -> None:
    waiting = "records are being refiled after schedule general version 2"
    assert objection_to_batch(BATCH, None, waiting) == waiting
    assert objection_to_batch(BATCH._replace(state="done"), None, waiting).startswith("the batch")


def test_the_emergency_stop_comes_before_everything() -> None:
    assert objection_to_batch(BATCH, "new claim") == "all disposal is stopped: new claim"
    assert objection_to_batch(None, "new claim") == "all disposal is stopped: new claim"
    assert objection_to_batch(None, None) == "there is no such batch"


@dataclass(frozen=True)
class Asked:
    found: Candidate | None = FOUND
    facts: Facts | None = FACTS
    schedule: Schedule | None = field(default_factory=schedule)
    holds: tuple[Hold, ...] = ()
    at: datetime = NOW
    lock_until: datetime | None = None
    claim: Claim = CLAIM


def judged(asked: Asked | None = None) -> str:
    asked = asked or Asked()
    return objection_to_record(
        asked.claim,
        asked.found,
        batch=BATCH,
        facts=asked.facts,
        schedule=asked.schedule,
        holds=asked.holds,
        at=asked.at,
        lock_until=asked.lock_until,
    )


RECORDS: dict[str, tuple[Asked, str]] = {
    "unknown": (Asked(found=None), "no such record is a member of the batch"),
    "condemned": (
        Asked(found=FOUND._replace(state="condemned")),
        "it is condemned in the batch already",
    ),
    "disposed": (
        Asked(found=FOUND._replace(state="disposed")),
        "it is disposed in the batch already",
    ),
    "excluded": (
        Asked(found=FOUND._replace(state="excluded")),
        "it is excluded in the batch already",
    ),
    "event": (
        Asked(found=FOUND._replace(entry_type="aud")),
        "it is an event of the archive's own, which this release does not destroy",
    ),
    "reclassified": (
        Asked(found=FOUND._replace(class_code="legal")),
        "it is not what was approved: it was approved in class bank and is in class legal now",
    ),
    "refiled": (
        Asked(found=FOUND._replace(schedule_version=3)),
        (
            "it is not what was approved: it was approved under schedule version 2, and version 3 "
            "applies now"
        ),
    ),
    "another account": (
        Asked(found=FOUND._replace(account="other")),
        "it is not what was approved: it is of another account than the batch",
    ),
    "another rule": (
        Asked(found=FOUND._replace(rule="2/r")),
        "it is not what was approved: its rule has changed since the gate was asked",
    ),
    "moved": (
        Asked(found=FOUND._replace(frame=1)),
        "it is not what was approved: its frame has changed since the gate was asked",
    ),
    "no facts": (Asked(facts=None), "schedule version 2 of its class cannot be read"),
    "no schedule": (Asked(schedule=None), "schedule version 2 of its class cannot be read"),
    "held": (
        Asked(holds=(HOLD,)),
        (
            "held: On hold Q3 since 2024-05-06 07:08 UTC: nothing of it may be disposed of before "
            "the hold is released."
        ),
    ),
    "unexpired": (
        Asked(at=datetime(2025, 5, 31, tzinfo=UTC)),
        "retain: Captured 2019-06-01 12:00 UTC; kept 6 years from then, until 2025-06-02 00:00.",
    ),
    "awaiting": (
        Asked(schedule=schedule("event:account_closed")),
        "awaiting-event: Awaiting the event account_closed; kept 6 years from then.",
    ),
    "permanent": (Asked(schedule=schedule(years=None)), "permanent: Kept permanently."),
    "locked": (
        Asked(lock_until=datetime(2027, 1, 1, tzinfo=UTC)),
        (
            "locked: The stored object is locked until 2027-01-01 00:00 UTC; the store refuses to "
            "delete it before then."
        ),
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_must_stay_stays_for_this_reason(name: str) -> None:
    asked, why = RECORDS[name]

    assert judged(asked) == why
