"""What an engine must do: keep documents, and answer queries as the matcher would.

One process writes an index, others read it. An index is a view of the log: `watermark` says how far
it has read. It is stored by the same commit as the documents, so a crash at any moment leaves an
index that knows exactly what it holds, and the follower goes on from there.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from search.document import Document
from search.query import Query

CHUNK = 20_000
"""Numbers fetched at a time: a hold of 340,000 hits took 17 of them and 150 ms in all."""


class Hit(NamedTuple):
    """A document found: its number, and the time (Unix ms) it is ordered by (`Document.time`)."""

    number: int
    time: int


class Snapshot(Protocol):
    """One committed state of an index. Count, pages and numbers taken from it agree."""

    @property
    def watermark(self) -> int:
        """The log index up to which, exclusively, this state has read the log."""
        ...

    def known(self) -> int:
        """Return how many documents there are."""
        ...

    def count(self, query: Query) -> int:
        """Return exactly how many documents `query` finds."""
        ...

    def page(
        self, query: Query, *, limit: int, newest_first: bool = True, after: Hit | None = None
    ) -> list[Hit]:
        """Return up to `limit` (1 or more) hits that follow `after`, the last hit of a page before.

        Newest first: by time descending, then number descending. Otherwise: by number ascending,
        the order of the log. Both orders are total, so pages neither repeat nor leave out a hit,
        even if the hit `after` has since been destroyed.
        """
        ...

    def numbers(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        """Yield the numbers of all hits, ascending, in lists of up to `chunk`."""
        ...

    def all_numbers(self, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        """Yield the numbers of all documents, like `numbers`; for comparing index and records."""
        ...


class Reader(Protocol):
    """An index open for reading, perhaps while another process writes it."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Return the newest committed state, to be used inside `with`.

        Raises:
            IndexUnavailable: the index has been closed or is just being built anew.
            RebuildNeeded: it is damaged, or of another analyzer version or layout.
        """
        ...

    def close(self) -> None:
        """Let go of the index. A second call does nothing."""
        ...


class Index(Reader, Protocol):
    """An index open for writing: by one process, from one thread at a time.

    Nothing is visible or durable before `commit`; what is not committed when the process ends is
    as if it had never been added.
    """

    @property
    def watermark(self) -> int:
        """The watermark of the last commit; 0 for a new index."""
        ...

    def add(self, documents: Sequence[Document]) -> None:
        """Add documents; one with the number of an earlier one replaces it, so replay is harmless.

        Raises:
            IndexUnavailable: the engine could not take them; open the index again.
        """
        ...

    def delete(self, numbers: Sequence[int]) -> None:
        """Remove documents by number; numbers that are not there are ignored.

        Raises:
            IndexUnavailable: as for `add`.
        """
        ...

    def commit(self, watermark: int) -> None:
        """Make all changes and the watermark durable and visible, all of them or none.

        Returns only when they would survive a loss of power.

        Raises:
            IndexUnavailable: nothing after the last commit is certain; open the index again.
        """
        ...

    def reset(self) -> None:
        """Remove all documents and set the watermark to 0, durably.

        Raises:
            IndexUnavailable: as for `commit`.
        """
        ...
