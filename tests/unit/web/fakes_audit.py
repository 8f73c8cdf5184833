# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""A trail of three events, one of them hostile, and an installation, for tests of the face."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from archiver.access.installation import (
    Component,
    InstallationView,
    two_person_rules,
)
from archiver.access.rules import Permission, require
from archiver.assurance.audit_events import (
    EventDetail,
    EventPage,
    News,
    Timeline,
    view_of,
)
from archiver.assurance.audit_filter import TrailFilter
from archiver.config import explain_settings
from archiver.db.archive import ArchiveRow
from archiver.db.events import EventRow, FoundEvent, Reading
from archiver.errors import NotFound
from archiver.model.actor import Actor
from archiver.preserve.event_record import parse_event

EVENT = "01KAM0EVENT000000000000003"
AT = 1_800_000_000_000
HOSTILE_QUERY = "<script>alert(1)</script> \u202egnihton"

ROWS = (
    EventRow(
        record_id=EVENT,
        at=AT + 2_000,
        actor="carla@example.com",
        action="search:run",
        object_type="query",
        object_id="",
        result="ok",
        details=json.dumps({"query": HOSTILE_QUERY, "count": 12}),
    ),
    EventRow(
        record_id="01KAM0EVENT000000000000002",
        at=AT + 1_000,
        actor="<b>mallory</b>",
        action="record:verified",
        object_type="record",
        object_id="01KAM0RECRD000000000000001",
        result="integrity",
        details='{"checks":4}',
    ),
    EventRow(
        record_id="01KAM0EVENT000000000000001",
        at=AT,
        actor="carla@example.com",
        action="hold:placed",
        object_type="hold",
        object_id="01KAM0HD000000000000000001",
        result="ok",
        details='{"name":"Smith v. Acme","matter":"Smith","records":1284,"reason":"litigation"}',
    ),
)


def _page(rows: Sequence[EventRow], cursor: str, relation: str = "") -> EventPage:
    found = [FoundEvent(row=row, log_index=10 - place) for place, row in enumerate(rows)]
    return EventPage(
        items=tuple(view_of(each, {}, relation=relation) for each in found),
        next_cursor="" if cursor else f"{AT}.{EVENT}",
        total=10_000,
        total_is_exact=False,
        log_size=11,
        as_of=datetime(2027, 1, 15, 8, 0, tzinfo=UTC),
    )


@dataclass
class FakeAudit:
    rows: tuple[EventRow, ...] = ROWS
    problem: str = ""
    asked: list[TrailFilter] = field(default_factory=list)

    async def list(
        self, wanted: TrailFilter, *, cursor: str = "", limit: int = 50, actor: Actor
    ) -> EventPage:
        require(actor, Permission.READ_AUDIT)
        self.asked.append(wanted)
        page = _page(self.rows, cursor)
        if self.rows:
            return page
        return replace(page, next_cursor="", total=0, total_is_exact=True)

    async def mine(self, *, cursor: str = "", limit: int = 50, actor: Actor) -> EventPage:
        return _page([row for row in self.rows if row.actor == actor.name], cursor)

    async def about(
        self, object_type: str, object_id: str, *, cursor: str = "", limit: int = 50, actor: Actor
    ) -> Timeline:
        require(actor, Permission.READ_AUDIT)
        if object_id == "nothing":
            raise NotFound(f"there is no {object_type} {object_id!r}")
        return Timeline(
            object_type=object_type,
            object_id=object_id,
            name="",
            facts=(("captured", "2026-10-14T16:02:09.123Z"), ("log index", "7")),
            readers=(
                Reading(
                    actor="<i>carla</i>", action="record:viewed", times=2, first=AT, last=AT + 5
                ),
            ),
            page=_page(self.rows, cursor, relation="hold"),
        )

    async def follow(self, wanted: TrailFilter, *, start: int, actor: Actor) -> News:
        require(actor, Permission.READ_AUDIT)
        found = self.rows[:1] if start < 11 else ()
        return News(
            items=tuple(view_of(FoundEvent(row=row, log_index=11), {}) for row in found),
            more=False,
            as_of=datetime(2027, 1, 15, 8, 0, 5, tzinfo=UTC),
        )

    async def show(self, record_id: str, *, actor: Actor) -> EventDetail:
        require(actor, Permission.READ_AUDIT)
        row = next((row for row in self.rows if row.record_id == record_id), self.rows[0])
        body = {
            "at": "2027-01-15T08:00:02.000Z",
            "actor": row.actor,
            "roles": ["counsel"],
            "via": "session:01KAM0",
            "action": row.action,
            "object_type": row.object_type,
            "object_id": row.object_id,
            "result": row.result,
            "details": json.loads(row.details),
        }
        raw = json.dumps(body)
        return EventDetail(
            found=view_of(FoundEvent(row=row, log_index=10), {}),
            body=parse_event(raw.encode()),
            raw=raw,
            problem=self.problem,
            covered=True,
        )

    async def matters(self, *, actor: Actor) -> Sequence[str]:
        require(actor, Permission.READ_AUDIT)
        return ["Jones", "Smith"]


class FakeInstallation:
    async def show(self, *, actor: Actor) -> InstallationView:
        require(actor, Permission.READ_SETTINGS)
        settings = explain_settings(
            {
                "MUNIMENT_DATABASE_URL": "postgresql://arch:hunter2@db.example/arch",
                "MUNIMENT_KEYRING_KEY_FILE": "/nowhere/hunter2",
            }
        )
        return InstallationView(
            version="0.0.test",
            python="3.11.9",
            archive=ArchiveRow(
                id="01KAM0ARCHV000000000000001",
                origin="archive.example/acme",
                vkey="archive.example/acme+deadbeef+AbCd",
                zone="UTC",
                created_at=AT,
            ),
            settings=settings,
            rules=two_person_rules(settings),
            components=tuple(await self.software()),
        )

    async def software(self) -> Sequence[Component]:
        return (Component(name="muniment", version="0.0.test", licence="Apache-2.0"),)
