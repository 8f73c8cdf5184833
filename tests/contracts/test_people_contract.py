"""People, sessions, links, approvals and tokens: every query on SQLite and on PostgreSQL."""

import pytest

from archiver.access.approvals import Act
from archiver.access.people import PeopleFilter
from archiver.db.transaction import Database
from archiver.errors import Conflict, Denied
from archiver.model.actor import LimitedRole, Role
from archiver.model.grants import Grants
from archiver.model.person import Method, Preferences, Theme
from tests.unit.access.house import CLI, PASSWORD, House, secret_of

TREASURY = LimitedRole(role=Role.REVIEWER, unit="Treasury")


async def test_a_persons_life_is_the_same_on_every_database(database: Database) -> None:
    house = House(database)
    access = house.access
    rosa = await house.person_with_password("rosa@example.com", Role.RECORDS_MANAGER, TREASURY)
    secret = await house.sign_in(
        await access.passwords.sign_in("Rosa@example.com", PASSWORD, address="192.0.2.7")
    )
    signed_in = await access.sessions.authenticate(secret)
    assert signed_in.actor.limited == {TREASURY}

    await access.people.prefer(Preferences(theme=Theme.DARK), actor=signed_in.actor)
    secret = await access.sessions.confirm(signed_in.session_id, method=Method.PASSWORD)
    house.later(minutes=2)
    assert (await access.sessions.authenticate(secret)).preferences.theme is Theme.DARK
    assert len(await access.sessions.list(actor=signed_in.actor)) == 1

    await access.people.grant(rosa, Grants.of([TREASURY]), actor=CLI)
    assert (await access.sessions.authenticate(secret)).actor.roles == set()
    assert [
        p.email for p in await access.people.list(PeopleFilter(role="reviewer"), actor=CLI)
    ] == ["rosa@example.com"]
    await access.people.disable(rosa, actor=CLI)
    with pytest.raises(Denied):
        await access.sessions.authenticate(secret)
    await access.people.enable(rosa, actor=CLI)
    with pytest.raises(Denied):
        await access.sessions.authenticate(secret)


async def test_wrong_passwords_links_and_last_administrators(database: Database) -> None:
    house = House(database)
    access = house.access
    ada = await house.person_with_password("ada@example.com", Role.ADMINISTRATOR)
    for _ in range(10):
        with pytest.raises(Denied):
            await access.passwords.sign_in("ada@example.com", "wrong", address="")
    assert (await access.people.show(ada, actor=CLI)).locked_until is not None
    with pytest.raises(Conflict):
        await access.people.disable(ada, actor=CLI)
    with pytest.raises(Conflict):
        await access.people.invite("A", "ADA@example.com", Grants.of([TREASURY]), actor=CLI)
    link = await access.invitations.link(ada, actor=CLI)
    await access.invitations.accept(secret_of(link.path), PASSWORD)
    with pytest.raises(Denied):
        await access.invitations.open(secret_of(link.path))


async def test_requests_for_a_second_person(database: Database) -> None:
    house = House(database)
    approvals = house.access.approvals
    carl = await house.actor(await house.person("carl@example.com", Role.COUNSEL))
    asked = await approvals.request(Act.RELEASE_HOLD, "hold", "H", "settled", actor=CLI)

    assert [each.id for each in await approvals.pending(carl)] == [asked.id]
    assert (await approvals.decide(asked.id, approve=True, actor=carl)).state == "approved"
    assert [each.state for each in await approvals.about("hold", "H", actor=carl)] == ["approved"]
