"""The use cases that make the file plan, put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.db.transaction import Database
from archiver.disposal.class_plan import ClassPlan
from archiver.disposal.draft_views import Definition
from archiver.disposal.drafts import Drafts
from archiver.disposal.plan_report import PlanReporting
from archiver.disposal.reclassifying import Reclassifying
from archiver.disposal.schedule_life import ScheduleLife, Simulate
from archiver.disposal.simulation import Simulation
from archiver.ids import Ulids
from archiver.preserve.plan_versions import Refresh
from retention.schedules import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMaking:
    """All that records managers do with the file plan, and those who approve it."""

    classes: ClassPlan
    drafts: Drafts
    life: ScheduleLife
    reclassifying: Reclassifying
    reporting: PlanReporting


def open_plan_making(
    *,
    database: Database,
    trail: Trail,
    clock: Clock,
    ulids: Ulids,
    zone: str,
    refresh: Refresh,
    two_person: bool,
) -> PlanMaking:
    """Return the use cases. `zone` is what schedules count in unless they say otherwise."""
    drafts = Drafts(database=database, trail=trail, clock=clock, ulids=ulids, zone=zone)
    return PlanMaking(
        classes=ClassPlan(database=database, trail=trail, clock=clock),
        drafts=drafts,
        life=ScheduleLife(
            drafts=drafts,
            database=database,
            trail=trail,
            clock=clock,
            simulate=_simulating(Simulation(database=database, clock=clock, trail=trail)),
            refresh=refresh,
            two_person=two_person,
        ),
        reclassifying=Reclassifying(database=database, trail=trail, clock=clock),
        reporting=PlanReporting(database=database, clock=clock),
    )


def _simulating(simulation: Simulation) -> Simulate:
    async def simulate(definition: Definition, *, as_of: datetime) -> Mapping[str, Any]:
        if isinstance(definition, Schedule):
            return (await simulation.of_schedule(definition, as_of=as_of)).summary()
        return (await simulation.of_rules(definition, as_of=as_of)).summary()

    return simulate
