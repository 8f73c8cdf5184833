"""What is new: how many hits of saved searches came into the log since somebody looked last.

Exact, and by log index: one question for each search, all of one state of the index, each in its
turn (`archiver.legal.turns`). The same count decides what subscriptions tell.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC
from functools import partial

from archiver.access.rules import Permission, Reach, reach
from archiver.db import saved_searches as rows
from archiver.db.saved_searches import SavedRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import Denied, InvalidInput, SearchUnavailable
from archiver.legal.held import HeldRecords, with_held
from archiver.legal.queries import (
    OpenIndex,
    asking_the_engine,
    lasting_snapshot,
    read_query,
    snapshot_of,
)
from archiver.legal.reach import Parts, without
from archiver.legal.restriction import RestrictedRecords, asks_what_is_restricted
from archiver.legal.saved_views import SavedView, is_visible, key_of, read_reference
from archiver.legal.turns import Turns
from archiver.model.actor import Actor
from search.errors import QueryTooBroad
from search.index import Snapshot
from search.query import LogRange, Query, every


class News:
    """Counts what is new in saved searches, for one person at a time."""

    def __init__(self, *, database: Database, index: OpenIndex, turns: Turns | None = None) -> None:
        self._database = database
        self._index = index
        self._turns = turns or Turns()
        self._parts = Parts()
        self._held = HeldRecords()
        self._restricted = RestrictedRecords()

    async def watermark(self) -> int:
        """Return up to where the index has read the log. Raises SearchUnavailable."""

        def ask() -> int:
            with snapshot_of(self._index) as snapshot:
                return snapshot.watermark

        return await asyncio.to_thread(ask)

    async def of(self, found: Sequence[SavedRow], actor: Actor) -> list[SavedView]:
        """Return these searches with what is new in each since the actor looked at it last.

        Raises:
            Denied: the actor may not search.
        """
        if not found:
            return []
        visitor, within = key_of(actor), reach(actor, Permission.SEARCH)
        async with self._database.reading() as tx:
            visits = await rows.visits_of(tx, visitor, [row.id for row in found])
            part = await self.part(tx, within)
            trees = [await self._tree(tx, row, actor) for row in found]
        seen = [visits[row.id].seen if row.id in visits else 0 for row in found]
        questions = [
            None if tree is None else (every((tree, part)), since)
            for tree, since in zip(trees, seen, strict=True)
        ]
        try:
            _, news = await self.count(questions, actor)
        except SearchUnavailable:  # the list is still of use without the counts
            news = [None] * len(found)
        return [
            SavedView(row=row, mine=row.owner_key == visitor, visit=visits.get(row.id), new=new)
            for row, new in zip(found, news, strict=True)
        ]

    async def _tree(self, tx: Transaction, row: SavedRow, actor: Actor) -> Query | None:
        """Return what a version asks; None where it cannot be asked by this actor any more."""
        try:
            tree = read_query(row.normalised, UTC)
            if asks_what_is_restricted(tree):
                return None
            return await with_held(tx, tree, _holds_of(actor), self._held)
        except (InvalidInput, Denied):
            return None

    async def part(self, tx: Transaction, within: Reach) -> Query:
        """Return the part of the archive that is counted in: restricted records never are."""
        part = await self._parts.of(tx, within)
        return without(part, await self._restricted.numbers(tx)).tree

    async def count(
        self, questions: Sequence[tuple[Query, int] | None], actor: Actor
    ) -> tuple[int, list[int | None]]:
        """Return up to where the index has read the log, and what is new in each query since.

        Of a query that is None, or costs too much to be counted, nothing is known: None. The turns
        that it takes are the actor's.

        Raises:
            SearchUnavailable: the index does not answer.
        """
        async with lasting_snapshot(self._index) as snapshot:
            news = [
                None
                if each is None
                else await self._turns.take(actor, partial(_new_in, snapshot, *each), is_slice=True)
                for each in questions
            ]
            return snapshot.watermark, news


async def visible_search(
    tx: Transaction, saved_search_id: str, actor: Actor, version: int = 0
) -> SavedRow:
    """Return a version that the actor may see; whether they may is decided by the newest one.

    Raises:
        Denied: the actor may not search.
        NotFound: it is not there or not in reach, which is the same.
    """
    within = reach(actor, Permission.SEARCH)
    newest = await rows.get(tx, saved_search_id)
    if not is_visible(newest, actor, within):
        raise rows.no_saved_search(saved_search_id)
    return newest if version in {0, newest.version} else await rows.get(tx, newest.id, version)


async def saved_query(tx: Transaction, reference: str, actor: Actor) -> tuple[Query, str]:
    """Return what a saved search asks, for a scope that lasts, and `ID@3`, the version meant.

    Raises:
        Denied, NotFound: as `visible_search`.
        InvalidInput: the reference is not `ID` or `ID@3`.
    """
    saved_search_id, version = read_reference(reference)
    row = await visible_search(tx, saved_search_id, actor, version)
    return read_query(row.normalised, UTC), f"{row.id}@{row.version}"


def _new_in(snapshot: Snapshot, query: Query, since: int) -> int | None:
    """Return how many documents of `query` have a log index of `since` or more; None: too broad."""
    if since >= snapshot.watermark:
        return 0
    with asking_the_engine():
        try:
            return snapshot.count(every((query, LogRange(since, snapshot.watermark))))
        except QueryTooBroad:
            return None


def _holds_of(actor: Actor) -> Reach:
    try:
        return reach(actor, Permission.READ_HOLDS)
    except Denied:
        return Reach()
