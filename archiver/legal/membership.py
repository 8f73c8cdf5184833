"""Which posts a hold covers: computed from the records, with the search engine as accelerator.

A post is a member when it meets every stated condition: the query, the accounts, the record ids.
Accounts and ids are the database's to answer. The query is answered by the engine up to its
watermark and by the matcher from there to the end of the log, so a hold never waits for the index
and never misses what the index has not read. An index that does not hold exactly the searchable
posts below its watermark is refused: a hold that is silently incomplete is the worst answer.
"""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from archiver.access.rules import EVERYTHING, Reach
from archiver.db import frozen_sets as set_rows
from archiver.db import holds as hold_rows
from archiver.db import ledger as ledger_rows
from archiver.db import reach as reach_rows
from archiver.db import records as record_rows
from archiver.db import searchable, set_aside
from archiver.db.transaction import Database, Transaction
from archiver.errors import IntegrityError, InvalidInput, SearchUnavailable
from archiver.legal.expansions import Expansion, expansions_of
from archiver.legal.queries import OpenIndex, snapshot_of
from archiver.legal.reach import Part
from archiver.legal.set_views import visible_set
from archiver.legal.turns import Turns
from archiver.model.actor import Actor
from archiver.preserve.ledger.entry import members_digest
from search.document import Document
from search.matcher import prepared
from search.normal_form import normalise
from search.query import Query

MAX_MEMBERS = 3_000_000
"""Members of one hold or set: the ids of a hold's stand in one frame, which holds 64 MiB."""

_AT_ONCE = 2_000
_CLOSE = 500  # records the last look may still have to match
_NAMED = 5


class Unread(Protocol):
    """A post that no document could be made of."""

    @property
    def log_index(self) -> int:
        """Where it stands."""


class Read(Protocol):
    """What a stretch of the log gave: every searchable post of it is in one of the two."""

    @property
    def documents(self) -> Sequence[Document]:
        """Those that can be searched, in log order."""

    @property
    def unread(self) -> Sequence[Unread]:
        """Those of which nobody can say what they hold."""


class Documents(Protocol):
    """Reads search documents by log index: `archiver.jobs.documents.Documents`."""

    async def read_each(self, start: int, end: int) -> Read:
        """Return the posts in [start, end) of the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The conditions of a hold, all of which a member meets. Empty ones ask nothing.

    `within` is the part of the archive that whoever places it may place holds in. `set_id` is the
    one condition that stands alone: the members are those of that frozen set, no more and no less.
    `saved` says which version of a saved search the query is, as `ID@3`.
    """

    query: Query | None
    accounts: tuple[str, ...]
    record_ids: tuple[str, ...]
    within: Reach = EVERYTHING
    set_id: str = ""
    saved: str = ""

    def __post_init__(self) -> None:
        if self.set_id:
            if self.query is not None or self.accounts or self.record_ids:
                raise InvalidInput(
                    "expected a frozen set alone, found more conditions beside it: a hold from a "
                    "set covers exactly the set's records",
                    pointer="set_id",
                )
            return
        if self.query is None and not self.accounts and not self.record_ids:
            raise InvalidInput(
                "expected at least one of a query, accounts, record ids and a frozen set, found "
                "none; a hold on everything is placed by naming every account",
                pointer="query",
            )

    def to_json(self) -> str:
        """Return the scope as it is kept: the query in its normal form, which reads the same."""
        scope: dict[str, object] = {
            "query": normalise(self.query) if self.query is not None else None,
            "accounts": list(self.accounts),
            "record_ids": list(self.record_ids),
        }
        if self.saved:
            scope["saved_search"] = self.saved
        if self.set_id:
            scope["set"] = self.set_id
        if self.within != EVERYTHING:
            scope["within"] = {
                "units": sorted(self.within.units),
                "matters": sorted(self.within.matters),
            }
        return json.dumps(scope)


@dataclass(frozen=True, slots=True)
class Matched:
    """The log indexes, ascending, of what a query finds below `until`.

    `expansions` say which words its patterns, similar and stemmed words stood for, where asked.
    `unread` are posts that the matcher could not read.
    """

    indexes: tuple[int, ...]
    until: int
    expansions: tuple[Expansion, ...] = ()
    unread: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Who is under a hold: log indexes and record ids, each ascending, found below `log_size`.

    `not_searched` are the ids of the posts that meet all conditions but the query, of which nobody
    can say whether they meet that: the index could not take them in. They are no members.
    """

    log_size: int
    indexes: tuple[int, ...] = field(repr=False)
    ids: tuple[str, ...] = field(repr=False)
    not_searched: tuple[str, ...] = ()


class Membership:
    """Computes members."""

    def __init__(
        self,
        *,
        database: Database,
        index: OpenIndex,
        documents: Documents,
        turns: Turns | None = None,
    ) -> None:
        self._database = database
        self._index = index
        self._documents = documents
        self._turns = turns or Turns()

    async def match(self, query: Query, actor: Actor, telling: Part | None = None) -> Matched:
        """Return what a query finds in nearly all of the log; `find` matches the rest.

        The engine and the matcher are asked in slices, in the actor's turns. Expansions are told
        of the part `telling`, of none without it.

        Raises:
            SearchUnavailable: the index does not answer, or is incomplete.
        """
        matched = await self._by_engine(query, telling, actor)
        while True:
            async with self._database.reading() as tx:
                end = (await ledger_rows.state(tx)).next_index
            if end - matched.until <= _CLOSE:
                return matched
            until = min(end, matched.until + _AT_ONCE)
            read = await self._documents.read_each(matched.until, until)
            look = partial(_by_matcher, query, matched, read, until)
            matched = await self._turns.take(actor, look, is_slice=True)

    async def find(self, scope: Scope, matched: Matched | None) -> Members:
        """Return the members among all posts that are in the log by now.

        Raises:
            InvalidInput: the scope names accounts or records that are not there, or a set with
                members out of reach.
            NotFound: no such set within reach.
        """
        async with self._database.reading() as tx:
            if scope.set_id:
                return await _of_set(tx, scope)
            log_size = (await ledger_rows.state(tx)).next_index
        # With no connection in hand: whoever waits for a second one while keeping a first can wait
        # for others who do the same, and then nobody reads.
        if scope.query is not None and matched is not None:
            read = await self._documents.read_each(matched.until, log_size)
            matched = _by_matcher(scope.query, matched, read, log_size)
        async with self._database.reading() as tx:  # one snapshot: the set is complete
            chosen = await self._chosen(tx, scope, matched, log_size)
            indexes = await _within_reach(tx, scope, chosen)
            copies = await hold_rows.duplicates(tx, log_size)
            # A stored duplicate of a member holds the same words.
            indexes |= {copy for copy, original in copies if original in indexes}
            ordered = sorted(indexes)
            ids = await record_rows.ids_among(tx, ordered)
            not_searched = await self._not_searched(tx, scope, matched, log_size)
        return Members(
            log_size=log_size,
            indexes=tuple(ordered),
            ids=tuple(ids),
            not_searched=tuple(not_searched),
        )

    async def _not_searched(
        self, tx: Transaction, scope: Scope, matched: Matched | None, log_size: int
    ) -> list[str]:
        if scope.query is None:
            return []
        aside = set(await set_aside.between(tx, 0, log_size))
        # What has just been found unreadable the follower will set aside in a moment.
        indexes = sorted(aside.union(matched.unread if matched else ()))
        if not indexes:
            return []
        if scope.accounts:
            indexes = await hold_rows.posts_of(tx, indexes, scope.accounts)
        within = await _within_reach(tx, scope, indexes)
        if scope.record_ids:
            within &= await self._named(tx, scope)
        return await record_rows.ids_among(tx, sorted(within))

    async def _chosen(
        self, tx: Transaction, scope: Scope, matched: Matched | None, log_size: int
    ) -> list[int]:
        named = await self._named(tx, scope)
        if scope.query is None and not scope.record_ids:
            return await hold_rows.posts_of_accounts(tx, scope.accounts, log_size)
        if scope.query is not None and matched is not None:
            found = matched.indexes[: bisect_left(matched.indexes, log_size)]
            indexes = sorted(named.intersection(found)) if scope.record_ids else list(found)
        else:
            indexes = sorted(named)
        return await hold_rows.posts_of(tx, indexes, scope.accounts) if scope.accounts else indexes

    async def _named(self, tx: Transaction, scope: Scope) -> set[int]:
        if missing := await _unknown_accounts(tx, scope):
            raise InvalidInput(
                f"no post of the archive is of {_listed('account', missing)}; names are compared "
                "exactly. Nothing was held",
                pointer="accounts",
            )
        originals = await hold_rows.originals(tx, scope.record_ids)
        seen = await _within_reach(tx, scope, sorted(set(originals.values())))
        if missing := [each for each in scope.record_ids if originals.get(each) not in seen]:
            raise InvalidInput(
                f"the archive holds no post with {_listed('id', missing)}. Nothing was held",
                pointer="record_ids",
            )
        return set(originals.values())

    async def _by_engine(self, query: Query, telling: Part | None, actor: Actor) -> Matched:
        ask = partial(self._ask, query, telling)
        matched, known = await self._turns.take(actor, ask, is_slice=True)
        await require_complete(self._database, matched.until, known)
        return matched

    def _ask(self, query: Query, telling: Part | None) -> tuple[Matched, int]:
        with snapshot_of(self._index) as snapshot:
            numbers = tuple(number for chunk in snapshot.numbers(query) for number in chunk)
            told = expansions_of(snapshot, query, telling) if telling else ()
            return Matched(numbers, snapshot.watermark, told), snapshot.known()


def _by_matcher(query: Query, matched: Matched, read: Read, end: int) -> Matched:
    """Return what is found up to `end`, where `read` is what stands behind `matched`."""
    finds = prepared(query)
    found = tuple(each.number for each in read.documents if finds(each))
    return replace(
        matched,
        indexes=matched.indexes + found,
        until=end,
        unread=matched.unread + tuple(each.log_index for each in read.unread),
    )


async def require_complete(database: Database, watermark: int, known: int) -> None:
    """Pass if an index that has read the log up to `watermark` holds every searchable post of it.

    Raises:
        SearchUnavailable: it knows more or fewer.
    """
    async with database.reading() as tx:
        end = (await ledger_rows.state(tx)).next_index
        expected = await searchable.count(tx, watermark)
    if watermark > end or known != expected:
        raise SearchUnavailable(
            f"the search index is not complete: up to log index {watermark} of {end} it holds "
            f"{known} posts where the archive has {expected} searchable ones. Nothing was held, "
            "frozen or reported, for it could be incomplete; run `muniment reindex`, or place the "
            "hold by accounts"
        )


async def _of_set(tx: Transaction, scope: Scope) -> Members:
    """Return the members of a frozen set: all of them, or nothing is held."""
    row = await visible_set(tx, scope.set_id, scope.within)
    indexes = await set_rows.numbers(tx, row)
    outside = len(indexes) - len(await _within_reach(tx, scope, indexes))
    if outside:
        raise InvalidInput(
            f"{outside} of the {row.records} records of the set are not where you may place holds; "
            "nothing was held. Freeze the search again and place the hold from that set",
            pointer="set_id",
        )
    ids = await record_rows.ids_among(tx, indexes)
    gone: Mapping[int, str] = {}
    if len(ids) < len(indexes):
        # What was destroyed since cannot be held; the set says how many, and by what right.
        there = set((await record_rows.indexes_of(tx, ids)).values())
        missing = set(indexes) - there
        gone = await set_rows.destroyed(tx, sorted(missing))
        if lost := missing - gone.keys():
            raise IntegrityError(
                f"frozen set {row.id}: {len(lost)} of its records have no row in the database and "
                "were not destroyed; run `muniment verify --full`"
            )
        indexes = tuple(sorted(there))
    if members_digest((*ids, *gone.values())) != row.members_sha256:
        raise IntegrityError(
            f"frozen set {row.id}: its members in the database are not those it states by their "
            "digest. Nothing was held: run `muniment verify --full --content`"
        )
    return Members(log_size=row.log_size, indexes=indexes, ids=tuple(ids))


async def _within_reach(tx: Transaction, scope: Scope, indexes: Sequence[int]) -> set[int]:
    if scope.within == EVERYTHING:
        return set(indexes)
    return await reach_rows.in_reach(tx, scope.within, indexes)


async def _unknown_accounts(tx: Transaction, scope: Scope) -> list[str]:
    """Return those of the scope's accounts that have no post within reach."""
    unknown = await hold_rows.unknown_accounts(tx, scope.accounts)
    if scope.within == EVERYTHING:
        return unknown
    own = {handle for _, handle in await reach_rows.accounts_of(tx, scope.within.units)}
    own -= set(unknown)
    own |= await hold_rows.accounts_of_matters(tx, scope.within.matters, scope.accounts)
    return [account for account in scope.accounts if account not in own]


def _listed(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"the {what} {shown}{more}"
