"""Fakes of what the web asks of retention events and simulations."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from archiver.access.rules import Permission, require
from archiver.db.retention_events import RetentionEventRow
from archiver.disposal.draft_views import digest_of
from archiver.disposal.event_import import BadLine, Imported, Report
from archiver.disposal.simulation import SimulatedRecord, Subject
from archiver.disposal.simulation_result import (
    Category,
    Count,
    Line,
    Place,
    Selection,
    SimulationResult,
)
from archiver.disposal.stated_events import EventList, EventView, NewEvent
from archiver.model.actor import Actor
from retention.schedules import Schedule
from tests.unit.web.fakes_events import FakeEventHistory, FakeEventPreviews

ROW = RetentionEventRow(
    id="01KAM0RETENT000000000000E1",
    name="account_closed",
    platform="mastodon",
    account="@acme",
    record_id="",
    happened_at=1_700_000_000_000,
    note="",
    source="api",
    corrects="",
    in_force=True,
    stated_by="rita",
    stated_at=1_760_000_000_000,
)
_EDIT, _READ = Permission.EDIT_FILE_PLAN, Permission.READ_FILE_PLAN


class FakeRetentionEvents:
    """One statement; notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def state(self, event: NewEvent, *, actor: Actor) -> EventView:
        require(actor, _EDIT)
        self.asked.append(event)
        return EventView(row=ROW, warnings=("it is only a test",))

    async def state_all(self, events: Sequence[NewEvent], *, actor: Actor) -> list[EventView]:
        return [await self.state(event, actor=actor) for event in events]

    async def awaited_names(self) -> frozenset[str]:
        return frozenset({"account_closed"})

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
        require(actor, _EDIT)
        self.asked.append((event_id, day or happened_at, note, reason))
        return EventView(row=ROW)

    async def withdraw(self, event_id: str, *, reason: str, actor: Actor) -> EventView:
        require(actor, _EDIT)
        self.asked.append((event_id, reason))
        return EventView(row=ROW)

    async def show(self, event_id: str, *, actor: Actor) -> EventView:
        require(actor, _READ)
        self.asked.append(event_id)
        return EventView(row=ROW)

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
        require(actor, _READ)
        self.asked.append((platform, account, record_id, name, in_force_only, limit, cursor))
        return EventList(items=(EventView(row=ROW),), next_cursor="")


class FakeEventImport:
    """Refuses the second line of every file."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    async def run(self, lines: Iterable[bytes], *, actor: Actor, report: Report) -> Imported:
        require(actor, _EDIT)
        self.lines = list(lines)
        report(BadLine(2, "expected a day"))
        return Imported(stated=len(self.lines) - 2, known=0, refused=1, unawaited=())


class FakeSimulation:
    """One record is kept longer by whatever is simulated."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def run(self, subject: Subject, *, actor: Actor) -> SimulationResult:
        require(actor, _READ)
        count = Count(records=1, bytes=10)
        line = Line(before=count, after=count, found={Category.LONGER: count})
        is_schedule = isinstance(subject, Schedule)
        return SimulationResult(
            subject="schedule" if is_schedule else "rules",
            class_code=subject.class_code if isinstance(subject, Schedule) else "",
            version=subject.version,
            digest=digest_of(subject),
            as_of=datetime(2026, 3, 2, tzinfo=UTC),
            log_size=1,
            lines={Place("2030", "mastodon", "@acme", "default"): line},
        )

    async def records(
        self,
        subject: Subject,
        selection: Selection,
        *,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> tuple[SimulatedRecord, ...]:
        require(actor, _READ)
        self.asked.append((subject, selection, after, limit))
        return ()


class FakeKeeping:
    """All of it."""

    def __init__(self) -> None:
        self.events = FakeRetentionEvents()
        self.event_import = FakeEventImport()
        self.previews = FakeEventPreviews(ROW)
        self.history = FakeEventHistory(ROW)
        self.zone = ZoneInfo("Europe/Berlin")
        self.simulation = FakeSimulation()
