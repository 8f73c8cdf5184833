"""Commits that fail as real ones do: in pairs, *not committed* and *committed, but no answer*."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from archiver.db.transaction import Connection, Database, Transaction
from archiver.errors import DatabaseUnavailable
from tests.fakes.faulty_store import Fault

T = TypeVar("T")


@dataclass
class FaultyCommits:
    """Decides what happens to commits of this process: `faults` befall the next ones, in order.

    While `closed`, commits wait. `count` counts those that were asked for.
    """

    faults: list[Fault] = field(default_factory=list)
    count: int = 0
    before: Callable[[], None] = lambda: None
    _gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._gate.set()

    def close(self) -> None:
        """Let commits wait."""
        self._gate.clear()

    def open(self) -> None:
        """Let them through."""
        self._gate.set()

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Stand between every transaction of this process and its commit."""
        commit = Transaction.commit

        async def faulty(tx: Transaction) -> None:
            fault = await self._next()
            if fault is Fault.NOT_DONE:
                raise DatabaseUnavailable("injected: the commit was not done")
            await commit(tx)
            if fault is Fault.DONE:
                raise DatabaseUnavailable("injected: the commit was done, its answer lost")

        patch.setattr(Transaction, "commit", faulty)
        run = Database.run

        async def faulty_run(
            database: Database, work: Callable[[Connection], T], *, writes: bool
        ) -> T:
            if not writes or database.path is None:  # PostgreSQL goes through `commit` above
                return await run(database, work, writes=writes)
            fault = await self._next()
            if fault is Fault.NOT_DONE:
                raise DatabaseUnavailable("injected: the commit was not done")
            result = await run(database, work, writes=writes)
            if fault is Fault.DONE:
                raise DatabaseUnavailable("injected: the commit was done, its answer lost")
            return result

        patch.setattr(Database, "run", faulty_run)

    async def _next(self) -> Fault | None:
        self.count += 1
        await self._gate.wait()
        self.before()
        return self.faults.pop(0) if self.faults else None
