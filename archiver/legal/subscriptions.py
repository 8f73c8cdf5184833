"""Subscriptions: who is told of new hits of a saved search, by webhook or mail, and how often.

Making one, stopping, resuming and ending it are events. What is told is counts and a link, never
the text of a post; it is counted within the subscriber's reach as it is at that moment
(`access.lasting_rights`). Telling is `archiver.jobs.subscriptions` and `archiver.jobs.deliveries`.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from archiver.access.rules import EVERYTHING, Permission, reach
from archiver.access.sealed_secrets import SealedSecrets
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import ledger as ledger_rows
from archiver.db import people as person_rows
from archiver.db import subscriptions as rows
from archiver.db.saved_searches import SavedRow
from archiver.db.subscriptions import ACTIVE, ENDED, STOPPED, SubscriptionRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import Conflict, InvalidInput, NotFound, PeerUnavailable, TooMany
from archiver.ids import Randomness, Ulids
from archiver.legal.held import require_lasting
from archiver.legal.news import visible_search
from archiver.legal.queries import read_query
from archiver.legal.saved_views import key_of
from archiver.legal.subscription_views import (
    ChannelName,
    DeliveryView,
    Pace,
    SubscriptionView,
    Tested,
)
from archiver.model.actor import Actor
from archiver.model.person import PersonState
from archiver.model.requester import actor_text
from archiver.preserve.event_record import legible
from archiver.preserve.outbound import Outbound
from archiver.preserve.subscription_effects import (
    SUBSCRIPTION,
    SubscriptionStated,
    secret_part,
    subscription_details,
)

MAX_DELIVERIES = 100
"""Deliveries of one list."""

MOST = 50
"""Subscriptions of one person to one saved search that have not ended."""

_SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with, as the standard says
_SECRET_BYTES = 32
_BETWEEN_TESTS = timedelta(seconds=10)
_SAID = 500


class Webhooks(Protocol):
    """Sends tests: `archiver.jobs.webhooks.Webhooks`."""

    async def send_test(self, subscription: SubscriptionRow, test_id: str) -> None:
        """Send one. Raises PeerUnavailable, NotFound: the receiver did not take it."""


class Subscriptions:
    """The use cases on subscriptions. `mail_works` says whether the settings name a mail server."""

    def __init__(
        self,
        *,
        database: Database,
        trail: Trail,
        clock: Clock,
        ulids: Ulids,
        randomness: Randomness,
        secrets: SealedSecrets,
        outbound: Outbound,
        webhooks: Webhooks,
        mail_works: bool,
    ) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock
        self._ulids = ulids
        self._randomness = randomness
        self._secrets = secrets
        self._outbound = outbound
        self._webhooks = webhooks
        self._tested: dict[str, datetime] = {}
        self.mail_works = mail_works

    async def create(
        self,
        saved_search_id: str,
        *,
        channel: ChannelName,
        target: str = "",
        pace: Pace = Pace.AT_ONCE,
        actor: Actor,
    ) -> SubscriptionView:
        """Tell of what is captured from now on; the answer holds a webhook's secret, this once.

        Mail goes to people of the archive only, at the address they sign in with: to the actor, or,
        where a program with rights over the whole archive asks, to whom it names; then it is that
        person's subscription, within that person's reach.

        Raises:
            Denied, NotFound: as `visible_search`.
            InvalidInput: the target is none that may be told; no mail server is set; the query asks
                what is held.
            Conflict: there are too many already, or the search is archived.
        """
        now = self._clock()
        async with self._database.reading() as tx:
            saved = await visible_search(tx, saved_search_id, actor)
            if channel is ChannelName.MAIL:
                subscriber, address = await self._recipient(tx, saved, target, actor)
            else:
                subscriber, address = actor, self._outbound.check_url(target)
            await _require_room(tx, saved, subscriber)
            position = (await ledger_rows.state(tx)).next_index
        reach(replace(subscriber, broken_glass=""), Permission.SEARCH)  # glass is mended again
        require_lasting(read_query(saved.normalised, UTC), "a subscription")
        subscription_id = self._ulids.one(now)
        secret = self._randomness(_SECRET_BYTES) if channel is ChannelName.WEBHOOK else b""
        row = SubscriptionRow(
            id=subscription_id,
            saved_search_id=saved.id,
            owner=legible(subscriber.name),
            owner_key=legible(key_of(subscriber)),
            requester=legible(actor_text(subscriber)),
            channel=channel.value,
            target=address,
            pace=pace.value,
            secret=self._secrets.seal(secret, subscription_id) if secret else b"",
            state=ACTIVE,
            why="",
            created_at=to_millis(now),
            stated_at=to_millis(now),
            position=position,
            looked_at=to_millis(now),
        )
        await self._state(Action.SUBSCRIPTION_CREATED, row, saved, actor)
        shown = _SECRET_PREFIX + base64.b64encode(secret).decode() if secret else ""
        return SubscriptionView(row=row, secret=shown)

    async def list(self, saved_search_id: str, *, actor: Actor) -> tuple[SubscriptionView, ...]:
        """Return one's own subscriptions to a saved search, each with its last delivery.

        Raises:
            Denied, NotFound: as `visible_search`.
        """
        async with self._database.reading() as tx:
            saved = await visible_search(tx, saved_search_id, actor)
            own = await _own(tx, saved, actor)
            found = await rows.deliveries_of(tx, [row.id for row in own], MAX_DELIVERIES)
        last = {each.subscription_id: DeliveryView(row=each) for each in reversed(found)}
        return tuple(SubscriptionView(row=row, last=last.get(row.id)) for row in own)

    async def deliveries(self, saved_search_id: str, *, actor: Actor) -> tuple[DeliveryView, ...]:
        """Return the newest deliveries of one's own subscriptions to a saved search, newest first.

        Raises:
            Denied, NotFound: as `visible_search`.
        """
        async with self._database.reading() as tx:
            saved = await visible_search(tx, saved_search_id, actor)
            own = await _own(tx, saved, actor)
            found = await rows.deliveries_of(tx, [row.id for row in own], MAX_DELIVERIES)
        return tuple(DeliveryView(row=row) for row in found)

    async def set_state(
        self, subscription_id: str, state: str, *, actor: Actor
    ) -> SubscriptionView:
        """Stop, resume or end a subscription of one's own (`stopped`, `active`, `ended`).

        What was captured while it was stopped is told when it is resumed. An ended one is over.

        Raises:
            Denied, NotFound: as `visible_search`; or it is somebody else's.
            Conflict: it has ended.
        """
        async with self._database.reading() as tx:
            row, saved = await self._own_one(tx, subscription_id, actor)
        _require_not_ended(row)
        if row.state == state:
            return SubscriptionView(row=row)
        action = {
            ACTIVE: Action.SUBSCRIPTION_RESUMED,
            STOPPED: Action.SUBSCRIPTION_STOPPED,
            ENDED: Action.SUBSCRIPTION_ENDED,
        }[state]
        why = "its subscriber stopped it" if state == STOPPED else ""
        at = max(to_millis(self._clock()), row.stated_at)
        row = replace(row, state=state, why=why, stated_at=at)
        await self._state(action, row, saved, actor)
        async with self._database.reading() as tx:
            row = await rows.get(tx, subscription_id)
        if state != ENDED:
            _require_not_ended(row)  # somebody was faster
        return SubscriptionView(row=row)

    async def retry(self, delivery_id: str, *, actor: Actor) -> SubscriptionView:
        """Have a delivery tried again now, with all its attempts before it.

        Raises:
            Denied, NotFound: as `visible_search`; or it is somebody else's.
            Conflict: it was delivered, or its subscription does not go on.
        """
        async with self._database.reading() as tx:
            found = await rows.get_delivery(tx, delivery_id)
            try:
                row, saved = await self._own_one(tx, found.subscription_id, actor)
            except NotFound as error:  # in the words of a delivery that is not there
                raise rows.no_delivery(delivery_id) from error
        if row.state != ACTIVE:
            raise Conflict(f"the subscription is {row.state}; resume it first")
        if found.state == rows.DELIVERED:
            raise Conflict("the delivery was made already; nothing is told twice")
        await self._trail.record(
            Action.DELIVERY_RETRIED,
            actor=actor,
            object_type=SUBSCRIPTION,
            object_id=row.id,
            details={**_told_of(row, saved), "delivery_id": delivery_id},
        )
        async with self._database.transaction() as tx:
            await rows.revive(tx, delivery_id, now=to_millis(self._clock()))
            waiting = await rows.get_delivery(tx, delivery_id)
        return SubscriptionView(row=row, last=DeliveryView(row=waiting))

    async def test(self, subscription_id: str, *, actor: Actor) -> Tested:
        """Send a signed test to a webhook of one's own, and return what became of it.

        It is an event with its outcome, says by its type that it is a test, and is no delivery: it
        is not tried again, and a receiver that is gone does not stop the subscription.

        Raises:
            Denied, NotFound: as `visible_search`; or it is somebody else's.
            InvalidInput: it tells by mail.
            Conflict: it has ended.
            TooMany: one was sent a moment ago.
        """
        async with self._database.reading() as tx:
            row, saved = await self._own_one(tx, subscription_id, actor)
        if row.channel != ChannelName.WEBHOOK:
            raise InvalidInput("expected a webhook, found mail, which has no receiver to test")
        _require_not_ended(row)
        now = self._clock()
        self._require_a_while_since(row.id, now)
        test_id, problem = self._ulids.one(now), ""
        try:
            await self._webhooks.send_test(row, test_id)
        except (PeerUnavailable, NotFound) as error:
            problem = legible(str(error)[:_SAID]).removesuffix(" It is tried again")
        await self._trail.record(
            Action.SUBSCRIPTION_TESTED,
            actor=actor,
            object_type=SUBSCRIPTION,
            object_id=row.id,
            result="failed" if problem else "ok",
            details={**_told_of(row, saved), "test_id": test_id, "problem": problem},
        )
        return Tested(id=test_id, row=row, problem=problem)

    def _require_a_while_since(self, subscription_id: str, now: datetime) -> None:
        """Let nobody make a hammer of the archive: a test every ten seconds, of a process."""
        self._tested = {one: at for one, at in self._tested.items() if now - at < _BETWEEN_TESTS}
        if subscription_id in self._tested:
            raise TooMany(
                "a test was sent a moment ago; look at what the receiver said, then test again",
                retry_after_s=int(_BETWEEN_TESTS.total_seconds()),
            )
        self._tested[subscription_id] = now

    async def _own_one(
        self, tx: Transaction, subscription_id: str, actor: Actor
    ) -> tuple[SubscriptionRow, SavedRow]:
        row = await rows.get(tx, subscription_id)
        if row.owner_key != key_of(actor):
            raise rows.no_subscription(subscription_id)
        return row, await visible_search(tx, row.saved_search_id, actor)

    async def _recipient(
        self, tx: Transaction, saved: SavedRow, target: str, actor: Actor
    ) -> tuple[Actor, str]:
        """Return who is told by mail, with the rights they have, and their address."""
        if not self.mail_works:
            raise InvalidInput(
                "no mail server is set; an operator names one in MUNIMENT_SMTP_URL",
                pointer="channel",
            )
        asked = target.strip().lower()
        if actor.person_id:
            row = await person_rows.get(tx, actor.person_id)
            if asked not in {"", row.email}:
                raise InvalidInput(
                    f"expected your own address {row.email}, found {asked[:80]!r}; others "
                    "subscribe themselves",
                    pointer="target",
                )
            return actor, row.email
        found = await person_rows.find_by_email(tx, asked)
        if reach(actor, Permission.SEARCH) != EVERYTHING or found is None:
            raise _nobody(asked)
        if found.state != PersonState.ACTIVE:
            raise _nobody(asked)
        subscriber = Actor(
            name=found.email,
            roles=found.grants.roles,
            limited=found.grants.limited,
            via=actor.via,
            person_id=found.id,
        )
        await visible_search(tx, saved.id, subscriber)
        return subscriber, found.email

    async def _state(
        self, action: Action, row: SubscriptionRow, saved: SavedRow, actor: Actor
    ) -> None:
        await self._trail.record(
            action,
            actor=actor,
            object_type=SUBSCRIPTION,
            object_id=row.id,
            details={"name": saved.name, **subscription_details(row)},
            parts=[secret_part(row.secret)] if row.secret else [],
            effect=SubscriptionStated(row=row),
            at=from_millis(row.stated_at),
        )


async def _own(tx: Transaction, saved: SavedRow, actor: Actor) -> Sequence[SubscriptionRow]:
    return [row for row in await rows.list_of(tx, saved.id) if row.owner_key == key_of(actor)]


def _require_not_ended(row: SubscriptionRow) -> None:
    if row.state == ENDED:
        raise Conflict("the subscription has ended; make a new one")


async def _require_room(tx: Transaction, saved: SavedRow, subscriber: Actor) -> None:
    if saved.archived:
        raise Conflict("the saved search is archived; restore it, or save it as one of your own")
    if len(await _own(tx, saved, subscriber)) >= MOST:
        raise Conflict(f"there are {MOST} subscriptions already; end one first")


def _told_of(row: SubscriptionRow, saved: SavedRow) -> dict[str, str | int | bool]:
    return {"name": saved.name, "channel": row.channel, "target": row.target}


def _nobody(address: str) -> InvalidInput:
    return InvalidInput(
        f"expected the address of somebody active who may see the search, found {address[:80]!r}; "
        "mail goes to people of the archive only",
        pointer="target",
    )
