"""The background loops of a process: integrate, index, mirror holds, adopt what others left.

Each loop does a little, waits for news or its interval, and does it again. An operator's error
(store, database or index away) is logged, counted and tried again with growing pauses. Evidence
that something stored is not what was promised stops the loop for good and shows in `/readyz`: it is
never retried and never passed over.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from functools import partial
from typing import Any

import structlog

from archiver.clock import Clock
from archiver.db import ledger as ledger_rows
from archiver.db.lease import Lease, try_alone
from archiver.db.transaction import Database
from archiver.errors import EvidenceError, OperatorError
from archiver.jobs.finishing import to_its_end
from archiver.jobs.search_index import SearchIndex
from archiver.preserve.ledger.integrator import Integrator
from archiver.preserve.recovery import Recovery
from archiver.preserve.sealing import Sealed

ADOPT_AFTER = timedelta(minutes=5)
"""Segments older than this that no transaction names belong to a process that has died."""

_PAUSE_S = 0.5
_POLL_S = 1.0
_LONGEST_PAUSE_S = 30.0
_ADOPT_EVERY_S = 120.0
_MIRROR_EVERY_S = 5.0
_CLOCK_EVERY_S = 60.0

_log = structlog.get_logger("muniment.jobs")


class Follows(Enum):
    """What wakes a loop: all that is sequenced, acts that change something and posts, or posts."""

    LOG = auto()
    ACTS = auto()
    POSTS = auto()


@dataclass(slots=True)
class LoopState:
    """What `/readyz` and `/metrics` tell of a loop.

    A `problem` makes the process not ready. A `notice` is about somebody outside: an operator
    should look, and captures go on.
    """

    problem: str = ""
    notice: str = ""
    failures: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Work with a loop of its own. `act` returns the notice to show, or nothing.

    `of_posts` says that events alone are no reason to do it at once.
    """

    name: str
    act: Callable[[], Awaitable[str]]
    every_s: float
    of_posts: bool = False


@dataclass(slots=True, kw_only=True)
class Loops:
    """The loops of one process and their state."""

    database: Database
    integrator: Integrator
    index: SearchIndex
    recovery: Recovery
    mirror_holds: Callable[[], Awaitable[object]]
    check_clock: Callable[[], None]
    clock: Clock
    publish_interval_s: float
    index_interval_s: float
    chores: tuple[Chore, ...] = ()
    before_signing: Callable[[], Awaitable[None]] | None = None
    states: dict[str, LoopState] = field(default_factory=dict)
    _news: list[tuple[asyncio.Event, Follows]] = field(default_factory=list)
    _lease: Lease | None = None
    _integrating: asyncio.Lock = field(default_factory=asyncio.Lock)
    _indexing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def all(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """Return the loops, to be run side by side until cancelled."""
        chores = [partial(self._do, chore) for chore in self.chores]
        own = [self.integrate, self.follow_index, self.mirror, self.adopt, self.watch_clock]
        return [*own, *chores]

    def notify(self, _first: int = 0, records: Sequence[Sealed] = ()) -> None:
        """Tell the loops that something was sequenced (a `Sequencer` listener).

        Every search is an event, and following it at once would make the next search slower: what
        follows posts is not woken by events alone, nor what follows acts by events that change
        nothing. They find them when they look by themselves.
        """
        told = {Follows.LOG}
        if not records or any(record.effect is not None for record in records):
            told.add(Follows.ACTS)
        if not records or any(record.event is None for record in records):
            told |= {Follows.ACTS, Follows.POSTS}
        for news, follows in self._news:
            if follows in told:
                news.set()

    async def integrate(self) -> None:
        """Integrate and publish while there is news. Runs only in the holder of the lease."""
        await self._repeat(
            "integrator", self.integrate_once, self.publish_interval_s, follows=Follows.LOG
        )

    async def follow_index(self) -> None:
        """Keep the search index up, where no other process does."""
        await self._repeat(
            "search index", self.index_once, self.index_interval_s, follows=Follows.POSTS
        )

    async def mirror(self) -> None:
        """Repair object holds that a crash or a store left behind the holds in force."""
        await self._repeat("hold mirror", self._mirror_once, _MIRROR_EVERY_S)

    async def adopt(self) -> None:
        """Adopt segments that a process on another machine left when it died."""
        await self._repeat("recovery", self._adopt_once, _ADOPT_EVERY_S)

    async def watch_clock(self) -> None:
        """Compare the clock with the store's."""
        await self._repeat("clock", self._check_clock_once, _CLOCK_EVERY_S)

    async def integrate_once(self) -> bool:
        """Integrate one batch if this process leads; True if more was waiting than fits one."""
        async with self._integrating:
            return await to_its_end(self._integrate())

    async def index_once(self) -> bool:
        """Index one batch if this process writes the index; True if more was waiting."""
        async with self._indexing:
            return await to_its_end(self._index())

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Integrate and index beside long work (an import), while its documents are at hand.

        Where the loops of the process run already, they do it: a second pair would hide their
        states behind its own.
        """
        if self.states:
            yield
            return
        tasks = [asyncio.create_task(loop()) for loop in (self.integrate, self.follow_index)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.states.clear()

    async def catch_up(
        self, progress: Callable[[int, int], None] = lambda _done, _total: None
    ) -> None:
        """Integrate and index everything sequenced by now, here or in the process that leads.

        Raises:
            OperatorError, EvidenceError: it could not be done.
        """
        async with self.database.reading() as tx:
            goal = (await ledger_rows.state(tx)).next_index
        while True:
            more = [await self.integrate_once(), await self.index_once()]
            async with self.database.reading() as tx:
                size = (await ledger_rows.state(tx)).size
            done = min(size, await asyncio.to_thread(lambda: self.index.watermark))
            progress(min(done, goal), goal)
            if done >= goal:
                return
            if not any(more):
                await asyncio.sleep(_PAUSE_S)

    async def close(self) -> None:
        """Give the lease back."""
        if self._lease is not None:
            await self._lease.release()
            self._lease = None

    async def _integrate(self) -> bool:
        if self._lease is not None and not await self._lease.alive():
            self._lease = None
        if self._lease is None:
            self._lease = await try_alone(self.database, "integrator")
            if self._lease is None:
                return False
            await self.integrator.start()
            if self.before_signing is not None:
                await self.before_signing()
        state = await self.integrator.integrate()
        return state is not None and state.size < state.next_index

    async def _index(self) -> bool:
        return await self.index.open_writer() and await self.index.follow()

    async def _mirror_once(self) -> bool:
        await self.mirror_holds()
        return False

    async def _check_clock_once(self) -> bool:
        await asyncio.to_thread(self.check_clock)
        return False

    async def _adopt_once(self) -> bool:
        await self.recovery.adopt_orphans(before=self.clock() - ADOPT_AFTER)
        return False

    async def _do(self, chore: Chore) -> None:
        async def act() -> bool:
            self.states[chore.name].notice = await chore.act()
            return False

        follows = Follows.POSTS if chore.of_posts else Follows.ACTS
        await self._repeat(chore.name, act, chore.every_s, follows=follows)

    async def _repeat(
        self,
        name: str,
        act: Callable[[], Awaitable[bool]],
        interval_s: float,
        *,
        follows: Follows = Follows.ACTS,
    ) -> None:
        state = self.states[name] = LoopState()
        news = asyncio.Event()
        self._news.append((news, follows))
        while True:
            try:
                news.clear()  # before the work: what comes during it is not lost
                while await act():
                    pass
                state.problem, state.failures = "", 0
            except OperatorError as error:
                state.problem, state.failures = str(error), state.failures + 1
                _log.warning("loop.failed", loop=name, error=str(error), failures=state.failures)
                await asyncio.sleep(min(_PAUSE_S * 2**state.failures, _LONGEST_PAUSE_S))
                continue
            except EvidenceError as error:
                state.problem, state.stopped = str(error), True
                _log.critical("loop.stopped", loop=name, error=str(error))
                return
            # The pause lets a burst gather; without news of this process's own, look anyway: other
            # processes sequence too.
            await asyncio.sleep(interval_s)
            # Not `wait_for`: until Python 3.12 it swallows a cancellation that comes with the news,
            # and then `following` waits for ever for a loop that was told to end.
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await news.wait()
