"""The emergency stop: one person stops all disposal at once, another one lets it go on."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.audit.actions import Action
from archiver.db import disposal_stop as stop_rows
from archiver.disposal.stop import DisposalStop
from archiver.errors import Conflict, Denied, InvalidInput
from archiver.ids import Ulids
from archiver.model.actor import Actor, LimitedRole, Role
from tests.fakes.small_archive import AUDITOR, SmallArchive, small_archive

ADA = Actor(name="ada", roles=frozenset({Role.COUNSEL}), via="session", person_id="01ADA")
BEN = Actor(name="ben", roles=frozenset({Role.COUNSEL}), via="session", person_id="01BEN")
RITA = Actor(
    name="rita", roles=frozenset({Role.RECORDS_MANAGER}), via="session", person_id="01RITA"
)
ADAS_TOKEN = Actor(name="ada's token", roles=frozenset({Role.COUNSEL}), via="token:1")


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    async with small_archive(tmp_path / "home", database_url) as opened:
        yield opened


def stop_of(archive: SmallArchive, *, two_person: bool = True) -> DisposalStop:
    return DisposalStop(
        database=archive.database,
        trail=archive.trail,
        clock=archive.clock,
        ulids=Ulids(),
        two_person=two_person,
    )


async def reason_if_on(archive: SmallArchive) -> str | None:
    async with archive.database.reading() as tx:
        return await stop_rows.read_reason_if_on(tx)


async def test_whoever_has_to_do_with_disposal_stops_it_at_once_and_says_why(
    archive: SmallArchive,
) -> None:
    stop = stop_of(archive)
    limited = Actor(
        name="li",
        roles=frozenset(),
        limited=frozenset({LimitedRole(role=Role.COUNSEL, matter="24-1")}),
        via="session",
        person_id="01LI",
    )
    assert (await stop.state(actor=AUDITOR)).stopped is False
    assert await reason_if_on(archive) is None

    for who in (RITA, ADAS_TOKEN, limited):
        await stop.stop(reason=f"{who.name} saw something", actor=who)

    state = await stop.state(actor=AUDITOR)
    assert [each.stated_by for each in state.stops] == ["rita", "ada's token", "li"]
    assert await reason_if_on(archive) == "rita saw something"


async def test_nobody_else_stops_it_and_nobody_without_a_reason(archive: SmallArchive) -> None:
    stop = stop_of(archive)

    with pytest.raises(Denied):
        await stop.stop(reason="I may only read", actor=AUDITOR)
    with pytest.raises(InvalidInput, match="reason"):
        await stop.stop(reason="  ", actor=ADA)

    assert await reason_if_on(archive) is None
    (refused,) = await archive.events_about(AUDITOR.name)
    assert (refused.action, refused.result) == (Action.DISPOSAL_STOPPED, "refused")


async def test_another_person_who_may_approve_lets_it_go_on(archive: SmallArchive) -> None:
    stop = stop_of(archive)
    await stop.stop(reason="the clock", actor=ADA)

    for who in (ADA, RITA, ADAS_TOKEN, AUDITOR):
        with pytest.raises(Denied):
            await stop.resume(reason="looks well", actor=who)
        assert await reason_if_on(archive) == "the clock"
    assert (await stop.resume(reason="set right", actor=BEN)).stopped is False

    assert await reason_if_on(archive) is None
    with pytest.raises(Conflict, match="not stopped"):
        await stop.resume(reason="again", actor=BEN)


async def test_what_was_stopped_by_several_none_of_them_resumes(archive: SmallArchive) -> None:
    stop = stop_of(archive)
    await stop.stop(reason="one", actor=ADA)
    archive.clock.pass_by(timedelta(minutes=1))
    await stop.stop(reason="two", actor=BEN)

    for who in (ADA, BEN):
        with pytest.raises(Denied, match="who stopped"):
            await stop.resume(reason="it is fine", actor=who)


async def test_a_stop_stated_while_another_is_lifted_stays(archive: SmallArchive) -> None:
    stop = stop_of(archive)
    state = await stop.stop(reason="one", actor=ADA)
    await stop.stop(reason="two", actor=RITA)

    await archive.trail.record(
        Action.DISPOSAL_RESUMED,
        actor=BEN,
        object_type="stop",
        object_id=Ulids().one(archive.clock()),
        details={"lifts": state.stops[0].id, "reason": "seen one only", "stated_by_id": "01BEN"},
    )

    assert await reason_if_on(archive) == "two"


async def test_without_the_two_person_rule_one_person_may_do_both(archive: SmallArchive) -> None:
    stop = stop_of(archive, two_person=False)
    await stop.stop(reason="the clock", actor=ADAS_TOKEN)

    assert (await stop.resume(reason="set right", actor=ADAS_TOKEN)).stopped is False
