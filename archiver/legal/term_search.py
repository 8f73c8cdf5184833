"""Finding what each term of a list hits in a frozen set: one state of the index for all of them.

As for a hold, the engine answers below its watermark and the matcher from there to the end of the
set, and an index that is not complete is refused: a count that is short in silence is worse than
none.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from archiver.db import holds as hold_rows
from archiver.db.transaction import Database
from archiver.errors import InvalidInput
from archiver.legal.expansions import expansions_of
from archiver.legal.membership import Documents, require_complete
from archiver.legal.queries import OpenIndex, asking_the_engine, lasting_snapshot
from archiver.legal.reach import Part
from archiver.legal.term_counting import Counted, TermCounting
from archiver.legal.term_lists import Term
from archiver.legal.term_report import TermLine
from search.document import Document
from search.index import Snapshot
from search.matcher import prepared
from search.query import Query


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSearch:
    """One state of the index, with the documents of the set's log that it has not read.

    `copies` are the stored duplicates below the set's log size, each with its original: an index
    holds the original only, and a set both.
    """

    snapshot: Snapshot
    unread: Sequence[Document]
    copies: Sequence[tuple[int, int]]

    def find(self, query: Query) -> Iterable[int]:
        """Return the log indexes of all that `query` finds; it blocks, so call it in a thread.

        Raises:
            InvalidInput: it costs more than one answer may.
            SearchUnavailable: the index does not answer.
        """
        with asking_the_engine():
            numbers = [number for chunk in self.snapshot.numbers(query) for number in chunk]
        finds = prepared(query)
        numbers += [each.number for each in self.unread if finds(each)]
        return [*numbers, *self._copies_of(numbers)]

    def count(
        self, term: Term, wanted: Query, part: Part, counting: TermCounting
    ) -> tuple[TermLine, Counted]:
        """Count the next term of a list, which finds what `wanted` does; it blocks as `find`.

        Told are the words of a part of the archive. Where a term costs more than one answer may,
        the line says so, and the others still count.
        """
        line = line_of(term)
        try:
            found = self.find(wanted)
            with asking_the_engine():
                expansions = expansions_of(self.snapshot, wanted, part)
        except InvalidInput as error:
            return replace(line, error=str(error)), counting.add(())
        counted = counting.add(found)
        counts = replace(
            line,
            expansions=expansions,
            documents=counted.hits,
            family=counted.family,
            accounts=counted.accounts,
        )
        return counts, counted

    def _copies_of(self, numbers: Sequence[int]) -> Iterator[int]:
        if self.copies:
            found = set(numbers)
            yield from (copy for copy, original in self.copies if original in found)


@asynccontextmanager
async def searching_terms(
    *, database: Database, index: OpenIndex, documents: Documents, log_size: int
) -> AsyncIterator[TermSearch]:
    """Open a search over the log below `log_size`.

    Raises:
        SearchUnavailable: the index does not answer, or is not complete.
    """
    async with lasting_snapshot(index) as snapshot:
        known = await asyncio.to_thread(snapshot.known)
        await require_complete(database, snapshot.watermark, known)
        behind = snapshot.watermark < log_size
        read = await documents.read_each(snapshot.watermark, log_size) if behind else None
        async with database.reading() as tx:
            copies = await hold_rows.duplicates(tx, log_size)
        unread = read.documents if read else ()
        yield TermSearch(snapshot=snapshot, unread=unread, copies=copies)


def line_of(term: Term) -> TermLine:
    """Return the line of a term that is not counted yet."""
    return TermLine(
        position=term.position,
        text=term.text,
        normalised=term.normalised,
        error=term.error,
        notes=term.notes,
    )
