"""Killing the process that indexes, harming its index, and checking every answer in between.

Clients capture and search at once. Every answer is kept with the part of the log that it says it
covers, and after the kill it is compared with a count made without any index: of the posts that the
database has in that part, by the words that were sent. Then the index is harmed, the process is
started again, and has to come back to an exact and complete index without any help.
"""

import asyncio
import base64
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

import msgspec

from archiver.config import Settings
from archiver.db import archive as archive_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db.transaction import open_database
from archiver.jobs.index_differences import compared
from search.engines.opening import open_reader
from search.engines.opensearch import ClusterGenerations
from search.generations import FolderGenerations, generations
from tests.faults.capture_process import CaptureProcess
from tests.faults.cluster_harms import harm_cluster
from tests.faults.index_harms import harm

WORDS = 7
_CAPTURING = 4
_SEARCHING = 3
_PATIENCE_S = 900.0  # for an index that never comes back, not for a machine that is slow


@dataclass(slots=True)
class IndexTally:
    """What a series of trials met; `anew` are restarts that had to begin another index."""

    kills: int = 0
    acknowledged: int = 0
    answers: int = 0
    exact: int = 0
    refused: int = 0
    rebuilds_begun: int = 0
    harms: Counter[str] = field(default_factory=Counter)
    anew: int = 0
    slowest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to a search for one word."""

    word: int
    count: int
    log_size: int
    is_exact: bool


class IndexTrials:
    """A series of kills on one archive; a context manager."""

    def __init__(self, settings: Settings, *, seed: int) -> None:
        self._settings = settings
        self._random = random.Random(seed)
        self._words: dict[bytes, int] = {}
        self._number = 0
        self._captured, self._found = asyncio.Event(), asyncio.Event()
        self.tally = IndexTally()

    async def __aenter__(self) -> Self:
        """Open the database beside the process, for reading."""
        self._stack = AsyncExitStack()
        self._database = open_database(self._settings.effective_database_url)
        self._stack.push_async_callback(self._database.close)
        async with self._database.reading() as tx:
            archive = await archive_rows.get(tx)
        self._generations = generations(self._settings.effective_search_url, archive.id)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def kill_once(self) -> None:
        """Start, capture and search until a random moment, kill, harm, start again, check."""
        with await asyncio.to_thread(CaptureProcess, self._settings, {}) as process:
            answers = await self._use_until_killed(process)
        self.tally.kills += 1
        await self._require_true(answers)
        before = self._generations.current()
        self.tally.harms[await asyncio.to_thread(self._harm)] += 1
        with await asyncio.to_thread(CaptureProcess, self._settings, {}) as restarted:
            await self._require_complete(restarted)
        self.tally.anew += self._generations.current() != before

    def _harm(self) -> str:
        if isinstance(self._generations, ClusterGenerations):
            return harm_cluster(self._generations, self._random)
        assert isinstance(self._generations, FolderGenerations)
        index = (self._settings.home / "index").resolve()
        return harm(self._generations, index, self._random)

    async def _use_until_killed(self, process: CaptureProcess) -> list[Answered]:
        answers: list[Answered] = []
        self._captured.clear()
        self._found.clear()
        port = process.ready.port
        clients = [asyncio.create_task(self._capture(port)) for _ in range(_CAPTURING)]
        clients += [asyncio.create_task(self._search(port, answers)) for _ in range(_SEARCHING)]
        if self._random.random() < 0.25:
            clients.append(asyncio.create_task(self._rebuild(port)))
        # Every other kill comes after a capture and a search, however slow the machine is.
        if self.tally.kills % 2:
            await asyncio.gather(self._captured.wait(), self._found.wait())
        await asyncio.sleep(self._random.uniform(0.05, 1.0))
        await asyncio.to_thread(process.kill)
        await asyncio.gather(*clients)
        return answers

    async def _capture(self, port: int) -> None:
        async def send(talk: "_Talk") -> None:
            answer = await talk.say(self._next_post())
            assert "error" not in answer, answer
            self.tally.acknowledged += 1
            self._captured.set()

        try:
            await _until_broken(port, send)
        finally:
            self._captured.set()  # there will be no more

    async def _search(self, port: int, answers: list[Answered]) -> None:
        async def ask(talk: "_Talk") -> None:
            if (answered := await self._ask(talk, self._random.randrange(WORDS))) is not None:
                answers.append(answered)
                self._found.set()

        try:
            await _until_broken(port, ask)
        finally:
            self._found.set()

    async def _rebuild(self, port: int) -> None:
        async def begin(talk: "_Talk") -> None:
            await asyncio.sleep(self._random.uniform(0.0, 0.5))
            await talk.say({"ask": "reindex"})
            self.tally.rebuilds_begun += 1
            await asyncio.sleep(1)

        await _until_broken(port, begin)

    async def _ask(self, talk: "_Talk", word: int) -> Answered | None:
        """Search for a word; None where the search was refused: then nothing is claimed."""
        answer = await talk.say({"ask": "count", "query": f"w{word}"})
        if "error" in answer:
            assert answer["error"].startswith("SearchUnavailable"), answer
            self.tally.refused += 1
            return None
        covered = answer["covered"]
        self.tally.answers += 1
        self.tally.exact += covered["exact"]
        return Answered(word, answer["count"], covered["log_size"], covered["exact"])

    def _next_post(self) -> dict[str, str]:
        self._number += 1
        word = self._random.randrange(WORDS)
        filling = " ".join(f"f{self._random.randrange(5000)}" for _ in range(12))
        content = f"post {self._number} speaks of w{word} {filling}".encode()
        self._words[sha256(content).digest()] = word
        return {"content": base64.b64encode(content).decode(), "key": f"key-{self._number}"}

    async def _places(self) -> tuple[list[list[int]], int]:
        """Return the log indexes of the posts with each word, and the log's end."""
        async with self._database.reading() as tx:
            end = (await ledger_rows.state(tx)).next_index
            rows = await record_rows.list_range(tx, 0, end)
        places: list[list[int]] = [[] for _ in range(WORDS)]
        for row in rows:
            if row.entry_type == "rec" and row.duplicate_of is None:
                places[self._words[row.raw_sha256]].append(row.log_index)
        return places, end

    async def _require_true(self, answers: list[Answered]) -> None:
        """No answer that calls itself exact counted anything but what it says it covers."""
        places, _ = await self._places()
        for each in answers:
            if each.is_exact:
                found = bisect_left(places[each.word], each.log_size)
                assert each.count == found, (each, found)

    async def _require_complete(self, process: CaptureProcess) -> None:
        """Everything is found again by itself, and no answer until then is untrue."""
        places, end = await self._places()
        loop = asyncio.get_running_loop()
        began, answers = loop.time(), list[Answered]()
        talk = await _Talk.open(process.ready.port)
        async with asyncio.timeout(_PATIENCE_S):
            for word in range(WORDS):
                answered = await self._ask(talk, word)
                while answered is None or not answered.is_exact or answered.log_size < end:
                    answers += [] if answered is None else [answered]
                    await asyncio.sleep(0.02)
                    answered = await self._ask(talk, word)
                assert answered.count == len(places[word]), answered
        talk.close()
        await self._require_true(answers)
        self.tally.slowest_s = max(self.tally.slowest_s, loop.time() - began)
        current = self._generations.current()
        assert current is not None
        reader = await asyncio.to_thread(open_reader, current)
        watermark, difference = await compared(self._database, reader)
        assert watermark >= end
        assert not difference, difference


class _Talk:
    """A connection to the process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "_Talk":
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**24))

    async def say(self, what: Mapping[str, str]) -> dict[str, Any]:
        self._writer.write(msgspec.json.encode(what) + b"\n")
        answer: dict[str, Any] = msgspec.json.decode(await self._reader.readuntil(b"\n"))
        return answer

    def close(self) -> None:
        self._writer.close()


async def _until_broken(port: int, act: Callable[[_Talk], Awaitable[None]]) -> None:
    """Do something again and again until the connection breaks."""
    try:
        talk = await _Talk.open(port)
    except ConnectionError:
        return
    try:
        while True:
            await act(talk)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        talk.close()
