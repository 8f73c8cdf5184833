"""Whether the parts of a process answer, for `/readyz` and the doctor."""

from collections.abc import Mapping
from dataclasses import dataclass

from archiver.db import ledger as ledger_rows
from archiver.db.transaction import Database
from archiver.errors import ArchiverError
from archiver.jobs.loops import Loops
from archiver.preserve.store.threads import AsyncStore
from archiver.preserve.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the parts answer, in words."""

    database: Database
    store: AsyncStore
    writer: Writer
    loops: Loops

    async def ready(self) -> Mapping[str, str]:
        """Return `ok` or the problem for each part."""
        answers = {
            "database": await self._database(),
            "store": await self._store(),
            "writer": self.writer.stopped or "ok",
        }
        for name, state in self.loops.states.items():
            answers[name] = state.problem or (f"ok; {state.notice}" if state.notice else "ok")
        return answers

    async def _database(self) -> str:
        try:
            async with self.database.reading() as tx:
                await ledger_rows.state(tx)
        except ArchiverError as error:
            return str(error)
        return "ok"

    async def _store(self) -> str:
        try:
            await self.store.probe()
        except ArchiverError as error:
            return str(error)
        return "ok"
