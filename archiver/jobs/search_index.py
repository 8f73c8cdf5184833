"""The search index as a follower of the log: how it is opened, kept up, and built anew.

The index's own watermark, stored by the same commit as its documents, is the follower's position: a
crash at any moment leaves an index that knows exactly what it holds. One process of the archive
writes it; all read it. A damaged or outdated index is rebuilt from the log, and until it has caught
up every answer says how far it covers.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from archiver.db import ledger as ledger_rows
from archiver.db.transaction import Database
from archiver.errors import ConfigurationError, SearchUnavailable
from archiver.jobs.documents import Documents
from search.document import Document
from search.engines.tantivy import TantivyIndex, TantivyReader, open_reader, open_writer
from search.errors import IndexBusy, IndexUnavailable, RebuildNeeded
from search.index import Index, Reader

BATCH = 5_000
"""Records read and added between commits."""


def index_path(url: str) -> Path:
    """Return the folder of a `tantivy:` URL.

    Raises:
        ConfigurationError: another engine is asked for, which this version does not have.
    """
    scheme, _, path = url.partition(":")
    if scheme != "tantivy" or not path:
        raise ConfigurationError(
            f"MUNIMENT_SEARCH_URL: expected tantivy:/path/to/folder, found {url!r}"
        )
    return Path(path)


class SearchIndex:
    """The index of one archive, opened for reading always and for writing when it is free."""

    def __init__(self, path: Path, database: Database, documents: Documents) -> None:
        self._path = path
        self._database = database
        self._documents = documents
        self._reader: TantivyReader | None = None
        self._writer: TantivyIndex | None = None
        self.rebuilding = False

    def reader(self) -> Reader:
        """Return the index open for reading.

        Raises:
            IndexUnavailable, RebuildNeeded: there is none that can be used yet.
        """
        if self._writer is not None:
            return self._writer
        if self._reader is None:
            self._reader = open_reader(self._path)
        return self._reader

    async def open_writer(self) -> bool:
        """Become the process that writes the index; False while another one does.

        A damaged or outdated index is removed and built anew from the log.

        Raises:
            SearchUnavailable: the index's folder cannot be used.
        """
        if self._writer is not None:
            return True
        try:
            self._writer = await asyncio.to_thread(self._open)
        except IndexBusy:
            return False
        except (IndexUnavailable, RebuildNeeded) as error:  # a new index on a failing disk as well
            raise SearchUnavailable(
                f"the search index cannot be written: {error} Posts are kept and can be found "
                "once it is; see MUNIMENT_SEARCH_URL"
            ) from error
        return True

    async def follow(self) -> bool:
        """Index the next batch of sequenced records and commit it; True if more were waiting.

        A commit costs tens of milliseconds however few records it takes, so what arrives meanwhile
        waits for the next round.

        Raises:
            SearchUnavailable: the engine failed; the next call opens the index again.
            StorageUnavailable, DatabaseUnavailable: records could not be read now.
            IntegrityError: a stored record is not what the log promises.
        """
        writer = self._writer
        if writer is None:
            return False
        async with self._database.reading() as tx:
            end = (await ledger_rows.state(tx)).next_index
        start = writer.watermark
        if start > end:
            # The index is of a later state than the database: rebuilt from what the log says.
            await asyncio.to_thread(writer.reset)
            return True
        stop = min(end, start + BATCH)
        if start == stop:
            self.rebuilding = False
            return False
        documents = await self._documents.read(start, stop)
        try:
            await asyncio.to_thread(_add, writer, documents, stop)
        except IndexUnavailable as error:
            self.close()
            raise SearchUnavailable(
                f"the search index did not take records {start} to {stop - 1}: {error}; check the "
                "disk it is on. Nothing is lost: it goes on from its last commit"
            ) from error
        return stop < end

    @property
    def watermark(self) -> int:
        """The next log index the index has to read; 0 while none can be read."""
        try:
            with self.reader().snapshot() as snapshot:
                return snapshot.watermark
        except (IndexUnavailable, RebuildNeeded):
            return 0

    def close(self) -> None:
        """Close what is open."""
        for opened in (self._writer, self._reader):
            if opened is not None:
                opened.close()
        self._writer = self._reader = None

    def _open(self) -> TantivyIndex:
        try:
            return open_writer(self._path)
        except RebuildNeeded:
            self.rebuilding = True
            return open_writer(self._path, anew=True)


def _add(index: Index, documents: Sequence[Document], watermark: int) -> None:
    if documents:
        index.add(documents)
    index.commit(watermark)
