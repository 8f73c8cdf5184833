"""The health of the search index, for the Integrity page and whoever asks for it as JSON."""

import asyncio

from archiver.assurance.integrity_status import IndexSeen, NotTaken
from archiver.clock import from_millis
from archiver.db import ledger as ledger_rows
from archiver.db import searchable, set_aside
from archiver.db.transaction import Database, Transaction
from archiver.jobs.documents import EVIDENCE
from archiver.jobs.index_comparison import IndexComparison
from archiver.jobs.search_index import SearchIndex
from search.analyzer import ANALYZER_VERSION
from search.engines.opening import ceiling, engine_name

_NAMED = 20


async def look_at_ceiling(tx: Transaction, url: str) -> str:
    """Return that there are more posts than the engine is meant for; empty where there are not.

    A warning: every answer stays exact, so nothing is refused.
    """
    most = ceiling(url)
    if most is None:
        return ""
    posts = await searchable.count(tx, (await ledger_rows.state(tx)).next_index)
    if posts <= most:
        return ""
    return (
        f"{posts:,} posts are more than the {most:,} that {engine_name(url)} is meant for: answers "
        "stay exact, but commits, memory and the first search of a process grow with the archive"
    )


ANOTHER_ENGINE = "set MUNIMENT_SEARCH_URL to tantivy:FOLDER, and run `muniment reindex`"
"""What to do about it."""


async def index_health(
    database: Database, index: SearchIndex, comparison: IndexComparison
) -> IndexSeen:
    """Return how the index is; asks the database, and of the index only its size on the disk.

    Raises:
        DatabaseUnavailable: the database did not answer.
    """
    async with database.reading() as tx:
        aside = await set_aside.count_by_why(tx)
        named = await set_aside.named(tx, _NAMED)
        crowded = await look_at_ceiling(tx, index.url)
    looked = comparison.looked
    return IndexSeen(
        engine=engine_name(index.url),
        analyzer=ANALYZER_VERSION,
        size=await asyncio.to_thread(index.generations.size),
        is_written_here=index.is_written_here,
        compared_at=looked.at,
        compared_to=looked.log_size,
        checked_at=looked.checked_at,
        missing=looked.missing,
        surplus=looked.surplus,
        losses=index.losses,
        last_loss=index.last_loss,
        aside=sum(aside.values()),
        crowded=crowded,
        damaged=sum(aside.get(why, 0) for why in EVIDENCE),
        not_taken=tuple(
            NotTaken(
                record_id=each.record_id,
                log_index=each.log_index,
                why=each.why,
                reason=each.reason,
                since=from_millis(each.since),
            )
            for each in named
        ),
    )
