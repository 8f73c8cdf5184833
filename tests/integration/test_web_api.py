"""The served process: real tokens over a real database, and a stop that loses nothing."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
from aiohttp import ClientSession

from archiver.access.tokens import Tokens
from archiver.audit.actions import Action
from archiver.clock import system_clock
from archiver.db.tables import metadata
from archiver.db.transaction import Database, open_database
from archiver.ids import Ulids
from archiver.model.actor import Actor, Role
from archiver.model.post import Arrival
from archiver.web.server import serve
from tests.unit.web.fake_services import FakeIngest, FakeOutcome, FakeServices

ADMIN = Actor(name="ada", roles=frozenset({Role.ADMINISTRATOR}), via="cli")
POST = b'{"platform":"mastodon","post_id":"1","account":"@acme"}'


class NoTrail:
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
        assert (action.value, actor.name, object_type, result) is not None
        assert (object_id, details) is not None


class GatedIngest(FakeIngest):
    """Captures when the gate opens, as a slow disk would."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = asyncio.Event()
        self.gate = asyncio.Event()

    async def submit(self, arrivals: Sequence[Arrival], *, actor: Actor) -> list[FakeOutcome]:
        self.arrived.set()
        await self.gate.wait()
        return await super().submit(arrivals, actor=actor)


class Running:
    """A process serving on `url`."""

    def __init__(self, database: Database) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.ingest = GatedIngest()
        self.tokens = Tokens(database=database, clock=system_clock, ulids=Ulids(), trail=NoTrail())
        self.loop_ended = False
        self.serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        services = FakeServices(ingest=self.ingest)
        services.tokens = self.tokens  # type: ignore[assignment]
        self.serving = asyncio.create_task(
            serve(services, "127.0.0.1", self.port, background=[self._loop])
        )
        await self.until_it_answers(wanted=True)

    async def until_it_answers(self, *, wanted: bool) -> None:
        while await self.answers() is not wanted:  # noqa: ASYNC110 - a socket tells no event
            await asyncio.sleep(0.01)

    async def answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def _loop(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.loop_ended = True


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    database = open_database(f"sqlite:///{tmp_path / 'db'}")
    async with database.transaction() as tx:
        await tx.run_sync(metadata.create_all)
    process = Running(database)
    await process.start()
    yield process
    process.ingest.gate.set()
    assert process.serving is not None
    process.serving.cancel()
    await asyncio.gather(process.serving, return_exceptions=True)
    await database.close()


async def headers(running: Running, role: Role) -> dict[str, str]:
    _, secret = await running.tokens.create("bridge", {role}, actor=ADMIN)
    return {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}


async def test_a_token_made_through_the_api_captures_until_it_is_revoked(running: Running) -> None:
    running.ingest.gate.set()
    admin = await headers(running, Role.ADMINISTRATOR)
    asked = {"name": "bridge", "roles": ["capture-agent"]}

    async with ClientSession(running.url) as session:
        made = await (await session.post("/api/v1/tokens", json=asked, headers=admin)).json()
        agent = {"Authorization": f"Bearer {made['secret']}", "Content-Type": "application/json"}
        kept = await session.post("/api/v1/captures", data=POST, headers=agent)
        await session.delete(f"/api/v1/tokens/{made['id']}", headers=admin)
        refused = await session.post("/api/v1/captures", data=POST, headers=agent)

    assert (kept.status, refused.status) == (201, 401)


async def test_a_stop_takes_no_new_connection_and_finishes_what_is_under_way(
    running: Running,
) -> None:
    agent = await headers(running, Role.CAPTURE_AGENT)
    async with ClientSession(running.url) as session:
        under_way = asyncio.create_task(
            session.post("/api/v1/captures", data=POST, headers=agent).__aenter__()
        )
        await running.ingest.arrived.wait()

        os.kill(os.getpid(), signal.SIGTERM)
        await running.until_it_answers(wanted=False)
        running.ingest.gate.set()
        response = await under_way

        assert response.status == 201
        assert (await response.json())["status"] == "captured"
    assert running.serving is not None
    await asyncio.wait_for(running.serving, 10)
    assert running.loop_ended


async def test_a_connection_that_never_finishes_its_head_does_not_hold_the_stop(
    running: Running,
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(b"POST /api/v1/captures HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    await writer.drain()

    os.kill(os.getpid(), signal.SIGTERM)

    assert running.serving is not None
    await asyncio.wait_for(running.serving, 10)
    writer.close()


async def test_a_background_loop_that_fails_ends_serving_loudly(tmp_path: Path) -> None:
    async def broken() -> None:
        raise RuntimeError(str(tmp_path))

    with pytest.raises(ExceptionGroup) as ended:
        await asyncio.wait_for(serve(FakeServices(), "127.0.0.1", 0, background=[broken]), 10)

    assert ended.group_contains(RuntimeError)
