"""The search index as a follower of the log: how it is opened, kept up, and begun anew.

The index's own watermark, stored by the same commit as its documents, is the follower's position: a
crash at any moment leaves an index that knows exactly what it holds. One process of the archive
writes it; all read it. An index that is lost, damaged or of another version is begun anew from the
log, and until it has caught up every answer says how far it covers.

No post stops those behind it. What cannot be taken in is set aside by name, counted with every
answer, and tried again (`index_comparison`).
"""

import asyncio
from collections.abc import Callable, Collection, Sequence

import structlog

from archiver.clock import Clock, to_millis
from archiver.db import ledger as ledger_rows
from archiver.db import set_aside
from archiver.db.transaction import Database
from archiver.errors import SearchUnavailable, StorageUnavailable
from archiver.jobs.documents import EVIDENCE, Documents, Read, Unread, Why
from archiver.jobs.reclassified_posts import ReclassifiedPosts
from archiver.jobs.refusals import refused_among
from search.document import Document
from search.engines.opening import open_reader, open_writer
from search.errors import (
    IndexBusy,
    IndexMissing,
    IndexOutdated,
    IndexUnavailable,
    RebuildNeeded,
)
from search.generations import Generations, generations
from search.index import Index, Reader

BATCH = 5_000
"""Records read and added between commits."""

PATIENCE = 6
"""So often in a row the store may fail on a batch before its posts are tried one by one."""

_log = structlog.get_logger("muniment.index")


class SearchIndex:
    """The index of one archive, opened for reading always and for writing when it is free.

    `probe` raises `StorageUnavailable` while the store answers nothing at all. `losses` counts the
    indexes found lost or damaged since the start, `last_loss` says how the newest was, and
    `last_layout` what wrote it where that was another version. Whoever writes holds `alone`; all
    methods but `mend` take it themselves.
    """

    def __init__(
        self,
        url: str,
        *,
        archive_id: str,
        database: Database,
        documents: Documents,
        clock: Clock,
        probe: Callable[[], None],
    ) -> None:
        self.url = url
        self.generations: Generations = generations(url, archive_id)
        self.losses = 0
        self.last_loss = self.last_layout = ""
        self._database = database
        self._documents = documents
        self._clock = clock
        self._probe = probe
        self._reader: tuple[str, Reader] | None = None
        self._writer: tuple[str, Index] | None = None
        self._failures = 0
        self._reclassified = ReclassifiedPosts(database)
        self.alone = asyncio.Lock()

    @property
    def is_written_here(self) -> bool:
        """Whether this process is the one that writes the index."""
        return self._writer is not None

    @property
    def watermark(self) -> int:
        """The next log index the index has to read; 0 while none can be read."""
        try:
            with self.reader().snapshot() as snapshot:
                return snapshot.watermark
        except (IndexUnavailable, RebuildNeeded):
            return 0

    def reader(self) -> Reader:
        """Return the index open for reading.

        Raises:
            IndexUnavailable, RebuildNeeded: there is none that can be used yet.
        """
        current, opened = self.generations.current(), self._reader
        if opened is not None and opened[0] == current:
            return opened[1]
        if current is None:
            raise IndexMissing("There is no index yet; the writing process creates it.")
        # Not the writer's: that is closed when a new index takes over, and answers go on. The old
        # reader is not closed, for somebody may just be asking it.
        reader = open_reader(current)
        self._reader = current, reader
        return reader

    async def open_writer(self) -> bool:
        """Become the process that writes the index; False while another one does.

        Where it is damaged or outdated, a new one is begun.

        Raises:
            SearchUnavailable: the index's folder cannot be used.
        """
        async with self.alone:
            return await self._open_writer()

    async def follow(self) -> bool:
        """Index the next batch of sequenced records and commit it; True if more were waiting.

        A commit costs tens of milliseconds however few records it takes, so what arrives meanwhile
        waits for the next round.

        Raises:
            SearchUnavailable: the engine failed; the next call opens the index again.
            StorageUnavailable, DatabaseUnavailable: records could not be read now.
        """
        async with self.alone:
            return await self._follow()

    async def begin_anew(self, reason: str) -> None:
        """Begin an empty index instead of the present one; answers say how far it has got.

        Raises:
            SearchUnavailable: another process writes the index, or it cannot be written.
        """
        if not await self.open_writer():
            raise SearchUnavailable(
                "another process writes the search index; stop `muniment serve` and try again, or "
                "ask there for a new index"
            )
        await self.condemn(reason)

    async def condemn(self, reason: str) -> None:
        """Begin a new index instead of one that was found damaged. Raises SearchUnavailable."""
        async with self.alone:
            if self._writer is None:
                return
            damaged, _ = self._writer
            await asyncio.to_thread(self._let_go)
            self._lost(reason)
            if await asyncio.to_thread(self.generations.current) == damaged:
                await asyncio.to_thread(self._begin, damaged)
            await self._open_writer()

    async def mend(
        self, missing: Sequence[int], surplus: Sequence[int] = (), *, doubtful: bool = False
    ) -> Read:
        """Add posts that the index lacks, as far as they can be read, and remove what is too much.

        The caller holds `alone`. What cannot be read is set aside; `doubtful` posts are tried on an
        index of their own first. Returns what was read.

        Raises:
            SearchUnavailable: as `follow`, or this process does not write the index.
        """
        if self._writer is None:
            raise SearchUnavailable("the search index is written by another process")
        read = await self._documents.read_at(missing, patient=False)
        if doubtful and read.documents:
            refused = await asyncio.to_thread(self._refused, read.documents)
            read = _without(read, refused)
        await self._put_aside(read.unread)
        try:
            await asyncio.to_thread(_mend, self._writer[1], read.documents, surplus)
        except IndexUnavailable as error:
            await asyncio.to_thread(self._let_go)
            raise _did_not_take("what it lacked", error) from error
        async with self._database.transaction() as tx:
            await set_aside.drop(tx, [document.number for document in read.documents])
        return read

    async def forget(self, numbers: Sequence[int], *, known: int) -> bool:
        """Remove posts; True if no file of the index keeps their words, False: build it anew.

        What shares files with them is written again by the same commit, so that those files go. It
        is not done where that is most of the index, where it cannot be read, or where the index has
        not just the `known` ones of them: then some were deleted before, and their words are left.
        The caller holds `alone`; nothing is indexed meanwhile, and answers go on.

        Raises:
            SearchUnavailable: as `follow`, or this process does not write the index.
        """
        await asyncio.to_thread(self._let_go)  # ends merges, which could hide where words are
        if not await self._open_writer() or self._writer is None:
            raise SearchUnavailable("the search index is written by another process")
        writer = self._writer[1]
        try:
            beside = await asyncio.to_thread(writer.beside, numbers)
            clean = beside is not None and beside.found == known
            if beside is not None and clean:
                clean = await self._write_again(writer, beside.numbers)
            await asyncio.to_thread(_mend, writer, (), numbers)
            if not clean:
                clean = await asyncio.to_thread(writer.purge)
        except IndexUnavailable as error:
            await asyncio.to_thread(self._let_go)
            raise _did_not_take("what is to be forgotten", error) from error
        return clean

    async def _write_again(self, writer: Index, numbers: Sequence[int]) -> bool:
        """Add these posts once more, with the commit to come; False where that is not worth it."""
        with self.reader().snapshot() as snapshot:
            if 2 * len(numbers) > snapshot.known():
                return False
        for start in range(0, len(numbers), BATCH):
            read = await self._documents.read_at(numbers[start : start + BATCH], patient=False)
            if read.unread:
                return False  # those added so far only take the place of themselves
            await asyncio.to_thread(writer.add, read.documents)
        return True

    def close(self) -> None:
        """Close what is open."""
        self._let_go()
        if self._reader is not None:
            self._reader[1].close()
        self._reader = None

    async def _open_writer(self) -> bool:
        if self._writer is not None:
            return True
        try:
            self._writer = await asyncio.to_thread(self._open)
            self._reclassified.begin_anew()
            await asyncio.to_thread(self.generations.sweep)
        except IndexBusy:
            return False
        except (IndexUnavailable, RebuildNeeded) as error:  # a new index on a failing disk as well
            raise SearchUnavailable(
                f"the search index cannot be written: {error} Posts are kept and can be found "
                "once it is; see MUNIMENT_SEARCH_URL"
            ) from error
        return True

    def _open(self) -> tuple[str, Index]:
        current = self.generations.current()
        if current is not None:
            try:
                return current, open_writer(current)
            except RebuildNeeded as error:
                self._lost(str(error), error.layout if isinstance(error, IndexOutdated) else "")
        begun = self._begin(current)
        return begun, open_writer(begun)

    def _begin(self, instead_of: str | None) -> str:
        """Let an empty index answer instead of one that cannot; return its URL.

        Raises:
            SearchError: it could not be begun, or another process was faster.
        """
        with self.generations.building() as url:
            if self.generations.current() != instead_of:
                raise IndexBusy("Another process has begun a new index.")
            open_writer(url).close()
            self.generations.switch(url)
            return url

    async def _follow(self) -> bool:
        if self._writer is None:
            return False
        url, writer = self._writer
        if url != await asyncio.to_thread(self.generations.current):
            await asyncio.to_thread(self._let_go)  # a new one was built beside it and answers now
            return await self._open_writer()
        async with self._database.reading() as tx:
            end = (await ledger_rows.state(tx)).next_index
        start = writer.watermark
        if start > end:
            self._lost(f"it has read {start} entries of a log of {end}: it is of a later state")
            await asyncio.to_thread(writer.reset)
            return True
        stop = min(end, start + BATCH)
        if start < stop:
            read = await self._read(start, stop)
            await self._put_aside(read.unread)
            await self._take(writer, read.documents, stop)
        if stop == end:
            await self._refile(end)
        return stop < end

    async def _refile(self, end: int) -> None:
        """Index anew what stands under a class it was moved from."""
        wrong = await self._reclassified.misplaced(self.reader(), end)
        for start in range(0, len(wrong), BATCH):
            await self.mend(wrong[start : start + BATCH])
        self._reclassified.right_below(end)

    async def _read(self, start: int, stop: int) -> Read:
        """Read a stretch of the log, in the end without what the store never gives."""
        is_patient = self._failures < PATIENCE
        try:
            if not is_patient:  # is it this object, or is it the store?
                await asyncio.to_thread(self._probe)
            read = await self._documents.read_each(start, stop, patient=is_patient)
        except StorageUnavailable:
            self._failures += 1
            raise
        self._failures = 0
        return read

    async def _put_aside(self, unread: Sequence[Unread]) -> None:
        if not unread:
            return
        async with self._database.transaction() as tx:
            await set_aside.put(tx, unread, to_millis(self._clock()))
        for each in unread:
            say = _log.critical if each.why in EVIDENCE else _log.error
            say("index.set_aside", log_index=each.log_index, why=each.why, reason=each.reason)

    async def _take(self, writer: Index, documents: Sequence[Document], watermark: int) -> None:
        """Add and commit; a document that the engine does not take is set aside."""
        try:
            await asyncio.to_thread(_add, writer, documents, watermark)
        except IndexUnavailable as error:
            await asyncio.to_thread(self._let_go)
            refused = await asyncio.to_thread(self._refused, documents)
            if not refused:
                raise _did_not_take(f"records up to {watermark - 1}", error) from error
            rest = _without(Read(tuple(documents)), refused)
            await self._put_aside(rest.unread)
            if await self._open_writer() and self._writer is not None:
                await asyncio.to_thread(_add, self._writer[1], rest.documents, watermark)

    def _refused(self, documents: Sequence[Document]) -> frozenset[int]:
        try:
            with self.generations.building() as url:
                return refused_among(documents, lambda: open_writer(url))
        except (IndexUnavailable, RebuildNeeded):
            return frozenset()  # it takes nothing at all: it is not about the posts

    def _lost(self, reason: str, layout: str = "") -> None:
        self.losses, self.last_loss, self.last_layout = self.losses + 1, reason, layout
        _log.error("index.lost", reason=reason, next="it is built anew from the log")

    def _let_go(self) -> None:
        if self._writer is not None:
            self._writer[1].close()
        self._writer = None


def _add(index: Index, documents: Sequence[Document], watermark: int) -> None:
    if documents:
        index.add(documents)
    index.commit(watermark)


def _mend(index: Index, documents: Sequence[Document], surplus: Sequence[int]) -> None:
    index.delete(surplus)
    _add(index, documents, index.watermark)


def _without(read: Read, refused: Collection[int]) -> Read:
    unread = [Unread(number, Why.REFUSED, "the engine refused it") for number in sorted(refused)]
    taken = (each for each in read.documents if each.number not in refused)
    return Read(tuple(taken), (*read.unread, *unread))


def _did_not_take(what: str, error: Exception) -> SearchUnavailable:
    return SearchUnavailable(
        f"the search index did not take {what}: {error}; check the disk it is on. Nothing is lost: "
        "it goes on from its last commit"
    )
