"""Legal holds: placed at once over an exact set of records, released only with a reason.

A hold is placed by its event, which names every member and is durable first; the transaction that
sequences the event writes the hold, its members and the `hold` entry of the log
(`preserve.event_effects`). From that commit on the disposal gate refuses every member; a crash
before it leaves an event that the next start makes good. Then the stored objects are held as well
(`object_holds`): should the store fail just then, the hold stands, the answer counts the objects
that are still pending, and the background loop goes on with them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import holds as hold_rows
from archiver.db.holds import HoldRow
from archiver.db.transaction import Database
from archiver.errors import Conflict, InvalidInput, NotFound, StorageUnavailable
from archiver.ids import Ulids
from archiver.legal.membership import Documents, Membership, Scope
from archiver.legal.object_holds import ObjectHolds
from archiver.legal.queries import OpenIndex, read_query
from archiver.model.actor import Actor
from archiver.model.post import Part
from archiver.preserve.event_effects import Effect, HoldPlaced, HoldReleased
from archiver.preserve.event_record import legible, members_part
from archiver.preserve.ledger.entry import members_digest
from archiver.preserve.store.threads import AsyncStore

MAX_PAGE = 10_000

MAX_MEMBERS = 3_000_000
"""Members of one hold: their ids stand in one frame, which holds 64 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """A hold as it may be shown. `records` members were found in the log below `log_size`.

    `objects_pending` counts the stored objects of the archive whose own hold does not match the
    holds in force yet; it is 0 but for a moment, or while the store fails. Members are blocked
    from disposal from the first moment on. A preview has no id and the state `preview`.
    """

    id: str
    name: str
    matter: str
    reason: str
    scope: Mapping[str, object]
    state: str
    records: int
    log_size: int
    members_sha256: str
    placed_at: datetime
    placed_by: str
    released_at: datetime | None = None
    released_by: str = ""
    release_reason: str = ""
    objects_pending: int = 0

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "id": self.id,
            "name": self.name,
            "matter": self.matter,
            "reason": self.reason,
            "scope": dict(self.scope),
            "state": self.state,
            "records": self.records,
            "log_size": self.log_size,
            "members_sha256": self.members_sha256,
            "placed_at": rfc3339(self.placed_at),
            "placed_by": self.placed_by,
            "released_at": rfc3339(self.released_at) if self.released_at else None,
            "released_by": self.released_by,
            "release_reason": self.release_reason,
            "objects_pending": self.objects_pending,
        }


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
    ) -> None:
        self._database = database
        self._membership = Membership(database=database, index=index, documents=documents)
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
        dry_run: bool = False,
        actor: Actor,
    ) -> HoldView:
        """Hold every post that meets all stated conditions, and return the hold in effect.

        Posts captured later are not covered. With `dry_run` the same is computed and not written:
        the counts are those the hold would have had at that moment.

        Raises:
            Denied: the actor may not place holds.
            InvalidInput: no name, reason or condition; the query cannot be read; accounts or
                record ids are not in the archive.
            SearchUnavailable: the query cannot be answered completely; nothing was held.
        """
        require(actor, Permission.PLACE_HOLDS)
        _require_words(name=name, reason=reason)
        scope = Scope(
            query=None if query is None else read_query(query, self._zone),
            accounts=tuple(dict.fromkeys(accounts)),
            record_ids=tuple(dict.fromkeys(record_ids)),
        )
        matched = None if scope.query is None else await self._membership.match(scope.query)
        members = await self._membership.find(scope, matched)
        _require_holdable(len(members.ids))
        now = self._clock()
        row = HoldRow(
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
        if dry_run:
            view = replace(_view(row, 0), id="", state="preview")
            await self._note(Action.HOLD_VIEWED, view, actor, result="preview")
            return view
        placed = HoldPlaced(row=row, members=sorted(members.ids), indexes=members.indexes)
        await self._act(
            Action.HOLD_PLACED,
            row,
            placed,
            parts=[members_part(members.ids)],
            at=now,
            actor=actor,
        )
        return _view(row, await self._mirror_if_it_goes())

    async def release(self, hold_id: str, *, reason: str, actor: Actor) -> HoldView:
        """Release a hold; disposal starts by nobody's hand but a reviewer's.

        Raises:
            Denied: the actor may not release holds.
            InvalidInput: no reason.
            NotFound: no such hold.
            Conflict: it was released before.
        """
        require(actor, Permission.RELEASE_HOLDS)
        _require_words(reason=reason)
        now = self._clock()
        row = await self._active(hold_id)
        released = HoldReleased(
            hold_id=hold_id,
            at=to_millis(now),
            by=legible(actor.name),
            reason=legible(reason),
            records=row.records,
            members_sha256=row.members_sha256,
        )
        told = replace(row, reason=released.reason)
        await self._act(Action.HOLD_RELEASED, told, released, at=now, actor=actor)
        async with self._database.reading() as tx:
            row = await hold_rows.get(tx, hold_id)
        if (row.released_at, row.released_by) != (released.at, released.by):
            raise _released_already(row)  # somebody else was faster, and this event changed nothing
        return _view(row, await self._mirror_if_it_goes())

    async def list(self, *, actor: Actor) -> tuple[HoldView, ...]:
        """Return every hold, released ones included, newest first. Raises Denied."""
        require(actor, Permission.READ_HOLDS)
        pending = await self._objects.pending()
        async with self._database.reading() as tx:
            rows = await hold_rows.list_all(tx)
        await self._trail.record(
            Action.HOLD_VIEWED, actor=actor, object_type="hold", details={"listed": len(rows)}
        )
        return tuple(_view(row, pending) for row in rows)

    async def show(self, hold_id: str, *, actor: Actor) -> HoldView:
        """Return one hold. Raises Denied, NotFound."""
        require(actor, Permission.READ_HOLDS)
        async with self._database.reading() as tx:
            row = await hold_rows.get(tx, hold_id)
        view = _view(row, await self._objects.pending())
        await self._note(Action.HOLD_VIEWED, view, actor)
        return view

    async def members(
        self, hold_id: str, *, after: int = -1, limit: int = 1000, actor: Actor
    ) -> tuple[tuple[int, str], ...]:
        """Return `(log index, record id)` of members after a log index, in log order.

        Raises:
            Denied: the actor may not read holds.
            InvalidInput: a limit out of 1 to `MAX_PAGE`.
            NotFound: no such hold.
        """
        require(actor, Permission.READ_HOLDS)
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(
                f"expected a limit of 1 to {MAX_PAGE}, found {limit}", pointer="limit"
            )
        async with self._database.reading() as tx:
            row = await hold_rows.get(tx, hold_id)
            page = await hold_rows.members(tx, hold_id, after, limit)
        await self._note(Action.HOLD_VIEWED, _view(row, 0), actor)
        return tuple(page)

    async def mirror(self) -> None:
        """Make the holds on stored objects match the holds in force; idempotent.

        Raises:
            StorageUnavailable, NotFound: some objects could not be changed; all others were.
        """
        await self._objects.mirror()

    async def _active(self, hold_id: str) -> HoldRow:
        async with self._database.reading() as tx:
            row = await hold_rows.get(tx, hold_id)
        if row.state != hold_rows.ACTIVE:
            raise _released_already(row)
        return row

    async def _mirror_if_it_goes(self) -> int:
        """Mirror the holds; where the store fails, return how many objects are still pending."""
        try:
            await self._objects.mirror()
        except (StorageUnavailable, NotFound):
            return await self._objects.pending()
        return 0

    async def _note(
        self, action: Action, view: HoldView, actor: Actor, *, result: str = "ok"
    ) -> None:
        await self._trail.record(
            action,
            actor=actor,
            object_type="hold",
            object_id=view.id,
            result=result,
            details={
                "name": view.name,
                "matter": view.matter,
                "reason": view.release_reason or view.reason,
                "scope": json.dumps(dict(view.scope)),
                "records": view.records,
                "log_size": view.log_size,
                "members_sha256": view.members_sha256,
                "objects_pending": view.objects_pending,
            },
        )

    async def _act(
        self,
        action: Action,
        row: HoldRow,
        effect: Effect,
        *,
        parts: Sequence[Part] = (),
        at: datetime,
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
            },
            parts=parts,
            effect=effect,
            at=at,
        )


def _require_holdable(records: int) -> None:
    if records > MAX_MEMBERS:
        raise InvalidInput(
            f"expected a hold on at most {MAX_MEMBERS:,} records, found {records:,}; place "
            "several, by account or by date",
            pointer="query",
        )


def _released_already(row: HoldRow) -> Conflict:
    at = rfc3339(from_millis(row.released_at or 0))
    return Conflict(f"hold {row.id} was released by {row.released_by} at {at} already")


def _require_words(**given: str) -> None:
    for field, text in given.items():
        if not text.strip():
            raise InvalidInput(f"expected a {field} for the hold, found none", pointer=field)


def _view(row: HoldRow, pending: int) -> HoldView:
    return HoldView(
        id=row.id,
        name=row.name,
        matter=row.matter,
        reason=row.reason,
        scope=json.loads(row.scope),
        state=row.state,
        records=row.records,
        log_size=row.log_size,
        members_sha256=row.members_sha256.hex(),
        placed_at=from_millis(row.placed_at),
        placed_by=row.placed_by,
        released_at=from_millis(row.released_at) if row.released_at is not None else None,
        released_by=row.released_by or "",
        release_reason=row.release_reason or "",
        objects_pending=pending,
    )
