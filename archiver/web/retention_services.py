"""What the web asks of retention events and simulations, as protocols."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from archiver.disposal.event_import import Imported, Report
from archiver.disposal.simulation import Selection, SimulatedRecord, Subject
from archiver.disposal.simulation_result import SimulationResult
from archiver.disposal.stated_events import EventList, EventView, NewEvent
from archiver.model.actor import Actor


class RetentionEvents(Protocol):
    """Keeps what retention counts from."""

    async def state(self, event: NewEvent, *, actor: Actor) -> EventView:
        """State that something happened."""

    async def correct(
        self,
        event_id: str,
        *,
        happened_at: datetime,
        note: str | None = None,
        reason: str,
        actor: Actor,
    ) -> EventView:
        """State another date."""

    async def withdraw(self, event_id: str, *, reason: str, actor: Actor) -> EventView:
        """Take a statement back."""

    async def show(self, event_id: str, *, actor: Actor) -> EventView:
        """Return one statement."""

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
        """Return one page of statements."""


class EventImport(Protocol):
    """States the events of CSV files."""

    async def run(self, lines: Iterable[bytes], *, actor: Actor, report: Report) -> Imported:
        """State the event of each line."""


class Simulation(Protocol):
    """Simulates changes of the file plan."""

    async def run(self, subject: Subject, *, actor: Actor) -> SimulationResult:
        """Return what a change would mean."""

    async def records(
        self,
        subject: Subject,
        selection: Selection,
        *,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> tuple[SimulatedRecord, ...]:
        """Return records behind a number."""


class Keeping(Protocol):
    """The use cases about how long records are kept."""

    @property
    def events(self) -> RetentionEvents: ...  # noqa: D102
    @property
    def event_import(self) -> EventImport: ...  # noqa: D102
    @property
    def simulation(self) -> Simulation: ...  # noqa: D102
