"""What the web asks of retention events and simulations, as protocols."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from archiver.disposal.event_history import EventPage
from archiver.disposal.event_import import Imported, Report
from archiver.disposal.event_previews import EventPreview
from archiver.disposal.simulation import SimulatedRecord, Subject
from archiver.disposal.simulation_result import Selection, SimulationResult
from archiver.disposal.stated_events import EventList, EventView, NewEvent
from archiver.jobs.event_files import EventFile
from archiver.jobs.uploads import Receiving, Upload
from archiver.model.actor import Actor


class RetentionEvents(Protocol):
    """Keeps what retention counts from."""

    async def state(self, event: NewEvent, *, actor: Actor) -> EventView:
        """State that something happened."""

    async def state_all(self, events: Sequence[NewEvent], *, actor: Actor) -> Sequence[EventView]:
        """State events of one name, all or none."""

    async def awaited_names(self) -> frozenset[str]:
        """Return the names of events that schedules in force count from."""

    async def correct(
        self,
        event_id: str,
        *,
        happened_at: datetime,
        day: date | None = None,
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


class EventPreviews(Protocol):
    """Tells what an act on an event would do."""

    async def state(self, events: Sequence[NewEvent], *, actor: Actor) -> EventPreview:
        """Return what stating these would do."""

    async def correct(
        self, event_id: str, *, happened_at: datetime, day: date | None = None, actor: Actor
    ) -> EventPreview:
        """Return what another date would do."""

    async def withdraw(self, event_id: str, *, actor: Actor) -> EventPreview:
        """Return what taking a statement back would do."""


class EventHistory(Protocol):
    """Shows one statement."""

    async def show(self, event_id: str, *, actor: Actor) -> EventPage:
        """Return it with what was said before and after."""


class EventFiles(Protocol):
    """Imports events from sent files."""

    async def receive(self, name: str, *, size: int, actor: Actor) -> Receiving:
        """Begin to take a file."""

    async def finish(self, receiving: Receiving, *, actor: Actor) -> Upload:
        """Return it, now that all of it is here."""

    async def look(self, upload_id: str, *, actor: Actor) -> EventFile:
        """Return what importing it would come to."""

    async def run(self, upload_id: str, *, actor: Actor) -> Imported:
        """State its events."""


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
    def previews(self) -> EventPreviews: ...  # noqa: D102
    @property
    def history(self) -> EventHistory: ...  # noqa: D102
    @property
    def zone(self) -> ZoneInfo: ...  # noqa: D102
    @property
    def simulation(self) -> Simulation: ...  # noqa: D102
