"""Forming batches of what is due: one of each class, account and month in which retention ended.

Forming proposes; no content is touched. What is due is asked page after page and grouped in memory,
by log index: a million due records are some ten megabytes here.
"""

import asyncio
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.clock import Clock, to_millis
from archiver.db import batches as rows
from archiver.db import file_plan as file_plan_rows
from archiver.db import ledger as ledger_rows
from archiver.db.batches import BatchRow
from archiver.db.due import DueRow, due
from archiver.db.transaction import Database
from archiver.disposal.batch_changes import BatchChanges, views_of
from archiver.disposal.batch_views import BatchView
from archiver.ids import Ulids
from archiver.model.actor import Actor
from archiver.model.batch import BatchState
from archiver.model.requester import requester_of
from archiver.preserve.batch_effects import BatchFormed
from archiver.preserve.event_record import legible
from archiver.preserve.named_records import MOST_RECORDS

_PAGE = 10_000
_AT_ONCE = 16  # events of one forming that wait for a commit together


class Group(NamedTuple):
    """What makes one batch of due records."""

    class_code: str
    schedule_version: int
    platform: str
    account: str
    period: str


class _Page(NamedTuple):
    """Due records, and which of them a review decided to keep for longer."""

    rows: Sequence[DueRow]
    kept: Collection[int]


@dataclass(slots=True)
class _Gathered:
    """The due records of one group: log indexes, ascending, and sizes in bytes."""

    indexes: "array[int]" = field(default_factory=lambda: array("Q"))
    sizes: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, row: DueRow) -> None:
        self.indexes.append(row.log_index)
        self.sizes.append(int(row.size))  # the sum of integers is a decimal on PostgreSQL

    def in_log_order(self) -> "_Gathered":
        order = sorted(range(len(self.indexes)), key=self.indexes.__getitem__)
        return _Gathered(
            array("Q", map(self.indexes.__getitem__, order)),
            array("Q", map(self.sizes.__getitem__, order)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DueGroup:
    """Records that are due and in no batch yet."""

    group: Group
    records: int
    bytes: int

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "class": self.group.class_code,
            "schedule_version": self.group.schedule_version,
            "platform": self.group.platform,
            "account": self.group.account,
            "period": self.group.period,
            "records": self.records,
            "bytes": self.bytes,
        }


class BatchForming:
    """The use cases of forming batches."""

    def __init__(
        self, *, database: Database, changes: BatchChanges, clock: Clock, ulids: Ulids
    ) -> None:
        self._database = database
        self._changes = changes
        self._clock = clock
        self._ulids = ulids
        self._forming = asyncio.Lock()

    async def due(self, *, actor: Actor) -> tuple[DueGroup, ...]:
        """Return what batches would be formed of now. Raises Denied."""
        require(actor, Permission.READ_FILE_PLAN)
        found = await self._gather(to_millis(self._clock()))
        await self._changes.note(Action.BATCH_VIEWED, actor=actor, due=len(found))
        return tuple(
            DueGroup(group=group, records=len(each.indexes), bytes=sum(each.sizes))
            for group, each in found.items()
        )

    async def form(
        self, *, class_code: str = "", account: str = "", actor: Actor
    ) -> tuple[BatchView, ...]:
        """Form batches of all that is due, or of one class or account; return them.

        A group of more than `MOST_RECORDS` records gives several. What stands in no batch
        afterwards stands in one already, or something keeps it.

        Raises:
            Denied: the actor may not propose a disposal.
        """
        async with self._changes.refusing(Action.BATCH_FORMED, "", actor=actor):
            require(actor, Permission.PROPOSE_DISPOSAL)
        async with self._forming:  # two at once would propose the same records
            now = self._clock()
            async with self._database.reading() as tx:
                log_size = (await ledger_rows.state(tx)).next_index
            found = await self._gather(to_millis(now))
            chosen = {
                group: each
                for group, each in found.items()
                if class_code in {"", group.class_code} and account in {"", group.account}
            }
            actions = await self._actions(chosen)
            formed = [
                self._formed(group, each, start, actions[group], log_size, now, actor)
                for group, each in chosen.items()
                for start in range(0, len(each.indexes), MOST_RECORDS)
            ]
            for start in range(0, len(formed), _AT_ONCE):
                some = formed[start : start + _AT_ONCE]
                await asyncio.gather(
                    *(self._changes.form(each, actor=actor, at=now) for each in some)
                )
        return await self._views([each.row.id for each in formed])

    async def _gather(self, at: int) -> dict[Group, _Gathered]:
        found: dict[Group, _Gathered] = {}
        after: DueRow | None = None
        while page := await self._page(at, after):
            for row in page.rows:
                if row.log_index not in page.kept:
                    found.setdefault(_group(row), _Gathered()).add(row)
            after = page.rows[-1]
        return {group: each.in_log_order() for group, each in sorted(found.items())}

    async def _page(self, at: int, after: DueRow | None) -> "_Page | None":
        async with self._database.reading() as tx:
            page = await due(tx, at=at, after=after, limit=_PAGE)
            if not page:
                return None
            indexes = [row.log_index for row in page]
            kept = await rows.decided_to_keep(tx, first=min(indexes), last=max(indexes), at=at)
            return _Page(page, kept)

    async def _actions(self, groups: Mapping[Group, object]) -> dict[Group, str]:
        named = {(group.class_code, group.schedule_version) for group in groups}
        async with self._database.reading() as tx:
            actions = {
                each: str((await file_plan_rows.get_schedule(tx, *each))["action"])
                for each in sorted(named)
            }
        return {group: actions[group.class_code, group.schedule_version] for group in groups}

    def _formed(  # noqa: PLR0917 - one batch of one forming
        self,
        group: Group,
        gathered: _Gathered,
        start: int,
        action: str,
        log_size: int,
        now: datetime,
        actor: Actor,
    ) -> BatchFormed:
        indexes = gathered.indexes[start : start + MOST_RECORDS].tolist()
        at = to_millis(now)
        row = BatchRow(
            id=self._ulids.one(now),
            **group._asdict(),
            action=action,
            state=BatchState.FORMED.value,
            log_size=log_size,
            records=len(indexes),
            bytes=sum(gathered.sizes[start : start + MOST_RECORDS]),
            formed_by=legible(actor.name),
            formed_by_id=requester_of(actor),
            formed_at=at,
            stated_at=at,
        )
        return BatchFormed(row=row, indexes=indexes)

    async def _views(self, ids: Sequence[str]) -> tuple[BatchView, ...]:
        async with self._database.reading() as tx:
            return tuple(await views_of(tx, [await rows.get(tx, each) for each in ids]))


def _group(row: DueRow) -> Group:
    return Group(
        class_code=row.class_code,
        schedule_version=row.schedule_version,
        platform=row.platform,
        account=row.account,
        period=row.period,
    )
