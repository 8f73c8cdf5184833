"""Reading holds: the list, one hold with its members, what its release would free.

A hold out of reach is not found, as if it were not there (`hold_views.is_visible`).
"""

import json
from collections.abc import Awaitable, Callable

from archiver.access.rules import EVERYTHING, Permission, Reach, reach
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.db import hold_overlaps
from archiver.db import holds as hold_rows
from archiver.db.holds import HoldRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import Conflict, InvalidInput
from archiver.legal.hold_views import (
    HeldPost,
    HoldPage,
    HoldView,
    ReleasePreview,
    is_visible,
    view_of,
)
from archiver.model.actor import Actor

MAX_PAGE = 10_000


class HoldRegister:
    """The use cases that read holds. Each is an event of the trail."""

    def __init__(
        self,
        *,
        database: Database,
        trail: Trail,
        clock: Clock,
        pending: Callable[[], Awaitable[int]],
    ) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock
        self._pending = pending

    async def list(self, *, actor: Actor) -> tuple[HoldView, ...]:
        """Return every hold in reach, released ones included, newest first. Raises Denied."""
        within = reach(actor, Permission.READ_HOLDS)
        pending = await self._pending()
        async with self._database.reading() as tx:
            rows = [row for row in await hold_rows.list_all(tx) if is_visible(row, within)]
        await self._trail.record(
            Action.HOLD_VIEWED, actor=actor, object_type="hold", details={"listed": len(rows)}
        )
        return tuple(view_of(row, pending) for row in rows)

    async def show(self, hold_id: str, *, actor: Actor) -> HoldView:
        """Return one hold. Raises Denied, NotFound."""
        within = reach(actor, Permission.READ_HOLDS)
        async with self._database.reading() as tx:
            row = await visible_hold(tx, hold_id, within)
        view = view_of(row, await self._pending())
        await note_viewed(self._trail, view, actor)
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
        within = reach(actor, Permission.READ_HOLDS)
        _require_page(limit)
        async with self._database.reading() as tx:
            row = await visible_hold(tx, hold_id, within)
            page = await hold_rows.members(tx, hold_id, after, limit)
        await note_viewed(self._trail, view_of(row, 0), actor)
        return tuple(page)

    async def page(
        self, hold_id: str, *, after: int = -1, limit: int = 50, actor: Actor
    ) -> HoldPage:
        """Return a hold, a page of its members in log order, and the holds that overlap it.

        Raises as `members`.
        """
        within = reach(actor, Permission.READ_HOLDS)
        _require_page(limit)
        async with self._database.reading() as tx:
            row = await visible_hold(tx, hold_id, within)
            members = await hold_rows.member_rows(tx, hold_id, after, limit)
            overlaps = await hold_overlaps.overlaps(tx, hold_id) if within == EVERYTHING else []
        view = view_of(row, await self._pending())
        await note_viewed(self._trail, view, actor)
        return HoldPage(
            view=view,
            members=tuple(map(HeldPost.of, members)),
            after=members[-1].log_index if len(members) == limit else None,
            overlaps=tuple(overlaps),
        )

    async def release_preview(self, hold_id: str, *, actor: Actor) -> ReleasePreview:
        """Return what the release of a hold would free at this moment.

        Raises:
            Denied: the actor may not release holds.
            NotFound: no such hold.
            Conflict: it was released before.
        """
        within = reach(actor, Permission.RELEASE_HOLDS)
        everything = within == EVERYTHING
        async with self._database.reading() as tx:
            row = await active_hold(tx, hold_id, within)
            overlaps = await hold_overlaps.overlaps(tx, hold_id) if everything else []
            now, others = to_millis(self._clock()), [each.id for each in overlaps]
            freed = await hold_overlaps.freed_by(tx, hold_id, now, others) if everything else None
        view = view_of(row, 0)
        await note_viewed(self._trail, view, actor, result="preview")
        return ReleasePreview(view=view, freed=freed, overlaps=tuple(overlaps))


async def visible_hold(tx: Transaction, hold_id: str, within: Reach) -> HoldRow:
    """Return one hold in reach. Raises NotFound, whether it is not there or not in reach."""
    row = await hold_rows.get(tx, hold_id)
    if not is_visible(row, within):
        raise hold_rows.no_hold(hold_id)
    return row


async def active_hold(tx: Transaction, hold_id: str, within: Reach) -> HoldRow:
    """Return one hold in reach that is in force. Raises NotFound, Conflict."""
    row = await visible_hold(tx, hold_id, within)
    if row.state != hold_rows.ACTIVE:
        raise released_already(view_of(row, 0))
    return row


def released_already(view: HoldView) -> Conflict:
    """Return the error of a hold that is in force no more."""
    at = view.to_dict()["released_at"]
    return Conflict(f"hold {view.id} was released by {view.released_by} at {at} already")


async def note_viewed(trail: Trail, view: HoldView, actor: Actor, *, result: str = "ok") -> None:
    """Record that somebody looked at a hold, or at what one would cover.

    Raises:
        OperatorError: as `Trail.record`.
    """
    await trail.record(
        Action.HOLD_VIEWED,
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


def _require_page(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"expected a limit of 1 to {MAX_PAGE}, found {limit}", pointer="limit")
