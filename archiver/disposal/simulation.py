"""Simulating a change of the file plan over the whole archive, before anybody decides on it.

What is simulated is compared with the schedules in force, on the facts of this moment: nothing is
taken from what filing once wrote on a record. The ends are those of the retention engine
(`retention.ends`), holds and locks those in force now.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, rfc3339, to_millis
from archiver.db import accounts as account_rows
from archiver.db import ledger as ledger_rows
from archiver.db import retained
from archiver.db.transaction import Database
from archiver.disposal.draft_views import digest_of
from archiver.disposal.simulation_result import (
    AWAITING,
    Selection,
    SimulationResult,
    Tally,
    categories_of,
    lines_of,
    year_of,
)
from archiver.disposal.simulation_walk import Change, Judged, Member, Progress, Walk
from archiver.errors import InvalidInput
from archiver.model.actor import Actor
from retention.ends import Ends
from retention.rules import RuleSet
from retention.schedules import Schedule

MOST_LISTED = 200
Subject = Schedule | RuleSet


def unwatched(_done: int, _total: int) -> None:
    """Watch no progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRecord:
    """A record behind a number. `before` and `after` are its ends; None: it has none."""

    id: str
    log_index: int
    platform: str
    account: str
    posted_at: datetime | None
    captured_at: datetime
    class_before: str
    class_after: str
    before: datetime | None
    after: datetime | None
    size: int

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        moments = ("posted_at", "captured_at", "before", "after")
        told: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        for name in moments:
            told[name] = rfc3339(told[name]) if told[name] else None
        return told


class Simulation:
    """Simulations of one archive."""

    def __init__(self, *, database: Database, clock: Clock, trail: Trail) -> None:
        self._database = database
        self._clock = clock
        self._trail = trail

    async def run(
        self, subject: Subject, *, actor: Actor, progress: Progress = unwatched
    ) -> SimulationResult:
        """Return what a schedule or a rule set would mean now, and note that it was asked.

        Raises:
            Denied: the actor may not read the file plan of the whole archive.
            InvalidInput: rules name a class that has no schedule in force.
        """
        require(actor, Permission.READ_FILE_PLAN)
        result = await self._simulate(subject, self._clock(), progress)
        total = result.total
        await self._trail.record(
            Action.PLAN_SIMULATED,
            actor=actor,
            object_type=result.subject,
            object_id=result.class_code or "class rules",
            details={
                "version": result.version,
                "digest": result.digest,
                "records": total.after.records,
                **{
                    each.value.replace("-", "_"): count.records
                    for each, count in total.found.items()
                },
            },
        )
        return result

    async def of_schedule(
        self,
        schedule: Schedule,
        *,
        as_of: datetime | None = None,
        progress: Progress = unwatched,
    ) -> SimulationResult:
        """Return what a schedule would mean for its class as of a moment, now unless told."""
        return await self._simulate(schedule, as_of or self._clock(), progress)

    async def of_rules(
        self,
        rules: RuleSet,
        *,
        as_of: datetime | None = None,
        progress: Progress = unwatched,
    ) -> SimulationResult:
        """Return what it would mean had these class rules filed every post.

        Raises:
            InvalidInput: they name a class that has no schedule in force.
        """
        return await self._simulate(rules, as_of or self._clock(), progress)

    async def records(
        self,
        subject: Subject,
        selection: Selection,
        *,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> tuple[SimulatedRecord, ...]:
        """Return up to `limit` records behind a number, in log order above the index `after`.

        They are found anew, as of now: a number that was counted a while ago may have moved on.

        Raises:
            Denied: the actor may not read the file plan of the whole archive.
            InvalidInput: a limit not from 1 to 200; or as `of_rules`.
        """
        require(actor, Permission.READ_FILE_PLAN)
        if not 1 <= limit <= MOST_LISTED:
            raise InvalidInput(
                f"expected a limit from 1 to {MOST_LISTED}, found {limit}", pointer="limit"
            )
        found: list[SimulatedRecord] = []

        def visit(judged: Judged) -> bool:
            if _is_selected(judged, selection):
                found.append(_shown(judged))
            return len(found) < limit

        walk = replace(
            await self._walk(subject, self._clock()),
            platform=selection.platform,
            account=selection.account,
        )
        await walk.run(visit, unwatched, after=after)
        return tuple(found)

    async def at(
        self, subject: Subject, members: Sequence[Member], *, actor: Actor
    ) -> tuple[SimulatedRecord, ...]:
        """Return records that were simulated, with their ends as of now; destroyed ones are absent.

        Raises:
            Denied: the actor may not read the file plan of the whole archive.
            InvalidInput: as `of_rules`.
        """
        require(actor, Permission.READ_FILE_PLAN)
        walk = await self._walk(subject, self._clock())
        found = await self._database.run(partial(walk.look, members), writes=False)
        return tuple(map(_shown, found))

    async def _simulate(
        self, subject: Subject, as_of: datetime, progress: Progress
    ) -> SimulationResult:
        tally = Tally()
        years: dict[int, str] = {}  # there are few ends: each is a midnight

        def visit(judged: Judged) -> bool:
            row, class_after, before, after, flags, size = judged
            if before not in years:
                years[before] = year_of(before)
            if after not in years:
                years[after] = year_of(after)
            group = (
                row.platform,
                row.account,
                row.class_code,
                years[before],
                class_after,
                years[after],
                flags,
            )
            tally.add(group, row.log_index, size)
            return True

        walk = await self._walk(subject, as_of)
        await walk.run(visit, progress)
        is_schedule, groups = isinstance(subject, Schedule), tally.groups()
        return SimulationResult(
            subject="schedule" if is_schedule else "rules",
            class_code=subject.class_code if isinstance(subject, Schedule) else "",
            version=subject.version,
            digest=digest_of(subject),
            as_of=as_of,
            log_size=walk.log_size,
            lines=lines_of(groups),
            groups=groups,
        )

    async def _walk(self, subject: Subject, as_of: datetime) -> Walk:
        now = to_millis(as_of)
        async with self._database.reading() as tx:
            log_size = (await ledger_rows.state(tx)).next_index
            in_force = await tx.run_sync(partial(retained.schedules_in_force, at=now))
            locks = await tx.run_sync(retained.lock_ends)
            units = await account_rows.units_by_place(tx)
        change = _change(subject, _ends(in_force), units)
        return Walk(database=self._database, change=change, locks=locks, log_size=log_size, now=now)


def _ends(in_force: Mapping[str, tuple[int, str]]) -> dict[str, Ends]:
    return {
        code: Ends(Schedule.from_dict(json.loads(body))) for code, (_, body) in in_force.items()
    }


def _change(
    subject: Subject, before: Mapping[str, Ends], units: Mapping[tuple[str, str], str]
) -> Change:
    if isinstance(subject, Schedule):
        code = subject.class_code
        proposed = Ends(subject)
        return Change(
            # A class without a schedule in force has no records; nothing is looked up for it.
            before={code: before.get(code, proposed)},
            after={code: proposed},
            rules=None,
            units=units,
            class_code=code,
        )
    missing = sorted(subject.class_codes - before.keys())
    if missing:
        raise InvalidInput(
            f"the rules name {', '.join(missing)}, of which no schedule is in force; publish one "
            "for each class first",
            pointer="/rules",
        )
    return Change(before=before, after=before, rules=subject, units=units)


def _is_selected(judged: Judged, selection: Selection) -> bool:
    return (
        selection.category in categories_of(judged.flags)
        and selection.year in ("", year_of(judged.after))
        and selection.class_code in ("", judged.class_after)
    )


def _shown(judged: Judged) -> SimulatedRecord:
    row = judged.row
    return SimulatedRecord(
        id=row.id,
        log_index=row.log_index,
        platform=row.platform,
        account=row.account,
        posted_at=None if row.posted_at is None else from_millis(row.posted_at),
        captured_at=from_millis(row.captured_at),
        class_before=row.class_code,
        class_after=judged.class_after,
        before=from_millis(judged.before) if judged.before < AWAITING else None,
        after=from_millis(judged.after) if judged.after < AWAITING else None,
        size=judged.size,
    )
