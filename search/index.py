"""What an engine must do: keep documents, and answer queries as the matcher would.

One process writes an index, others read it. An index is a view of the log: `watermark` says how far
it has read. It is stored by the same commit as the documents, so a crash at any moment leaves an
index that knows exactly what it holds, and the follower goes on from there.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import NamedTuple, Protocol

from search.document import Document
from search.patterns import Pattern
from search.query import DateName, FieldName, Fuzzy, Query, Stemmed, Wildcard

CHUNK = 20_000
"""Numbers fetched at a time: a hold of 340,000 hits took 17 of them and 150 ms in all."""


MOST_ACCOUNTS = 5_000
"""Accounts that a `Summary` tells apart; more are only known to be more."""


Expandable = Wildcard | Fuzzy | Stemmed | Pattern
"""Words that stand for many tokens; a `Pattern` is one inside a phrase."""


class Order(StrEnum):
    """How hits stand on pages. All are total: by time, then number; or by number alone."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LOG = "log"


class Beside(NamedTuple):
    """How many of some documents an index has, and the other documents in the same files."""

    found: int
    numbers: Sequence[int]


class Facet(NamedTuple):
    """How often the values of one field occur among the hits of a query, exactly.

    `values` are the most frequent ones, those of equal count by value; `other` is how often all
    further values occur together, None where there are too many different ones to be counted (then
    `values` is empty). A hit counts once for each of its values and nowhere if it has none.
    """

    values: tuple[tuple[str, int], ...]
    other: int | None = 0


class Summary(NamedTuple):
    """What one pass over the hits of a query tells.

    `accounts` is of how many accounts they are, None: of more than `MOST_ACCOUNTS`. `span` is the
    first and the last time on a clock, None if no hit has one; times beyond 2**53 milliseconds,
    which no calendar knows, may be told rounded.
    """

    total: int
    accounts: int | None
    span: tuple[int, int] | None
    facets: dict[FieldName, Facet]


class Hit(NamedTuple):
    """A document found: its number, and the time (Unix ms) it is ordered by (`Document.time`)."""

    number: int
    time: int


class Snapshot(Protocol):
    """One committed state of an index. Count, pages and numbers taken from it agree.

    Whatever is asked with a query raises `QueryTooBroad` where it would cost more than
    `search.limits` allow, and ValueError where the query has a `Held`.
    """

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
        self,
        query: Query,
        *,
        limit: int,
        order: Order = Order.NEWEST,
        after: Hit | None = None,
    ) -> list[Hit]:
        """Return up to `limit` (1 or more) hits that follow `after`, the last hit of a page before.

        Every order is total, so pages neither repeat nor leave out a hit, even if the hit `after`
        has since been destroyed.
        """
        ...

    def facets(
        self, query: Query, fields: Collection[FieldName], *, limit: int
    ) -> dict[FieldName, Facet]:
        """Return the `limit` (1 or more) most frequent values of each field among the hits."""
        ...

    def summary(
        self, query: Query, fields: Collection[FieldName], *, limit: int, clock: DateName
    ) -> Summary:
        """Return what `count` and `facets` do, and more, in one pass over the hits."""
        ...

    def histogram(self, query: Query, clock: DateName, edges: Sequence[int]) -> list[int]:
        """Return how many hits have `edges[i] <= time < edges[i + 1]`, for each i.

        `edges` ascend, and there are two or more; `search.calendar` finds them.
        """
        ...

    def numbers(self, query: Query, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        """Yield the numbers of all hits, ascending, in lists of up to `chunk`."""
        ...

    def expansion(self, word: Expandable, *, limit: int) -> tuple[str, ...]:
        """Return every token of the index that a word which stands for many finds, ascending.

        Tokens that stand only in documents deleted since may be among them.

        Raises:
            QueryTooBroad: there are more than `limit`.
        """
        ...

    def all_numbers(self, *, chunk: int = CHUNK) -> Iterator[list[int]]:
        """Yield the numbers of all documents, like `numbers`; for comparing index and records."""
        ...

    def between(self, start: int, end: int) -> list[int]:
        """Return the numbers of all documents with `start <= number < end`, ascending."""
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

    def check(self) -> None:
        """Read all that is stored and compare it with its checksums, which opening does not.

        An engine whose files have none, or whose server checks them itself, does nothing.

        Raises:
            IndexDamaged: something is not as it was written.
            IndexUnavailable: as `snapshot`.
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

    def beside(self, numbers: Sequence[int]) -> Beside | None:
        """Return what shares files with these documents, as of the last commit.

        An engine keeps the words of deleted documents in its files. Where all that shares one with
        them is added again by the commit that deletes them, the file goes, and the words with it.
        Of an index just opened for writing this is certain: nothing of it is being merged.

        None: the files of the engine go in another way, by `purge`.

        Raises:
            IndexUnavailable: as for `add`.
        """
        ...

    def purge(self) -> bool:
        """Let no file keep words of what commits have removed; False: not certain, build it anew.

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
