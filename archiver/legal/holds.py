"""Legal holds: placed at once over an exact set of records, released only with a reason.

A hold is placed by its event, which names every member and is durable first; the transaction that
sequences the event writes the hold, its members and the `hold` entry of the log
(`preserve.event_effects`). From that commit on the disposal gate refuses every member; a crash
before it leaves an event that the next start makes good. Then the stored objects are held as well
(`object_holds`): should the store fail just then, the hold stands, the answer counts the objects
that are still pending, and the background loop goes on with them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

from archiver.access.rules import EVERYTHING, Permission, reach
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import hold_overlaps
from archiver.db import holds as hold_rows
from archiver.db.holds import HoldRow
from archiver.db.transaction import Database
from archiver.errors import Denied, InvalidInput, NotFound, StorageUnavailable
from archiver.ids import Ulids
from archiver.legal.held import require_lasting
from archiver.legal.hold_register import active_hold, note_viewed, released_already
from archiver.legal.hold_views import HoldPreview, HoldView, view_of
from archiver.legal.membership import MAX_MEMBERS, Documents, Members, Membership, Scope
from archiver.legal.news import saved_query
from archiver.legal.object_holds import ObjectHolds
from archiver.legal.queries import OpenIndex, read_query
from archiver.legal.turns import Turns
from archiver.model.actor import Actor
from archiver.model.post import Part
from archiver.preserve.event_effects import Effect, HoldPlaced, HoldReleased
from archiver.preserve.event_record import legible, members_part
from archiver.preserve.ledger.entry import members_digest
from archiver.preserve.store.threads import AsyncStore
from search.query import Query

_NAMED = 100  # posts that could not be searched are named in the event; all are counted


class Holds:
    """The use cases on legal holds."""

    def __init__(
        self,
        *,
        database: Database,
        store: AsyncStore,
        index: OpenIndex,
        documents: Documents,
        zone: tzinfo,
        trail: Trail,
        clock: Clock,
        ulids: Ulids,
        turns: Turns | None = None,
    ) -> None:
        self._database = database
        self._membership = Membership(
            database=database, index=index, documents=documents, turns=turns
        )
        self._objects = ObjectHolds(database=database, store=store)
        self._zone = zone
        self._trail = trail
        self._clock = clock
        self._ulids = ulids

    async def place(
        self,
        *,
        name: str,
        matter: str = "",
        reason: str,
        query: str | None = None,
        accounts: Sequence[str] = (),
        record_ids: Sequence[str] = (),
        set_id: str = "",
        saved: str = "",
        actor: Actor,
    ) -> HoldView:
        """Hold every post that meets all stated conditions, and return the hold in effect.

        A frozen set, `set_id`, stands alone: exactly its members are held. `saved` is a saved
        search in place of a query, as `ID` or `ID@3`; the hold states which version it was.

        Posts captured later are not covered. What a disposal has condemned is kept while it can be;
        of how many it was too late the answer says in `destroyed`. Whoever may place holds in a
        part of the archive only holds what meets the conditions there, and the hold's scope says
        so.

        Raises:
            Denied: the actor may not place holds, or not in this matter.
            InvalidInput: no name, reason or condition; the query cannot be read; accounts or
                record ids are not in the archive; not all of a set is within reach.
            NotFound: no such set within reach.
            SearchUnavailable: the query cannot be answered completely; nothing was held.
        """
        _require_words(name=name, reason=reason)
        asked = await self._asked(query, saved, actor)
        scope = self._scope(matter, asked, accounts, record_ids, set_id, actor)
        members = await self._members(scope, actor)
        row = self._row(scope, members, name=name, matter=matter, reason=reason, actor=actor)
        placed = HoldPlaced(row=row, members=members.ids, indexes=members.indexes)
        await self._act(
            Action.HOLD_PLACED,
            row,
            placed,
            parts=[members_part(members.ids)],
            not_searched=members.not_searched,
            actor=actor,
        )
        view = view_of(row, await self._mirror_if_it_goes())
        async with self._database.reading() as tx:
            destroyed = await hold_rows.count_destroyed(tx, row.id)
        return replace(view, not_searched=members.not_searched, destroyed=destroyed)

    async def preview(
        self,
        *,
        name: str = "",
        matter: str = "",
        reason: str = "",
        query: str | None = None,
        accounts: Sequence[str] = (),
        record_ids: Sequence[str] = (),
        set_id: str = "",
        saved: str = "",
        actor: Actor,
    ) -> HoldPreview:
        """Return what `place` would hold at this moment; nothing is written but that it was asked.

        Raises as `place`, but asks for no name and no reason.
        """
        asked = await self._asked(query, saved, actor)
        scope = self._scope(matter, asked, accounts, record_ids, set_id, actor)
        members = await self._members(scope, actor)
        row = self._row(scope, members, name=name, matter=matter, reason=reason, actor=actor)
        everything = reach(actor, Permission.READ_HOLDS) == EVERYTHING
        async with self._database.reading() as tx:
            accounts_of = await hold_rows.accounts_among(tx, members.indexes)
            held, overlaps = (
                await hold_overlaps.held_among(tx, members.indexes) if everything else (None, [])
            )
        view = replace(view_of(row, 0), id="", state="preview", not_searched=members.not_searched)
        await note_viewed(self._trail, view, actor, result="preview")
        most_first = sorted(accounts_of.items(), key=lambda each: (-each[1], each[0]))
        return HoldPreview(
            view=view,
            accounts=tuple((*account, records) for account, records in most_first),
            held=held,
            overlaps=tuple(overlaps),
        )

    async def release(self, hold_id: str, *, reason: str, actor: Actor) -> HoldView:
        """Release a hold; disposal starts by nobody's hand but a reviewer's.

        Raises:
            Denied: the actor may not release holds.
            InvalidInput: no reason.
            NotFound: no such hold.
            Conflict: it was released before.
        """
        within = reach(actor, Permission.RELEASE_HOLDS)
        _require_words(reason=reason)
        async with self._database.reading() as tx:
            row = await active_hold(tx, hold_id, within)
        released = HoldReleased(
            hold_id=hold_id,
            at=to_millis(self._clock()),
            by=legible(actor.name),
            reason=legible(reason),
            records=row.records,
            members_sha256=row.members_sha256,
        )
        told = replace(row, reason=released.reason)
        await self._act(Action.HOLD_RELEASED, told, released, at=released.at, actor=actor)
        async with self._database.reading() as tx:
            row = await hold_rows.get(tx, hold_id)
        if (row.released_at, row.released_by) != (released.at, released.by):
            # Somebody else was faster, and this event changed nothing.
            raise released_already(view_of(row, 0))
        return view_of(row, await self._mirror_if_it_goes())

    async def mirror(self) -> None:
        """Make the holds on stored objects match the holds in force; idempotent.

        Raises:
            StorageUnavailable, NotFound: some objects could not be changed; all others were.
        """
        await self._objects.mirror()

    async def pending(self) -> int:
        """Return how many stored objects have a hold that does not match the holds in force."""
        return await self._objects.pending()

    async def _asked(self, query: str | None, saved: str, actor: Actor) -> tuple[Query | None, str]:
        """Return the query, and `ID@3` where it is a saved one."""
        if not saved:
            tree = None if query is None else read_query(query, self._zone)
            return (None if tree is None else require_lasting(tree, "a hold")), ""
        if query is not None:
            raise InvalidInput(
                "expected a query or a saved search, found both; the saved search is the query",
                pointer="saved",
            )
        async with self._database.reading() as tx:
            tree, reference = await saved_query(tx, saved, actor)
        return require_lasting(tree, "a hold"), reference

    def _scope(  # noqa: PLR0917 - what every caller was given, in its order
        self,
        matter: str,
        asked: tuple[Query | None, str],
        accounts: Sequence[str],
        record_ids: Sequence[str],
        set_id: str,
        actor: Actor,
    ) -> Scope:
        within = reach(actor, Permission.PLACE_HOLDS)
        if within.matters and matter not in within.matters:
            # What is held becomes visible to everybody in the hold's matter.
            raise Denied(
                f"expected one of your matters ({', '.join(sorted(within.matters))}), found "
                f"{matter!r}; ask an administrator to be given another"
            )
        return Scope(
            query=asked[0],
            saved=asked[1],
            accounts=tuple(dict.fromkeys(accounts)),
            record_ids=tuple(dict.fromkeys(record_ids)),
            within=within,
            set_id=set_id,
        )

    async def _members(self, scope: Scope, actor: Actor) -> Members:
        matched = None
        if scope.query is not None:
            matched = await self._membership.match(scope.query, actor)
        members = await self._membership.find(scope, matched)
        _require_holdable(len(members.ids))
        return members

    def _row(
        self,
        scope: Scope,
        members: Members,
        *,
        name: str,
        matter: str,
        reason: str,
        actor: Actor,
    ) -> HoldRow:
        now = self._clock()
        return HoldRow(
            id=self._ulids.one(now),
            name=legible(name),
            matter=legible(matter),
            reason=legible(reason),
            scope=scope.to_json(),
            state=hold_rows.ACTIVE,
            log_size=members.log_size,
            records=len(members.ids),
            members_sha256=members_digest(members.ids),
            placed_at=to_millis(now),
            placed_by=legible(actor.name),
        )

    async def _mirror_if_it_goes(self) -> int:
        """Mirror the holds; where the store fails, return how many objects are still pending."""
        try:
            await self._objects.mirror()
        except (StorageUnavailable, NotFound):
            return await self._objects.pending()
        return 0

    async def _act(
        self,
        action: Action,
        row: HoldRow,
        effect: Effect,
        *,
        parts: Sequence[Part] = (),
        not_searched: Sequence[str] = (),
        at: int | None = None,
        actor: Actor,
    ) -> None:
        # With all there is to know, so that the event alone tells what was held: it is in the log,
        # the database's rows are only a view of it (`preserve.event_effects`).
        await self._trail.record(
            action,
            actor=actor,
            object_type="hold",
            object_id=row.id,
            details={
                "name": row.name,
                "matter": row.matter,
                "reason": row.reason,
                "scope": row.scope,
                "records": row.records,
                "log_size": row.log_size,
                "members_sha256": row.members_sha256.hex(),
                **_unsearched(not_searched),
            },
            parts=parts,
            effect=effect,
            at=from_millis(row.placed_at if at is None else at),
        )


def _unsearched(record_ids: Sequence[str]) -> dict[str, str | int]:
    """Return what the event tells of posts that the query could not be asked of."""
    if not record_ids:
        return {}
    named = " ".join(record_ids[:_NAMED])
    return {"not_searched": len(record_ids), "not_searched_records": named}


def _require_holdable(records: int) -> None:
    if records > MAX_MEMBERS:
        raise InvalidInput(
            f"expected a hold on at most {MAX_MEMBERS:,} records, found {records:,}; place "
            "several, by account or by date",
            pointer="query",
        )


def _require_words(**given: str) -> None:
    for field, text in given.items():
        if not text.strip():
            raise InvalidInput(f"expected a {field} for the hold, found none", pointer=field)
