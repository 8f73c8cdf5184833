"""Disposal batches: listed, thinned out, cancelled.

How they are formed stands in `batch_forming`, what their review needs in `batch_reviews`, who
approves in `batch_approvals`; what is destroyed is decided by the gate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from zoneinfo import ZoneInfo

from archiver.access.rules import Permission, allowed, require
from archiver.audit.actions import Action
from archiver.clock import Clock, rfc3339, to_millis
from archiver.db import batch_review as review_rows
from archiver.db import batches as rows
from archiver.db.batch_steps import open_batches_of
from archiver.db.batches import Wanted
from archiver.db.transaction import Database
from archiver.disposal.batch_changes import BatchChanges, require_state, views_of
from archiver.disposal.batch_views import BatchView
from archiver.disposal.changes import reason_of
from archiver.errors import Conflict, InvalidInput, NotFound
from archiver.ids import ulid_bytes
from archiver.model.actor import Actor
from archiver.model.batch import UNDECIDED, BatchState
from archiver.model.requester import requester_of
from archiver.preserve.named_records import members_details, members_part

MAX_LIST = 1000
MAX_EXCLUDED = 5_000
"""Records named by id in one exclusion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchList:
    """A page of batches, newest first; `next_cursor` is empty at the end.

    `standing_out` counts by batch the records that deserve a look before the others, while nothing
    is decided; `states` how many such batches there are in each state, also in others than asked.
    """

    items: tuple[BatchView, ...]
    total: int
    next_cursor: str
    standing_out: Mapping[str, int]
    states: Mapping[str, int]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "items": [
                {**item.to_dict(), "standing_out": self.standing_out.get(item.id, 0)}
                for item in self.items
            ],
            "total": self.total,
            "total_is_exact": True,
            "next_cursor": self.next_cursor,
        }


class Batches:
    """The use cases of whoever works disposal batches. Reading them needs the file plan's right."""

    def __init__(
        self,
        *,
        database: Database,
        changes: BatchChanges,
        clock: Clock,
        zone: ZoneInfo,
    ) -> None:
        """`zone` is that in which days begin."""
        self._database = database
        self._changes = changes
        self._clock = clock
        self._zone = zone

    async def list(
        self,
        *,
        state: str = "",
        class_code: str = "",
        account: str = "",
        mine: bool = False,
        cursor: str = "",
        limit: int = 50,
        actor: Actor,
    ) -> BatchList:
        """Return batches, newest first: of one state, class or account, or those that wait for one.

        With `mine` they are those on which the actor could take the next step.

        Raises:
            Denied: the actor may not read the file plan.
            InvalidInput: no such state, a cursor that is none, a limit out of 1 to `MAX_LIST`.
        """
        require(actor, Permission.READ_FILE_PLAN)
        _require_listable(state, cursor, limit)
        every = Wanted(class_code=class_code, account=account)
        if mine:
            every = every._replace(states=_turns(actor), approver=requester_of(actor))
        wanted = every._replace(states=_within(every.states, state)) if state else every
        async with self._database.reading() as tx:
            found = await rows.page(tx, wanted, before=cursor, limit=limit + 1)
            states = await rows.count_by_state(tx, every)
            views = await views_of(tx, found[:limit])
            undecided = [view.id for view in views if view.state in UNDECIDED]
            standing_out = await review_rows.count_standing_out(tx, undecided)
        await self._changes.note(Action.BATCH_VIEWED, actor=actor, listed=len(views))
        return BatchList(
            items=tuple(views),
            total=states.get(state, 0) if state else sum(states.values()),
            next_cursor=found[limit - 1].id if len(found) > limit else "",
            standing_out=standing_out,
            states=states,
        )

    async def exclude(
        self,
        batch_id: str,
        record_ids: Sequence[str],
        *,
        reason: str,
        keep_until: date | None = None,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        """Leave records out of a batch; with `keep_until` they are in no batch before that moment.

        A day begins in the zone of the archive. Without one they come up again in the next batch
        that is formed after this one has ended. Whatever was proposed or approved is so no more:
        others approved another count.

        Raises:
            Denied: the actor may not propose a disposal.
            NotFound: no such batch, or a record that is not in it.
            Conflict: it is being carried out, has ended, or was changed a moment ago.
            InvalidInput: no records, no reason, or a moment that has passed.
        """
        async with self._changes.refusing(Action.BATCH_EXCLUDED, batch_id, actor=actor):
            require(actor, Permission.PROPOSE_DISPOSAL)
            until = self._moment(keep_until)
            if until is not None and until <= self._clock():
                raise InvalidInput(
                    f"expected a moment to come, found {rfc3339(until)}", pointer="keep_until"
                )
            return await self._set_members(
                Action.BATCH_EXCLUDED,
                batch_id,
                record_ids,
                {
                    "reason": reason_of(reason),
                    "keep_until": 0 if until is None else to_millis(until),
                    "until": "" if until is None else rfc3339(until),
                },
                version=version,
                actor=actor,
            )

    async def include(
        self,
        batch_id: str,
        record_ids: Sequence[str],
        *,
        reason: str,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        """Put excluded records back. Raises as `exclude`; Conflict too: another batch has one."""
        async with self._changes.refusing(Action.BATCH_INCLUDED, batch_id, actor=actor):
            require(actor, Permission.PROPOSE_DISPOSAL)
            details: dict[str, str | int | bool] = {"reason": reason_of(reason)}
            return await self._set_members(
                Action.BATCH_INCLUDED, batch_id, record_ids, details, version=version, actor=actor
            )

    async def cancel(
        self, batch_id: str, *, reason: str, version: int | None = None, actor: Actor
    ) -> BatchView:
        """Give a batch up; its records come up in the next one that is formed.

        Raises:
            Denied: the actor may neither propose nor approve a disposal.
            NotFound: no such batch.
            Conflict: it is being carried out, has ended, or was changed a moment ago.
            InvalidInput: no reason.
        """
        async with self._changes.refusing(Action.BATCH_CANCELLED, batch_id, actor=actor):
            require_either(actor)
            view = await self._changes.seen(batch_id, version)
            require_state(view, *UNDECIDED)
            details = {"reason": reason_of(reason)}
            return await self._changes.change(Action.BATCH_CANCELLED, view, details, actor=actor)

    def _moment(self, day: date | None) -> datetime | None:
        if day is None or isinstance(day, datetime):
            return day
        return datetime.combine(day, time(), self._zone)

    async def _set_members(
        self,
        action: Action,
        batch_id: str,
        record_ids: Sequence[str],
        details: Mapping[str, str | int | bool],
        *,
        version: int | None,
        actor: Actor,
    ) -> BatchView:
        ids = list(dict.fromkeys(record_ids))
        if not 1 <= len(ids) <= MAX_EXCLUDED:
            raise InvalidInput(
                f"expected 1 to {MAX_EXCLUDED:,} records, found {len(ids):,}", pointer="records"
            )
        view = await self._changes.seen(batch_id, version)
        require_state(view, *UNDECIDED)
        async with self._database.reading() as tx:
            known = await review_rows.indexes_of(tx, batch_id, ids)
            indexes = sorted(known.values())
            elsewhere = await tx.run_sync(partial(open_batches_of, indexes=indexes, but=batch_id))
        missing = [each for each in ids if each not in known]
        if missing:
            raise NotFound(
                f"{len(missing)} of {len(ids)} records are not in batch {batch_id}, the first of "
                f"them {missing[0]!r}; nothing was changed"
            )
        if elsewhere and action is Action.BATCH_INCLUDED:
            raise Conflict(
                f"{len(elsewhere)} of {len(ids)} records are in batch {min(elsewhere.values())}; "
                "nothing was changed"
            )
        said = {**details, **members_details(indexes)}
        return await self._changes.change(
            action, view, said, parts=[members_part(indexes)], actor=actor
        )


def _require_listable(state: str, cursor: str, limit: int) -> None:
    if state and state not in set(BatchState):
        raise InvalidInput(
            f"expected a state of {', '.join(BatchState)}, found {state[:40]!r}", pointer="state"
        )
    if not 1 <= limit <= MAX_LIST:
        raise InvalidInput(f"expected a limit of 1 to {MAX_LIST}, found {limit}", pointer="limit")
    if cursor:
        ulid_bytes(cursor)


def _turns(actor: Actor) -> tuple[str, ...]:
    """Return the states in which a batch waits for somebody with the actor's rights."""
    found: list[str] = []
    if allowed(actor, Permission.PROPOSE_DISPOSAL):
        found += (BatchState.FORMED, BatchState.APPROVED, BatchState.EXECUTING)
    if allowed(actor, Permission.APPROVE_DISPOSAL):
        found.append(BatchState.REVIEWED)
    return tuple(found)


def _within(states: tuple[str, ...] | None, state: str) -> tuple[str, ...]:
    return (state,) if states is None or state in states else ()


def require_either(actor: Actor) -> None:
    """Pass if the actor may propose or approve a disposal. Raises Denied."""
    if not allowed(actor, Permission.PROPOSE_DISPOSAL):
        require(actor, Permission.APPROVE_DISPOSAL)
