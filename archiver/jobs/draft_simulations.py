"""Simulations of drafts: a job each, kept by the digest of what was simulated.

Whoever looks at a draft sees the newest simulation of just what it says, whoever asked for it; a
draft that was changed since has none until it is simulated again.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from archiver.access.rules import Permission, allowed, require
from archiver.disposal.draft_views import DraftView, definition_of
from archiver.disposal.kept_simulations import KeptSimulations, members_of
from archiver.disposal.simulation import MOST_LISTED, SimulatedRecord, Simulation
from archiver.disposal.simulation_result import Selection, SimulationResult
from archiver.errors import InvalidInput, NotFound
from archiver.jobs.work import Kind, Result, Work
from archiver.jobs.work_run import Run
from archiver.jobs.work_views import JobView
from archiver.model.actor import Actor

SIMULATION = "simulation"


class Drafts(Protocol):
    """Where drafts are read: `archiver.disposal.drafts.Drafts`."""

    async def show(self, draft_id: str, *, actor: Actor) -> DraftView:
        """Return a draft. Raises Denied, NotFound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSimulation:
    """What is known of simulating a draft as it stands: the kept result, and the actor's job.

    `job` is their newest for the draft while it is under way, or failed after all.
    """

    result: SimulationResult | None
    job: JobView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecords:
    """A page of the records behind a number. `next_after` is where the next begins, or None.

    `gone` counts those that were simulated and are destroyed by now.
    """

    records: tuple[SimulatedRecord, ...]
    gone: int
    next_after: int | None


class DraftSimulations:
    """The use cases of simulating drafts."""

    def __init__(
        self, *, simulation: Simulation, drafts: Drafts, work: Work, kept: KeptSimulations
    ) -> None:
        self._simulation = simulation
        self._drafts = drafts
        self._work = work
        self._kept = kept

    @property
    def kind(self) -> Kind:
        """The job that simulates a draft."""
        return Kind(
            name=SIMULATION, title="Simulation", permission=Permission.READ_FILE_PLAN, run=self._run
        )

    async def start(self, draft_id: str, *, actor: Actor) -> JobView:
        """Queue the simulation of a draft; return the actor's own that waits already, if one does.

        Raises:
            Denied: the actor may not read the file plan of the whole archive.
            NotFound: no such draft.
            InvalidInput: it is no version yet.
            Conflict: as `Work.start`.
        """
        require(actor, Permission.READ_FILE_PLAN)
        view = await self._drafts.show(draft_id, actor=actor)
        definition_of(view.row)
        known = await self._job(view, actor)
        if known is not None and known.state.value == "queued":
            return known  # it will simulate what the draft says when its turn comes
        return await self._work.start(
            SIMULATION,
            subject=f"{view.title}, draft of version {view.version}",
            object_type="draft",
            object_id=draft_id,
            arguments={"draft": draft_id},
            actor=actor,
        )

    async def look(self, view: DraftView, *, actor: Actor) -> DraftSimulation:
        """Return what is known of simulating a draft; nothing to who may not simulate."""
        if not allowed(actor, Permission.READ_FILE_PLAN):
            return DraftSimulation(result=None, job=None)
        job = await self._job(view, actor)
        result = await asyncio.to_thread(self._kept.find, view.digest)
        return DraftSimulation(result=result, job=job)

    async def records(
        self,
        draft_id: str,
        selection: Selection,
        *,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> ListedRecords:
        """Return up to `limit` records behind a number of a draft's kept simulation, in log order.

        Raises:
            Denied: the actor may not read the file plan of the whole archive.
            NotFound: no such draft, or its simulation is not kept.
            InvalidInput: a limit not from 1 to 200.
        """
        require(actor, Permission.READ_FILE_PLAN)
        if not 1 <= limit <= MOST_LISTED:
            raise InvalidInput(
                f"expected a limit from 1 to {MOST_LISTED}, found {limit}", pointer="limit"
            )
        view = await self._drafts.show(draft_id, actor=actor)
        result = await asyncio.to_thread(self._kept.find, view.digest)
        if result is None:
            raise NotFound(
                f"no simulation of draft {draft_id} as it stands is kept: they are kept for seven "
                "days; simulate it again"
            )
        members = members_of(result, selection, after=after, limit=limit)
        found = await self._simulation.at(definition_of(view.row), members, actor=actor)
        return ListedRecords(
            records=found,
            gone=len(members) - len(found),
            next_after=members[-1].log_index if len(members) == limit else None,
        )

    async def _job(self, view: DraftView, actor: Actor) -> JobView | None:
        page = await self._work.list(
            kind=SIMULATION, object_id=view.row.id, mine=True, limit=1, actor=actor
        )
        newest = next(iter(page.items), None)
        if newest is None or not (newest.is_under_way or newest.error):
            return None
        return newest

    async def _run(self, job: Run) -> Result:
        view = await self._drafts.show(str(job.arguments["draft"]), actor=job.actor)
        subject = definition_of(view.row)
        result = await self._simulation.run(
            subject,
            actor=job.actor,
            progress=lambda done, total: job.progress("Simulating", done, total),
        )
        await asyncio.to_thread(self._kept.keep, result)
        total = result.total
        job.say(f"{total.after.records:,} records simulated")
        return {
            "draft": view.row.id,
            "digest": result.digest,
            "records": total.after.records,
            "log_size": result.log_size,
        }
