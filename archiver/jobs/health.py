"""Whether the parts of a process answer, for `/readyz` and the doctor."""

from collections.abc import Mapping
from dataclasses import dataclass

from archiver.db import ledger as ledger_rows
from archiver.db import set_aside
from archiver.db.transaction import Database
from archiver.errors import ArchiverError
from archiver.jobs.documents import EVIDENCE
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
            "searchable records": await self._searchable(),
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

    async def _searchable(self) -> str:
        """Tell of posts that the index could not take in; those that are damaged are evidence."""
        try:
            async with self.database.reading() as tx:
                aside = await set_aside.count_by_why(tx)
        except ArchiverError as error:
            return str(error)
        if damaged := sum(aside.get(why, 0) for why in EVIDENCE):
            return (
                f"{damaged} stored posts are not what the log promises, and cannot be searched; "
                "run `muniment verify --full --repair`. The Integrity page names them"
            )
        if aside:
            many = sum(aside.values())
            return f"ok; {many} posts are not searchable, for review: see the Integrity page"
        return "ok"

    async def _store(self) -> str:
        try:
            await self.store.probe()
        except ArchiverError as error:
            return str(error)
        return "ok"
