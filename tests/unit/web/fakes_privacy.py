# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Privacy requests for tests of the face alone: there is one, closed, with one record refused."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from archiver.access.rules import Permission, require
from archiver.clock import from_millis
from archiver.db.privacy import Asked, RequestRow
from archiver.disposal.batch_views import BatchView
from archiver.disposal.privacy_document import Answered, body_of
from archiver.disposal.privacy_views import JudgedPage, JudgedRecord, RequestList, RequestView
from archiver.model.actor import Actor
from tests.unit.web.fakes_disposition import VIEW as BATCH_VIEW

REQUEST = "01KAM0PRVACY00000000000001"
VERSION = 1_800_000_000_000
VIEW = RequestView(
    row=RequestRow(
        id=REQUEST,
        kind="erasure",
        reference="<b>26-7</b>",
        person="<i>Jo</i>",
        received_at=VERSION - 9,
        due_at=VERSION + 9,
        made_by="rita",
        made_at=VERSION - 8,
        stated_at=VERSION,
    ),
    counts={"refuse": 1},
)
RECORD = JudgedRecord(
    asked=Asked(
        log_index=7,
        decision="refuse",
        ground="legal-claims",
        reason="a <b>claim</b>",
        decided_by="rita",
        decided_at=VERSION - 1,
        id="01KAM0RECORD00000000000001",
        platform="x",
        account="<b>acme</b>",
        class_code="default",
        schedule_version=1,
        posted_at=None,
        captured_at=VERSION - 99,
        retain_until=VERSION + 99,
        size=9,
        lock_mode="none",
        lock_until=0,
        batch_id="",
        certificate=0,
        is_gone=False,
    ),
    bars=(),
)
_MANAGE, _READ = Permission.MANAGE_PRIVACY, Permission.READ_PRIVACY


@dataclass
class FakePrivacy:
    """All use cases in one object; notes what is asked of it."""

    asked: list[object] = field(default_factory=list)

    @property
    def requests(self) -> "FakePrivacy":
        return self

    @property
    def decisions(self) -> "FakePrivacy":
        return self

    @property
    def erasing(self) -> "FakePrivacy":
        return self

    @property
    def closing(self) -> "FakePrivacy":
        return self

    def _noted(self, actor: Actor, *what: object) -> RequestView:
        require(actor, _MANAGE)
        self.asked.append(what)
        return VIEW

    async def receive(
        self,
        *,
        kind: str,
        person: str,
        reference: str = "",
        received_at: datetime | None = None,
        actor: Actor,
    ) -> RequestView:
        return self._noted(actor, "receive", kind, person)

    async def extend(
        self,
        request_id: str,
        *,
        months: int,
        reason: str,
        version: int | None = None,
        actor: Actor,
    ) -> RequestView:
        return self._noted(actor, "extend", months, version)

    async def list(
        self, *, state: str = "", cursor: str = "", limit: int = 50, actor: Actor
    ) -> RequestList:
        require(actor, _READ)
        return RequestList(items=(VIEW,), total=1, next_cursor="")

    async def show(self, request_id: str, *, actor: Actor) -> RequestView:
        require(actor, _READ)
        return VIEW

    async def records(
        self, request_id: str, *, after: int = -1, limit: int = 50, actor: Actor
    ) -> JudgedPage:
        require(actor, _READ)
        return JudgedPage(view=VIEW, records=(RECORD,), after=None)

    async def find(
        self,
        request_id: str,
        *,
        record_ids: Sequence[str] = (),
        set_id: str = "",
        version: int | None = None,
        actor: Actor,
    ) -> RequestView:
        return self._noted(actor, "find", tuple(record_ids), set_id, version)

    async def decide(
        self,
        request_id: str,
        decision: str,
        *,
        reason: str,
        ground: str = "",
        record_ids: Sequence[str] = (),
        everything: bool = False,
        version: int | None = None,
        actor: Actor,
    ) -> RequestView:
        return self._noted(actor, "decide", decision, ground, tuple(record_ids), everything)

    async def lift(
        self,
        request_id: str,
        *,
        told_at: datetime,
        reason: str,
        record_ids: Sequence[str] = (),
        everything: bool = False,
        version: int | None = None,
        actor: Actor,
    ) -> RequestView:
        return self._noted(actor, "lift", tuple(record_ids), everything)

    async def form(
        self, request_id: str, *, version: int | None = None, actor: Actor
    ) -> Sequence[BatchView]:
        self._noted(actor, "form", version)
        return (BATCH_VIEW,)

    async def close(
        self, request_id: str, *, remark: str = "", version: int | None = None, actor: Actor
    ) -> RequestView:
        return self._noted(actor, "close", remark, version)

    async def document(self, request_id: str, *, actor: Actor) -> str:
        require(actor, _READ)
        what = Answered(archive_id="A", origin="archive.example/acme", view=VIEW, records=[RECORD])
        body = body_of(what, remark="", by="rita", at=from_millis(VERSION))
        return json.dumps({"request": body, "seal": "a seal"})
