"""What events about subscriptions change: who is told of new hits, how, and how far they were told.

Each event about a subscription states the whole of it, the sealed secret in a part of its own. The
event of a delivery states which stretch of the log it told of, so that a database rebuilt from the
log tells nothing a second time.
"""

from dataclasses import dataclass

from archiver.db import subscriptions as rows
from archiver.db.subscriptions import DEAD, DELIVERED, DeliveryRow, SubscriptionRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.post import Part, PartRole
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of

SUBSCRIPTION = "subscription"
"""The object type of these events, those of deliveries among them."""

SECRET_PART = "secret.sealed"  # noqa: S105 - the name of a part
"""The part of a created subscription that holds its sealed secret."""

STATED = frozenset(
    {
        "subscription:created",
        "subscription:stopped",
        "subscription:resumed",
        "subscription:ended",
    }
)
SETTLED = {"delivery:sent": DELIVERED, "delivery:abandoned": DEAD}

_TEXTS = ("saved_search_id", "owner", "owner_key", "requester", "channel", "target", "pace")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionStated(SelfStated):
    """What stands of a subscription from its event on."""

    row: SubscriptionRow

    def apply(self, connection: Connection) -> bool:
        """Make the row say so, where nothing newer stands."""
        rows.state_subscription(connection, self.row)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettled(SelfStated):
    """A delivery was made, or given up."""

    row: DeliveryRow

    def apply(self, connection: Connection) -> bool:
        """Note it, and that what it tells of is told."""
        rows.settle(connection, self.row)
        return False


def subscription_details(row: SubscriptionRow) -> dict[str, str | int | bool]:
    """Return the details that `subscription_effect` reads; the secret is in `secret_part`."""
    return {
        **{name: getattr(row, name) for name in (*_TEXTS, "state", "why")},
        "created_at": row.created_at,
        "position": row.position,
    }


def secret_part(sealed: bytes) -> Part:
    """Return the part that holds a sealed secret."""
    return Part(
        name=SECRET_PART,
        role=PartRole.DERIVED,
        media_type="application/octet-stream",
        content=sealed,
    )


def delivery_details(row: DeliveryRow) -> dict[str, str | int | bool]:
    """Return the details that `subscription_effect` reads of a settled delivery."""
    return {
        "delivery_id": row.id,
        "first_index": row.first_index,
        "end_index": row.end_index,
        "hits": row.hits,
        "version": row.version,
        "attempts": row.attempts,
        "problem": row.problem,
    }


def subscription_effect(
    body: EventBody, part: PartOf
) -> SubscriptionStated | DeliverySettled | None:
    """Return what an event about a subscription changes, None for one that changes nothing.

    Raises:
        ValueError, InvalidInput: it does not state the change whole.
    """
    if body.action in SETTLED:
        return DeliverySettled(row=_settled(body))
    if body.action not in STATED:
        return None
    ulid_bytes(body.object_id)
    return SubscriptionStated(
        row=SubscriptionRow(
            id=body.object_id,
            **{name: detail_of(body, name, str) for name in (*_TEXTS, "state", "why")},
            secret=part(SECRET_PART) or b"",
            created_at=detail_of(body, "created_at", int),
            stated_at=moment_of(body),
            position=detail_of(body, "position", int),
            looked_at=detail_of(body, "created_at", int),
        )
    )


def _settled(body: EventBody) -> DeliveryRow:
    delivery_id = detail_of(body, "delivery_id", str)
    ulid_bytes(delivery_id)
    numbers = ("first_index", "end_index", "hits", "version", "attempts")
    at = moment_of(body)
    return DeliveryRow(
        id=delivery_id,
        subscription_id=body.object_id,
        **{name: detail_of(body, name, int) for name in numbers},
        problem=detail_of(body, "problem", str),
        state=SETTLED[body.action],
        next_at=at,
        created_at=at,
        settled_at=at,
    )
