"""What an event changes is read from it strictly: whole, or not at all."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.audit.actions import Action
from archiver.errors import IntegrityError
from archiver.ids import ulid_text
from archiver.preserve import event_effects
from archiver.preserve.event_effects import (
    HoldPlaced,
    HoldReleased,
    TokenRevoked,
    effect_of,
)
from archiver.preserve.event_record import (
    HOLD_RELEASED,
    MEMBERS_PART,
    PLAN_PART,
    EventBody,
    PlanAddition,
    PlannedClass,
    members_part,
    parse_members,
    parse_plan,
    plan_part,
)
from archiver.preserve.ledger.entry import HoldEntry, decode_entry, members_digest
from archiver.preserve.plan_effects import PlanExtended

HOLD = "01K9ZZZZZZZZZZZZZZZZZZZZZZ"
IDS = ["01KAM00000000000000000000A", "01KAM00000000000000000000B"]


def an_event(action: str, **details: str | int | bool) -> EventBody:
    return EventBody(
        at="2026-11-20T09:30:00.000Z",
        actor="carla",
        roles=["counsel"],
        via="cli",
        action=action,
        object_type="hold",
        object_id=HOLD,
        result="ok",
        details=details,
    )


def no_parts(_name: str) -> None:
    """An event of one part only."""


def placed(**changed: str | int | bool) -> EventBody:
    details: dict[str, str | int | bool] = {
        "name": "Smith",
        "matter": "24-1",
        "reason": "litigation",
        "scope": "{}",
        "log_size": 7,
        "records": len(IDS),
        "members_sha256": members_digest(IDS).hex(),
    }
    return an_event("hold:placed", **(details | changed))


def test_the_names_of_acts_are_those_of_the_trail() -> None:
    assert (
        event_effects.HOLD_PLACED,
        HOLD_RELEASED,
        event_effects.TOKEN_REVOKED,
    ) == (Action.HOLD_PLACED, Action.HOLD_RELEASED, Action.TOKEN_REVOKED)


def test_a_placed_hold_is_read_back_whole() -> None:
    effect = effect_of(placed(), {MEMBERS_PART: members_part(IDS).content}.get)
    assert isinstance(effect, HoldPlaced)
    assert (list(effect.members), effect.row.log_size, effect.row.state) == (IDS, 7, "active")
    (entry,) = map(decode_entry, effect.entries)
    assert isinstance(entry, HoldEntry)
    assert (entry.on, entry.count, entry.members_sha256) == (True, 2, members_digest(IDS))


def test_a_release_and_a_revocation_are_read_back() -> None:
    details = placed().details | {"reason": "settled"}
    released = effect_of(an_event("hold:released", **details), no_parts)
    assert isinstance(released, HoldReleased)
    assert (released.by, released.reason) == ("carla", "settled")
    assert isinstance(effect_of(an_event("token:revoked"), no_parts), TokenRevoked)
    assert effect_of(an_event("search:run"), no_parts) is None


@pytest.mark.parametrize(
    ("body", "members"),
    [
        (placed(), None),
        (placed(), members_part(IDS[:1]).content),
        (placed(), members_part(IDS).content[:-1]),
        (placed(), members_part(IDS).content[16:] + members_part(IDS).content[:16]),
        (placed(), members_part(IDS).content[:16] * 2),
        (placed(records=3), members_part(IDS).content),
        (placed(records=True), members_part(IDS).content),
        (placed(members_sha256="00" * 32), members_part(IDS).content),
        (placed(members_sha256="zz"), members_part(IDS).content),
        (placed(name=5), members_part(IDS).content),
        (msgspec.structs.replace(placed(), at="soon"), members_part(IDS).content),
        (msgspec.structs.replace(placed(), at="2026-11-20T09:30:00"), members_part(IDS).content),
    ],
)
def test_a_hold_that_is_not_whole_is_refused_by_name(
    body: EventBody, members: bytes | None
) -> None:
    parts = {} if members is None else {MEMBERS_PART: members}
    with pytest.raises(IntegrityError, match=HOLD):
        effect_of(body, parts.get)


def test_an_addition_to_the_file_plan_is_read_back_as_it_was_written() -> None:
    addition = PlanAddition(classes=(PlannedClass("default", {"z": 1, "a": [None, "x"]}),))
    part = plan_part(addition)
    effect = effect_of(an_event("class:adopted"), {PLAN_PART: part.content}.get)
    assert effect == PlanExtended(addition=addition)
    assert list(parse_plan(part.content).classes[0].body) == ["z", "a"]


@given(st.lists(st.binary(min_size=16, max_size=16), unique=True))
def test_members_are_read_back_in_ascending_order(raw: list[bytes]) -> None:
    ids = [ulid_text(each) for each in raw if each[0] < 0x80]
    assert parse_members(members_part(ids).content) == sorted(ids)


@given(st.binary(max_size=200))
def test_garbage_is_refused(data: bytes) -> None:
    for action, name in (("hold:placed", MEMBERS_PART), ("class:adopted", PLAN_PART)):
        try:
            effect = effect_of(an_event(action), {name: data}.get)
        except IntegrityError:
            continue
        assert isinstance(effect, PlanExtended)
