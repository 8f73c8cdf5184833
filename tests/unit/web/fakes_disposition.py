# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""Disposal batches for tests of the face alone: there is one, and one certificate."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from archiver.access.rules import Permission, require
from archiver.db.batch_review import NotIn, Standout
from archiver.db.batches import BatchRow, Member
from archiver.db.certificates import CertificateRow
from archiver.db.kept_back import Keeps, KeptGroup, KeptRecord, Place
from archiver.disposal.batch_forming import DueGroup, Group
from archiver.disposal.batch_statistics import Statistics
from archiver.disposal.batch_views import (
    BatchReview,
    BatchView,
    Consequences,
    ExceptionPage,
    MemberPage,
    Preview,
)
from archiver.disposal.batches import BatchList
from archiver.disposal.certificates import CertificateView, ListedCertificate
from archiver.disposal.execution import Execution
from archiver.disposal.stop import StopState
from archiver.errors import Conflict, InvalidInput, NotFound
from archiver.model.actor import Actor

BATCH = "01KAM0BATCH000000000000001"
VERSION = 1_800_000_000_000
GROUP = Group(
    class_code="default",
    schedule_version=1,
    platform="x",
    account="<b>acme</b>",
    period="2026-03",
)
VIEW = BatchView(
    row=BatchRow(
        id=BATCH,
        **GROUP._asdict(),
        action="destroy",
        state="reviewed",
        log_size=9,
        records=3,
        bytes=900,
        formed_by="rita",
        formed_by_id="R",
        formed_at=VERSION - 2,
        proposed_by="rita",
        proposed_by_id="R",
        proposal="reviewed",
        approvals_needed=2,
        stated_at=VERSION,
    ),
    counts={"in": 3},
    approvals=(),
)
CONSEQUENCES = Consequences(
    records=3,
    bytes=900,
    whole=1,
    shared=0,
    staying=0,
    media=0,
    media_bytes=0,
    locked_until=datetime(2026, 3, 31, tzinfo=UTC),
    backup_days=35,
)
REVIEW = BatchReview(
    view=VIEW,
    statistics=Statistics(records=3, bytes=900, media=0),
    standouts={why.value: 0 for why in Standout},
    outside=NotIn(0, 0, 0, 0, 0),
    holds=(),
    consequences=CONSEQUENCES,
    package=None,
)
PAGE = MemberPage(
    view=VIEW,
    members=(Member(4, "in", "", None, "R1", "post", "created", None, "acme"),),
    after=None,
    seed="1234",
)


def _known(batch_id: str, version: int | None = None) -> BatchView:
    if batch_id != BATCH:
        raise NotFound(f"no batch {batch_id!r}")
    if version not in {None, VERSION}:
        raise Conflict("the batch was changed since")
    return VIEW


class FakeKept:
    async def groups(self, *, actor: Actor) -> Sequence[KeptGroup]:
        require(actor, Permission.READ_FILE_PLAN)
        place = Place("default", "x", GROUP.account)
        return (KeptGroup(place=place, counts=Counter({Keeps.HELD: 2, Keeps.LOCKED: 1})),)

    async def records(
        self, keeps: str, place: Place, *, after: int = -1, limit: int = 50, actor: Actor
    ) -> Sequence[KeptRecord]:
        require(actor, Permission.READ_CONTENT)
        if keeps not in set(Keeps):
            raise InvalidInput("expected what keeps records", pointer="why")
        return (KeptRecord(4, "R1", 0, None, 0),)


class FakeForming:
    async def due(self, *, actor: Actor) -> Sequence[DueGroup]:
        require(actor, Permission.READ_FILE_PLAN)
        return (DueGroup(group=GROUP, records=3, bytes=900),)

    async def form(
        self, *, class_code: str = "", account: str = "", actor: Actor
    ) -> Sequence[BatchView]:
        require(actor, Permission.PROPOSE_DISPOSAL)
        return (VIEW,)


class FakeBatches:
    async def list(
        self,
        *,
        state: str = "",
        class_code: str = "",
        account: str = "",
        mine: bool = False,
        cursor: str = "",
        limit: int = 50,
        actor: Actor,
    ) -> BatchList:
        require(actor, Permission.READ_FILE_PLAN)
        return BatchList(
            items=(VIEW,),
            total=1,
            next_cursor="",
            standing_out={BATCH: 2},
            states={"reviewed": 1},
        )

    async def exclude(
        self,
        batch_id: str,
        record_ids: Sequence[str],
        *,
        reason: str,
        keep_until: date | None = None,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        require(actor, Permission.PROPOSE_DISPOSAL)
        return _known(batch_id, version)

    async def include(
        self,
        batch_id: str,
        record_ids: Sequence[str],
        *,
        reason: str,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        require(actor, Permission.PROPOSE_DISPOSAL)
        return _known(batch_id, version)

    async def cancel(
        self, batch_id: str, *, reason: str, version: int | None = None, actor: Actor
    ) -> BatchView:
        require(actor, Permission.PROPOSE_DISPOSAL)
        return _known(batch_id, version)


class FakeReviews:
    async def show(self, batch_id: str, *, actor: Actor) -> BatchReview:
        require(actor, Permission.READ_FILE_PLAN)
        _known(batch_id)
        return REVIEW

    async def members(
        self, batch_id: str, *, state: str = "", after: int = -1, limit: int = 50, actor: Actor
    ) -> MemberPage:
        require(actor, Permission.READ_CONTENT)
        _known(batch_id)
        return PAGE

    async def exceptions(
        self,
        batch_id: str,
        why: Standout | None = None,
        *,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> ExceptionPage:
        await self.members(batch_id, actor=actor)
        return ExceptionPage(
            view=VIEW,
            members=PAGE.members,
            after=None,
            why=why or Standout.CHANGED,
            standouts=REVIEW.standouts,
        )

    async def sample(
        self, batch_id: str, *, size: int = 50, seed: str = "", actor: Actor
    ) -> MemberPage:
        return await self.members(batch_id, actor=actor)


class FakeTransfers:
    async def confirm(
        self,
        batch_id: str,
        *,
        sha256: str,
        receiver: str,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        require(actor, Permission.PROPOSE_DISPOSAL)
        return _known(batch_id, version)


@dataclass
class FakeBatchApprovals:
    approved: list[tuple[int, str]] = field(default_factory=list)

    async def propose(
        self, batch_id: str, *, reason: str, version: int | None = None, actor: Actor
    ) -> BatchView:
        require(actor, Permission.PROPOSE_DISPOSAL)
        return _known(batch_id, version)

    async def preview(self, batch_id: str, *, actor: Actor) -> Preview:
        require(actor, Permission.APPROVE_DISPOSAL)
        return Preview(view=_known(batch_id), missing=1, consequences=CONSEQUENCES)

    async def approve(
        self,
        batch_id: str,
        *,
        records: int,
        reason: str,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        require(actor, Permission.APPROVE_DISPOSAL)
        view = _known(batch_id, version)
        self.approved.append((records, reason))
        return view

    async def withdraw(
        self, batch_id: str, *, reason: str, version: int | None = None, actor: Actor
    ) -> BatchView:
        require(actor, Permission.APPROVE_DISPOSAL)
        return _known(batch_id, version)


class FakeExecutions:
    async def show(self, batch_id: str, *, actor: Actor) -> Execution:
        require(actor, Permission.READ_FILE_PLAN)
        return Execution(view=_known(batch_id), certificate=None, gone=0)

    async def require_ready(
        self, batch_id: str, *, version: int | None = None, actor: Actor
    ) -> BatchView:
        require(actor, Permission.PROPOSE_DISPOSAL)
        return _known(batch_id, version)


class FakeCertificates:
    async def show(self, named: str, *, actor: Actor) -> CertificateView:
        require(actor, Permission.READ_FILE_PLAN)
        raise NotFound(f"no certificate {named!r}")

    async def list(
        self, *, before: int = 0, limit: int = 50, actor: Actor
    ) -> Sequence[ListedCertificate]:
        require(actor, Permission.READ_FILE_PLAN)
        row = CertificateRow(
            id="01KAM0CERT0000000000000001",
            number=1,
            batch_id=BATCH,
            class_code="default",
            records=3,
            body="",
            issued_at=VERSION,
        )
        listed = ListedCertificate(
            row=row, batch=VIEW.row, approvers=("ada", "ben"), sha256="ab" * 32
        )
        return (listed,)


class FakeStop:
    async def state(self, *, actor: Actor) -> StopState:
        return StopState(stops=())

    async def stop(self, *, reason: str, actor: Actor) -> StopState:
        return StopState(stops=())

    async def resume(self, *, reason: str, actor: Actor) -> StopState:
        raise Conflict("disposal is not stopped")


@dataclass
class FakeDisposition:
    forming: FakeForming = field(default_factory=FakeForming)
    kept: FakeKept = field(default_factory=FakeKept)
    batches: FakeBatches = field(default_factory=FakeBatches)
    reviews: FakeReviews = field(default_factory=FakeReviews)
    transfers: FakeTransfers = field(default_factory=FakeTransfers)
    approvals: FakeBatchApprovals = field(default_factory=FakeBatchApprovals)
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    certificates: FakeCertificates = field(default_factory=FakeCertificates)
    stop: FakeStop = field(default_factory=FakeStop)
