import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from archiver.access.tokens import BELIEVED_FOR, Tokens
from archiver.audit.actions import Action
from archiver.db.tables import metadata
from archiver.db.transaction import Database, open_database
from archiver.errors import Denied, InvalidInput, NotFound
from archiver.ids import Ulids
from archiver.model.actor import Actor, Role

START = datetime(2026, 1, 1, tzinfo=UTC)
ADMIN = Actor(name="ada", roles=frozenset({Role.ADMINISTRATOR}))
COUNSEL = Actor(name="carl", roles=frozenset({Role.COUNSEL}))
AGENT = frozenset({Role.CAPTURE_AGENT})


class Events:
    """A trail that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, dict[str, str | int | bool]]] = []

    async def record(
        self,
        action: Action,
        *,
        actor: Actor,
        object_type: str = "",
        object_id: str = "",
        result: str = "ok",
        details: Mapping[str, str | int | bool] | None = None,
    ) -> None:
        assert (object_type, result) == ("token", "ok")
        self.lines.append((action, actor.name, object_id, dict(details or {})))


class World:
    """Two processes over one database, and a clock the test moves."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START
        self.events = Events()
        self.here = self.process()
        self.there = self.process()

    def process(self) -> Tokens:
        return Tokens(
            database=self.database, clock=lambda: self.now, ulids=Ulids(), trail=self.events
        )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    async with database.transaction() as tx:
        await tx.run_sync(metadata.create_all)
    yield World(database)
    await database.close()


async def test_a_token_authenticates_as_its_name_with_its_roles(world: World) -> None:
    _, secret = await world.here.create("twitter bridge", AGENT, actor=ADMIN)

    who = await world.there.authenticate(secret)

    assert (who.name, who.roles) == ("twitter bridge", AGENT)


async def test_a_secret_carries_the_prefix_that_scanners_look_for(world: World) -> None:
    _, secret = await world.here.create("a", AGENT, actor=ADMIN)

    assert re.fullmatch(r"mun_[A-Za-z0-9_-]{43}", secret)


async def test_no_two_secrets_are_alike(world: World) -> None:
    secrets = {(await world.here.create("a", AGENT, actor=ADMIN))[1] for _ in range(3)}

    assert len(secrets) == 3


async def test_the_database_holds_no_secret(world: World, tmp_path: Path) -> None:
    _, secret = await world.here.create("a", AGENT, actor=ADMIN)

    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())  # noqa: ASYNC240 - small

    assert secret.encode() not in stored
    assert secret.removeprefix("mun_").encode() not in stored


@pytest.mark.parametrize(
    "secret", ["", "mun_", "mun_" + "a" * 43, "a" * 47, "mun_" + "a" * 42 + "é", "\0", "mun_\ud800"]
)
async def test_what_was_never_made_opens_nothing(world: World, secret: str) -> None:
    with pytest.raises(Denied) as refused:
        await world.here.authenticate(secret)

    assert not refused.value.authenticated
    assert secret not in str(refused.value) or not secret or secret == "mun_"


async def test_an_expired_token_opens_nothing_though_it_was_just_used(world: World) -> None:
    expiry = START + timedelta(seconds=2)
    _, secret = await world.here.create("a", AGENT, expires_at=expiry, actor=ADMIN)
    await world.here.authenticate(secret)

    world.now = expiry

    with pytest.raises(Denied):
        await world.here.authenticate(secret)


async def test_a_revoked_token_opens_nothing_at_once_here_and_in_seconds_elsewhere(
    world: World,
) -> None:
    view, secret = await world.here.create("a", AGENT, actor=ADMIN)
    await world.here.authenticate(secret)
    await world.there.authenticate(secret)

    revoked = await world.here.revoke(view.id, actor=ADMIN)

    assert revoked.state == "revoked"
    with pytest.raises(Denied):
        await world.here.authenticate(secret)
    await world.there.authenticate(secret)
    world.now += BELIEVED_FOR
    with pytest.raises(Denied):
        await world.there.authenticate(secret)


async def test_a_clock_set_back_does_not_keep_a_revoked_token_alive(world: World) -> None:
    view, secret = await world.here.create("a", AGENT, actor=ADMIN)
    await world.there.authenticate(secret)
    await world.here.revoke(view.id, actor=ADMIN)

    world.now -= timedelta(days=1)

    with pytest.raises(Denied):
        await world.there.authenticate(secret)


async def test_a_token_in_use_costs_no_query(world: World) -> None:
    _, secret = await world.here.create("a", AGENT, actor=ADMIN)
    await world.here.authenticate(secret)
    async with world.database.transaction() as tx:
        await tx.execute(text("DROP TABLE token"))

    assert (await world.here.authenticate(secret)).name == "a"


async def test_revoking_twice_keeps_the_first_moment(world: World) -> None:
    view, _ = await world.here.create("a", AGENT, actor=ADMIN)
    first = await world.here.revoke(view.id, actor=ADMIN)
    world.now += timedelta(hours=1)

    second = await world.here.revoke(view.id, actor=ADMIN)

    assert second.revoked_at == first.revoked_at == START


async def test_revoking_what_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world.here.revoke("01KAM0RECRD000000000000001", actor=ADMIN)


async def test_the_list_shows_every_token_in_the_state_it_is_in(world: World) -> None:
    await world.here.create("a", AGENT, actor=ADMIN)
    soon = START + timedelta(seconds=1)
    await world.here.create("b", AGENT, expires_at=soon, actor=ADMIN)
    gone, _ = await world.here.create("c", AGENT, actor=ADMIN)
    await world.here.revoke(gone.id, actor=ADMIN)
    world.now = soon

    listed = await world.here.list(actor=ADMIN)

    assert [(token.name, token.state) for token in listed] == [
        ("a", "active"),
        ("b", "expired"),
        ("c", "revoked"),
    ]


async def test_only_those_who_manage_access_touch_tokens(world: World) -> None:
    with pytest.raises(Denied):
        await world.here.create("a", AGENT, actor=COUNSEL)
    with pytest.raises(Denied):
        await world.here.list(actor=COUNSEL)
    with pytest.raises(Denied):
        await world.here.revoke("x", actor=COUNSEL)
    assert world.events.lines == []


async def test_making_and_revoking_are_events_without_the_secret(world: World) -> None:
    view, secret = await world.here.create("a", AGENT, actor=ADMIN)
    await world.here.revoke(view.id, actor=ADMIN)

    assert [line[:3] for line in world.events.lines] == [
        (Action.TOKEN_CREATED, "ada", view.id),
        (Action.TOKEN_REVOKED, "ada", view.id),
    ]
    assert secret not in repr(world.events.lines)


@pytest.mark.parametrize(
    ("name", "roles", "expires_at"),
    [
        (" ", AGENT, None),
        ("a" * 201, AGENT, None),
        ("rosa@example.com", AGENT, None),  # events would take it for Rosa
        ("a", set(), None),
        ("a", AGENT, START),
        ("a", AGENT, datetime(2027, 1, 1)),  # noqa: DTZ001 - naive on purpose
    ],
)
async def test_a_token_without_name_role_or_future_is_refused(
    world: World, name: str, roles: set[Role], expires_at: datetime | None
) -> None:
    with pytest.raises(InvalidInput):
        await world.here.create(name, roles, expires_at=expires_at, actor=ADMIN)
