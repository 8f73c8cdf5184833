"""What may be shown of subscriptions and deliveries, and the words for how and how often."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from archiver.clock import from_millis, rfc3339
from archiver.db.subscriptions import WAITING, DeliveryRow, SubscriptionRow


class ChannelName(StrEnum):
    """How a subscriber is told."""

    WEBHOOK = "webhook"
    MAIL = "mail"


class Pace(StrEnum):
    """How often: at once, or what came in an hour or a day together."""

    AT_ONCE = "at-once"
    HOURLY = "hourly"
    DAILY = "daily"

    @property
    def interval(self) -> timedelta:
        """How long what is new is gathered before it is told."""
        return {
            Pace.AT_ONCE: timedelta(0),
            Pace.HOURLY: timedelta(hours=1),
            Pace.DAILY: timedelta(days=1),
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """One delivery as its subscriber sees it: how many new hits, and what became of telling."""

    row: DeliveryRow

    @property
    def next_at(self) -> str:
        """When it is tried next; empty where it is not."""
        return rfc3339(from_millis(self.row.next_at)) if self.row.state == WAITING else ""

    @property
    def created_at(self) -> str:
        """When it was found that there is something to tell."""
        return rfc3339(from_millis(self.row.created_at))

    @property
    def settled_at(self) -> str:
        """When it was delivered or given up; empty before."""
        at = self.row.settled_at
        return "" if at is None else rfc3339(from_millis(at))

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        row = self.row
        return {
            "id": row.id,
            "subscription_id": row.subscription_id,
            "hits": row.hits,
            "version": row.version,
            "first_index": row.first_index,
            "end_index": row.end_index,
            "state": row.state,
            "attempts": row.attempts,
            "problem": row.problem,
            "created_at": self.created_at,
            "next_at": self.next_at,
            "settled_at": self.settled_at,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What became of a test of a webhook: `problem` is empty where the receiver took it."""

    id: str
    row: SubscriptionRow
    problem: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document; `id` is the `webhook-id` that the receiver saw."""
        return {
            "id": self.id,
            "subscription_id": self.row.id,
            "target": self.row.target,
            "delivered": not self.problem,
            "problem": self.problem,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """One subscription as its subscriber sees it; `secret` is shown once, when it is made."""

    row: SubscriptionRow
    last: DeliveryView | None = None
    secret: str = ""

    @property
    def created_at(self) -> str:
        """Since when."""
        return rfc3339(from_millis(self.row.created_at))

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        row = self.row
        document: dict[str, object] = {
            "id": row.id,
            "saved_search_id": row.saved_search_id,
            "owner": row.owner,
            "channel": row.channel,
            "target": row.target,
            "pace": row.pace,
            "state": row.state,
            "why": row.why,
            "created_at": self.created_at,
            "told_until": row.position,
            "last_delivery": None if self.last is None else self.last.to_dict(),
        }
        return document | ({"secret": self.secret} if self.secret else {})
