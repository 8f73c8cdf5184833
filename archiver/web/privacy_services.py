"""What the web asks of privacy requests, as protocols (see `services`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from archiver.disposal.batch_views import BatchView
from archiver.disposal.privacy_views import JudgedPage, RequestList, RequestView
from archiver.model.actor import Actor


class PrivacyRequests(Protocol):
    """Receives and shows requests."""

    async def receive(
        self,
        *,
        kind: str,
        person: str,
        reference: str = "",
        received_at: datetime | None = None,
        actor: Actor,
    ) -> RequestView:
        """Note one that was received."""

    async def extend(
        self,
        request_id: str,
        *,
        months: int,
        reason: str,
        version: int | None = None,
        actor: Actor,
    ) -> RequestView:
        """Take more time."""

    async def list(
        self, *, state: str = "", cursor: str = "", limit: int = 50, actor: Actor
    ) -> RequestList:
        """Return a page, newest first."""

    async def show(self, request_id: str, *, actor: Actor) -> RequestView:
        """Return one."""

    async def records(
        self, request_id: str, *, after: int = -1, limit: int = 50, actor: Actor
    ) -> JudgedPage:
        """Return a page of its records."""


class PrivacyDecisions(Protocol):
    """Finds and decides."""

    async def find(
        self,
        request_id: str,
        *,
        record_ids: Sequence[str] = (),
        set_id: str = "",
        version: int | None = None,
        actor: Actor,
    ) -> RequestView:
        """Put records under a request."""

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
        """Erase, refuse or restrict."""

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
        """Lift restrictions."""


class PrivacyErasing(Protocol):
    """Asks for the erasure that was decided."""

    async def form(
        self, request_id: str, *, version: int | None = None, actor: Actor
    ) -> Sequence[BatchView]:
        """Form batches."""


class PrivacyClosing(Protocol):
    """Ends requests."""

    async def close(
        self, request_id: str, *, remark: str = "", version: int | None = None, actor: Actor
    ) -> RequestView:
        """End one and sign its answer."""

    async def document(self, request_id: str, *, actor: Actor) -> str:
        """Return the signed answer."""


class Privacy(Protocol):
    """Everything about privacy requests: `archiver.disposal.privacy.Privacy`."""

    @property
    def requests(self) -> PrivacyRequests: ...  # noqa: D102 - the type says it
    @property
    def decisions(self) -> PrivacyDecisions: ...  # noqa: D102
    @property
    def erasing(self) -> PrivacyErasing: ...  # noqa: D102
    @property
    def closing(self) -> PrivacyClosing: ...  # noqa: D102
