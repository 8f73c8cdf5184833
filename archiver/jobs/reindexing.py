"""Building the search index anew while the old one answers, and switching when it has caught up.

The new index is built beside the old one from the log alone, compared with the records by id in
both directions, and only then named as the one that answers: by one rename, so that a crash at any
moment leaves one of the two. It may be built in the process that serves or in another: whoever
builds holds a lock of its own, and the writer of the old index goes over to the new one by itself
(decision 0034).

Where the old index was of another version of the analyzer, what that changes is told first
(`analyzer_change`).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from archiver.access.rules import Permission, allowed, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.db import ledger as ledger_rows
from archiver.db import set_aside
from archiver.db.transaction import Database
from archiver.errors import Conflict, SearchUnavailable
from archiver.jobs.analyzer_change import AnalyzerChange, AnalyzerChanges
from archiver.jobs.documents import Documents, Why
from archiver.jobs.index_differences import compared
from archiver.jobs.index_health import look_at_ceiling
from archiver.jobs.search_index import BATCH, SearchIndex
from archiver.jobs.work import Kind, Result
from archiver.jobs.work_run import Run
from archiver.model.actor import Actor
from search.analyzer import ANALYZER_VERSION
from search.document import Document
from search.engines.opening import engine_name, open_writer
from search.errors import IndexBusy, IndexOutdated, IndexUnavailable, RebuildNeeded
from search.index import Index

REINDEX = "reindex"

_ROOM = 3
"""Times the size of the present index: merging writes a segment before it removes its parts."""

_LEAST_ROOM = 64 << 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A new index: what it holds and how long it took.

    `set_aside` posts could not be taken in. `was` is how far the old index had read the log, None
    where there was none that could be read; `differed` is by how many posts it differed from the
    records. `change` is what another version of the analyzer changed since, None where the old
    index was of this one. `crowded` warns of more posts than the engine is meant for.
    """

    log_size: int
    records: int
    set_aside: int
    seconds: float
    size: int
    was: int | None
    differed: int | None
    change: AnalyzerChange | None = None
    crowded: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "log_size": self.log_size,
            "records": self.records,
            "set_aside": self.set_aside,
            "seconds": round(self.seconds, 3),
            "bytes": self.size,
            "analyzer": ANALYZER_VERSION,
            "old_log_size": self.was,
            "old_differed_by": self.differed,
            "analyzer_change": self.change.to_dict() if self.change else None,
            "crowded": self.crowded,
        }


class _Old(NamedTuple):
    """The index before: how far it had read and by how much it differed, or what had written it."""

    log_size: int | None = None
    differed: int | None = None
    layout: str = ""


def _no_progress(_done: int, _total: int) -> None: ...


class Reindexing:
    """The use case of building the index anew."""

    def __init__(
        self,
        *,
        index: SearchIndex,
        database: Database,
        documents: Documents,
        clock: Clock,
        trail: Trail,
    ) -> None:
        self._index = index
        self._database = database
        self._documents = documents
        self._changes = AnalyzerChanges(database=database, documents=documents)
        self._clock = clock
        self._trail = trail

    @property
    def kind(self) -> Kind:
        """The kind of job that builds the index anew."""

        async def run(job: Run) -> Result:
            rebuilt = await self.run(
                actor=job.actor,
                progress=partial(job.progress, "Indexing"),
                comparing=partial(job.progress, "Comparing the two analyzers"),
            )
            job.say(
                f"{rebuilt.records:,} posts up to log size {rebuilt.log_size:,}; "
                f"{rebuilt.set_aside:,} could not be taken in"
            )
            if rebuilt.crowded:
                job.say(rebuilt.crowded)
            words = rebuilt.change.tokens() if rebuilt.change else []
            may_read = allowed(job.actor, Permission.SEARCH)  # an operator sees no word of a post
            return {**rebuilt.to_dict(), "private": {"tokens": words if may_read else []}}

        return Kind(name=REINDEX, title="New search index", permission=Permission.OPERATE, run=run)

    async def run(
        self, *, actor: Actor, progress: Progress, comparing: Progress = _no_progress
    ) -> Rebuilt:
        """Build the index anew from the log and let it answer; it is an event.

        `comparing` is told how far the comparison with another version of the analyzer is, where
        there is one.

        Raises:
            Denied: the actor may not operate the archive.
            Conflict: the index is being built anew already, by this or another process.
            SearchUnavailable: the engine failed, or its disk has no room for two; the old index
                goes on answering.
            StorageUnavailable, DatabaseUnavailable: records could not be read.
        """
        require(actor, Permission.OPERATE)
        started = time.monotonic()
        await asyncio.to_thread(self._require_room)
        old = await self._old()
        before = await self._changes.before(old.layout)
        change = await self._changes.told(before, comparing) if before else None
        try:
            log_size, records = await self._build(progress)
        except IndexBusy as error:
            raise Conflict(f"{error} Wait until that is done; see the jobs") from error
        except (IndexUnavailable, RebuildNeeded) as error:
            raise SearchUnavailable(
                f"the new search index could not be built: {error} The old one goes on answering"
            ) from error
        async with self._database.reading() as tx:
            aside = await set_aside.count(tx, log_size)
            crowded = await look_at_ceiling(tx, self._index.url)
        rebuilt = Rebuilt(
            log_size=log_size,
            records=records,
            set_aside=aside,
            seconds=time.monotonic() - started,
            size=await asyncio.to_thread(self._index.generations.size),
            was=old.log_size,
            differed=old.differed,
            change=change,
            crowded=crowded,
        )
        await self._note(rebuilt, actor)
        return rebuilt

    async def _build(self, progress: Progress) -> tuple[int, int]:
        with ExitStack() as built:
            # In a thread: whoever built before and was killed is waited for on a cluster.
            building = self._index.generations.building()
            url = await asyncio.to_thread(built.enter_context, building)
            with closing(await asyncio.to_thread(open_writer, url)) as writer:
                await self._fill(writer, progress)
                await self._require_exact(writer)
                # What came meanwhile: so little that whoever follows reads the rest at once.
                await self._fill(writer, progress)
                with writer.snapshot() as snapshot:
                    standing = snapshot.watermark, snapshot.known()
            await asyncio.to_thread(self._index.generations.switch, url)
        return standing

    async def _fill(self, writer: Index, progress: Progress) -> None:
        while True:
            async with self._database.reading() as tx:
                end = (await ledger_rows.state(tx)).next_index
            start = writer.watermark
            progress(start, end)
            if start >= end:
                return
            await self._take(writer, start, min(end, start + BATCH))

    async def _take(self, writer: Index, start: int, stop: int) -> None:
        read = await self._documents.read_each(start, stop)
        async with self._database.reading() as tx:
            aside = await set_aside.between(tx, start, stop)
        # What the engine refused once it is not asked again here: it would give up the batch.
        taken = [each for each in read.documents if aside.get(each.number) != Why.REFUSED]
        async with self._database.transaction() as tx:
            await set_aside.put(tx, read.unread, to_millis(self._clock()))
        await asyncio.to_thread(_add, writer, taken, stop)
        async with self._database.transaction() as tx:
            await set_aside.drop(tx, [each.number for each in taken if each.number in aside])

    async def _require_exact(self, writer: Index) -> None:
        _, found = await compared(self._database, writer)
        if found.missing or found.surplus:
            raise IndexUnavailable(
                f"Of the new index {len(found.missing)} posts are missing and {len(found.surplus)} "
                "are too much."
            )

    async def _old(self) -> _Old:
        try:
            reader = await asyncio.to_thread(self._index.reader)
            watermark, found = await compared(self._database, reader)
        except IndexOutdated as error:
            return _Old(layout=error.layout)
        except (IndexUnavailable, RebuildNeeded):
            return _Old()
        return _Old(watermark, len(found.missing) + len(found.surplus))

    def _require_room(self) -> None:
        room = self._index.generations.room()
        needed = max(_LEAST_ROOM, _ROOM * self._index.generations.size())
        if room is not None and room < needed:
            raise SearchUnavailable(
                f"a second index needs {needed >> 20:,} MB for a while, and its disk has "
                f"{room >> 20:,} MB left; free some, or move the index (MUNIMENT_SEARCH_URL). "
                "The present one goes on answering"
            )

    async def _note(self, rebuilt: Rebuilt, actor: Actor) -> None:
        await self._trail.record(
            Action.INDEX_REBUILT,
            actor=actor,
            object_type="index",
            details={
                "log_size": rebuilt.log_size,
                "records": rebuilt.records,
                "set_aside": rebuilt.set_aside,
                "engine": engine_name(self._index.url),
                "analyzer": ANALYZER_VERSION,
                "differed": -1 if rebuilt.differed is None else rebuilt.differed,
                **_told(rebuilt.change),
            },
        )


def _told(change: AnalyzerChange | None) -> dict[str, str | int | bool]:
    if change is None:
        return {}
    found = change.found
    return {
        "analyzer_before": change.before,
        "posts_changed": found.changed if found else -1,
        "queries_changed": len(found.queries) if found else -1,
    }


def _add(index: Index, documents: Sequence[Document], watermark: int) -> None:
    if documents:
        index.add(documents)
    index.commit(watermark)
