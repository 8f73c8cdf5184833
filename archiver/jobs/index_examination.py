"""The search index as `muniment doctor` sees it: from outside, and changing nothing."""

import asyncio

from archiver.db import ledger as ledger_rows
from archiver.db import set_aside
from archiver.db.transaction import Database
from archiver.jobs.documents import EVIDENCE
from archiver.jobs.finding import Found, State
from archiver.jobs.index_differences import compared
from archiver.jobs.index_health import ANOTHER_ENGINE, look_at_ceiling
from search.analyzer import ANALYZER_VERSION
from search.engines.opening import engine_name, open_reader
from search.errors import IndexUnavailable, RebuildNeeded
from search.generations import generations
from search.index import Reader

_NAMED = 3


async def look_at_index(database: Database, url: str, archive_id: str) -> Found:
    """Return how the index is: opened, its bytes and its ids compared, and what is set aside."""
    try:
        reader = await asyncio.to_thread(_open, url, archive_id)
        try:
            await asyncio.to_thread(reader.check)
            watermark, found = await compared(database, reader)
            engine = engine_name(url)  # a server has told its version by now
        finally:
            reader.close()
    except (IndexUnavailable, RebuildNeeded) as error:
        todo = "`muniment serve` builds it; or run `muniment reindex`"
        return State.WARNING, f"not usable: {error}", todo
    async with database.reading() as tx:
        end = (await ledger_rows.state(tx)).next_index
        aside = await set_aside.count_by_why(tx)
        named = await set_aside.named(tx, _NAMED)
        crowded = await look_at_ceiling(tx, url)
    said = f"covers {watermark:,} of {end:,} log entries; {engine}, {ANALYZER_VERSION}"
    if aside:
        names = ", ".join(f"{each.record_id} ({each.why})" for each in named)
        said += f"; {sum(aside.values()):,} not searchable, review: {names}"
    if crowded:
        said += f"; {crowded}"
    if EVIDENCE & aside.keys():
        return State.PROBLEM, said, "run `muniment verify --full --repair`, then look again"
    if found.missing or found.surplus:
        said += f"; {len(found.missing):,} posts are missing, {len(found.surplus):,} are too much"
        return State.WARNING, said, "`muniment serve` puts it right; or run `muniment reindex`"
    if aside:
        return State.WARNING, said, "see the Integrity page; they are tried again by themselves"
    if end > watermark:
        return State.WARNING, said, "`muniment serve` brings it up; look again"
    return (State.WARNING, said, ANOTHER_ENGINE) if crowded else (State.OK, said, "")


def _open(url: str, archive_id: str) -> Reader:
    current = generations(url, archive_id).current()
    if current is None:
        raise IndexUnavailable("There is none yet.")
    return open_reader(current)
