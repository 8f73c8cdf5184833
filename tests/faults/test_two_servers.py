"""Two servers on one archive: both take posts, one integrates, and no fault forks the tree.

`make test-faults` repeats each trial as often as MUNIMENT_TEST_TRIALS says, the suite of every day
does it once. MUNIMENT_TEST_SEED repeats the order of events.
"""

import asyncio
import base64
import os
import random
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import pytest

from archiver.clock import system_clock
from archiver.config import Settings
from archiver.db import archive as archive_rows
from archiver.db import ledger as ledger_rows
from archiver.db.transaction import open_database
from archiver.preserve.ledger.checkpoint import open_checkpoint
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.store.opening import open_store
from tests.conftest import BUCKET
from tests.fakes.archive import found, settings_for
from tests.fakes.database_fixtures import *  # noqa: F403 - pytest finds fixtures by name
from tests.fakes.postgres import Postgres
from tests.fakes.seaweedfs import SeaweedFS
from tests.faults.capture_process import CaptureProcess
from tests.faults.invariants import Promises, require_invariants
from tests.faults.sweep import SEED

TRIALS = int(os.environ.get("MUNIMENT_TEST_TRIALS", "20"))
_PATIENCE_S = 120.0  # for a server that never takes over, not for a machine that is slow

trials = pytest.mark.parametrize(
    "count",
    [
        pytest.param(1, marks=pytest.mark.e2e, id="once"),
        pytest.param(TRIALS, marks=pytest.mark.faults, id="sweep"),
    ],
)


class Pair:
    """Two servers, a client of both, and what the client was promised."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], seed: str) -> None:
        self.settings = settings
        self.promises = Promises()
        self._environ = environ
        self._random = random.Random(seed)
        self._number = 0
        self._stack = ExitStack()

    async def __aenter__(self) -> Self:
        self.servers = [await self._started() for _ in range(2)]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    async def _started(self) -> CaptureProcess:
        process = await asyncio.to_thread(CaptureProcess, self.settings, self._environ)
        return self._stack.enter_context(process)

    async def ask(self, server: CaptureProcess, question: str) -> dict[str, Any]:
        return await _exchange(server, {"ask": question})

    async def send(self, server: CaptureProcess, count: int) -> None:
        """Send posts, several at once; every one must be acknowledged."""
        names = [f"post {self._number + n} {self._random.random()}" for n in range(count)]
        self._number += count
        sent = [{"content": base64.b64encode(name.encode()).decode(), "key": ""} for name in names]
        answers = await asyncio.gather(*(_exchange(server, each) for each in sent))
        for name, answer in zip(names, answers, strict=True):
            assert "error" not in answer, answer
            self.promises.hear({"post": name, **answer})

    async def leader(self, among: list[CaptureProcess]) -> CaptureProcess:
        """The server that integrates, once there is one."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                for server in among:
                    if (await self.ask(server, "state"))["leads"]:
                        return server
                await asyncio.sleep(0.05)

    async def problem(self, server: CaptureProcess) -> str:
        """What a server's integrator complains of, once it does."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                state = await self.ask(server, "state")
                if problem := str(state["problems"]["integrator"]):
                    return problem
                await asyncio.sleep(0.05)

    async def published(self) -> int:
        """Wait until all that is sequenced is published; return the size of the log."""
        database = open_database(self.settings.effective_database_url)
        store = open_store(self.settings.effective_store_url, clock=system_clock, create=False)
        try:
            async with database.reading() as tx:
                archive = await archive_rows.get(tx)
                goal = (await ledger_rows.state(tx)).next_index
            verifier = Ed25519Verifier.from_vkey(archive.vkey)
            async with asyncio.timeout(_PATIENCE_S):
                while True:
                    prefix = log_prefix(archive.id)
                    if prefix + "checkpoint" in set(store.list_keys(prefix + "checkpoint")):
                        note = store.get(prefix + "checkpoint")
                        head = open_checkpoint(note, archive.origin, [verifier])
                        self.promises.heads.append(note.decode())
                        if head.size >= goal:
                            return goal
                    await asyncio.sleep(0.05)
        finally:
            store.close()
            await database.close()


async def _exchange(server: CaptureProcess, sent: dict[str, Any]) -> dict[str, Any]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.ready.port, limit=2**24)
    try:
        writer.write(msgspec.json.encode(sent) + b"\n")
        answer: dict[str, Any] = msgspec.json.decode(await reader.readuntil(b"\n"))
        return answer
    finally:
        writer.close()


@pytest.fixture(
    params=[
        "local",
        pytest.param("remote", marks=[pytest.mark.integration, pytest.mark.faults]),
    ]
)
def where(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Settings, dict[str, str]]]:
    """Settings to found with, and the environment: one folder, or PostgreSQL and S3."""
    if request.param == "local":
        yield settings_for(tmp_path / "home"), {}
        return
    server: Postgres = request.getfixturevalue("postgres")
    s3: SeaweedFS = request.getfixturevalue("seaweedfs")
    database_url = server.fresh_database()
    store_url = s3.store_url(BUCKET, f"pair-{os.urandom(6).hex()}")
    settings = settings_for(tmp_path / "home", database_url=database_url, store_url=store_url)
    yield settings, s3.environ
    server.drop_database(database_url)


@trials
async def test_when_the_server_that_integrates_is_killed_the_other_takes_over(
    count: int, where: tuple[Settings, dict[str, str]]
) -> None:
    settings, environ = await found(where[0]), where[1]
    print(f"seed {SEED}")
    promises = Promises()
    for trial in range(count):
        async with Pair(settings, environ, f"{SEED} {trial}") as pair:
            await asyncio.gather(*(pair.send(server, 15) for server in pair.servers))
            leader = await pair.leader(pair.servers)
            (other,) = (server for server in pair.servers if server is not leader)
            assert not (await pair.ask(other, "state"))["leads"], "one integrates"
            under_way = asyncio.create_task(pair.send(other, 15))
            await asyncio.to_thread(leader.kill)
            await under_way
            assert await pair.leader([other]) is other
            await pair.send(other, 5)
            assert await pair.published() >= 50
            promises.posts |= pair.promises.posts
            promises.heads += pair.promises.heads
    await require_invariants(settings, promises)


@trials
async def test_a_server_that_was_stopped_keeps_its_lease_and_goes_on(
    count: int, where: tuple[Settings, dict[str, str]]
) -> None:
    settings, environ = await found(where[0]), where[1]
    promises = Promises()
    for trial in range(count):
        async with Pair(settings, environ, f"{SEED} {trial}") as pair:
            leader = await pair.leader(pair.servers)
            (other,) = (server for server in pair.servers if server is not leader)
            under_way = asyncio.create_task(pair.send(leader, 10))
            leader.send(signal.SIGSTOP)
            if settings.database_url:  # SQLite's one writer may be the one that is stopped
                await pair.send(other, 10)
            assert not (await pair.ask(other, "state"))["leads"]
            leader.send(signal.SIGCONT)
            await under_way
            await pair.send(other, 10)
            await pair.published()
            promises.posts |= pair.promises.posts
            promises.heads += pair.promises.heads
    await require_invariants(settings, promises)


@trials
@pytest.mark.integration
async def test_a_server_that_lost_its_lease_while_stopped_signs_nothing_and_stops_integrating(
    count: int, tmp_path: Path, postgres: Postgres, seaweedfs: SeaweedFS
) -> None:
    """The database drops the session of a leader that was stopped just before it signed."""
    url = postgres.fresh_database()
    store_url = seaweedfs.store_url(BUCKET, f"fenced-{os.urandom(6).hex()}")
    settings = await found(settings_for(tmp_path / "home", database_url=url, store_url=store_url))
    promises = Promises()
    for trial in range(count):
        async with Pair(settings, seaweedfs.environ, f"{SEED} {trial}") as pair:
            await pair.send(pair.servers[0], 3)
            await pair.published()
            leader = await pair.leader(pair.servers)
            (other,) = (server for server in pair.servers if server is not leader)
            await pair.ask(leader, "stop before signing")
            await pair.send(other, 4)
            await asyncio.to_thread(_wait_until_stopped, leader)
            await asyncio.to_thread(_drop_lease, postgres, url)
            await pair.leader([other])
            await pair.send(other, 4)
            await pair.published()
            leader.send(signal.SIGCONT)
            assert "another process signed" in await pair.problem(leader)
            await pair.send(leader, 4)
            await pair.published()
            promises.posts |= pair.promises.posts
            promises.heads += pair.promises.heads
    await require_invariants(settings, promises)


def _wait_until_stopped(server: CaptureProcess) -> None:
    status = Path(f"/proc/{server.pid}/stat")
    until = time.monotonic() + _PATIENCE_S
    while status.read_text().rpartition(") ")[2][0] != "T":
        assert time.monotonic() < until, "it never came to the point of signing"
        time.sleep(0.02)


def _drop_lease(postgres: Postgres, url: str) -> None:
    """End the session that holds a lease alone, as a network that was cut would."""
    postgres._sql(
        "SELECT pg_terminate_backend(l.pid) "
        "FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        f"WHERE d.datname = '{url.rpartition('/')[2]}' AND l.locktype = 'advisory' "
        "AND l.mode = 'ExclusiveLock' AND l.granted"
    )
