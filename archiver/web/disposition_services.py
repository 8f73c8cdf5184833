"""What the web asks of disposal batches and their certificates, as protocols (see `services`)."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from archiver.db.batch_review import Standout
from archiver.db.kept_back import KeptGroup, KeptRecord, Place
from archiver.disposal.batch_forming import DueGroup
from archiver.disposal.batch_views import (
    BatchReview,
    BatchView,
    ExceptionPage,
    MemberPage,
    Preview,
)
from archiver.disposal.batches import BatchList
from archiver.disposal.certificates import CertificateView, ListedCertificate
from archiver.disposal.execution import Execution
from archiver.disposal.stop import StopState
from archiver.model.actor import Actor


class Forming(Protocol):
    """Forms batches of what is due."""

    async def due(self, *, actor: Actor) -> Sequence[DueGroup]:
        """Return what batches would be formed of now."""

    async def form(
        self, *, class_code: str = "", account: str = "", actor: Actor
    ) -> Sequence[BatchView]:
        """Form batches of what is due."""


class Kept(Protocol):
    """Shows what is kept back."""

    async def groups(self, *, actor: Actor) -> Sequence[KeptGroup]:
        """Return it by class and account."""

    async def records(
        self, keeps: str, place: Place, *, after: int = -1, limit: int = 50, actor: Actor
    ) -> Sequence[KeptRecord]:
        """Return a page of the records behind a count."""


class Batches(Protocol):
    """Lists batches and changes which records are in them."""

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
        """Return a page of batches, newest first."""

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
        """Leave records out."""

    async def include(
        self,
        batch_id: str,
        record_ids: Sequence[str],
        *,
        reason: str,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        """Put excluded records back."""

    async def cancel(
        self, batch_id: str, *, reason: str, version: int | None = None, actor: Actor
    ) -> BatchView:
        """Give a batch up."""


class Reviews(Protocol):
    """Shows what a review needs."""

    async def show(self, batch_id: str, *, actor: Actor) -> BatchReview:
        """Return a batch with statistics, exceptions and consequences."""

    async def members(
        self, batch_id: str, *, state: str = "", after: int = -1, limit: int = 50, actor: Actor
    ) -> MemberPage:
        """Return a page of its records."""

    async def exceptions(
        self,
        batch_id: str,
        why: Standout | None = None,
        *,
        after: int = -1,
        limit: int = 50,
        actor: Actor,
    ) -> ExceptionPage:
        """Return a page of its records that stand out."""

    async def sample(
        self, batch_id: str, *, size: int = 50, seed: str = "", actor: Actor
    ) -> MemberPage:
        """Return a random sample."""


class Transfers(Protocol):
    """Takes the receiver's word for a package."""

    async def confirm(
        self,
        batch_id: str,
        *,
        sha256: str,
        receiver: str,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        """Note that the receiver has it."""


class BatchApprovals(Protocol):
    """Proposes and approves."""

    async def propose(
        self, batch_id: str, *, reason: str, version: int | None = None, actor: Actor
    ) -> BatchView:
        """Ask for approval."""

    async def preview(self, batch_id: str, *, actor: Actor) -> Preview:
        """Return what an approval would do."""

    async def approve(
        self,
        batch_id: str,
        *,
        records: int,
        reason: str,
        version: int | None = None,
        actor: Actor,
    ) -> BatchView:
        """Approve the disposal of exactly so many records."""

    async def withdraw(
        self, batch_id: str, *, reason: str, version: int | None = None, actor: Actor
    ) -> BatchView:
        """Take an approval back."""


class Executions(Protocol):
    """Says how far a batch is, and whether it may be executed; the job executes it."""

    async def show(self, batch_id: str, *, actor: Actor) -> Execution:
        """Return how far a batch is, with its certificate."""

    async def require_ready(
        self, batch_id: str, *, version: int | None = None, actor: Actor
    ) -> BatchView:
        """Return a batch that may be executed now."""


class Certificates(Protocol):
    """Shows certificates of destruction."""

    async def show(self, named: str, *, actor: Actor) -> CertificateView:
        """Return one by its id or its batch's."""

    async def list(
        self, *, before: int = 0, limit: int = 50, actor: Actor
    ) -> Sequence[ListedCertificate]:
        """Return certificates, newest first."""


class Stop(Protocol):
    """The emergency stop."""

    async def state(self, *, actor: Actor) -> StopState:
        """Return whether all disposal is stopped."""

    async def stop(self, *, reason: str, actor: Actor) -> StopState:
        """Stop all disposal."""

    async def resume(self, *, reason: str, actor: Actor) -> StopState:
        """Let it go on."""


class Disposition(Protocol):
    """Everything about disposal batches: `archiver.disposal.disposition.Disposition`."""

    @property
    def forming(self) -> Forming: ...  # noqa: D102 - the type says it
    @property
    def kept(self) -> Kept: ...  # noqa: D102
    @property
    def batches(self) -> Batches: ...  # noqa: D102
    @property
    def reviews(self) -> Reviews: ...  # noqa: D102
    @property
    def transfers(self) -> Transfers: ...  # noqa: D102
    @property
    def approvals(self) -> BatchApprovals: ...  # noqa: D102
    @property
    def executions(self) -> Executions: ...  # noqa: D102
    @property
    def certificates(self) -> Certificates: ...  # noqa: D102
    @property
    def stop(self) -> Stop: ...  # noqa: D102
