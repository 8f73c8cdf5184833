"""`muniment reindex`: drop the search index and build it anew from the log."""

import asyncio
import time

from archiver.audit.actions import Action
from archiver.cli.arguments import Parser
from archiver.cli.opening import Opened, on_archive
from archiver.errors import SearchUnavailable
from archiver.jobs.search_index import index_path
from search.engines.tantivy import open_writer
from search.errors import IndexUnavailable, RebuildNeeded


def configure(parser: Parser) -> None:
    """Declare the command; it takes no arguments of its own."""
    parser.set_defaults(act=on_archive(reindex))


async def reindex(opened: Opened) -> int:
    """Rebuild the index; searches are refused or partial, and say so, until it is done."""
    services, started = opened.services, time.monotonic()
    services.index.close()
    await asyncio.to_thread(drop_index, services.settings.effective_search_url)
    await opened.catch_up("Indexing")
    watermark = services.index.watermark
    await services.trail.record(
        Action.INDEX_REBUILT,
        actor=opened.actor,
        object_type="index",
        details={"log_size": watermark},
    )
    document = {"log_size": watermark, "seconds": round(time.monotonic() - started, 3)}
    opened.output.answer(
        document,
        lambda output: output.line(
            f"Search index built anew up to log size {watermark:,} in {document['seconds']} s"
        ),
    )
    return 0


def drop_index(url: str) -> None:
    """Empty the index, if this process may write it.

    Raises:
        SearchUnavailable: it may not, or the index cannot be written.
    """
    path = index_path(url)
    try:
        try:
            index = open_writer(path)
        except RebuildNeeded:
            index = open_writer(path, anew=True)
        index.reset()
        index.close()
    except IndexUnavailable as error:
        raise SearchUnavailable(
            f"the index {path} is written by another process or cannot be written: {error}; "
            "stop `muniment serve` and run it again"
        ) from error
