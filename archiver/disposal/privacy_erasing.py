"""Forming batches of what a privacy request is to erase: the rest is the way of every batch.

Forming proposes. A batch of the action `privacy` is looked at, proposed and approved by the same
people as any other, and the gate asks its own questions: a decision in force in place of the ended
schedule, and that nothing held, locked or bound by law is in it (`retention.erasure`).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.clock import Clock, to_millis
from archiver.db import batches as batch_rows
from archiver.db import ledger as ledger_rows
from archiver.db import privacy as rows
from archiver.db.batch_steps import open_batches_of
from archiver.db.batches import BatchRow
from archiver.db.privacy import Asked
from archiver.db.transaction import Database
from archiver.disposal.batch_changes import BatchChanges, views_of
from archiver.disposal.batch_views import BatchView
from archiver.disposal.privacy_changes import PrivacyChanges, require_every_version
from archiver.errors import Conflict
from archiver.ids import Ulids
from archiver.model.actor import Actor
from archiver.model.batch import BatchState
from archiver.model.privacy import PRIVACY, PrivacyDecision
from archiver.model.requester import requester_of
from archiver.preserve.batch_effects import BatchFormed
from archiver.preserve.event_record import legible
from archiver.preserve.named_records import MOST_RECORDS


class PrivacyErasing:
    """The use case of asking for the erasure that was decided."""

    def __init__(
        self,
        *,
        database: Database,
        changes: PrivacyChanges,
        batches: BatchChanges,
        clock: Clock,
        ulids: Ulids,
    ) -> None:
        self._database = database
        self._changes = changes
        self._batches = batches
        self._clock = clock
        self._ulids = ulids

    async def form(
        self, request_id: str, *, version: int | None = None, actor: Actor
    ) -> tuple[BatchView, ...]:
        """Form batches of the records of a request that are to be erased and are in none.

        One of each class, schedule version and account. What two askers form at the same moment is
        in the first one's batch, and excluded in the other's.

        Raises:
            Denied: the actor may not work privacy requests, or not propose a disposal.
            NotFound: no such request.
            Conflict: it is closed, nothing of it waits to be erased, all that does was left out of
                an open batch, a version of its posts is not under it, or it was changed.
        """
        async with self._changes.refusing(Action.BATCH_FORMED, request_id, actor=actor):
            require(actor, Permission.MANAGE_PRIVACY)
            require(actor, Permission.PROPOSE_DISPOSAL)
            await self._changes.open(request_id, version)
            async with self._database.reading() as tx:
                await require_every_version(tx, request_id)
                log_size = (await ledger_rows.state(tx)).next_index
                asked = await rows.records(tx, request_id)
                undone = [each for each in asked if _waits(each)]
                indexes = [each.log_index for each in undone]
                taken = await tx.run_sync(partial(open_batches_of, indexes=indexes))
            waiting = [each for each in undone if each.log_index not in taken]
            if undone and not waiting:
                raise Conflict(
                    f"{len(undone)} records of privacy request {request_id} were left out of batch "
                    f"{min(taken.values())}, and no other can have them while it is open: let it "
                    "be executed, or cancel it"
                )
            if not waiting:
                raise Conflict(
                    f"nothing of privacy request {request_id} waits to be erased: decide to erase "
                    "records first, or look at the batches they are in"
                )
        now = self._clock()
        formed = [
            self._formed(some, log_size, now, actor)
            for _, group in groupby(sorted(waiting, key=_place), _place)
            for some in _chunks(list(group))
        ]
        for each in formed:
            await self._batches.form(each, actor=actor, at=now)
        async with self._database.reading() as tx:
            return tuple(
                await views_of(tx, [await batch_rows.get(tx, each.row.id) for each in formed])
            )

    def _formed(
        self, some: Sequence[Asked], log_size: int, now: datetime, actor: Actor
    ) -> BatchFormed:
        first, at = some[0], to_millis(now)
        row = BatchRow(
            id=self._ulids.one(now),
            class_code=first.class_code,
            schedule_version=first.schedule_version,
            platform=first.platform,
            account=first.account,
            period="",  # their retention has not ended
            action=PRIVACY,
            state=BatchState.FORMED.value,
            log_size=log_size,
            records=len(some),
            bytes=sum(each.size for each in some),
            formed_by=legible(actor.name),
            formed_by_id=requester_of(actor),
            formed_at=at,
            stated_at=at,
        )
        return BatchFormed(row=row, indexes=sorted(each.log_index for each in some))


def _waits(each: Asked) -> bool:
    return each.decision == PrivacyDecision.ERASE and not each.is_gone and not each.batch_id


def _chunks(group: Sequence[Asked]) -> Iterator[Sequence[Asked]]:
    for start in range(0, len(group), MOST_RECORDS):
        yield group[start : start + MOST_RECORDS]


def _place(each: Asked) -> tuple[str, int, str, str]:
    return each.class_code, each.schedule_version, each.platform, each.account
