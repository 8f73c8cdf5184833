"""Events about batches that do not state what they change are told, and never applied in part."""

import pytest

from archiver.errors import IntegrityError
from archiver.preserve.batch_effects import BATCH, BatchFormed, batch_effect
from archiver.preserve.event_effects import effect_of
from archiver.preserve.event_record import EventBody
from archiver.preserve.named_records import MEMBERS_PART, members_digest, members_part
from archiver.preserve.transitions import Transition

INDEXES = (3, 5, 8)
ID = "01K00000000000000000000001"
AT = "2026-11-22T12:00:00.000Z"
AT_MS = 1_795_348_800_000
FORMED: dict[str, str | int | bool] = {
    "class_code": "default",
    "schedule_version": 1,
    "action": "destroy",
    "platform": "x",
    "account": "acme",
    "period": "2026-03",
    "log_size": 9,
    "records": 3,
    "bytes": 900,
    "formed_by_id": "R",
    "members_sha256": members_digest(INDEXES),
}
CHANGES: dict[str, dict[str, str | int | bool]] = {
    "batch:excluded": {
        "reason": "r",
        "keep_until": 0,
        "records": 3,
        "members_sha256": members_digest(INDEXES),
    },
    "batch:included": {"records": 3, "members_sha256": members_digest(INDEXES)},
    "batch:proposed": {"by_id": "R", "reason": "r", "needed": 2},
    "batch:approved": {"by_id": "A", "reason": "r", "records": 3},
    "batch:withdrawn": {"by_id": "A"},
    "batch:exported": {"sha256": "ab" * 32, "size": 9, "records": 3},
    "batch:confirmed": {"receiver": "Archives"},
    "batch:started": {},
    "batch:cancelled": {},
}


def event(action: str, details: dict[str, str | int | bool], *, result: str = "ok") -> EventBody:
    return EventBody(
        at=AT,
        actor="rita",
        roles=[],
        via="session",
        action=action,
        object_type=BATCH,
        object_id=ID,
        result=result,
        details=details,
    )


def part(name: str) -> bytes | None:
    return members_part(INDEXES).content if name == MEMBERS_PART else None


def test_a_formed_batch_is_read_back_from_its_event() -> None:
    effect = batch_effect(event("batch:formed", FORMED), part)

    assert isinstance(effect, BatchFormed)
    assert effect.details == FORMED
    assert effect.indexes == INDEXES


@pytest.mark.parametrize("action", CHANGES)
def test_a_change_names_the_event_it_was_made_upon(action: str) -> None:
    details = {**CHANGES[action], "was": AT_MS - 1}
    effect = batch_effect(event(action, details), part)

    assert isinstance(effect, Transition)
    assert (effect.claim.was, effect.claim.at) == (AT_MS - 1, AT_MS)
    for was in (AT_MS, AT_MS + 1):  # nothing is made upon itself, or upon what comes later
        with pytest.raises(IntegrityError, match="is not after"):
            effect_of(event(action, {**details, "was": was}), part)


@pytest.mark.parametrize("action", ["batch:formed", *CHANGES])
def test_an_event_that_lacks_what_it_must_state_is_told(action: str) -> None:
    details = FORMED if action == "batch:formed" else {**CHANGES[action], "was": AT_MS - 1}
    for missing in details:
        fewer = {name: value for name, value in details.items() if name != missing}
        with pytest.raises(IntegrityError, match=f"the event {action} of batch"):
            effect_of(event(action, fewer), part)


@pytest.mark.parametrize("action", ["batch:formed", "batch:excluded", "batch:included"])
@pytest.mark.parametrize("content", [None, b"", b"garbage", members_part((3, 5, 9)).content])
def test_other_records_than_the_event_states_are_refused(
    action: str, content: bytes | None
) -> None:
    details = FORMED if action == "batch:formed" else {**CHANGES[action], "was": AT_MS - 1}

    with pytest.raises(IntegrityError):
        effect_of(event(action, details), lambda _: content)


def test_a_batch_of_records_behind_its_log_is_refused() -> None:
    with pytest.raises(IntegrityError, match="not below its log size"):
        effect_of(event("batch:formed", {**FORMED, "log_size": 8}), part)


@pytest.mark.parametrize("action", ["batch:formed", *CHANGES])
@pytest.mark.parametrize("result", ["refused", "denied"])
def test_what_was_refused_changes_nothing(action: str, result: str) -> None:
    assert effect_of(event(action, {}, result=result), part) is None


def test_looking_at_a_batch_changes_nothing() -> None:
    assert effect_of(event("batch:viewed", {}), part) is None
