"""What a new version of the analyzer changes in an archive: told when its index is built anew.

The old index is gone or cannot be read by then, so it is not asked: the rules of older versions are
kept (`search.analyzer.OLDER`), and every post is read once more by them and by the present ones
(decision 0038). Whoever saved a search, froze a set or placed a hold by a query learns whether the
same words find other posts now; what is frozen or held stays as it is.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial

from archiver.access.rules import EVERYTHING
from archiver.db import events as event_rows
from archiver.db import frozen_sets as set_rows
from archiver.db import holds as hold_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import saved_searches as saved_rows
from archiver.db.events import Arm
from archiver.db.transaction import Database, Transaction
from archiver.errors import InvalidInput
from archiver.jobs.documents import Documents
from archiver.legal.held import HeldRecords, with_held
from archiver.legal.queries import read_query
from archiver.legal.restriction import asks_what_is_restricted
from search.analyzer import ANALYZER_VERSION, rules_of, tokens, version_in
from search.analyzer_comparison import Comparing, Comparison
from search.query import Query

_BATCH = 2_000
_EVENTS_LOOKED_AT = 50

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerChange:
    """What the change from one version to another does to what is found.

    `found` is None where it cannot be told, and `not_told` says why, or what it leaves out.
    `queries` of it are named `saved-search:ID@3`, `set:ID` and `hold:ID`, and were counted over the
    whole archive. `records` are the ids of the posts that it names as examples, by log index.
    """

    before: str
    after: str
    found: Comparison | None
    not_told: str
    asked: int
    records: Mapping[int, str]

    def to_dict(self) -> dict[str, object]:
        """Return it for JSON, without any word of a post."""
        document: dict[str, object] = {
            "before": self.before,
            "after": self.after,
            "not_told": self.not_told,
        }
        if self.found is not None:
            document |= {
                "posts": self.found.posts,
                "posts_changed": self.found.changed,
                "tokens_changed": len(self.found.tokens) + self.found.more_tokens,
                "queries": self.asked,
                "queries_changed": [
                    {
                        "query": each.name,
                        "before": each.before,
                        "after": each.after,
                        "no_longer_found": each.left,
                        "newly_found": each.came,
                        "examples": self._ids(each.examples),
                    }
                    for each in self.found.queries
                ],
            }
        return document

    def tokens(self) -> list[dict[str, object]]:
        """Return the tokens that most posts lost or gained: words of posts, for who may search."""
        return [
            {
                "token": each.token,
                "lost": each.lost,
                "gained": each.gained,
                "examples": self._ids(each.examples),
            }
            for each in (self.found.tokens if self.found else ())
        ]

    def _ids(self, numbers: tuple[int, ...]) -> list[str]:
        return [self.records[number] for number in numbers if number in self.records]


class AnalyzerChanges:
    """Tells what a change of the analyzer does to one archive."""

    def __init__(self, *, database: Database, documents: Documents) -> None:
        self._database = database
        self._documents = documents

    async def before(self, layout: str) -> str:
        """Return the version that posts were indexed with before; empty where it is the present.

        Args:
            layout: of the index that stands there, where it is of another version. Otherwise the
                trail knows: since the last index that was built and compared, did one of another
                version give way?
        """
        async with self._database.reading() as tx:
            page = await event_rows.page(
                tx, [Arm(object_types=("index",))], limit=_EVENTS_LOOKED_AT
            )
        told = [version_in(layout)]
        for each in page.events:
            details = json.loads(each.row.details)
            built = str(details.get("analyzer", ""))
            told.append(built or version_in(str(details.get("layout", ""))))
            if built:
                break
        return next((version for version in told if version not in {"", ANALYZER_VERSION}), "")

    async def told(self, before: str, progress: Progress) -> AnalyzerChange:
        """Return what changed since version `before`, from one pass over all posts.

        Raises:
            StorageUnavailable, DatabaseUnavailable: posts could not be read now.
        """
        rules, not_told = rules_of(before), ""
        if rules is None:
            not_told = f"the rules of {before} are not known to this version of the software"
        elif before.partition(" ")[0] == ANALYZER_VERSION.partition(" ")[0]:
            rules, not_told = None, "the rules are the same; the tables of Unicode are others"
        elif before.partition(" ")[2] != ANALYZER_VERSION.partition(" ")[2]:
            not_told = "the tables of Unicode are others too; what they change is not among it"
        if rules is None:
            return _change(before, None, not_told)
        queries = await self._queries(before)
        comparing = Comparing(queries)
        async with self._database.reading() as tx:
            end = (await ledger_rows.state(tx)).next_index
        for start in range(0, end, _BATCH):
            progress(start, end)
            stop = min(end, start + _BATCH)
            read = await self._documents.read_twice(start, stop, partial(tokens, rules=rules))
            await asyncio.to_thread(comparing.look_at, read)
        progress(end, end)
        return await self._named(_change(before, comparing.told(), not_told, asked=len(queries)))

    async def _queries(self, before: str) -> dict[str, Query]:
        """Return what is asked again and again, or was fixed by the older version."""
        async with self._database.reading() as tx:
            texts = {
                f"saved-search:{row.id}@{row.version}": row.normalised
                for row in await saved_rows.list_newest(tx, archived=False)
            }
            texts |= {
                f"set:{row.id}": row.normalised
                for row in await set_rows.list_all(tx)
                if row.analyzer == before and row.normalised
            }
            for hold in await hold_rows.list_active(tx):
                scope = json.loads(hold.scope)
                if scope.get("query"):
                    texts[f"hold:{hold.id}"] = scope["query"]
            return await _read(tx, texts)

    async def _named(self, change: AnalyzerChange) -> AnalyzerChange:
        if change.found is None:
            return change
        examples = {number for each in change.found.tokens for number in each.examples}
        examples |= {number for each in change.found.queries for number in each.examples}
        numbers = sorted(examples)
        async with self._database.reading() as tx:
            ids = await record_rows.ids_at(tx, numbers)
        return replace(change, records=dict(zip(numbers, ids, strict=True)))


async def _read(tx: Transaction, texts: dict[str, str]) -> dict[str, Query]:
    held, queries = HeldRecords(), dict[str, Query]()
    for name, text in texts.items():
        try:
            tree = read_query(text, UTC)
        except InvalidInput:  # of an older version of the language: it cannot be asked any more
            continue
        if asks_what_is_restricted(tree):
            continue
        queries[name] = await with_held(tx, tree, EVERYTHING, held)
    return queries


def _change(
    before: str, found: Comparison | None, not_told: str, *, asked: int = 0
) -> AnalyzerChange:
    return AnalyzerChange(
        before=before,
        after=ANALYZER_VERSION,
        found=found,
        not_told=not_told,
        asked=asked,
        records={},
    )
