"""What the web asks of saved searches and subscriptions, as protocols."""

from typing import Protocol

from archiver.legal.asking import Asked
from archiver.legal.saved_searches import SavedDetail, SavedPage
from archiver.legal.saved_versions import Change
from archiver.legal.saved_views import SavedView, Version
from archiver.legal.subscription_views import (
    ChannelName,
    DeliveryView,
    Pace,
    SubscriptionView,
    Tested,
)
from archiver.model.actor import Actor


class SavedSearches(Protocol):
    """Keeps searches under a name."""

    async def save(
        self,
        asked: Asked,
        *,
        name: str,
        description: str = "",
        shared_with: str = "",
        actor: Actor,
    ) -> SavedView:
        """Save what was asked, as version 1."""

    async def change(
        self, saved_search_id: str, change: Change, *, based_on: int, actor: Actor
    ) -> SavedView:
        """Make a new version from the newest."""

    async def list(
        self, *, archived: bool = False, limit: int = 50, cursor: str = "", actor: Actor
    ) -> SavedPage:
        """Return a page of those within reach, with what is new in each."""

    async def mine(self, *, actor: Actor) -> tuple[SavedView, ...]:
        """Return one's own, without counts."""

    async def shareable(self, *, actor: Actor) -> tuple[str, ...]:
        """Return with whom one may share."""

    async def show(self, saved_search_id: str, *, version: int = 0, actor: Actor) -> SavedView:
        """Return one version with what is new."""

    async def page(self, saved_search_id: str, *, version: int = 0, actor: Actor) -> SavedDetail:
        """Return one version and its history."""

    async def history(self, saved_search_id: str, *, actor: Actor) -> tuple[Version, ...]:
        """Return every version."""

    async def open(self, saved_search_id: str, *, version: int = 0, actor: Actor) -> SavedView:
        """Return a version whose hits are about to be looked at."""


class Subscriptions(Protocol):
    """Tells people of new hits."""

    @property
    def mail_works(self) -> bool:
        """Whether a mail server is set."""

    async def create(
        self,
        saved_search_id: str,
        *,
        channel: ChannelName,
        target: str = "",
        pace: Pace = Pace.AT_ONCE,
        actor: Actor,
    ) -> SubscriptionView:
        """Tell of what is captured from now on."""

    async def list(self, saved_search_id: str, *, actor: Actor) -> tuple[SubscriptionView, ...]:
        """Return one's own subscriptions to a saved search."""

    async def deliveries(self, saved_search_id: str, *, actor: Actor) -> tuple[DeliveryView, ...]:
        """Return their newest deliveries."""

    async def set_state(
        self, subscription_id: str, state: str, *, actor: Actor
    ) -> SubscriptionView:
        """Stop, resume or end one of one's own."""

    async def test(self, subscription_id: str, *, actor: Actor) -> Tested:
        """Send a signed test to a webhook of one's own."""

    async def retry(self, delivery_id: str, *, actor: Actor) -> SubscriptionView:
        """Have a delivery tried again now."""
