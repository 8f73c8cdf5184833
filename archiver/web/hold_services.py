"""What the web asks of holds, as protocols: placing, reading and releasing them."""

from collections.abc import Sequence
from typing import Protocol

from archiver.access.approvals import ApprovalView
from archiver.legal.hold_release import Release
from archiver.legal.hold_views import HoldPage, HoldPreview, HoldView, ReleasePreview
from archiver.model.actor import Actor


class Holds(Protocol):
    """Places and releases legal holds."""

    async def place(
        self,
        *,
        name: str,
        matter: str = "",
        reason: str,
        query: str | None = None,
        accounts: Sequence[str] = (),
        record_ids: Sequence[str] = (),
        set_id: str = "",
        saved: str = "",
        actor: Actor,
    ) -> HoldView:
        """Hold what the scope covers, at once."""

    async def preview(
        self,
        *,
        name: str = "",
        matter: str = "",
        reason: str = "",
        query: str | None = None,
        accounts: Sequence[str] = (),
        record_ids: Sequence[str] = (),
        set_id: str = "",
        saved: str = "",
        actor: Actor,
    ) -> HoldPreview:
        """Say what would be held."""


class Releases(Protocol):
    """Ends legal holds."""

    @property
    def two_person(self) -> bool:
        """Whether a release needs a second person."""

    async def release(self, hold_id: str, *, reason: str, actor: Actor) -> Release:
        """Release a hold, or ask a second person to."""

    async def waiting(self, hold_id: str, *, actor: Actor) -> ApprovalView | None:
        """Return the request that waits for a second person."""

    async def decide(self, hold_id: str, *, approve: bool, actor: Actor) -> Release:
        """Approve a request, which releases the hold, or refuse it."""


class HoldRegister(Protocol):
    """Reads legal holds."""

    async def list(self, *, actor: Actor) -> Sequence[HoldView]:
        """Return all holds."""

    async def show(self, hold_id: str, *, actor: Actor) -> HoldView:
        """Return one hold."""

    async def page(
        self, hold_id: str, *, after: int = -1, limit: int = 50, actor: Actor
    ) -> HoldPage:
        """Return one hold with a page of its members."""

    async def release_preview(self, hold_id: str, *, actor: Actor) -> ReleasePreview:
        """Say what a release would free."""
