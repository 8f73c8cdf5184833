# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Fakes of what the pages of events, files of events and approvals ask for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from archiver.access.rules import Permission, require
from archiver.access.waiting import Subject, Wait
from archiver.db.retention_events import RetentionEventRow
from archiver.disposal.event_history import EventPage, Said
from archiver.disposal.event_import import BadLine, Imported, LookedAt
from archiver.disposal.event_previews import EventEffect, EventPreview
from archiver.disposal.stated_events import EventView, NewEvent, as_new
from archiver.errors import NotFound
from archiver.jobs.event_files import EventFile
from archiver.jobs.uploads import Receiving, Upload
from archiver.model.actor import Actor

WHEN = datetime(2026, 3, 31, tzinfo=UTC)


class FakeEventPreviews:
    """Every act moves the ends of twelve records."""

    def __init__(self, row: RetentionEventRow) -> None:
        self._row = row
        self.effect = EventEffect(records=12, begin=12, due=2, first=WHEN, last=WHEN)

    async def state(self, events: Sequence[NewEvent], *, actor: Actor) -> EventPreview:
        require(actor, Permission.EDIT_FILE_PLAN)
        return self._preview(tuple(events))

    async def correct(
        self, event_id: str, *, happened_at: datetime, day: date | None = None, actor: Actor
    ) -> EventPreview:
        require(actor, Permission.EDIT_FILE_PLAN)
        return self._preview((replace(as_new(self._row), happened_at=happened_at, day=day),))

    async def withdraw(self, event_id: str, *, actor: Actor) -> EventPreview:
        require(actor, Permission.EDIT_FILE_PLAN)
        return self._preview(())

    def _preview(self, stated: tuple[NewEvent, ...]) -> EventPreview:
        ended = EventView(row=self._row)
        return EventPreview(stated=stated, ended=ended, effect=self.effect, awaited=True)


class FakeEventHistory:
    """One statement that nobody corrected."""

    def __init__(self, row: RetentionEventRow) -> None:
        self._row = row

    async def show(self, event_id: str, *, actor: Actor) -> EventPage:
        require(actor, Permission.READ_FILE_PLAN)
        said = Said(
            at=WHEN,
            what="stated",
            by="rita",
            happened_at=WHEN,
            why="a letter",
            source="api",
            statement_id=self._row.id,
        )
        return EventPage(view=EventView(row=self._row), said=(said,), stands=self._row.id)


class FakeEventFiles:
    """One file of one new event and one bad line; no other can be sent."""

    async def receive(self, name: str, *, size: int, actor: Actor) -> Receiving:
        require(actor, Permission.EDIT_FILE_PLAN)
        raise NotFound("no room in a fake")

    async def finish(self, receiving: Receiving, *, actor: Actor) -> Upload:
        raise NotFound("no room in a fake")

    async def look(self, upload_id: str, *, actor: Actor) -> EventFile:
        require(actor, Permission.EDIT_FILE_PLAN)
        event = NewEvent(name="employee_left", happened_at=WHEN, platform="x", account="@a")
        upload = Upload(
            id=upload_id,
            name="events.csv",
            size=100,
            sha256="0" * 64,
            sent_by="rita",
            at=WHEN,
            path=Path("events.csv"),
        )
        outcome = Imported(stated=1, known=0, refused=1, unawaited=())
        return EventFile(
            upload=upload,
            looked=LookedAt(outcome=outcome, first=(event,)),
            refused=(BadLine(3, "=expected a day"),),
        )

    async def run(self, upload_id: str, *, actor: Actor) -> Imported:
        require(actor, Permission.EDIT_FILE_PLAN)
        return Imported(stated=1, known=0, refused=1, unawaited=())


class FakeWaiting:
    """Two decisions: one is the actor's, one is not."""

    def __init__(self) -> None:
        self.waits = tuple(
            Wait(
                subject=subject,
                id="01KAM000000000000000000000",
                title=f"Decide on a {subject}",
                consequence="12 records are destroyed for good",
                asked_by="rita",
                asked_at=WHEN,
                reason="reviewed",
                barred=barred,
            )
            for subject, barred in (
                (Subject.BATCH, ""),
                (Subject.DRAFT, "Somebody with the role counsel decides"),
            )
        )

    async def list(self, *, actor: Actor) -> Sequence[Wait]:
        require(actor, Permission.READ_FILE_PLAN)
        return self.waits

    async def count(self, *, actor: Actor) -> int:
        return 7
