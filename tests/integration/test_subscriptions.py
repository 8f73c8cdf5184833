"""Subscriptions on a real archive: what is new is told once, by webhook and mail."""

import argparse
import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from archiver.access.people import join
from archiver.app import Services, open_services
from archiver.cli.output import Output
from archiver.cli.recover import recover_archive
from archiver.clock import to_millis
from archiver.config import Settings
from archiver.db import events as event_rows
from archiver.db import subscriptions as subscription_rows
from archiver.errors import (
    Conflict,
    Denied,
    InvalidInput,
    NotFound,
    PeerUnavailable,
    StorageUnavailable,
    TooMany,
)
from archiver.jobs.deliveries import BACKOFF, CLAIM
from archiver.jobs.mail import Mail
from archiver.jobs.mail import MailServer as MailClient
from archiver.legal.asking import Asked
from archiver.legal.saved_versions import Change
from archiver.legal.subscription_views import ChannelName, Pace, SubscriptionView
from archiver.model.actor import Actor, Role
from archiver.model.grants import Grants, grant
from archiver.model.person import Method
from tests.fakes.archive import AGENT, an_arrival, found, publish, settings_for
from tests.fakes.mail_server import MailServer, mail_server
from tests.fakes.webhook_receiver import WebhookReceiver, webhook_receiver

CARLA = Actor(name="cli:carla", roles=frozenset(Role), via="cli")
"""Somebody on the archive's own machine."""


@dataclass
class Moving:
    """A clock that is moved by hand, and moves a little by itself."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass
class House:
    """An archive with a receiver of webhooks, a mail server, and a clock that is moved by hand."""

    services: Services
    settings: Settings
    receiver: WebhookReceiver
    mail: MailServer
    clock: Moving

    async def capture(self, *texts: str) -> None:
        """Keep posts, and have them indexed."""
        arrivals = [an_arrival(each.encode()) for each in texts]
        await self.services.ingest.submit(arrivals, actor=AGENT)
        await self.services.loops.catch_up()

    async def tell(self) -> None:
        """What the loops do, once."""
        await self.services.telling.follower.follow()
        for channel in ChannelName:
            await self.services.telling.deliveries.deliver(channel)

    async def saved(self, query: str = "fees", shared: str = "everybody") -> str:
        """The id of a search that Carla saved."""
        view = await self.services.saved_searches.save(
            Asked(query=query), name="Fees", shared_with=shared, actor=CARLA
        )
        return view.id

    async def webhook(self, saved_id: str, pace: Pace = Pace.AT_ONCE) -> SubscriptionView:
        """Carla's subscription by webhook."""
        return await self.services.subscriptions.create(
            saved_id,
            channel=ChannelName.WEBHOOK,
            target=self.receiver.url,
            pace=pace,
            actor=CARLA,
        )

    async def told(self, saved_id: str) -> list[tuple[str, int, int]]:
        """State, hits and attempts of each delivery, oldest first."""
        views = await self.services.subscriptions.deliveries(saved_id, actor=CARLA)
        return [(each.row.state, each.row.hits, each.row.attempts) for each in reversed(views)]


def settings_of(home: Path, mail: MailServer | None = None) -> Settings:
    """Settings that let webhooks reach this machine."""
    base = settings_for(home)
    given = {
        "webhook_networks": "127.0.0.0/8",
        "public_url": "https://archive.example.com",
        "smtp_url": mail.url if mail else "",
        "mail_from": "Muniment <archive@example.com>" if mail else "",
    }
    return base.model_copy(update=given)


@asynccontextmanager
async def house_in(home: Path) -> AsyncIterator[House]:
    """A new archive."""
    async with webhook_receiver() as receiver, mail_server() as mail:
        settings = settings_of(home, mail)
        await found(settings)
        async with opened(settings, receiver, mail) as house:
            yield house


@asynccontextmanager
async def opened(
    settings: Settings, receiver: WebhookReceiver, mail: MailServer
) -> AsyncIterator[House]:
    """The archive as it is, opened."""
    clock = Moving()
    async with open_services(settings, clock=clock, stopwatch=_Ticks(clock)) as services:
        await services.loops.catch_up()
        yield House(services, settings, receiver, mail, clock)


class _Ticks:
    """A stopwatch that goes as the clock does, so that nobody doubts it."""

    def __init__(self, clock: Moving) -> None:
        self._clock, self._start = clock, clock.now

    def __call__(self) -> float:
        return (self._clock.now - self._start).total_seconds()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_in(tmp_path / "home") as opened:
        yield opened


async def _person(house: House, email: str, role: Role, *, unit: str = "") -> Actor:
    """Somebody who accepted an invitation and is signed in."""
    services = house.services
    grants = Grants.of([grant(role, unit=unit)])
    made = await services.people.invite(email, email, grants, actor=CARLA)
    roster = services.people._roster
    person = await join(roster, made.id, method=Method.PASSWORD)
    return Actor(
        name=email,
        roles=person.grants.roles,
        limited=person.grants.limited,
        person_id=person.id,
        via="session:1",
    )


async def test_new_hits_are_told_once_with_a_signature_and_no_text(house: House) -> None:
    await house.capture("fees before")
    saved_id = await house.saved()
    made = await house.webhook(saved_id)
    await house.tell()
    assert house.receiver.requests == []

    await house.capture("fees one", "fees two", "other")
    await house.tell()
    await house.tell()
    await house.capture("nothing")
    await house.tell()
    await house.capture("fees three")
    await house.tell()

    first, second = house.receiver.bodies
    assert (first["type"], first["data"]["hits"]) == ("saved_search.hits", 2)
    assert first["data"]["saved_search_id"] == saved_id
    assert first["data"]["link"] == f"https://archive.example.com/saved-searches/{saved_id}/open"
    assert second["data"]["hits"] == 1
    assert first["data"]["end_index"] <= second["data"]["first_index"]
    assert house.receiver.is_signed(made.secret)
    assert all(b"fees" not in body for _, body in house.receiver.requests)
    assert await house.told(saved_id) == [("delivered", 2, 1), ("delivered", 1, 1)]


async def test_mail_goes_to_the_person_with_counts_and_a_link(house: House) -> None:
    ada = await _person(house, "ada@example.com", Role.COUNSEL)
    saved_id = await house.saved()
    await house.services.subscriptions.create(saved_id, channel=ChannelName.MAIL, actor=ada)
    await house.capture("fees are a secret matter")
    await house.tell()

    (message,) = house.mail.messages
    text = message.get_content()
    assert house.mail.recipients == ["ada@example.com"]
    assert (message["Subject"], message["Auto-Submitted"]) == ("1 new hit: Fees", "auto-generated")
    assert f"https://archive.example.com/saved-searches/{saved_id}/open" in text
    assert "secret matter" not in message.as_string()


async def test_a_digest_gathers_what_came_in_its_time(house: House) -> None:
    saved_id = await house.saved()
    await house.webhook(saved_id, Pace.DAILY)
    for text in ("fees one", "fees two"):
        await house.capture(text)
        house.clock.now += timedelta(hours=2)
        await house.tell()
    assert house.receiver.requests == []

    house.clock.now += timedelta(hours=21)
    await house.tell()
    assert [body["data"]["hits"] for body in house.receiver.bodies] == [2]


async def test_what_fails_is_tried_again_under_the_same_id_and_gathers_the_rest(
    house: House,
) -> None:
    saved_id = await house.saved()
    await house.webhook(saved_id)
    house.receiver.answers = [500, 302]
    await house.capture("fees one")
    await house.tell()
    await house.capture("fees two")
    await house.tell()  # too early
    assert await house.told(saved_id) == [("waiting", 1, 1)]
    (view,) = await house.services.subscriptions.list(saved_id, actor=CARLA)
    assert view.last is not None
    assert "answered 500" in view.last.row.problem

    for pause in BACKOFF[:2]:
        house.clock.now += pause * 1.2
        await house.tell()
    await house.tell()

    assert [body["data"]["hits"] for body in house.receiver.bodies] == [1, 1, 1, 1]
    assert len(set(house.receiver.ids)) == 2
    assert await house.told(saved_id) == [("delivered", 1, 3), ("delivered", 1, 1)]


async def test_a_delivery_is_given_up_at_last_and_can_be_tried_again(house: House) -> None:
    saved_id = await house.saved()
    await house.webhook(saved_id)
    house.receiver.answers = [500] * (len(BACKOFF) + 1)
    await house.capture("fees one")
    for pause in (timedelta(0), *BACKOFF):
        house.clock.now += pause * 1.2
        await house.tell()
    assert await house.told(saved_id) == [("dead", 1, len(BACKOFF) + 1)]
    assert "1 delivery by webhook was given up" in await house.services.telling.deliveries.notice(
        ChannelName.WEBHOOK
    )

    (delivery,) = await house.services.subscriptions.deliveries(saved_id, actor=CARLA)
    await house.services.subscriptions.retry(delivery.row.id, actor=CARLA)
    await house.tell()

    assert await house.told(saved_id) == [("delivered", 1, 1)]
    assert await house.services.telling.deliveries.notice(ChannelName.WEBHOOK) == ""
    with pytest.raises(Conflict, match="nothing is told twice"):
        await house.services.subscriptions.retry(delivery.row.id, actor=CARLA)


async def test_a_webhook_is_tested_with_a_signature_and_is_told_of_no_hits(house: House) -> None:
    saved_id = await house.saved()
    made = await house.webhook(saved_id)
    subscriptions = house.services.subscriptions

    tested = await subscriptions.test(made.row.id, actor=CARLA)
    with pytest.raises(TooMany, match="a moment ago"):
        await subscriptions.test(made.row.id, actor=CARLA)
    house.clock.now += timedelta(seconds=11)
    house.receiver.answers = [410]
    refused = await subscriptions.test(made.row.id, actor=CARLA)

    assert tested.problem == ""
    assert "answered 410" in refused.problem
    assert [body["type"] for body in house.receiver.bodies] == ["subscription.test"] * 2
    assert house.receiver.bodies[0]["data"] == {
        "test": True,
        "saved_search_id": saved_id,
        "subscription_id": made.row.id,
    }
    assert house.receiver.ids == [tested.id, refused.id]
    assert house.receiver.is_signed(made.secret)
    assert await house.told(saved_id) == [], "it is no delivery"
    (view,) = await subscriptions.list(saved_id, actor=CARLA)
    assert view.row.state == "active", "a test stops nothing"
    async with house.services.database.reading() as tx:
        about = await event_rows.list_about(tx, made.row.id, 10)
    assert [
        (each.result, each.actor) for each in about if each.action == "subscription:tested"
    ] == [
        ("failed", CARLA.name),
        ("ok", CARLA.name),
    ]


async def test_nobody_tests_what_they_may_not_change(house: House) -> None:
    ada = await _person(house, "ada@example.com", Role.COUNSEL)
    saved_id = await house.saved()
    made = await house.webhook(saved_id)
    subscriptions = house.services.subscriptions
    with pytest.raises(NotFound):
        await subscriptions.test(made.row.id, actor=ada)
    mail = await subscriptions.create(saved_id, channel=ChannelName.MAIL, actor=ada)
    with pytest.raises(InvalidInput, match="expected a webhook"):
        await subscriptions.test(mail.row.id, actor=ada)
    await subscriptions.set_state(made.row.id, "ended", actor=CARLA)
    with pytest.raises(Conflict, match="has ended"):
        await subscriptions.test(made.row.id, actor=CARLA)
    assert house.receiver.requests == []


async def test_a_receiver_that_is_gone_ends_it(house: House) -> None:
    saved_id = await house.saved()
    await house.webhook(saved_id)
    house.receiver.answers = [410]
    await house.capture("fees one")
    await house.tell()

    (view,) = await house.services.subscriptions.list(saved_id, actor=CARLA)
    assert (view.row.state, "410" in view.row.why) == ("stopped", True)


async def test_one_slow_or_dead_receiver_keeps_nobody_else_waiting(house: House) -> None:
    saved_id = await house.saved()
    await house.webhook(saved_id)
    await house.services.subscriptions.create(
        saved_id, channel=ChannelName.WEBHOOK, target="http://127.0.0.1:9/closed", actor=CARLA
    )
    await house.capture("fees one")
    await house.tell()

    assert sorted(await house.told(saved_id)) == [("delivered", 1, 1), ("waiting", 1, 1)]


async def test_who_may_not_search_any_more_is_told_nothing(house: House) -> None:
    ada = await _person(house, "ada@example.com", Role.COUNSEL)
    saved_id = await house.saved()
    made = await house.services.subscriptions.create(saved_id, channel=ChannelName.MAIL, actor=ada)
    await house.services.people.disable(ada.person_id, reason="left", actor=CARLA)
    await house.capture("fees one")
    await house.tell()

    assert house.mail.messages == []
    async with house.services.database.reading() as tx:
        row = await subscription_rows.get(tx, made.row.id)
    assert (row.state, row.why) == ("stopped", "its subscriber may not search any more")


async def test_it_is_counted_within_the_reach_of_the_subscriber(house: House) -> None:
    ada = await _person(house, "ada@example.com", Role.COUNSEL, unit="Treasury")
    saved_id = await house.saved(shared="unit:Treasury")
    await house.services.subscriptions.create(saved_id, channel=ChannelName.MAIL, actor=ada)
    await house.capture("fees of somebody else")
    await house.tell()

    assert house.mail.messages == []


async def test_mail_goes_to_nobody_else(house: House) -> None:
    ada = await _person(house, "ada@example.com", Role.COUNSEL)
    operator = await _person(house, "bob@example.com", Role.OPERATOR)
    saved_id = await house.saved()
    create = house.services.subscriptions.create
    for actor, target in [
        (ada, "press@example.org"),
        (CARLA, "press@example.org"),
        (CARLA, ""),
    ]:
        with pytest.raises(InvalidInput) as error:
            await create(saved_id, channel=ChannelName.MAIL, target=target, actor=actor)
        assert error.value.pointer == "target"
    with pytest.raises(Denied):
        await create(saved_id, channel=ChannelName.MAIL, target=operator.name, actor=CARLA)
    view = await create(saved_id, channel=ChannelName.MAIL, target="Ada@example.com", actor=CARLA)
    assert view.row.owner_key == ada.person_id


async def test_a_query_that_asks_what_is_held_is_not_subscribed_to(house: House) -> None:
    saved_id = await house.saved("fees AND is:held")
    with pytest.raises(InvalidInput, match="is:held"):
        await house.webhook(saved_id)


async def test_a_subscription_of_somebody_else_is_not_there(house: House) -> None:
    saved_id = await house.saved()
    made = await house.webhook(saved_id)
    dan = Actor(name="dan", roles=frozenset({Role.COUNSEL}), person_id="P-DAN")

    assert await house.services.subscriptions.list(saved_id, actor=dan) == ()
    with pytest.raises(NotFound):
        await house.services.subscriptions.set_state(made.row.id, "ended", actor=dan)


async def test_what_came_while_it_was_stopped_is_told_when_it_goes_on(house: House) -> None:
    saved_id = await house.saved()
    made = await house.webhook(saved_id)
    change = house.services.subscriptions.set_state
    await change(made.row.id, "stopped", actor=CARLA)
    await house.capture("fees one", "fees two")
    await house.tell()
    assert house.receiver.requests == []
    await change(made.row.id, "active", actor=CARLA)
    await house.tell()
    assert [body["data"]["hits"] for body in house.receiver.bodies] == [2]

    await change(made.row.id, "ended", actor=CARLA)
    await house.capture("fees three")
    await house.tell()
    assert len(house.receiver.requests) == 1
    with pytest.raises(Conflict):
        await change(made.row.id, "active", actor=CARLA)


async def test_an_archived_search_tells_nothing(house: House) -> None:
    saved_id = await house.saved()
    await house.webhook(saved_id)
    await house.services.saved_searches.change(
        saved_id, Change(archived=True), based_on=1, actor=CARLA
    )
    await house.capture("fees one")
    await house.tell()

    assert house.receiver.requests == []
    (view,) = await house.services.subscriptions.list(saved_id, actor=CARLA)
    assert view.row.why == "the saved search is archived"


async def test_a_process_that_is_killed_while_it_tells_has_told_once(tmp_path: Path) -> None:
    async with house_in(tmp_path / "home") as house:
        receiver, saved_id = house.receiver, await house.saved()
        made = await house.webhook(saved_id)
        await house.capture("fees one", "fees two")

        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.fakes.telling_process", str(house.settings.home)
        )
        receiver.on_request = process.kill  # it was told, and can note it no more
        assert await process.wait() == -signal.SIGKILL
        receiver.on_request = lambda: None
        assert await house.told(saved_id) == [("waiting", 2, 1)]

        await house.tell()
        assert len(receiver.requests) == 1  # whoever claimed it may still be at it
        house.clock.now += CLAIM * 30  # the process went by the real clock, and began later
        await house.tell()
        await house.tell()

        assert len(receiver.requests) == 2
        assert len(set(receiver.ids)) == 1
        assert receiver.is_signed(made.secret)
        assert await house.told(saved_id) == [("delivered", 2, 2)]


async def test_a_lost_database_comes_back_and_tells_nothing_again(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    await found(settings)
    async with webhook_receiver() as receiver, mail_server() as mail:
        async with opened(settings, receiver, mail) as house:
            saved_id = await house.saved()
            made = await house.webhook(saved_id)
            await house.services.saved_searches.change(
                saved_id, Change(description="for the audit"), based_on=1, actor=CARLA
            )
            await house.capture("fees one")
            await house.tell()
            await house.capture("fees two")
            before = await house.services.saved_searches.history(saved_id, actor=CARLA)
            await publish(house.services)
        for path in settings.home.glob("archive.db*"):
            path.unlink()
        shutil.rmtree(settings.home / "index")
        args = argparse.Namespace(given_up=[], dry_run=False, workers=1)
        await recover_archive(settings, args, Output(json=True))

        async with opened(settings, receiver, mail) as house:
            after = await house.services.saved_searches.history(saved_id, actor=CARLA)
            assert after == before
            await house.tell()
            await house.tell()
            assert [body["data"]["hits"] for body in receiver.bodies] == [1, 1]
            assert len(set(receiver.ids)) == 2
            assert receiver.is_signed(made.secret)
            assert await house.told(saved_id) == [("delivered", 1, 1), ("delivered", 1, 1)]


async def _waits(house: House, actor: Actor, saved_id: str) -> None:
    """Somebody's webhook was tried, and its receiver did not take it."""
    await house.services.subscriptions.create(
        saved_id, channel=ChannelName.WEBHOOK, target=house.receiver.url, actor=actor
    )
    house.receiver.answers = [500]
    await house.capture("fees one", "fees two")
    await house.tell()
    assert len(house.receiver.requests) == 1
    house.clock.now += BACKOFF[0] * 2


async def test_who_leaves_while_news_waits_is_not_told_of_it(house: House) -> None:
    ada = await _person(house, "ada@example.com", Role.COUNSEL)
    saved_id = await house.saved()
    await _waits(house, ada, saved_id)
    await house.services.people.disable(ada.person_id, reason="left", actor=CARLA)
    await house.tell()

    assert len(house.receiver.requests) == 1
    async with house.services.database.reading() as tx:
        (row,) = await subscription_rows.list_of(tx, saved_id)
    assert (row.state, row.why) == ("stopped", "its subscriber may not search any more")


async def test_news_that_waits_is_counted_anew_within_what_its_subscriber_may_see_by_then(
    house: House,
) -> None:
    ada = await _person(house, "ada@example.com", Role.COUNSEL)
    saved_id = await house.saved()
    await _waits(house, ada, saved_id)
    people = house.services.people
    await people.grant(
        ada.person_id, Grants.of([grant(Role.COUNSEL, unit="Treasury")]), reason="", actor=CARLA
    )
    await house.tell()

    assert len(house.receiver.requests) == 1
    (view,) = await house.services.subscriptions.deliveries(saved_id, actor=ada)
    assert (view.row.state, view.row.hits) == ("dead", 0)


@pytest.mark.parametrize("change", [Change(archived=True), Change(shared_with="")])
async def test_a_search_that_is_put_away_or_shared_no_more_tells_nothing_that_waits(
    house: House, change: Change
) -> None:
    ada = await _person(house, "ada@example.com", Role.COUNSEL)
    saved_id = await house.saved()
    await _waits(house, ada, saved_id)
    await house.services.saved_searches.change(saved_id, change, based_on=1, actor=CARLA)
    await house.tell()

    assert len(house.receiver.requests) == 1


async def test_a_changed_search_still_tells_what_its_version_of_then_found(house: House) -> None:
    saved_id = await house.saved()
    await _waits(house, CARLA, saved_id)
    await house.services.saved_searches.change(
        saved_id, Change(query="other"), based_on=1, actor=CARLA
    )
    await house.tell()

    told = house.receiver.bodies[-1]["data"]
    assert (told["version"], told["hits"]) == (1, 2)


async def test_what_is_told_and_cannot_be_noted_is_told_again_ever_more_rarely(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved_id = await house.saved()
    await house.webhook(saved_id)
    await house.capture("fees one")

    async def away(*_: object, **__: object) -> None:
        raise StorageUnavailable("the store is away")

    with monkeypatch.context() as patched:
        patched.setattr(house.services.telling.deliveries._trail, "record", away)
        await house.services.telling.follower.follow()
        for _ in range(24 * 60):
            with suppress(StorageUnavailable):
                await house.services.telling.deliveries.deliver(ChannelName.WEBHOOK)
            house.clock.now += timedelta(minutes=1)
    assert len(house.receiver.requests) <= len(BACKOFF)
    assert len(set(house.receiver.ids)) == 1

    house.clock.now += BACKOFF[-1]
    await house.tell()
    assert [state for state, _, _ in await house.told(saved_id)] == ["delivered"]


async def test_a_clock_that_was_ahead_for_a_while_silences_nobody(tmp_path: Path) -> None:
    ahead = timedelta(days=400)
    async with house_in(tmp_path / "home") as house:
        saved_id = await house.saved()
        await house.webhook(saved_id)
        house.receiver.answers = [500]
        await house.capture("fees one")
        house.clock.now += ahead
        await house.tell()
        house.clock.now -= ahead
        await house.tell()
        await house.capture("fees two")
        await house.tell()

        assert [body["data"]["hits"] for body in house.receiver.bodies] == [1, 1, 1]


async def test_one_person_with_many_dead_receivers_keeps_nobody_else_waiting(house: House) -> None:
    ada = await _person(house, "ada@example.com", Role.COUNSEL)
    saved_id = await house.saved()
    create = house.services.subscriptions.create
    for number in range(20):
        url = f"http://127.0.0.1:9/{number}"
        await create(saved_id, channel=ChannelName.WEBHOOK, target=url, actor=ada)
    await house.webhook(saved_id)
    await house.capture("fees one")
    await house.tell()

    assert len(house.receiver.requests) == 1


@pytest.mark.parametrize(
    "address",
    [
        "ada@[1.2.3.4",
        "=?utf-8?q??=@example.com",
        "ada@=?utf-8?q?evil=2eorg?=",
        "=?utf-8?q?a=2cada=40evil.org?=@example.com",
        "ada(evil)@example.com",
        "..@example.com",
    ],
)
async def test_an_address_that_means_another_is_sent_no_mail_and_ends_nothing_else(
    house: House, address: str
) -> None:
    ada = await _person(house, address, Role.COUNSEL)
    ben = await _person(house, "ben.o=x@example.com", Role.COUNSEL)
    saved_id = await house.saved()
    for actor in (ada, ben):
        await house.services.subscriptions.create(saved_id, channel=ChannelName.MAIL, actor=actor)
    await house.capture("fees one")
    await house.tell()

    assert house.mail.recipients == [ben.name]
    (view,) = await house.services.subscriptions.list(saved_id, actor=ada)
    assert (view.row.state, "no address" in view.row.why) == ("stopped", True)


async def test_a_mail_server_that_the_settings_describe_wrongly_is_tried_again_later(
    house: House, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("pässword", encoding="latin-1")
    server = MailClient(
        scheme="smtp+plain",
        host="127.0.0.1",
        port=house.mail.port,
        user="archive",
        secret_file=secret,
        sender="archive@example.com",
    )
    with pytest.raises(PeerUnavailable, match="did not take"):
        server.send(EmailMessage(), "ada@example.com")


async def test_a_mail_server_that_hangs_keeps_no_webhook_waiting_and_outlasts_no_claim(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await _person(house, f"{n}@example.com", Role.COUNSEL) for n in "ab"]
    saved_id = await house.saved()
    await house.webhook(saved_id)
    for actor in people:
        await house.services.subscriptions.create(saved_id, channel=ChannelName.MAIL, actor=actor)
    await house.capture("fees one")
    await house.services.telling.follower.follow()
    took = asyncio.Event()
    going = asyncio.Event()

    async def hangs(*_: object) -> None:
        took.set()
        await going.wait()

    monkeypatch.setattr(Mail, "send", hangs)
    telling = house.services.telling
    loops = {each.name: asyncio.ensure_future(each.act()) for each in telling.chores}
    await took.wait()
    await loops["deliveries by webhook"]
    assert await house.told(saved_id) == [("delivered", 1, 1)]
    async with house.services.database.reading() as tx:
        mails = await subscription_rows.due(tx, "mail", to_millis(house.clock()), 10, latest=2**60)
    assert len(mails) == 1, "the second is claimed when it is its turn"

    going.set()
    await asyncio.gather(*loops.values())
    for actor in people:
        (view,) = await house.services.subscriptions.deliveries(saved_id, actor=actor)
        assert view.row.state == "delivered"


async def test_what_ended_stays_ended_whoever_resumes_it_at_the_same_time(house: House) -> None:
    saved_id = await house.saved()
    made = await house.webhook(saved_id)
    change = house.services.subscriptions.set_state
    await change(made.row.id, "stopped", actor=CARLA)
    await asyncio.gather(
        *(change(made.row.id, state, actor=CARLA) for state in ("active", "ended", "active")),
        return_exceptions=True,
    )
    await house.capture("fees one")
    await house.tell()

    async with house.services.database.reading() as tx:
        assert (await subscription_rows.get(tx, made.row.id)).state == "ended"
    assert house.receiver.requests == []
