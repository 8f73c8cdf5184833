"""Reading a query and asking the engine, with the engine's errors in the application's families."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import tzinfo
from typing import Protocol

from archiver.errors import InvalidInput, SearchUnavailable
from search.errors import IndexUnavailable, QueryError, QueryTooBroad, RebuildNeeded
from search.grammar import parse
from search.index import Reader, Snapshot
from search.normal_form import normalise
from search.query import Query

GRAMMAR_VERSION = "muniment-1"
"""The version of the query language: another one where a text comes to mean something else."""


class OpenIndex(Protocol):
    """Knows which index is open for reading now: `archiver.jobs.search_index.SearchIndex`."""

    def reader(self) -> Reader:
        """Return it; a rebuild may replace it between two calls. Raises SearchError."""


def read_query(text: str, zone: tzinfo, *, stem: bool = False) -> Query:
    """Return the tree of a query; its days are days in `zone`.

    With `stem`, each plain word that stands without quotes finds its other English forms too.

    Raises:
        InvalidInput: not in the query language. The message shows the query with a caret under the
            character it is about, so it is shown as it is, in a fixed-width font.
    """
    try:
        return parse(text, zone=zone, stem=stem)
    except QueryError as error:
        raise InvalidInput(str(error), pointer="query") from error


def written(query: Query) -> str:
    """Return the query text that reads as `query`; empty where there is none.

    A value of a field may hold what no text can say, such as a quotation mark.
    """
    text = normalise(query)
    try:
        return text if text and parse(text) == query else ""
    except QueryError:
        return ""


@contextmanager
def snapshot_of(index: OpenIndex) -> Iterator[Snapshot]:
    """Give one state of the index; it blocks. Raises as `asking_the_engine`."""
    with asking_the_engine(), index.reader().snapshot() as snapshot:
        yield snapshot


@asynccontextmanager
async def lasting_snapshot(index: OpenIndex) -> AsyncIterator[Snapshot]:
    """Give one state of the index for work that is asked in slices. Raises as `snapshot_of`."""
    stack = ExitStack()
    try:
        yield await asyncio.to_thread(stack.enter_context, snapshot_of(index))
    finally:
        await asyncio.to_thread(stack.close)


@contextmanager
def asking_the_engine() -> Iterator[None]:
    """Run what asks the engine.

    Raises:
        InvalidInput: the query costs more than one answer may; nothing was answered.
        SearchUnavailable: in place of the engine's own errors, with what to do about it.
    """
    try:
        yield
    except QueryTooBroad as error:
        raise InvalidInput(str(error), pointer="query") from error
    except RebuildNeeded as error:
        raise SearchUnavailable(
            f"the search index cannot be trusted and nothing was searched: {error} "
            "Run `muniment reindex`; it rebuilds the index from the log and loses nothing"
        ) from error
    except IndexUnavailable as error:
        raise SearchUnavailable(
            f"the search index does not answer and nothing was searched: {error} If it is being "
            "rebuilt, try again when that is done; else start `muniment serve` or "
            "`muniment reindex`, which create it"
        ) from error
