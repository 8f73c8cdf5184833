"""Subscriptions to saved searches, how far each has been told, and what is to be delivered.

Subscriptions and settled deliveries are views of events (`archiver.preserve.subscription_effects`).
A delivery that waits is not: it is worked out again from the position where the database is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from sqlalchemy import and_, func, insert, or_, select, update

from archiver.db.tables import delivery, saved_search, subscription
from archiver.db.transaction import Connection, Transaction
from archiver.errors import NotFound

ACTIVE = "active"
STOPPED = "stopped"
ENDED = "ended"

WAITING = "waiting"
DELIVERED = "delivered"
DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRow:
    """One subscription. Moments are milliseconds since 1970 UTC; `secret` is sealed.

    What is in the log below `position` was told, or holds nothing to tell.
    """

    id: str
    saved_search_id: str
    owner: str
    owner_key: str
    requester: str
    channel: str
    target: str
    pace: str
    secret: bytes = field(repr=False)
    state: str
    why: str
    created_at: int
    stated_at: int
    position: int
    looked_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """What is to be told, or was: `hits` new ones in [first_index, end_index) of the log."""

    id: str
    subscription_id: str
    first_index: int
    end_index: int
    hits: int
    version: int
    state: str
    attempts: int
    next_at: int
    problem: str
    created_at: int
    settled_at: int | None = None


_COLUMNS = tuple(each.name for each in fields(SubscriptionRow))
_DELIVERY_COLUMNS = tuple(each.name for each in fields(DeliveryRow))


def state_subscription(connection: Connection, row: SubscriptionRow) -> None:
    """Make the row say what an event of the moment `stated_at` states; newer statements stay.

    What has ended is over, whoever resumed it at the same time. The secret and the position are
    those of the event that created it.
    """
    known = connection.execute(
        select(subscription.c.stated_at).where(subscription.c.id == row.id)
    ).scalar_one_or_none()
    if known is None:
        is_there = select(saved_search.c.id).where(saved_search.c.id == row.saved_search_id)
        if connection.execute(is_there).first() is not None:
            values = {name: getattr(row, name) for name in _COLUMNS}
            connection.execute(insert(subscription).values(values))
    elif known <= row.stated_at:
        connection.execute(
            update(subscription)
            .where(subscription.c.id == row.id, subscription.c.state != ENDED)
            .values(state=row.state, why=row.why, stated_at=row.stated_at)
        )


def settle(connection: Connection, row: DeliveryRow) -> None:
    """Note how a delivery ended. What it tells of is not told again, and no later end is lost."""
    whose = subscription.c.id == row.subscription_id
    if connection.execute(select(subscription.c.id).where(whose)).first() is None:
        return
    same = and_(
        delivery.c.subscription_id == row.subscription_id,
        delivery.c.first_index == row.first_index,
    )
    values = {name: getattr(row, name) for name in _DELIVERY_COLUMNS}
    changed = {"state", "attempts", "problem", "settled_at", "end_index", "hits"}
    done = connection.execute(
        update(delivery)
        .where(same, delivery.c.state != DELIVERED)
        .values({name: values[name] for name in changed})
    )
    if not done.rowcount and connection.execute(select(delivery.c.id).where(same)).first() is None:
        connection.execute(insert(delivery).values(values))
    connection.execute(
        update(subscription)
        .where(whose, subscription.c.position < row.end_index)
        .values(position=row.end_index)
    )


async def get(tx: Transaction, subscription_id: str) -> SubscriptionRow:
    """Return one subscription. Raises NotFound."""
    row = (
        (await tx.execute(select(subscription).where(subscription.c.id == subscription_id)))
        .mappings()
        .first()
    )
    if row is None:
        raise no_subscription(subscription_id)
    return SubscriptionRow(**row)


def no_subscription(subscription_id: str) -> NotFound:
    """Return the error that tells that there is no such subscription, or none for who asks."""
    return NotFound(f"no subscription {subscription_id!r}; show the saved search to see its own")


async def list_of(tx: Transaction, saved_search_id: str) -> list[SubscriptionRow]:
    """Return the subscriptions to a saved search that have not ended, oldest first."""
    rows = await tx.execute(
        select(subscription)
        .where(
            subscription.c.saved_search_id == saved_search_id,
            subscription.c.state != ENDED,
        )
        .order_by(subscription.c.id)
    )
    return [SubscriptionRow(**row) for row in rows.mappings()]


async def list_idle(tx: Transaction) -> list[SubscriptionRow]:
    """Return the active subscriptions that have no delivery under way, oldest first."""
    under_way = (
        select(delivery.c.id)
        .where(delivery.c.subscription_id == subscription.c.id, delivery.c.state == WAITING)
        .exists()
    )
    rows = await tx.execute(
        select(subscription)
        .where(subscription.c.state == ACTIVE, ~under_way)
        .order_by(subscription.c.id)
    )
    return [SubscriptionRow(**row) for row in rows.mappings()]


async def move_on(
    tx: Transaction, row: SubscriptionRow, to: int, *, now: int, told: DeliveryRow | None
) -> bool:
    """Move a subscription from its position on to another, and take up what is to be told of that.

    False, and nothing is done, where another process moved it before.
    """
    moved = await tx.execute(
        update(subscription)
        .where(subscription.c.id == row.id, subscription.c.position == row.position)
        .values(position=to, looked_at=now)
    )
    if moved.rowcount != 1:
        return False
    if told is not None:
        values = {name: getattr(told, name) for name in _DELIVERY_COLUMNS}
        await tx.execute(insert(delivery).values(values))
    return True


async def get_delivery(tx: Transaction, delivery_id: str) -> DeliveryRow:
    """Return one delivery. Raises NotFound."""
    row = (
        (await tx.execute(select(delivery).where(delivery.c.id == delivery_id))).mappings().first()
    )
    if row is None:
        raise no_delivery(delivery_id)
    return DeliveryRow(**row)


def no_delivery(delivery_id: str) -> NotFound:
    """Return the error that tells that there is no such delivery, or none for who asks."""
    return NotFound(f"no delivery {delivery_id!r}; list the deliveries to see their ids")


async def due(
    tx: Transaction, channel: str, now: int, limit: int, *, latest: int
) -> list[DeliveryRow]:
    """Return what is due by a channel: of each owner one delivery, then of each another, and so on.

    Of one owner those that wait longest come first. None is put off until after `latest` but by a
    clock that was set back since: it is due.
    """
    turn = func.row_number().over(
        partition_by=subscription.c.owner_key, order_by=(delivery.c.next_at, delivery.c.id)
    )
    rows = await tx.execute(
        select(*(delivery.c[name] for name in _DELIVERY_COLUMNS))
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .where(
            delivery.c.state == WAITING,
            or_(delivery.c.next_at <= now, delivery.c.next_at > latest),
            subscription.c.state == ACTIVE,
            subscription.c.channel == channel,
        )
        .order_by(turn, delivery.c.next_at, delivery.c.id)
        .limit(limit)
    )
    return [DeliveryRow(**row) for row in rows.mappings()]


async def claim(tx: Transaction, row: DeliveryRow, *, until: int) -> bool:
    """Count an attempt and keep other processes from it until then; False where one was faster."""
    done = await tx.execute(
        update(delivery)
        .where(
            delivery.c.id == row.id,
            delivery.c.state == WAITING,
            delivery.c.next_at == row.next_at,
        )
        .values(next_at=until, attempts=row.attempts + 1, hits=row.hits)
    )
    return done.rowcount == 1


async def put_off(tx: Transaction, row: DeliveryRow, *, problem: str, until: int) -> None:
    """Note that an attempt failed, and when the next one is made."""
    await tx.execute(
        update(delivery)
        .where(delivery.c.id == row.id, delivery.c.state == WAITING)
        .values(attempts=row.attempts + 1, problem=problem, next_at=until)
    )


async def revive(tx: Transaction, delivery_id: str, *, now: int) -> bool:
    """Try a delivery anew, from the first attempt on; False where it was delivered before."""
    done = await tx.execute(
        update(delivery)
        .where(delivery.c.id == delivery_id, delivery.c.state != DELIVERED)
        .values(state=WAITING, attempts=0, next_at=now, settled_at=None)
    )
    return done.rowcount == 1


async def deliveries_of(
    tx: Transaction, subscription_ids: Sequence[str], limit: int
) -> list[DeliveryRow]:
    """Return the deliveries of some subscriptions, newest first."""
    rows = await tx.execute(
        select(delivery)
        .where(delivery.c.subscription_id.in_(subscription_ids))
        .order_by(delivery.c.id.desc())
        .limit(limit)
    )
    return [DeliveryRow(**row) for row in rows.mappings()]


async def count_dead(tx: Transaction, channel: str) -> int:
    """Return how many deliveries of active subscriptions by a channel were given up."""
    found = await tx.execute(
        select(func.count())
        .select_from(delivery)
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .where(
            delivery.c.state == DEAD,
            subscription.c.state == ACTIVE,
            subscription.c.channel == channel,
        )
    )
    return int(found.scalar_one())
