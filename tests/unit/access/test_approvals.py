import pytest

from archiver.access.approvals import Act, ApprovalState, needs_second_person
from archiver.audit.actions import Action
from archiver.config import load_settings
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.model.actor import Actor, Role
from tests.unit.access.house import CLI, House

HOLD = ("hold", "01KAM0H00D0000000000000001")


async def test_a_request_is_approved_by_another_person(house: House) -> None:
    carl = await house.actor(await house.person("carl@example.com", Role.COUNSEL))
    cora = await house.actor(await house.person("cora@example.com", Role.COUNSEL))
    approvals = house.access.approvals
    asked = await approvals.request(Act.RELEASE_HOLD, *HOLD, "the case was settled", actor=carl)

    with pytest.raises(Denied):
        await approvals.decide(asked.id, approve=True, actor=carl)
    decided = await approvals.decide(asked.id, approve=True, actor=cora)

    assert (asked.state, asked.mine) == (ApprovalState.PENDING, True)
    assert (decided.state, decided.decided_by) == (ApprovalState.APPROVED, "cora@example.com")
    assert house.trail.actions[-2:] == [Action.APPROVAL_REQUESTED, Action.APPROVAL_GRANTED]
    assert await approvals.pending(cora) == ()


async def test_the_same_person_in_another_browser_is_no_second_person(house: House) -> None:
    person_id = await house.person("carl@example.com", Role.COUNSEL)
    here, there = await house.actor(person_id), await house.actor(person_id)
    asked = await house.access.approvals.request(Act.RELEASE_HOLD, *HOLD, "settled", actor=here)

    with pytest.raises(Denied):
        await house.access.approvals.decide(asked.id, approve=True, actor=there)


async def test_a_token_neither_asks_nor_approves(house: House) -> None:
    token = Actor(name="script", roles=frozenset({Role.COUNSEL}), via="token:T")
    carl = await house.actor(await house.person("carl@example.com", Role.COUNSEL))
    asked = await house.access.approvals.request(Act.RELEASE_HOLD, *HOLD, "settled", actor=carl)

    with pytest.raises(Denied):
        await house.access.approvals.request(Act.RELEASE_HOLD, "hold", "H2", "why", actor=token)
    with pytest.raises(Denied):
        await house.access.approvals.decide(asked.id, approve=True, actor=token)


async def test_who_writes_asks_and_who_approves_decides(house: House) -> None:
    rosa = await house.actor(await house.person("rosa@example.com", Role.RECORDS_MANAGER))
    rolf = await house.actor(await house.person("rolf@example.com", Role.RECORDS_MANAGER))
    carl = await house.actor(await house.person("carl@example.com", Role.COUNSEL))
    approvals = house.access.approvals
    with pytest.raises(Denied):
        await approvals.request(Act.DISPOSE, "batch", "B", "due", actor=carl)
    asked = await approvals.request(Act.DISPOSE, "batch", "B", "due", actor=rosa)

    with pytest.raises(Denied):
        await approvals.decide(asked.id, approve=True, actor=rolf)
    assert [each.id for each in await approvals.pending(rosa)] == [asked.id]
    assert [each.mine for each in await approvals.pending(carl)] == [False]
    assert await approvals.pending(rolf) == ()
    assert (await approvals.decide(asked.id, approve=False, actor=carl)).state == "refused"


async def test_a_request_is_decided_once(house: House) -> None:
    carl = await house.actor(await house.person("carl@example.com", Role.COUNSEL))
    approvals = house.access.approvals
    asked = await approvals.request(Act.RELEASE_HOLD, *HOLD, "settled", actor=CLI)
    with pytest.raises(Conflict):
        await approvals.request(Act.RELEASE_HOLD, *HOLD, "again", actor=carl)
    await approvals.decide(asked.id, approve=False, actor=carl)

    with pytest.raises(Conflict):
        await approvals.decide(asked.id, approve=True, actor=carl)
    again = await approvals.request(Act.RELEASE_HOLD, *HOLD, "again", actor=carl)
    with pytest.raises(Denied):
        await approvals.withdraw(again.id, actor=CLI)
    assert (await approvals.withdraw(again.id, actor=carl)).state is ApprovalState.WITHDRAWN
    about = await approvals.about(*HOLD, actor=carl)
    assert [each.state for each in about] == ["withdrawn", "refused"]
    with pytest.raises(NotFound):
        await approvals.decide("01KAM0000000000000000000AA", approve=True, actor=carl)
    with pytest.raises(InvalidInput):
        await approvals.request(Act.RELEASE_HOLD, *HOLD, "  ", actor=carl)


@pytest.mark.parametrize(
    ("act", "setting", "default"),
    [
        (Act.DISPOSE, "TWO_PERSON_DISPOSAL", True),
        (Act.CHANGE_SCHEDULE, "TWO_PERSON_SCHEDULE", True),
        (Act.RELEASE_HOLD, "TWO_PERSON_HOLD_RELEASE", False),
    ],
)
def test_the_settings_say_what_needs_two_people(act: Act, setting: str, *, default: bool) -> None:
    turned = load_settings({f"MUNIMENT_{setting}": str(not default)})

    assert needs_second_person(act, load_settings({})) is default
    assert needs_second_person(act, turned) is not default
