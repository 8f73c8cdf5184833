"""What a destruction needs of the background: publication, the search index, and being resumed.

An execution that was interrupted, by whatever, is gone on with by the loop of any process that
serves: no approved batch is left half destroyed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from archiver.clock import Clock
from archiver.db import ledger as ledger_rows
from archiver.db import searchable
from archiver.db.transaction import Database
from archiver.disposal.destruction import Destruction
from archiver.errors import Conflict, NotFound, SearchUnavailable
from archiver.jobs.loops import Chore, Loops
from archiver.jobs.reindexing import Reindexing
from archiver.jobs.search_index import SearchIndex
from archiver.jobs.work_runner import FILES_OF_JOBS
from archiver.model.actor import SYSTEM
from archiver.preserve.ledger.checkpoint import open_checkpoint
from archiver.preserve.ledger.note import Verifier
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.store.threads import AsyncStore

_EVERY_S = 30.0
_PAUSE_S = 0.5

_log = structlog.get_logger("muniment.disposal")


class IndexForgetting:
    """The search index and the files of jobs, as far as `archiver.disposal.destruction` needs them.

    Those files are deleted by a loop in `loops`.
    """

    def __init__(self, index: SearchIndex, reindexing: Reindexing, loops: Loops) -> None:
        self._index = index
        self._reindexing = reindexing
        self._loops = loops

    async def forget(self, log_indexes: Sequence[int]) -> bool:
        """Remove documents from the index that answers. See `Forgets`."""
        if not await self._index.open_writer():
            raise SearchUnavailable(
                "another process writes the search index; it goes on with the destruction itself"
            )
        async with self._loops.database.reading() as tx:
            known = len(await searchable.places_at(tx, log_indexes))
        async with self._index.alone:
            return await self._index.forget(log_indexes, known=known)

    async def scrub(self, *, anew: bool) -> None:
        """Build the index anew, where it keeps words in its files; delete files of jobs.

        An evidence bundle of last week holds what is destroyed today.
        """
        if anew:
            await self._reindexing.run(actor=SYSTEM, progress=lambda _done, _total: None)
            while await self._index.follow():
                pass  # over to the new one, and the old one's folder is removed
        for chore in self._loops.chores:
            if chore.name == FILES_OF_JOBS:
                await chore.act()


def publishing(
    loops: Loops,
    *,
    database: Database,
    store: AsyncStore,
    archive_id: str,
    origin: str,
    verifiers: Sequence[Verifier],
) -> Callable[[], Awaitable[int]]:
    """Return what publishes all that is sequenced by now and tells the published size.

    What it tells is read from the store: what the database knows as signed may not be public yet.
    """

    async def publish() -> int:
        async with database.reading() as tx:
            goal = (await ledger_rows.state(tx)).next_index
        while (size := await published()) < goal:
            if not await loops.integrate_once():
                await asyncio.sleep(_PAUSE_S)  # another process leads
        return size

    async def published() -> int:
        try:
            note = await store.get(f"{log_prefix(archive_id)}checkpoint")
        except NotFound:
            return 0
        return open_checkpoint(note, origin, verifiers).size

    return publish


def disposal_chore(destruction: Destruction, brought_back: Sequence[str], clock: Clock) -> Chore:
    """Return the loop that goes on with what was interrupted.

    `brought_back` are segments that the start found in the store though they were destroyed.
    `clock` is the guarded one, which says when a month is over.
    """
    waiting = list(brought_back)

    async def act() -> str:
        if waiting:
            _log.error("disposal.repeated", segments=len(waiting), first=waiting[0])
            await destruction.repeat(waiting)
            waiting.clear()
        await destruction.epochs.sweep(clock())
        try:
            await destruction.resume()
        except Conflict as error:  # it is stopped, or another process does it
            return str(error)
        return ""

    return Chore(name="disposal", act=act, every_s=_EVERY_S)
