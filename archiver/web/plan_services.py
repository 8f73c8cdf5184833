"""What the web asks of making the file plan, as protocols."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from archiver.disposal.class_plan import ClassState
from archiver.disposal.draft_views import DraftView
from archiver.disposal.drafts import Source
from archiver.disposal.plan_report import PlanReport
from archiver.disposal.reclassifying import Reclassification
from archiver.disposal.schedule_life import Approval
from archiver.disposal.simulation_result import Selection
from archiver.jobs.draft_simulations import DraftSimulation, ListedRecords
from archiver.jobs.work_views import JobView
from archiver.model.actor import Actor


class ClassPlan(Protocol):
    """Changes the classes of the file plan."""

    async def tree(self, *, actor: Actor) -> Sequence[ClassState]:
        """Return every class below the one above it."""

    async def show(self, code: str, *, actor: Actor) -> ClassState:
        """Return one class."""

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
        """Add a class."""

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
        """Change a class."""

    async def close(
        self, code: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> ClassState:
        """Close a class for new records."""

    async def reopen(
        self, code: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> ClassState:
        """Open a class again."""


class Drafts(Protocol):
    """Makes and edits drafts."""

    async def make(
        self, class_code: str, *, source: Source | None = None, reason: str, actor: Actor
    ) -> DraftView:
        """Begin a draft."""

    async def edit(
        self,
        draft_id: str,
        *,
        body: object = None,
        reason: str | None = None,
        revision: int | None = None,
        actor: Actor,
    ) -> DraftView:
        """Put another body or reason into a draft."""

    async def withdraw(
        self, draft_id: str, *, reason: str = "", revision: int | None = None, actor: Actor
    ) -> DraftView:
        """Give a draft up."""

    async def show(self, draft_id: str, *, actor: Actor) -> DraftView:
        """Return a draft."""

    async def list(
        self, *, class_code: str = "", open_only: bool = False, actor: Actor
    ) -> Sequence[DraftView]:
        """Return drafts, newest first."""


class ScheduleLife(Protocol):
    """Brings drafts into force."""

    @property
    def two_person(self) -> bool:
        """Whether somebody else than the authors decides on a draft."""

    async def submit(
        self,
        draft_id: str,
        *,
        in_force_from: datetime | None = None,
        seen: str = "",
        revision: int | None = None,
        actor: Actor,
    ) -> DraftView:
        """Send a draft for approval."""

    async def preview(self, draft_id: str, *, actor: Actor) -> Approval:
        """Say what approving would do."""

    async def approve(
        self, draft_id: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> DraftView:
        """Bring a draft into force."""

    async def refuse(
        self, draft_id: str, *, reason: str, revision: int | None = None, actor: Actor
    ) -> DraftView:
        """Refuse a draft."""


class DraftSimulations(Protocol):
    """Simulates drafts, as jobs."""

    async def start(self, draft_id: str, *, actor: Actor) -> JobView:
        """Queue the simulation of a draft."""

    async def look(self, view: DraftView, *, actor: Actor) -> DraftSimulation:
        """Return what is known of simulating a draft as it stands."""

    async def records(
        self,
        draft_id: str,
        selection: Selection,
        *,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> ListedRecords:
        """Return a page of the records behind a number."""


class Reclassifying(Protocol):
    """Puts records into another class."""

    async def reclassify(
        self,
        class_code: str,
        *,
        record_ids: Sequence[str] = (),
        set_id: str = "",
        reason: str,
        actor: Actor,
    ) -> Reclassification:
        """Move them."""

    async def preview(
        self, class_code: str, *, record_ids: Sequence[str] = (), set_id: str = "", actor: Actor
    ) -> Reclassification:
        """Say what moving them would do."""


class PlanReporting(Protocol):
    """Says what is amiss in the file plan."""

    async def report(self, *, actor: Actor) -> PlanReport:
        """Return every finding."""

    async def records(
        self,
        class_code: str,
        *,
        schedule_version: int = 0,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> Sequence[Mapping[str, Any]]:
        """Return posts of a class."""


class PlanMaking(Protocol):
    """All of it."""

    @property
    def classes(self) -> ClassPlan: ...  # noqa: D102 - the type says it
    @property
    def drafts(self) -> Drafts: ...  # noqa: D102
    @property
    def life(self) -> ScheduleLife: ...  # noqa: D102
    @property
    def reclassifying(self) -> Reclassifying: ...  # noqa: D102
    @property
    def reporting(self) -> PlanReporting: ...  # noqa: D102
