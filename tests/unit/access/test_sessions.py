from datetime import timedelta
from pathlib import Path

import pytest

from archiver.access.sessions import BELIEVED_FOR, GLASS_FOR, csrf_of
from archiver.audit.actions import Action
from archiver.errors import Conflict, DatabaseUnavailable, Denied, InvalidInput, NotFound
from archiver.model.actor import LimitedRole, Role
from archiver.model.grants import Grants
from archiver.model.person import Method
from tests.unit.access.house import CLI, START, House

WHY = "the regulator asked for it by telephone"


async def test_whoever_signs_in_acts_as_themselves_with_their_roles(house: House) -> None:
    part = LimitedRole(role=Role.REVIEWER, unit="Treasury")
    rosa = await house.person("rosa@example.com", Role.AUDITOR, part)

    signed_in = await house.access.sessions.authenticate(await house.sign_in(rosa))

    assert (signed_in.actor.name, signed_in.actor.person_id) == ("rosa@example.com", rosa)
    assert signed_in.actor.roles == {Role.AUDITOR}
    assert signed_in.actor.limited == {part}
    assert signed_in.actor.via == f"session:{signed_in.session_id}"
    assert signed_in.expires_at == START + timedelta(minutes=30)


async def test_every_sign_in_and_every_confirmation_makes_a_new_secret(house: House) -> None:
    rosa = await house.person("rosa@example.com", Role.AUDITOR)
    planted = await house.sign_in(rosa)
    secret = await house.access.sessions.start(rosa, method=Method.PASSWORD, replacing=planted)
    signed_in = await house.access.sessions.authenticate(secret)

    confirmed = await house.access.sessions.confirm(signed_in.session_id, method=Method.PASSWORD)

    assert len({planted, secret, confirmed}) == 3
    for old in (planted, secret):
        with pytest.raises(Denied):
            await house.access.sessions.authenticate(old)
    after = await house.access.sessions.authenticate(confirmed)
    assert after.session_id == signed_in.session_id
    assert after.csrf != signed_in.csrf


async def test_the_database_holds_no_secret_and_no_event_names_one(
    house: House, tmp_path: Path
) -> None:
    rosa = await house.person("rosa@example.com", Role.AUDITOR)
    secret = await house.sign_in(rosa)

    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())  # noqa: ASYNC240 - small

    assert secret.encode() not in stored
    assert csrf_of(secret).encode() not in stored
    assert secret not in repr(house.trail.lines)
    assert secret not in repr(await house.access.sessions.authenticate(secret))


@pytest.mark.parametrize(
    ("steps", "lives"),
    [
        ((timedelta(minutes=29),), True),
        ((timedelta(minutes=30),), False),
        ((timedelta(minutes=29),) * 24, True),
        ((timedelta(minutes=29),) * 25, False),  # 12 h 5 min: the absolute limit
    ],
)
async def test_a_session_ends_when_idle_and_in_any_case_after_hours(
    house: House, steps: tuple[timedelta, ...], *, lives: bool
) -> None:
    secret = await house.sign_in(await house.person("rosa@example.com", Role.AUDITOR))

    for step in steps[:-1]:
        house.now += step
        await house.access.sessions.authenticate(secret)
    house.now += steps[-1]

    if lives:
        await house.access.sessions.authenticate(secret)
    else:
        with pytest.raises(Denied) as refused:
            await house.access.sessions.authenticate(secret)
        assert not refused.value.authenticated


async def test_use_in_one_process_keeps_a_session_alive_in_another(house: House) -> None:
    secret = await house.sign_in(await house.person("rosa@example.com", Role.AUDITOR))
    there = house.other()
    house.later(minutes=20)
    await house.access.sessions.authenticate(secret)
    house.later(minutes=20)

    assert (await there.sessions.authenticate(secret)).name == "Rosa"


@pytest.mark.parametrize("secret", ["", "x", "a" * 43, "a" * 44, "é" * 43, "\0" * 43, "\ud800"])
async def test_what_was_never_given_opens_nothing(house: House, secret: str) -> None:
    with pytest.raises(Denied) as refused:
        await house.access.sessions.authenticate(secret)

    assert not refused.value.authenticated


async def test_a_database_that_does_not_answer_lets_nobody_in(house: House) -> None:
    secret = await house.sign_in(await house.person("rosa@example.com", Role.AUDITOR))
    await house.access.sessions.authenticate(secret)
    house.now += BELIEVED_FOR
    async with house.database.transaction() as tx:
        await tx.run_sync(lambda connection: connection.exec_driver_sql("DROP TABLE session"))

    with pytest.raises(DatabaseUnavailable):
        await house.access.sessions.authenticate(secret)


async def test_roles_taken_are_gone_with_the_next_request_and_soon_elsewhere(house: House) -> None:
    rosa = await house.person("rosa@example.com", Role.AUDITOR)
    secret, there = await house.sign_in(rosa), house.other()
    for process in (house.access, there):
        await process.sessions.authenticate(secret)

    await house.access.people.grant(rosa, Grants(), actor=CLI)

    assert (await house.access.sessions.authenticate(secret)).actor.roles == set()
    house.now += BELIEVED_FOR
    assert (await there.sessions.authenticate(secret)).actor.roles == set()


async def test_whoever_is_disabled_is_out_at_once_and_cannot_come_back(house: House) -> None:
    rosa = await house.person("rosa@example.com", Role.AUDITOR)
    secret = await house.sign_in(rosa)
    await house.access.sessions.authenticate(secret)

    await house.access.people.disable(rosa, reason="left the company", actor=CLI)

    with pytest.raises(Denied):
        await house.access.sessions.authenticate(secret)
    with pytest.raises(Denied):
        await house.sign_in(rosa)


async def test_signing_out_ends_it_and_a_clock_set_back_does_not_revive_it(house: House) -> None:
    rosa = await house.person("rosa@example.com", Role.AUDITOR)
    secret, there = await house.sign_in(rosa), house.other()
    signed_in = await there.sessions.authenticate(secret)

    await house.access.sessions.end(signed_in.session_id, actor=signed_in.actor)
    house.later(hours=-1)

    for process in (house.access, there):
        with pytest.raises(Denied):
            await process.sessions.authenticate(secret)


async def test_people_end_their_own_sessions_and_no_others(house: House) -> None:
    rosa = await house.person("rosa@example.com", Role.AUDITOR)
    carl = await house.person("carl@example.com", Role.COUNSEL)
    ada = await house.actor(await house.person("ada@example.com", Role.ADMINISTRATOR))
    await house.sign_in(rosa)
    hers, his = await house.actor(rosa), await house.actor(carl)
    sessions = house.access.sessions
    mine = await sessions.list(actor=hers)

    with pytest.raises(NotFound):
        await sessions.revoke(mine[0].id, actor=his)
    with pytest.raises(Denied):
        await sessions.list(person_id=rosa, actor=his)
    await sessions.revoke(mine[0].id, actor=hers)
    await sessions.revoke(mine[1].id, actor=ada)

    assert [each.current for each in mine] == [True, False]
    assert await sessions.list(person_id=rosa, actor=ada) == ()
    assert house.trail.actions.count(Action.SESSION_REVOKED) == 2


async def test_a_proof_of_identity_is_good_for_ten_minutes(house: House) -> None:
    rosa = await house.person("rosa@example.com", Role.COUNSEL)
    signed_in = await house.access.sessions.authenticate(await house.sign_in(rosa))

    house.later(minutes=9, seconds=59)
    assert signed_in.is_confirmed(house.now)
    house.later(seconds=1)
    assert not signed_in.is_confirmed(house.now)

    secret = await house.access.sessions.confirm(signed_in.session_id, method=Method.PASSKEY)
    assert (await house.access.sessions.authenticate(secret)).is_confirmed(house.now)


async def test_broken_glass_lets_read_for_half_an_hour_for_a_reason(house: House) -> None:
    sessions = house.access.sessions
    secret = await house.sign_in(await house.person("olga@example.com", Role.OPERATOR))
    signed_in = await sessions.authenticate(secret)

    await sessions.break_glass(signed_in.session_id, WHY, actor=signed_in.actor)

    broken = await sessions.authenticate(secret)
    assert (broken.glass, broken.actor.broken_glass) == (WHY, WHY)
    assert broken.glass_until == START + GLASS_FOR
    assert house.trail.lines[-1].details["reason"] == WHY
    house.later(minutes=29)
    await sessions.authenticate(secret)
    house.later(minutes=1)
    assert (await sessions.authenticate(secret)).actor.broken_glass == ""


async def test_glass_is_mended_before_its_time(house: House) -> None:
    sessions = house.access.sessions
    secret = await house.sign_in(await house.person("olga@example.com", Role.OPERATOR))
    signed_in = await sessions.authenticate(secret)
    await sessions.break_glass(signed_in.session_id, WHY, actor=signed_in.actor)

    await sessions.mend_glass(signed_in.session_id, actor=signed_in.actor)

    assert (await sessions.authenticate(secret)).glass == ""


async def test_glass_is_broken_only_by_who_may_and_needs_to(house: House) -> None:
    sessions = house.access.sessions
    rita = await house.actor(await house.person("rita@example.com", Role.REVIEWER))
    both = await house.actor(await house.person("both@example.com", Role.OPERATOR, Role.REVIEWER))
    olga = await house.actor(await house.person("olga@example.com", Role.OPERATOR))

    with pytest.raises(Denied):
        await sessions.break_glass(rita.via.partition(":")[2], WHY, actor=rita)
    with pytest.raises(Conflict):
        await sessions.break_glass(both.via.partition(":")[2], WHY, actor=both)
    with pytest.raises(InvalidInput):
        await sessions.break_glass(olga.via.partition(":")[2], "curious", actor=olga)
    assert Action.GLASS_BROKEN not in house.trail.actions


async def test_no_session_starts_whose_event_is_not_kept(house: House) -> None:
    rosa = await house.person("rosa@example.com", Role.AUDITOR)
    house.trail.failure = DatabaseUnavailable("the disk is full")

    with pytest.raises(DatabaseUnavailable):
        await house.sign_in(rosa)

    house.trail.failure = None
    assert len(await house.access.sessions.list(person_id=rosa, actor=CLI)) == 0
