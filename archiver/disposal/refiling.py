"""Refiling: when a schedule version comes into force or an event is stated, ends are worked out.

A loop of every process; `archiver.db.refiling` says how it is that several may do it at once. What
a cause did to how many records is an event of the trail, once all of it is done.
"""

import json
from functools import partial

from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.db import ledger as ledger_rows
from archiver.db import refiling as rows
from archiver.db import retained
from archiver.db.refiling import InForce, RefilingRow, Scope
from archiver.db.transaction import Connection, Database
from archiver.ids import Ulids
from archiver.model.actor import SYSTEM
from archiver.preserve.retention_event_effects import REFILING
from retention.ends import Ends
from retention.schedules import Schedule

PAGE = 1_000
"""Records worked out in one transaction: who captures or searches beside waits for no more."""


class Refiling:
    """The refilings of one archive."""

    def __init__(
        self, *, database: Database, clock: Clock, trail: Trail, ulids: Ulids, page: int = PAGE
    ) -> None:
        self._database = database
        self._clock = clock
        self._trail = trail
        self._ulids = ulids
        self._page = page
        self._ends: dict[tuple[str, int], Ends] = {}
        self._told: list[RefilingRow] = []

    async def catch_up(self) -> str:
        """Work out all that is waiting. Nothing of it is worth an operator's notice."""
        await self.finish()
        return ""

    async def finish(self) -> tuple[RefilingRow, ...]:
        """Work out all that is waiting, and return the refilings that were done meanwhile."""
        self._told = []
        while await self.once():
            pass
        return tuple(self._told)

    async def once(self) -> bool:
        """Work out one page of what is waiting; True if more may be.

        Raises:
            DatabaseUnavailable: nothing was changed.
        """
        now = to_millis(self._clock())
        in_force = await self._database.run(partial(self._in_force, now), writes=False)
        if await self._database.run(rows.is_new, writes=False):
            await self._database.run(partial(rows.begin, in_force=in_force, now=now), writes=True)
        await self._note_new_versions(in_force, now)
        waiting = await self._database.run(rows.pending, writes=False)
        if waiting:
            await self._advance(waiting[0], in_force, now)
            return True
        return await self._follow(in_force, now)

    async def _note_new_versions(self, in_force: InForce, now: int) -> None:
        refiled = await self._database.run(rows.refiled_versions, writes=False)
        new = {
            code: version
            for code, (version, _) in in_force.items()
            if version > refiled.get(code, 1)
        }
        if not new:
            return
        waiting = await self._database.run(rows.pending, writes=False)
        scopes = {row.scope for row in waiting}
        for code, version in sorted(new.items()):
            scope = Scope(class_code=code, version=version)
            if scope.to_json() not in scopes:
                cause = f"version {version} of schedule {code}"
                ask = partial(
                    rows.ask,
                    refiling_id=self._ulids.one(self._clock()),
                    cause=cause,
                    scope=scope,
                    at=now,
                )
                await self._database.run(ask, writes=True)

    async def _advance(self, row: RefilingRow, in_force: InForce, now: int) -> None:
        if row.done:
            await self._tell(row)
            return
        advance = partial(rows.advance, row=row, in_force=in_force, now=now, limit=self._page)
        await self._database.run(advance, writes=True)

    async def _tell(self, row: RefilingRow) -> None:
        scope = Scope.parse(row.scope)
        await self._trail.record(
            Action.RECORDS_REFILED,
            actor=SYSTEM,
            object_type=REFILING,
            object_id=row.id,
            details={
                "cause": row.cause,
                "records": row.records,
                "longer": row.longer,
                "shorter": row.shorter,
                "due": row.due,
                "class_code": scope.class_code,
                "version": scope.version,
            },
        )
        self._told.append(row)

    async def _follow(self, in_force: InForce, now: int) -> bool:
        async with self._database.reading() as tx:
            end = (await ledger_rows.state(tx)).next_index
            start = await tx.run_sync(rows.watermark)
        stop = min(end, start + self._page)
        if stop <= start:
            return False
        follow = partial(rows.follow, start=start, end=stop, in_force=in_force, now=now)
        await self._database.run(follow, writes=True)
        return stop < end

    def _in_force(self, now: int, connection: Connection) -> InForce:
        found = retained.schedules_in_force(connection, now)
        for code, (version, body) in found.items():
            if (code, version) not in self._ends:
                self._ends[code, version] = Ends(Schedule.from_dict(json.loads(body)))
        return {code: (version, self._ends[code, version]) for code, (version, _) in found.items()}
