"""The gate and privacy requests: one reason for each way to be refused, word for word."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.db.disposal import Candidate, GateBatch
from archiver.model.privacy import PrivacyDecision
from archiver.preserve.condemnation import Claim, objection_to_batch, objection_to_record
from retention.facts import Facts, Hold
from retention.periods import Period
from retention.schedules import Action, LockMode, Schedule, Term, Trigger

CAPTURED = datetime(2024, 6, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ERASE, REFUSE = PrivacyDecision.ERASE, PrivacyDecision.REFUSE
RESTRICT, LIFTED = PrivacyDecision.RESTRICT, PrivacyDecision.LIFTED
HOUSE, LAW = "House rule: no law is cited", "17 CFR 240.17a-4(b)(4)"
CLAIM = Claim(
    log_index=7,
    id="R",
    class_code="guests",
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
    class_code="guests",
    rule="1/default",
    schedule_version=2,
    platform="x",
    account="acme",
    captured_at=0,
    segment_id="S",
    frame=0,
    size=9,
    lock_mode="none",
    lock_until=0,
)
HOLD = Hold(id="H1", name="Q3", matter="24-1", placed_at=datetime(2024, 6, 6, 7, 8, tzinfo=UTC))
FACTS = Facts(platform="x", account="acme", captured_at=CAPTURED)


def batch(**changed: Any) -> GateBatch:
    found: dict[str, Any] = dict.fromkeys(GateBatch._fields, 0) | {
        "id": "B",
        "state": "approved",
        "action": "privacy",
        "class_code": "guests",
        "schedule_version": 2,
        "platform": "x",
        "account": "acme",
        "approvals_needed": 2,
        "formed_by_id": "rita",
        "proposed_by_id": "rita",
        "members": 3,
        "approvals": (("carla", 3), ("cyril", 3)),
        "handed_over": False,
    }
    return GateBatch(**(found | changed))


def schedule(
    *cited: str, trigger: str = "captured", years: int = 7, action: Action = Action.DESTROY
) -> Schedule:
    return Schedule(
        class_code="guests",
        version=2,
        terms=tuple(
            Term(
                id=str(place),
                citation=each,
                trigger=Trigger.parse(trigger),
                period=Period(years=years),
            )
            for place, each in enumerate(cited)
        ),
        action=action,
        lock=LockMode.NONE,
        zone="UTC",
    )


def judged(
    *,
    decided: Collection[PrivacyDecision] = (ERASE,),
    found: Candidate | None = FOUND,
    facts: Facts | None = FACTS,
    schedule: Schedule | None = schedule(HOUSE),  # noqa: B008 - a frozen value
    holds: tuple[Hold, ...] = (),
    lock_until: datetime | None = None,
    action: str = "privacy",
    at: datetime = NOW,
) -> str:
    return objection_to_record(
        CLAIM,
        found,
        batch=batch(action=action),
        facts=facts,
        schedule=schedule,
        holds=holds,
        at=at,
        lock_until=lock_until,
        decided=decided,
    )


def test_what_was_decided_and_nothing_binds_may_go_before_its_time() -> None:
    assert objection_to_batch(batch(), None) == ""
    assert judged() == ""
    assert judged(action="destroy").startswith("retain: Captured 2024-06-01")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"decided": ()}, "no open privacy request has decided to erase it"),
        ({"decided": (REFUSE,)}, "no open privacy request has decided to erase it"),
        ({"decided": (LIFTED,)}, "no open privacy request has decided to erase it"),
        (
            {"decided": (ERASE, RESTRICT)},
            "it is restricted at a person's request (GDPR art. 18(2)); lift that first",
        ),
        (
            {"holds": (HOLD,)},
            (
                "On hold Q3 since 2024-06-06 07:08 UTC: nothing of it may be disposed of before "
                "the hold is released. (matter 24-1, hold H1)"
            ),
        ),
        (
            {"schedule": schedule(HOUSE, LAW, years=6)},
            (
                "Captured 2024-06-01 12:00 UTC; kept 6 years from then, until 2030-06-02 00:00. "
                "(17 CFR 240.17a-4(b)(4))"
            ),
        ),
        (
            {"schedule": schedule(LAW, trigger="event:account_closed", years=0)},
            ("Awaiting the event account_closed; kept 0 days from then. (17 CFR 240.17a-4(b)(4))"),
        ),
        (
            {"schedule": schedule(HOUSE, action=Action.TRANSFER)},
            (
                "The schedule hands it over to an archive before anything of it is destroyed. "
                "(class guests, schedule version 2)"
            ),
        ),
        (
            {"lock_until": NOW + timedelta(days=1)},
            (
                "The stored object is locked until 2026-11-23 00:00 UTC; the store refuses to "
                "delete it before then. (object lock, class lock mode none)"
            ),
        ),
        ({"found": None}, "no such record is a member of the batch"),
        ({"found": FOUND._replace(state="kept")}, "it is kept in the batch already"),
        (
            {"found": FOUND._replace(entry_type="aud")},
            "it is an event of the archive's own, which this release does not destroy",
        ),
        (
            {"found": FOUND._replace(class_code="bank")},
            (
                "it is not what was approved: it was approved in class guests and is in class "
                "bank now"
            ),
        ),
        (
            {"found": FOUND._replace(schedule_version=3)},
            (
                "it is not what was approved: it was approved under schedule version 2, and "
                "version 3 applies now"
            ),
        ),
        (
            {"found": FOUND._replace(account="other")},
            "it is not what was approved: it is of another account than the batch",
        ),
        ({"schedule": None}, "schedule version 2 of its class cannot be read"),
        ({"facts": None}, "schedule version 2 of its class cannot be read"),
    ],
)
def test_each_refusal_stands_whatever_was_decided(asked: dict[str, Any], why: str) -> None:
    assert judged(**asked) == why


def test_what_is_restricted_is_in_no_batch_that_destroys_it() -> None:
    ended = NOW + timedelta(days=9000)
    assert judged(action="destroy", decided=(), at=ended) == ""
    assert judged(action="destroy", decided=(RESTRICT,), at=ended).startswith("it is restricted")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"state": "formed"}, "the batch is formed, and only an approved one is destroyed"),
        ({"approvals": ()}, "it has 0 of the 2 approvals that it needs"),
        (
            {"approvals": (("carla", 3), ("rita", 3))},
            (
                "it has 1 of the 2 approvals that it needs; those of who formed or proposed it "
                "do not count"
            ),
        ),
        (
            {"approvals": (("carla", 3), ("cyril", 4))},
            "an approval is for 4 records, and the batch has 3",
        ),
    ],
)
def test_a_privacy_batch_needs_all_that_another_needs(changed: dict[str, Any], why: str) -> None:
    assert objection_to_batch(batch(**changed), None) == why
    assert objection_to_batch(batch(), "a claim") == "all disposal is stopped: a claim"
    assert objection_to_batch(batch(), None, "records are being refiled") == (
        "records are being refiled"
    )


@given(
    decided=st.sets(st.sampled_from(PrivacyDecision)),
    action=st.sampled_from(["privacy", "destroy", "reviewed", "transfer", "", "Privacy"]),
    cited=st.lists(st.sampled_from([HOUSE, LAW, "?"]), min_size=1, max_size=3),
    held=st.booleans(),
    locked=st.integers(min_value=-1, max_value=1),
    days=st.integers(min_value=0, max_value=3000),
)
def test_nothing_held_locked_or_bound_by_law_is_ever_erasable(
    decided: set[PrivacyDecision],
    action: str,
    cited: list[str],
    *,
    held: bool,
    locked: int,
    days: int,
) -> None:
    at = CAPTURED + timedelta(days=days)
    ended = at >= datetime(2031, 6, 2, tzinfo=UTC)
    found = judged(
        decided=decided,
        action=action,
        schedule=schedule(*cited),
        holds=(HOLD,) if held else (),
        lock_until=at + timedelta(days=locked),
        at=at,
    )
    may = not held and locked <= 0 and RESTRICT not in decided
    if action == "privacy":
        may = may and ERASE in decided and (ended or set(cited) == {HOUSE})
    else:
        may = may and ended
    assert (found == "") is may
