"""The check in front of every record: whether there is one within the actor's reach.

Out of reach answers exactly as not there: the same words, the same statements, the same event. Only
who is limited to a part of the archive can tell nothing from it; for them every id that leads
nowhere is an event, so that auditors see who tries ids.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta

from archiver.access.destroyed_records import RecordDestroyed, find_destroyed
from archiver.access.rules import (
    Permission,
    Reach,
    allowed,
    allowed_somewhere,
    reach,
    require,
)
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.db import reach as reach_rows
from archiver.db import records as record_rows
from archiver.db import restricted as restricted_rows
from archiver.db.records import RecordRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import Denied, InvalidInput
from archiver.ids import ulid_bytes
from archiver.model.actor import Actor

EVENT = "aud"
REFUSALS_A_MINUTE = 30
"""Refusals of one actor that are events in one minute; what is beyond is refused all the same."""

_NOBODY_STANDS_HERE = -1  # asked for in place of the log index of a record that is not there
_NOWHERE = Reach()
_KEPT = 10_000


class Recently:
    """What happened within the last `span`, to tell a first time from a repetition. Bounded."""

    def __init__(self, span: timedelta, most: int = _KEPT) -> None:
        self._span = span
        self._most = most
        self._seen: OrderedDict[tuple[str, ...], tuple[datetime, int]] = OrderedDict()

    def count(self, *key: str, now: datetime) -> int:
        """Return how often `key` happened since it first did within the span, this time included.

        Of more than the most keys the oldest are forgotten: they then count as new.
        """
        since, times = self._seen.pop(key, (now, 0))
        if now - since >= self._span:
            since, times = now, 0
        self._seen[key] = since, times + 1
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return times + 1


class RecordAccess:
    """Finds records for actors, and refuses what is not theirs."""

    def __init__(self, *, database: Database, trail: Trail) -> None:
        self._database = database
        self._trail = trail
        self._refusals = Recently(timedelta(minutes=1))

    async def find(self, record_id: str, needs: Permission, *, actor: Actor) -> RecordRow:
        """Return the record if the actor holds the permission `needs` over it.

        The content of events is read with the permission for the audit trail instead: they tell
        who searched for what.

        Raises:
            Denied: the actor holds it over no record, or not over records of this kind; or its
                content is restricted, and they may not read that.
            NotFound: no such record within the actor's reach.
            RecordDestroyed: there was one, and the actor may see every record there is.
        """
        instead = Permission.READ_AUDIT if needs is Permission.READ_CONTENT else needs
        posts, events = _reach(actor, needs), _reach(actor, instead)
        held = posts or events
        if held is None:
            held = reach(actor, needs)  # raises
        async with self._database.reading() as tx:
            row = await record_rows.find(tx, record_id)
            is_event = row is not None and row.entry_type == EVENT
            place = _NOBODY_STANDS_HERE if row is None else row.log_index
            asked = events if is_event else posts
            seen = await self._within(tx, asked or held, [place])
            if row is None and posts and posts.everything:
                gone = await find_destroyed(tx, record_id)
                if gone is not None:
                    raise RecordDestroyed(gone)
            hidden = needs is Permission.READ_CONTENT and await _is_restricted(tx, place, actor)
        if row is not None and asked and place in seen:
            if hidden:
                await self._note_refusal(record_id, actor)
                raise Denied(
                    f"record {record_id} is restricted at the request of a person (GDPR art. 18): "
                    "it is kept, and read only to answer the request or for legal claims"
                )
            return row
        if row is not None and held.everything:
            require(actor, instead if is_event else needs)
        if not held.everything:
            await self._note_refusal(record_id, actor)
        raise record_rows.no_record(record_id)

    async def within(
        self, tx: Transaction, rows: Sequence[RecordRow], *, actor: Actor
    ) -> list[RecordRow]:
        """Return those of these posts whose content the actor may read, in their order."""
        places = [row.log_index for row in rows]
        seen = await self.places_within(tx, places, Permission.READ_CONTENT, actor=actor)
        if not allowed(actor, Permission.READ_RESTRICTED):
            seen -= await restricted_rows.among(tx, places)
        return [row for row in rows if row.log_index in seen]

    async def places_within(
        self, tx: Transaction, places: Sequence[int], needs: Permission, *, actor: Actor
    ) -> set[int]:
        """Return over which of these log indexes the actor holds a permission."""
        return await self._within(tx, _reach(actor, needs) or _NOWHERE, places)

    async def may(
        self, tx: Transaction, row: RecordRow, needs: Permission, *, actor: Actor
    ) -> bool:
        """Return whether the actor holds a permission over one record."""
        scope = _reach(actor, needs)
        return scope is not None and bool(await self._within(tx, scope, [row.log_index]))

    async def _within(self, tx: Transaction, scope: Reach, indexes: Sequence[int]) -> set[int]:
        if scope.everything:
            return set(indexes)
        return await reach_rows.in_reach(tx, scope, indexes)

    async def _note_refusal(self, record_id: str, actor: Actor) -> None:
        if self._refusals.count(actor.name, now=self._trail.clock()) > REFUSALS_A_MINUTE:
            return
        await self._trail.record(
            Action.RECORD_REFUSED,
            actor=actor,
            object_type="record",
            object_id=record_id if _is_id(record_id) else "",
            result="denied",
        )


async def _is_restricted(tx: Transaction, place: int, actor: Actor) -> bool:
    """Return whether the content of a record is kept from an actor who could read it otherwise."""
    if allowed(actor, Permission.READ_RESTRICTED):
        return False
    return bool(await restricted_rows.among(tx, [place]))


def may_see_hold(actor: Actor, matter: str) -> bool:
    """Return whether the actor may see what a hold is called, and not only that there is one."""
    if allowed(actor, Permission.READ_HOLDS):
        return True
    scope = _reach(actor, Permission.READ_HOLDS) or _NOWHERE
    return matter in scope.matters


def _reach(actor: Actor, needs: Permission) -> Reach | None:
    """Return over which records the actor holds a permission, None: over none."""
    return reach(actor, needs) if allowed_somewhere(actor, needs) else None


def _is_id(text: str) -> bool:
    try:
        ulid_bytes(text)
    except InvalidInput:
        return False
    return True
