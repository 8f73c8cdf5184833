"""Retention events: a person or a system states what happened, and terms count from it.

An event has a date of its own, which may lie in the past (it is told late) or ahead (a contract
that will end on a known day): a known date is a known end. A wrong statement is corrected or
withdrawn, never deleted. Each statement has the records concerned refiled, and says what that did.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.db import accounts as account_rows
from archiver.db import holds as hold_rows
from archiver.db import records as record_rows
from archiver.db import retained
from archiver.db import retention_events as rows
from archiver.db.accounts import Place
from archiver.db.retention_events import RetentionEventRow
from archiver.db.transaction import Database, Transaction
from archiver.disposal.stated_events import (
    LONGEST_NOTE,
    EventList,
    EventView,
    Key,
    NewEvent,
    as_new,
    checked,
    new_statement,
    source_of,
    told_of,
    words_of,
)
from archiver.errors import Conflict, InvalidInput
from archiver.ids import Ulids, ulid_bytes
from archiver.model.actor import Actor
from archiver.preserve.retention_event_effects import RETENTION, Statement, Statements, statement_of
from retention.schedules import Schedule

MOST_LISTED = 200


class RetentionEvents:
    """The use cases on retention events."""

    def __init__(self, *, database: Database, trail: Trail, clock: Clock, ulids: Ulids) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock
        self._ulids = ulids

    async def state(self, event: NewEvent, *, actor: Actor, source: str = "") -> EventView:
        """State that something happened. The same said twice is one statement.

        Raises:
            Denied: the actor may not edit the file plan of the whole archive.
            InvalidInput: a value is not well formed, or there is no such record; `pointer` names
                the field.
        """
        (view,) = await self.state_all([event], actor=actor, source=source)
        return view

    async def state_all(
        self, events: Sequence[NewEvent], *, actor: Actor, source: str = ""
    ) -> tuple[EventView, ...]:
        """State events of one name by one event of the trail; none of them, if one is not sound.

        Raises:
            Denied, InvalidInput: as `state`.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        sound = await self.sound(events)
        before = await self.known(sound)
        new = {event.key: event for event in sound if event.key not in before}
        if new:
            made = await self.record_stated(tuple(new.values()), actor=actor, source=source)
            async with self._database.reading() as tx:
                stated = await rows.get_many(tx, [each.id for each in made])
            before |= {as_new(row).key: row for row in stated}
        warnings = await self._warnings(sound[0])
        again = ("it was stated already",)
        return tuple(
            EventView(row=before[event.key], warnings=warnings if event.key in new else again)
            for event in sound
        )

    async def sound(self, events: Sequence[NewEvent]) -> tuple[NewEvent, ...]:
        """Return events as they are stored, each of the first copy of its record.

        Raises:
            InvalidInput: there is none, one is not well formed, or there is no such record.
        """
        if not events:
            raise InvalidInput("expected an account or records, found none", pointer="/account")
        sound = []
        for found in await self.resolved([self.checked(event) for event in events]):
            if isinstance(found, InvalidInput):
                raise found
            sound.append(found)
        return tuple(sound)

    async def correct(
        self,
        event_id: str,
        *,
        happened_at: datetime,
        day: date | None = None,
        note: str | None = None,
        reason: str,
        actor: Actor,
        source: str = "",
    ) -> EventView:
        """State another date for an event; the statement before is in force no longer.

        `day` is given where a calendar day is stated, with `happened_at` as its end.

        Raises:
            Denied: the actor may not edit the file plan of the whole archive.
            NotFound: no such statement.
            Conflict: it is not in force, or has that date already.
            InvalidInput: the date or the reason is not well formed.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        before = await self._in_force(event_id)
        reason = words_of("reason", reason, LONGEST_NOTE, required=True)
        event = NewEvent(
            name=before.name,
            platform=before.platform,
            account=before.account,
            record_id=before.record_id,
            happened_at=happened_at,
            day=day,
            note=before.note if note is None else note,
        )
        event = self.checked(event)
        if event.happened == before.happened:
            raise Conflict(f"event {event_id} has that date already; nothing was changed")
        now = self._clock()
        act_id, statement_id = self._ulids.take(2, now)
        new = new_statement(statement_id, event, source=source_of(source, actor), corrects=event_id)
        await self._trail.record(
            Action.RETENTION_CORRECTED,
            actor=actor,
            object_type=RETENTION,
            object_id=act_id,
            details={
                **told_of(event),
                "reason": reason,
                "event": statement_id,
                "corrects": event_id,
            },
            parts=(Statements(stated=(new,), ended=(statement_of(before),)).part,),
            at=now,
        )
        return EventView(row=await self._row(statement_id), warnings=await self._warnings(event))

    async def withdraw(self, event_id: str, *, reason: str, actor: Actor) -> EventView:
        """Take a statement back: it did not happen.

        Raises:
            Denied: the actor may not edit the file plan of the whole archive.
            NotFound: no such statement.
            Conflict: it is not in force.
            InvalidInput: no reason.
        """
        require(actor, Permission.EDIT_FILE_PLAN)
        before = await self._in_force(event_id)
        reason = words_of("reason", reason, LONGEST_NOTE, required=True)
        event = as_new(before)
        now = self._clock()
        await self._trail.record(
            Action.RETENTION_WITHDRAWN,
            actor=actor,
            object_type=RETENTION,
            object_id=self._ulids.one(now),
            details={**told_of(event), "reason": reason, "event": event_id},
            parts=(Statements(ended=(statement_of(before),)).part,),
            at=now,
        )
        return EventView(row=await self._row(event_id))

    async def show(self, event_id: str, *, actor: Actor) -> EventView:
        """Return one statement.

        Raises:
            Denied: the actor may not read the file plan of the whole archive.
            NotFound: no such statement.
        """
        require(actor, Permission.READ_FILE_PLAN)
        return EventView(row=await self._row(event_id))

    async def resolved(self, events: Sequence[NewEvent]) -> list[NewEvent | InvalidInput]:
        """Return each checked event of the first copy of its record, or why there is none."""
        ids = [event.record_id for event in events if event.record_id]
        async with self._database.reading() as tx:
            originals = await hold_rows.originals(tx, ids)
            at = await _ids_at(tx, sorted(originals.values()))
        return [_of_original(event, originals, at) for event in events]

    async def known(self, events: Iterable[NewEvent]) -> dict[Key, RetentionEventRow]:
        """Return the statements in force about the same subjects, by `NewEvent.key`."""
        async with self._database.reading() as tx:
            found = await rows.in_force_about(tx, {event.subject for event in events})
        return {as_new(row).key: row for row in found}

    async def record_stated(
        self, events: Sequence[NewEvent], *, actor: Actor, source: str
    ) -> tuple[Statement, ...]:
        """Record one event of the trail that states all of these, and return the statements."""
        now = self._clock()
        act_id, *ids = self._ulids.take(len(events) + 1, now)
        statements = tuple(
            new_statement(statement_id, event, source=source_of(source, actor))
            for statement_id, event in zip(ids, events, strict=True)
        )
        (only, *others) = events
        told: dict[str, str | int | bool] = {**told_of(only), "event": ids[0]}
        await self._trail.record(
            Action.RETENTION_STATED,
            actor=actor,
            object_type=RETENTION,
            object_id=act_id,
            details={"events": len(events)} if others else told,
            parts=(Statements(stated=statements).part,),
            at=now,
        )
        return statements

    async def awaited_names(self) -> frozenset[str]:
        """Return the names of events that any schedule in force counts from."""
        at = to_millis(self._clock())
        async with self._database.reading() as tx:
            in_force = await tx.run_sync(partial(retained.schedules_in_force, at=at))
        schedules = [Schedule.from_dict(json.loads(body)) for _, body in in_force.values()]
        return frozenset(
            term.trigger.event
            for schedule in schedules
            for term in schedule.terms
            if term.trigger.event
        )

    async def unknown_accounts(self, accounts: Collection[Place]) -> frozenset[Place]:
        """Return those of these accounts that neither the register nor a capture names.

        The events stand all the same: the account may come later. Or its name was misspelt, and
        what it happened to waits for an event that was stated of nobody.
        """
        async with self._database.reading() as tx:
            return frozenset(await account_rows.unknown(tx, accounts))

    async def _warnings(self, event: NewEvent) -> tuple[str, ...]:
        warnings = []
        if event.name not in await self.awaited_names():
            warnings.append(
                f"no schedule in force counts from {event.name}; it stands all the same"
            )
        if event.happened_at > self._clock():
            warnings.append("its date lies ahead: the end is counted from it as from any other")
        if event.account and await self.unknown_accounts([(event.platform, event.account)]):
            warnings.append(
                f"neither the register nor a capture names {event.account} on {event.platform}; "
                "see whether it is misspelt"
            )
        return tuple(warnings)

    async def _in_force(self, event_id: str) -> RetentionEventRow:
        row = await self._row(event_id)
        if not row.in_force:
            raise Conflict(f"event {event_id} is in force no longer; list the events about it")
        return row

    async def _row(self, event_id: str) -> RetentionEventRow:
        async with self._database.reading() as tx:
            return await rows.get(tx, event_id)

    def checked(self, event: NewEvent) -> NewEvent:
        """Return an event with its values as they are stored; no record is looked for.

        Raises:
            InvalidInput: a value is not well formed; `pointer` names the field.
        """
        return checked(event, self._clock())

    async def list(
        self,
        *,
        platform: str = "",
        account: str = "",
        record_id: str = "",
        name: str = "",
        in_force_only: bool = False,
        limit: int = 50,
        cursor: str = "",
        actor: Actor,
    ) -> EventList:
        """Return statements, the newest first, those no longer in force too unless told.

        Raises:
            Denied: the actor may not read the file plan of the whole archive.
            InvalidInput: a limit not from 1 to 200, or a strange cursor.
        """
        require(actor, Permission.READ_FILE_PLAN)
        if not 1 <= limit <= MOST_LISTED:
            raise InvalidInput(
                f"expected a limit from 1 to {MOST_LISTED}, found {limit}", pointer="limit"
            )
        if cursor:
            ulid_bytes(cursor)
        async with self._database.reading() as tx:
            found = await rows.listed(
                tx,
                platform=platform,
                account=account,
                record_id=record_id,
                name=name,
                in_force_only=in_force_only,
                before=cursor,
                limit=limit + 1,
            )
        shown = found[:limit]
        return EventList(
            items=tuple(EventView(row=row) for row in shown),
            next_cursor=shown[-1].id if len(found) > limit else "",
        )


async def _ids_at(tx: Transaction, indexes: Sequence[int]) -> dict[int, str]:
    distinct = sorted(set(indexes))
    return dict(zip(distinct, await record_rows.ids_at(tx, distinct), strict=True))


def _of_original(
    event: NewEvent, originals: Mapping[str, int], ids: Mapping[int, str]
) -> NewEvent | InvalidInput:
    """Return the event of the first copy of its post: what is stated of one counts for all."""
    if not event.record_id:
        return event
    index = originals.get(event.record_id)
    if index is None:
        return InvalidInput(f"no record {event.record_id} of a post", pointer="/record_id")
    return replace(event, record_id=ids[index])
