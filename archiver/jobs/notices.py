"""What a subscriber is told: counts and a link, and never the text of a post."""

from dataclasses import dataclass

from archiver.clock import from_millis, rfc3339
from archiver.db.saved_searches import SavedRow
from archiver.db.subscriptions import DeliveryRow, SubscriptionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One delivery, with what it is about. `public_url` is where browsers reach the pages."""

    delivery: DeliveryRow
    subscription: SubscriptionRow
    saved: SavedRow
    public_url: str

    @property
    def link(self) -> str:
        """Where the hits are looked at; empty where the settings do not say where we are."""
        return f"{self.public_url}/saved-searches/{self.saved.id}/open" if self.public_url else ""

    def to_dict(self) -> dict[str, object]:
        """Return the body of a webhook; its `data` names things by id only."""
        delivery = self.delivery
        return {
            "type": "saved_search.hits",
            "timestamp": rfc3339(from_millis(delivery.created_at)),
            "data": {
                "saved_search_id": self.saved.id,
                "version": delivery.version,
                "subscription_id": self.subscription.id,
                "hits": delivery.hits,
                "first_index": delivery.first_index,
                "end_index": delivery.end_index,
                "link": self.link,
            },
        }
