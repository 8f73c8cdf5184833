"""People over the real write path: their acts are in the log, and come back from it alone."""

import argparse
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import event

from archiver.access.roster import PersonView
from archiver.app import Services, open_services
from archiver.cli.init import establish
from archiver.cli.output import Output
from archiver.cli.recover import recover_archive
from archiver.config import Settings
from archiver.db import events as event_rows
from archiver.errors import Denied
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.grants import Grants
from archiver.model.person import Method, PersonState
from archiver.web.connection import CONNECTION
from archiver.web.server import create_app
from archiver.web.session import COOKIE
from tests.fakes.archive import AGENT, an_arrival, publish, settings_for

CLI = Actor(name="cli:root", roles=frozenset(Role), via="cli")
PASSWORD = "seven herons over the harbour"
PART = LimitedRole(role=Role.REVIEWER, unit="Treasury")
WHY = "the regulator asked for it by telephone"


async def come_in(services: Services, email: str, *held: Role | LimitedRole) -> str:
    """Invite somebody, who sets a password with their link; return their id."""
    made = await services.people.invite(email, email, Grants.of(held), actor=CLI)
    link = await services.invitations.link(made.id, actor=CLI)
    return await services.invitations.accept(link.path.rpartition("/")[2], PASSWORD)


async def everybody(settings: Settings) -> list[PersonView]:
    async with open_services(settings) as services:
        return list(await services.people.list(actor=CLI))


@pytest.fixture
async def peopled(tmp_path: Path) -> Settings:
    """An archive where people came, changed and went; published."""
    settings = settings_for(tmp_path / "home")
    await establish(settings, {Role.ADMINISTRATOR}, email="Ada@example.com", name="Ada")
    async with open_services(settings) as services:
        rosa = await come_in(services, "rosa@example.com", Role.RECORDS_MANAGER, PART)
        carl = await come_in(services, "carl@example.com", Role.COUNSEL)
        await services.people.grant(rosa, Grants.of([PART]), reason="moved", actor=CLI)
        await services.people.disable(carl, reason="left", actor=CLI)
        await publish(services)
    return settings


async def test_a_rebuilt_database_knows_who_may_do_what_and_lets_nobody_in(
    peopled: Settings,
) -> None:
    before = await everybody(peopled)
    for path in peopled.home.glob("archive.db*"):
        path.unlink()
    args = argparse.Namespace(given_up=[], dry_run=False, workers=1)

    await recover_archive(peopled, args, Output(json=True))

    after = await everybody(peopled)
    known = [(p.id, p.name, p.email, p.state, p.grants, p.created_at) for p in after]
    assert known == [(p.id, p.name, p.email, p.state, p.grants, p.created_at) for p in before]
    assert [(p.email, p.state, p.grants.lines) for p in after] == [
        ("ada@example.com", PersonState.INVITED, ("administrator",)),
        ("carl@example.com", PersonState.DISABLED, ("counsel",)),
        ("rosa@example.com", PersonState.ACTIVE, ("reviewer in unit Treasury",)),
    ]
    assert not any(person.has_password for person in after)
    async with open_services(peopled) as services:
        with pytest.raises(Denied):
            await services.passwords.sign_in("rosa@example.com", PASSWORD, address="")
        link = await services.invitations.link(after[2].id, actor=CLI)
        await services.invitations.accept(link.path.rpartition("/")[2], PASSWORD)
        rosa = await services.passwords.sign_in("rosa@example.com", PASSWORD, address="")
        assert rosa == after[2].id


async def test_no_name_no_email_and_no_password_stands_in_the_log(peopled: Settings) -> None:
    files = [path for path in (peopled.home / "store").rglob("*") if path.is_file()]
    stored = b"".join(path.read_bytes() for path in files)

    assert len(files) > 5
    for secret in (b"rosa@example.com", b"Treasury", PASSWORD.encode(), b"argon2"):
        assert secret not in stored


async def test_an_interrupted_founding_invites_the_administrator_once(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "home")
    first = await establish(settings, {Role.ADMINISTRATOR}, email="ada@example.com", name="Ada")
    again = await establish(settings, {Role.ADMINISTRATOR}, email="ADA@example.com", name="Ada")

    assert first["link"].startswith("/welcome/")
    assert again["link"] is None
    assert len(await everybody(settings)) == 1


async def test_who_breaks_the_glass_is_named_with_their_reason_in_every_event(
    local_settings: Settings,
) -> None:
    async with open_services(local_settings) as services:
        (captured,) = await services.ingest.submit([an_arrival(b"a post")], actor=AGENT)
        olga = await come_in(services, "olga@example.com", Role.OPERATOR)
        secret = await services.sessions.start(olga, method=Method.PASSWORD)
        signed_in = await services.sessions.authenticate(secret)
        with pytest.raises(Denied):
            await services.records.raw(captured.record_id, actor=signed_in.actor)
        await services.sessions.break_glass(signed_in.session_id, WHY, actor=signed_in.actor)
        behind = (await services.sessions.authenticate(secret)).actor

        assert (await services.records.raw(captured.record_id, actor=behind)).content == b"a post"

        async with services.database.reading() as tx:
            events = await event_rows.list_about(tx, "olga@example.com", 10)
    viewed = [event for event in events if event.action == "record:viewed"]
    assert len(viewed) == 1
    assert WHY in viewed[0].details


async def test_a_whole_visit_in_a_browser(local_settings: Settings) -> None:
    async with open_services(local_settings) as services:
        ada = await services.people.invite(
            "Ada", "ada@example.com", Grants.of([Role.ADMINISTRATOR]), actor=CLI
        )
        link = await services.invitations.link(ada.id, actor=CLI)
        server = TestServer(create_app(services))
        await server.start_server(**CONNECTION)
        async with TestClient(server) as browser:
            origin = {"Origin": f"http://{browser.host}:{browser.port}"}
            await browser.post(link.path, data={"password": PASSWORD}, headers=origin)
            me = await (await browser.get("/me")).text()
            csrf = me.partition('name="csrf" value="')[2].partition('"')[0]
            form = {"name": "Rosa", "email": "rosa@example.com", "whole": "auditor", "csrf": csrf}

            invited = await browser.post("/people/new", data=form, headers=origin)
            receipt = await invited.text()
            shown = await (await browser.get("/people")).text()
            await browser.post("/sign-out", data={"csrf": csrf}, headers=origin)
            out = await browser.get("/me", allow_redirects=False)

        assert invited.status == 200
        assert "/welcome/" in receipt
        assert "rosa@example.com" in shown
        assert (out.status, out.headers["Location"]) == (303, "/sign-in?next=/me")
        assert COOKIE not in {cookie.key for cookie in browser.session.cookie_jar}
        assert [each.email for each in await services.people.list(actor=CLI)] == [
            "ada@example.com",
            "rosa@example.com",
        ]


async def test_the_list_of_people_costs_the_same_however_many_they_are(
    local_settings: Settings,
) -> None:
    async with open_services(local_settings) as services:
        counts = []
        for many in (2, 20):
            for number in range(many):
                await services.people.invite(
                    "P", f"p{many}.{number}@example.com", Grants.of([Role.AUDITOR]), actor=CLI
                )
            statements: list[str] = []
            engine = services.database._reading.sync_engine

            def note(*given: object, into: list[str] = statements) -> None:
                into.append(str(given[2]))

            event.listen(engine, "before_cursor_execute", note)
            await services.people.list(actor=CLI)
            event.remove(engine, "before_cursor_execute", note)
            counts.append(len(statements))

    assert counts[0] == counts[1] <= 3
