# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""The file plan in the making, kept in memory, for tests of the face alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from archiver.access.rules import Permission, reach, require
from archiver.db.file_plan import ClassRow
from archiver.db.plan_drafts import DraftRow
from archiver.disposal.class_plan import ClassState
from archiver.disposal.draft_views import DraftView, body_text, view_of
from archiver.disposal.drafts import Source
from archiver.disposal.plan_report import PlanReport
from archiver.disposal.reclassifying import Reclassification
from archiver.disposal.schedule_life import Approval
from archiver.disposal.simulation_result import (
    Category,
    Count,
    Line,
    Place,
    Selection,
    SimulationResult,
)
from archiver.errors import NotFound
from archiver.jobs.draft_simulations import DraftSimulation, ListedRecords
from archiver.jobs.work_views import JobView
from archiver.model.actor import Actor
from retention.schedules import FileClass
from tests.unit.web.fakes_accounts import CLASS
from tests.unit.web.fakes_work import a_job

DRAFT = "01KAMDRAFT0000000000000000"
AT = 1_772_442_000_000
EDIT, APPROVE, READ = (
    Permission.EDIT_FILE_PLAN,
    Permission.APPROVE_FILE_PLAN,
    Permission.READ_FILE_PLAN,
)

_COUNT = Count(records=3, bytes=30)
SIMULATED = SimulationResult(
    subject="rules",
    class_code="",
    version=2,
    digest="d" * 64,
    as_of=datetime(2026, 3, 2, tzinfo=UTC),
    log_size=9,
    lines={
        Place("2030", "x", "<b>", "posts"): Line(
            before=_COUNT, after=_COUNT, found={Category.LONGER: _COUNT}
        )
    },
)


def known(draft_id: str) -> None:
    """Pass if there is such a draft."""
    if draft_id != DRAFT:
        raise NotFound(f"no draft has the id {draft_id!r}")


class FakeClassPlan:
    """One class, of any code."""

    def __init__(self) -> None:
        self.row = ClassRow(
            code="posts",
            body=FileClass(code="posts", title="Posts", authority="GRS 6.4").to_dict(),
            revision=3,
            closed_at=None,
        )

    def _state(self, actor: Actor, permission: Permission = EDIT) -> ClassState:
        (reach if permission is READ else require)(actor, permission)
        return ClassState(row=self.row, depth=0, schedule=None)

    async def tree(self, *, actor: Actor) -> Sequence[ClassState]:
        state = self._state(actor, READ)
        return (state, replace(state, row=replace(self.row, code=CLASS), depth=1))

    async def show(self, code: str, *, actor: Actor) -> ClassState:
        return self._state(actor, READ)

    async def add(
        self,
        code: str,
        *,
        title: str = "",
        authority: str = "",
        jurisdiction: str = "",
        note: str = "",
        mandate: str = "",
        parent: str = "",
        template: str = "",
        actor: Actor,
    ) -> ClassState:
        return self._state(actor)

    async def change(
        self,
        code: str,
        *,
        title: str | None = None,
        note: str | None = None,
        parent: str | None = None,
        reason: str,
        revision: int | None = None,
        actor: Actor,
    ) -> ClassState:
        self.row = replace(self.row, revision=self.row.revision + 1)
        return self._state(actor)

    async def close(
        self, code: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> ClassState:
        self.row = replace(self.row, revision=self.row.revision + 1, closed_at=AT)
        return self._state(actor)

    async def reopen(
        self, code: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> ClassState:
        self.row = replace(self.row, revision=self.row.revision + 1, closed_at=None)
        return self._state(actor)


class FakeDrafts:
    """One draft."""

    def __init__(self) -> None:
        self.sources: list[Source | None] = []
        self.row = DraftRow(
            id=DRAFT,
            subject="rules",
            class_code="",
            based_on=1,
            body='{"default_class":"posts","rules":[]}',
            reason="order",
            state="draft",
            in_force_from=None,
            simulation="",
            revision=2,
            made_by="rita",
            made_at=AT,
            authors='["rita"]',
            decided_by="",
            stated_at=AT,
        )

    def view(self, actor: Actor, permission: Permission, **changes: Any) -> DraftView:
        (reach if permission is READ else require)(actor, permission)
        if changes:
            self.row = replace(self.row, revision=self.row.revision + 1, **changes)
        return view_of(self.row, None, actor.name)

    async def make(
        self, class_code: str, *, source: Source | None = None, reason: str, actor: Actor
    ) -> DraftView:
        self.sources.append(source)
        return self.view(actor, EDIT)

    async def edit(
        self,
        draft_id: str,
        *,
        body: object = None,
        reason: str | None = None,
        revision: int | None = None,
        actor: Actor,
    ) -> DraftView:
        known(draft_id)
        return self.view(actor, EDIT, body=self.row.body if body is None else body_text(body))

    async def withdraw(
        self, draft_id: str, *, reason: str = "", revision: int | None = None, actor: Actor
    ) -> DraftView:
        known(draft_id)
        return self.view(actor, EDIT, state="withdrawn")

    async def show(self, draft_id: str, *, actor: Actor) -> DraftView:
        view = self.view(actor, READ)
        known(draft_id)
        return view

    async def list(
        self, *, class_code: str = "", open_only: bool = False, actor: Actor
    ) -> Sequence[DraftView]:
        return (self.view(actor, READ),)


class FakeScheduleLife:
    """What becomes of the one draft."""

    two_person = True

    def __init__(self, drafts: FakeDrafts) -> None:
        self._drafts = drafts
        self.asked: list[datetime | None] = []

    @property
    def _decides(self) -> Permission:
        return APPROVE if self.two_person else EDIT

    async def submit(
        self,
        draft_id: str,
        *,
        in_force_from: datetime | None = None,
        seen: str = "",
        revision: int | None = None,
        actor: Actor,
    ) -> DraftView:
        self.asked.append(in_force_from)
        return self._drafts.view(actor, EDIT, state="submitted")

    async def preview(self, draft_id: str, *, actor: Actor) -> Approval:
        view = self._drafts.view(actor, self._decides)
        return Approval(
            view=view,
            in_force_from=datetime(2026, 3, 2, tzinfo=UTC),
            simulation=SIMULATED.summary(),
        )

    async def approve(
        self, draft_id: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> DraftView:
        return self._drafts.view(actor, self._decides, state="approved", decided_by=actor.name)

    async def refuse(
        self, draft_id: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> DraftView:
        return self._drafts.view(actor, self._decides, state="refused", decided_by=actor.name)


class FakeDraftSimulations:
    """Nothing was simulated yet, and nothing ever is."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.selected: list[Selection] = []

    async def start(self, draft_id: str, *, actor: Actor) -> JobView:
        require(actor, READ)
        known(draft_id)
        self.started.append(draft_id)
        return a_job("01KAMSIMULATE0000000000000", kind="simulation")

    async def look(self, view: DraftView, *, actor: Actor) -> DraftSimulation:
        return DraftSimulation(result=None, job=None)

    async def records(
        self,
        draft_id: str,
        selection: Selection,
        *,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> ListedRecords:
        require(actor, READ)
        known(draft_id)
        self.selected.append(selection)
        return ListedRecords(records=(), gone=0, next_after=None)


class FakeReclassifying:
    """Moves as many records as it is given."""

    async def reclassify(
        self,
        class_code: str,
        *,
        record_ids: Sequence[str] = (),
        set_id: str = "",
        reason: str,
        actor: Actor,
    ) -> Reclassification:
        return await self.preview(class_code, record_ids=record_ids, set_id=set_id, actor=actor)

    async def preview(
        self, class_code: str, *, record_ids: Sequence[str] = (), set_id: str = "", actor: Actor
    ) -> Reclassification:
        require(actor, EDIT)
        return Reclassification(
            class_code=class_code,
            schedule_version=1,
            moved=tuple(record_ids),
            unchanged=0,
            longer=0,
            shorter=0,
            held=0,
            from_classes=(("default", len(record_ids)),),
        )


class FakePlanReporting:
    """Nothing is amiss."""

    async def report(self, *, actor: Actor) -> PlanReport:
        require(actor, READ)
        return PlanReport(findings=(), rules_version=1)

    async def records(
        self,
        class_code: str,
        *,
        schedule_version: int = 0,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> Sequence[Mapping[str, Any]]:
        require(actor, Permission.SEARCH)
        return ({"id": "01KAM0RECRD000000000000001", "log_index": 7},)


class FakePlanMaking:
    """All of it."""

    def __init__(self) -> None:
        self.classes = FakeClassPlan()
        self.drafts = FakeDrafts()
        self.life = FakeScheduleLife(self.drafts)
        self.reclassifying = FakeReclassifying()
        self.reporting = FakePlanReporting()
