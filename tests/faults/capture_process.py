"""A process that runs the real write path and can be killed at any moment.

It opens the archive as the server does, with every background loop, and takes posts as JSON lines
over TCP: `{"content", "key"}`, answered by `{"id", "index", "status", "receipt"}` or `{"error"}`.
`{"ask": "count", "query"}` is answered by the answer of a search, `{"ask": "reindex"}` begins a new
index. `{"ask": "state"}` is answered by whether it integrates and what its loops complain of, and
`{"ask": "stop before signing"}` by stopping (SIGSTOP) when the next tiles are written and their
checkpoint is not. A fork server imports the program once, so that a restart costs milliseconds.
"""

import asyncio
import base64
import multiprocessing
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

import msgspec

from archiver.app import Services
from archiver.config import Settings
from archiver.db.ledger import LogState
from archiver.errors import ArchiverError
from archiver.jobs.reindexing import Rebuilt
from archiver.model.actor import Actor, Role
from archiver.preserve.ledger.integrator import Integrator
from archiver.preserve.ledger.tiles import Growth
from tests.fakes.archive import AGENT, an_arrival, serving

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])
_COUNSEL = Actor(name="carla", roles=frozenset({Role.COUNSEL}))
_OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}))
_building: list[asyncio.Task[Rebuilt]] = []


@dataclass(frozen=True, kw_only=True)
class Ready:
    """What a started process says: where it listens and what it adopted."""

    port: int
    segments: int
    records: int


class CaptureProcess:
    """One life of the process, from start to kill."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._mine, theirs = _context.Pipe()
        self._process = _context.Process(
            target=_run, args=(settings, dict(environ), theirs), daemon=True
        )
        began = time.perf_counter()
        self._process.start()
        theirs.close()
        ready = self._mine.recv() if self._mine.poll(60) else "no answer within a minute"
        if not isinstance(ready, Ready):
            self.kill()
            raise ChildProcessError(f"the capture process did not start: {ready}")
        self.ready = ready
        self.start_s = time.perf_counter() - began

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        self._process.kill()
        self._process.join()
        self._mine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


def _run(settings: Settings, environ: Mapping[str, str], parent: Connection) -> None:
    os.environ.update(environ)
    try:
        asyncio.run(_serve(settings, parent))
    except ArchiverError as error:
        parent.send(f"{type(error).__name__}: {error}")


async def _serve(settings: Settings, parent: Connection) -> None:
    async with serving(settings) as services:

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await _answer(services, line)) + b"\n")
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=2**24)
        parent.send(
            Ready(
                port=server.sockets[0].getsockname()[1],
                segments=services.recovered.segments,
                records=services.recovered.records,
            )
        )
        await server.serve_forever()


async def _answer(services: Services, line: bytes) -> dict[str, Any]:
    sent = msgspec.json.decode(line)
    if "ask" not in sent:
        return await _capture(services, sent)
    if sent["ask"] == "count":
        return await _count(services, sent["query"])
    if sent["ask"] == "reindex":
        work = services.reindexing.run(actor=_OPERATOR, progress=lambda _done, _total: None)
        _building.append(asyncio.create_task(work))
        return {}
    if sent["ask"] == "stop before signing":
        _stop_before_signing(services.loops.integrator)
    return {
        "leads": services.loops._lease is not None,
        "problems": {name: state.problem for name, state in services.loops.states.items()},
    }


async def _count(services: Services, query: str) -> dict[str, Any]:
    try:
        return (await services.searching.count(query, actor=_COUNSEL)).to_dict()
    except ArchiverError as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _stop_before_signing(integrator: Integrator) -> None:
    write = integrator._write_and_check

    def write_and_stop(state: LogState, entries: Sequence[bytes]) -> Growth:
        growth = write(state, entries)
        integrator._write_and_check = write  # type: ignore[method-assign]
        signal.raise_signal(signal.SIGSTOP)
        return growth

    integrator._write_and_check = write_and_stop  # type: ignore[method-assign]


async def _capture(services: Services, sent: dict[str, Any]) -> dict[str, Any]:
    arrival = an_arrival(base64.b64decode(sent["content"]), idempotency_key=sent["key"])
    try:
        (outcome,) = await services.ingest.submit([arrival], actor=AGENT)
    except ArchiverError as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {
        "id": outcome.record_id,
        "index": outcome.log_index,
        "status": outcome.status,
        "receipt": outcome.receipt.to_dict() if outcome.receipt else None,
    }
