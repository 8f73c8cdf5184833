"""Frozen result sets: what a search found, fixed once, for holds, reports and exports to stand on.

A set is computed as a hold is (`legal.membership`): the engine answers below its watermark, the
matcher from there to the end of the log, and an index that is not complete is refused. It is
written by its event, which names every member; the row is a view of that (`preserve.set_effects`).
A set never changes. Nothing is held or kept from disposal by it: that is what a hold is for.

People limited to a part of the archive freeze what is in their part, and see the sets that were
made in their part; any other is not found, as if it were not there.
"""

import json
from collections.abc import Callable, Sequence
from datetime import tzinfo

from archiver.access.rules import EVERYTHING, Permission, Reach, allowed, reach
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import frozen_sets as set_rows
from archiver.db import reach as reach_rows
from archiver.db import records as record_rows
from archiver.db.frozen_sets import FrozenSetRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import InvalidInput
from archiver.ids import Ulids
from archiver.legal import expansions
from archiver.legal.held import asks_what_is_held, with_held
from archiver.legal.hold_views import HeldPost
from archiver.legal.membership import MAX_MEMBERS, Documents, Membership, Scope
from archiver.legal.queries import OpenIndex, read_query
from archiver.legal.restriction import (
    RestrictedRecords,
    around_restricted,
    asks_what_is_restricted,
    part_told,
)
from archiver.legal.set_views import (
    FrozenSet,
    SetIds,
    SetPage,
    is_within,
    reach_text,
    set_view,
    visible_set,
    whole_view,
)
from archiver.legal.turns import Turns
from archiver.legal.understanding import zone_of
from archiver.model.actor import Actor
from archiver.model.number_list import pack
from archiver.preserve.event_record import legible
from archiver.preserve.ledger.entry import members_digest
from archiver.preserve.set_effects import SetFrozen
from search.analyzer import ANALYZER_VERSION
from search.normal_form import normalise
from search.query import Everything, Query

MAX_PAGE = 10_000


class FrozenSets:
    """The use cases on frozen result sets. `engine` tells the index's name and version."""

    def __init__(
        self,
        *,
        database: Database,
        index: OpenIndex,
        documents: Documents,
        zone: tzinfo,
        trail: Trail,
        clock: Clock,
        ulids: Ulids,
        engine: Callable[[], str],
        turns: Turns | None = None,
    ) -> None:
        self._database = database
        self._membership = Membership(
            database=database, index=index, documents=documents, turns=turns
        )
        self._zone = zone
        self._trail = trail
        self._clock = clock
        self._ulids = ulids
        self._engine = engine

    async def freeze(
        self,
        query: str,
        *,
        name: str = "",
        matter: str = "",
        stem: bool = False,
        zone: str = "",
        actor: Actor,
    ) -> FrozenSet:
        """Fix what a query finds at this moment within the actor's reach, and return the set.

        Args:
            query: in the query language; empty for every searchable record.
            name: what people call the set.
            matter: the matter it belongs to.
            stem: whether plain words find their other English forms too.
            zone: IANA name of the zone whose days the query means; the archive's, unless told.
            actor: who asks.

        Raises:
            Denied: the actor may search nothing, or asks what is held and may read no hold.
            InvalidInput: the query or the zone cannot be read, or it costs or finds too much.
            SearchUnavailable: the query cannot be answered completely; nothing was frozen.
        """
        within = reach(actor, Permission.SEARCH)
        days = zone_of(zone, self._zone)
        tree = read_query(query, days, stem=stem) if query.strip() else Everything()
        async with self._database.reading() as tx:
            wanted = await self._with_held(tx, tree, actor)
            part = await part_told(tx, within, restricted=asks_what_is_restricted(tree))
        matched = await self._membership.match(wanted, actor, part)
        scope = Scope(query=wanted, accounts=(), record_ids=(), within=within)
        members = await self._membership.find(scope, matched)
        if len(members.ids) > MAX_MEMBERS:
            raise InvalidInput(
                f"expected a set of at most {MAX_MEMBERS:,} records, found {len(members.ids):,}; "
                "narrow the query by account or by date",
                pointer="query",
            )
        now = self._clock()
        row = FrozenSetRow(
            id=self._ulids.one(now),
            name=legible(name.strip()),
            matter=legible(matter.strip()),
            query=legible(query),
            normalised=normalise(tree),
            options=json.dumps(
                {"stem": stem, "zone": str(days)}
                | ({"not_searched": len(members.not_searched)} if members.not_searched else {})
            ),
            expansions=expansions.to_json(matched.expansions),
            within=reach_text(within),
            engine=self._engine(),
            analyzer=ANALYZER_VERSION,
            log_size=members.log_size,
            records=len(members.ids),
            members_sha256=members_digest(members.ids),
            frozen_at=to_millis(now),
            frozen_by=legible(actor.name),
        )
        await self._record(SetFrozen(row=row, members=pack(members.indexes)), actor)
        return set_view(row)

    async def list(self, *, actor: Actor) -> tuple[FrozenSet, ...]:
        """Return every set in reach, newest first. Raises Denied."""
        within = reach(actor, Permission.SEARCH)
        async with self._database.reading() as tx:
            rows = [row for row in await set_rows.list_all(tx) if is_within(row.within, within)]
        await self._trail.record(
            Action.SET_VIEWED, actor=actor, object_type="set", details={"listed": len(rows)}
        )
        return tuple(map(set_view, rows))

    async def show(self, set_id: str, *, actor: Actor) -> FrozenSet:
        """Return one set. Raises Denied, NotFound."""
        within = reach(actor, Permission.SEARCH)
        async with self._database.reading() as tx:
            row = await visible_set(tx, set_id, within)
            view = await whole_view(tx, row, await set_rows.numbers(tx, row), within)
        await self._note_viewed(row, actor)
        return view

    async def page(self, set_id: str, *, after: int = -1, limit: int = 50, actor: Actor) -> SetPage:
        """Return a set with a page of its records, those behind a log index, in log order.

        Raises:
            Denied: the actor may search nothing.
            InvalidInput: a limit out of 1 to `MAX_PAGE`.
            NotFound: no such set.
        """
        within = reach(actor, Permission.SEARCH)
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(
                f"expected a limit of 1 to {MAX_PAGE}, found {limit}", pointer="limit"
            )
        async with self._database.reading() as tx:
            row = await visible_set(tx, set_id, within)
            seen = await _seen(tx, row, within, actor)
            view = await whole_view(tx, row, seen, within)
            if view.destroyed:
                gone = await set_rows.destroyed(tx, seen)
                seen = [index for index in seen if index not in gone]
            wanted = [index for index in seen if index > after][: limit + 1]
            members = await set_rows.records_at(tx, wanted[:limit])
        await self._note_viewed(row, actor)
        return SetPage(
            view=view,
            members=tuple(map(HeldPost.of, members)),
            shown=len(seen),
            after=wanted[limit - 1] if len(wanted) > limit else None,
        )

    async def ids(self, set_id: str, *, actor: Actor) -> SetIds:
        """Return a set with the ids of its records within reach. Raises Denied, NotFound."""
        within = reach(actor, Permission.SEARCH)
        async with self._database.reading() as tx:
            row = await visible_set(tx, set_id, within)
            seen = await _seen(tx, row, within, actor)
            view = await whole_view(tx, row, seen, within)
            ids = await record_rows.ids_at(tx, seen)
        await self._note_viewed(row, actor, shown=len(ids))
        return SetIds(view=view, ids=tuple(ids))

    async def numbers(self, set_id: str, *, actor: Actor) -> Sequence[int]:
        """Return the log indexes of a set's records within reach, ascending.

        No event: whoever asks on behalf of an act of their own records that. Raises Denied,
        NotFound.
        """
        within = reach(actor, Permission.SEARCH)
        async with self._database.reading() as tx:
            return await _seen(tx, await visible_set(tx, set_id, within), within, actor)

    async def _with_held(self, tx: Transaction, tree: Query, actor: Actor) -> Query:
        wanted = await around_restricted(tx, tree, actor)
        if not asks_what_is_held(wanted):
            return wanted
        return await with_held(tx, wanted, reach(actor, Permission.READ_HOLDS))

    async def _record(self, frozen: SetFrozen, actor: Actor) -> None:
        await self._trail.record(
            Action.SET_FROZEN,
            actor=actor,
            object_type="set",
            object_id=frozen.row.id,
            details=frozen.details,
            parts=[frozen.part],
            effect=frozen,
            at=from_millis(frozen.row.frozen_at),
        )

    async def _note_viewed(self, row: FrozenSetRow, actor: Actor, **besides: int) -> None:
        await self._trail.record(
            Action.SET_VIEWED,
            actor=actor,
            object_type="set",
            object_id=row.id,
            details={"name": row.name or row.query[:200], "matter": row.matter, **besides},
        )


async def _seen(tx: Transaction, row: FrozenSetRow, within: Reach, actor: Actor) -> Sequence[int]:
    """Return the members within reach: an account may have left its unit since.

    Members that were restricted since are left out, unless the set was made of restricted ones for
    those who may read them.
    """
    members: Sequence[int] = await set_rows.numbers(tx, row)
    asks = "is:restricted" in row.normalised and allowed(actor, Permission.READ_RESTRICTED)
    if not asks and (hidden := (await RestrictedRecords().numbers(tx)).numbers):
        members = [index for index in members if index not in hidden]
    if within == EVERYTHING:
        return members
    inside = await reach_rows.in_reach(tx, within, members)
    return [index for index in members if index in inside]
